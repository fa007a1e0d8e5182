// SPDX-License-Identifier: Apache-2.0
// The view of the viewer, rendered by lucid itself.

import { useEffect, useRef, useState } from "preact/hooks";
import type { SplatViewer } from "../../viewer/viewer";
import { rendered } from "../core/api";
import { BACKGROUNDS, theme } from "../core/theme";
import type { Run } from "../core/types";
import { useAction } from "../core/use_action";
import { duration } from "../core/words";
import { Button } from "./button";
import { Problem } from "./problem";

const MOST_PIXELS = 2048;

interface Picture {
  url: string;
  step: number;
  seconds: number;
}

interface LucidRenderProps {
  run: Run;
  viewer: SplatViewer | null;
  moves: number; // counts movements of the camera
}

export function LucidRender({ run, viewer, moves }: LucidRenderProps) {
  const action = useAction();
  const [picture, setPicture] = useState<Picture>();
  const [madeAt, setMadeAt] = useState(moves);
  const present = useRef(moves);
  present.current = moves;

  const make = (): void =>
    void action.run(async () => {
      if (!viewer) return;
      const { width, height } = viewer.canvas;
      const fit = Math.min(1, MOST_PIXELS / Math.max(width, height));
      const begin = performance.now();
      setMadeAt(present.current);
      const blob = await rendered(run.id, {
        ...viewer.pose(),
        width: Math.max(16, Math.round(fit * width)),
        height: Math.max(16, Math.round(fit * height)),
        background: BACKGROUNDS[theme.value],
      });
      setPicture({ url: URL.createObjectURL(blob), step: run.step, seconds: (performance.now() - begin) / 1000 });
    });

  useEffect(() => {
    setPicture(undefined);
    if (viewer) requestAnimationFrame(() => requestAnimationFrame(make)); // once the split has its size
  }, [viewer, run.id]);
  useEffect(() => () => picture && URL.revokeObjectURL(picture.url), [picture]);

  const stale = picture && moves !== madeAt;
  return (
    <figure class="lucid-render" aria-busy={action.busy}>
      {picture ? <img src={picture.url} alt={`${run.prompt}, rendered by lucid`} /> : null}
      <figcaption>
        <span role="status">
          {action.busy
            ? "lucid renders this view …"
            : picture
              ? `lucid's render of step ${picture.step}, made in ${duration(picture.seconds)}${stale ? ". The view has moved since." : ""}`
              : ""}
        </span>
        <Button onClick={make} disabled={action.busy || !viewer}>
          Render again
        </Button>
      </figcaption>
      <Problem text={action.problem} onClose={action.clear} />
    </figure>
  );
}
