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
  const [filled, setFilled] = useState(false);
  const [problem, setProblem] = useState("");
  const { id, step, has_asset: hasAsset } = run;
  const live = works(run);

  useEffect(() => {
    setFilled(false);
    viewer?.clear(views.linked);
  }, [viewer, id]);
  useEffect(() => {
    if (!viewer || !live) return;
    return frames.listen(id, (bytes) => {
      try {
        viewer.setFrame(bytes);
        setFilled(true);
        setProblem("");
      } catch (error) {
        setProblem(messageOf(error));
      }
    });
  }, [viewer, id, live]);
  useEffect(() => {
    setProblem("");
    if (!viewer || !hasAsset || (live && viewer.filled)) return;
    const ended = new AbortController();
    showAsset(viewer, id, live, ended.signal).then(
      () => setFilled(viewer.filled),
      (error: unknown) => ended.signal.aborted || setProblem(messageOf(error)),
    );
    return () => ended.abort();
  }, [viewer, id, live, hasAsset, live ? 0 : step]);
  useEffect(() => {
    if (filled && views.linked) views.frame();
  }, [filled]);

  return (
    <div class="run-view">
      <SplatView
        label={`3D view of ${run.prompt}`}
        onPose={(moved) => {
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
      {!filled && !problem && <p class="veil">{whyEmpty(run)}</p>}
      <Problem text={problem} onClose={() => setProblem("")} />
    </div>
  );
}

function whyEmpty(run: Run): string {
  if (works(run)) return "The first Gaussians appear soon.";
  if (run.has_asset) return "Loading the asset …";
  return run.state === "queued" ? "This run waits for its turn." : "This run has made nothing yet.";
}
