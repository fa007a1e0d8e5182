// SPDX-License-Identifier: Apache-2.0
// The asset of a run in a viewer: live frames while the run works, its newest Gaussians otherwise.

import { useEffect, useState } from "preact/hooks";
import type { SplatViewer } from "../../viewer/viewer";
import { showAsset } from "../core/asset";
import type { LinkedViews } from "../core/linked_views";
import { frames, works } from "../core/runs";
import type { Run } from "../core/types";
import { messageOf } from "../core/words";
import { Problem } from "./problem";
import { SplatView } from "./splat_view";

interface RunViewProps {
  run: Run;
  views: LinkedViews;
  onViewer?: (viewer: SplatViewer | null) => void;
  onMove?: () => void; // the camera has moved
}

export function RunView({ run, views, onViewer, onMove }: RunViewProps) {
  const [viewer, setViewer] = useState<SplatViewer>();
  const [waiting, setWaiting] = useState(false);
  const [problem, setProblem] = useState("");
  const { id, step, has_asset: hasAsset } = run;
  const live = works(run);

  useEffect(() => viewer?.clear(views.linked), [viewer, id]);
  useEffect(() => {
    if (!viewer || !live) return;
    return frames.listen(id, (bytes) => {
      try {
        viewer.setFrame(bytes);
        setWaiting(false);
        setProblem("");
      } catch (error) {
        setProblem(messageOf(error));
      }
    });
  }, [viewer, id, live]);
  useEffect(() => {
    setProblem("");
    setWaiting(false);
    if (!viewer || !hasAsset || (live && viewer.filled)) return;
    const ended = new AbortController();
    setWaiting(!viewer.filled);
    showAsset(viewer, id, live, ended.signal)
      .catch((error: unknown) => ended.signal.aborted || setProblem(messageOf(error)))
      .finally(() => ended.signal.aborted || setWaiting(false));
    return () => ended.abort();
  }, [viewer, id, live, hasAsset, live ? 0 : step]);

  return (
    <div class="run-view">
      <SplatView
        label={`3D view of ${run.prompt}`}
        onPose={(_pose, moved) => {
          views.moved(moved);
          onMove?.();
        }}
        onViewer={(made) => {
          const leave = views.add(made);
          setViewer(made);
          onViewer?.(made);
          return () => {
            leave();
            onViewer?.(null);
          };
        }}
      />
      {waiting && <p class="veil">Loading the asset …</p>}
      <Problem text={problem} onClose={() => setProblem("")} />
    </div>
  );
}
