// SPDX-License-Identifier: Apache-2.0
// The page of `lucid view FILE…`: the files side by side, with linked cameras.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { SplatViewer } from "../../viewer/viewer";
import * as api from "../core/api";
import { LinkedViews } from "../core/linked_views";
import type { SceneFile } from "../core/types";
import { useKeys } from "../core/use_keys";
import { messageOf } from "../core/words";
import { IconButton } from "./button";
import { Header } from "./header";
import { Problem } from "./problem";
import { SplatView } from "./splat_view";

export function Scenes() {
  const [scenes, setScenes] = useState<SceneFile[]>([]);
  const [problem, setProblem] = useState("");
  const views = useMemo(() => new LinkedViews(), []);
  const first = useRef<SplatViewer | null>(null); // keys turn it, and the others follow
  useKeys({ run: undefined, viewer: first, help: () => {}, act: () => {} });
  useEffect(() => {
    api.scenes().then(setScenes, (error: unknown) => setProblem(messageOf(error)));
    document.title = "lucid view";
  }, []);
  return (
    <div class="page view-only">
      <Header />
      <main class="scenes" data-count={scenes.length}>
        <Problem text={problem} />
        {scenes.map((scene, at) => (
          <Scene
            key={scene.path}
            scene={scene}
            views={views}
            onViewer={(viewer) => {
              if (at === 0) first.current = viewer;
            }}
          />
        ))}
        {scenes.length > 0 && (
          <div class="view-tools">
            <IconButton icon="reset" name="Reset the camera" hint="Reset the camera (R)" onClick={() => views.reset()} />
          </div>
        )}
      </main>
    </div>
  );
}

interface SceneProps {
  scene: SceneFile;
  views: LinkedViews;
  onViewer: (viewer: SplatViewer) => void;
}

function Scene({ scene, views, onViewer }: SceneProps) {
  const [problem, setProblem] = useState("");
  const [waiting, setWaiting] = useState(true);
  return (
    <section class="view" aria-label={scene.title}>
      <h2 class="state-line">{scene.title}</h2>
      <SplatView
        label={`3D view of ${scene.title}`}
        mesh={scene.kind === "glb"}
        theta={scene.theta}
        phi={scene.phi}
        onPose={(viewer) => views.moved(viewer)}
        onViewer={(viewer) => {
          onViewer(viewer);
          const ended = new AbortController();
          let leave: (() => void) | undefined;
          const load = async (): Promise<void> => {
            const bytes = await api.bytesAt(scene.path, ended.signal);
            if (ended.signal.aborted) return;
            await viewer.setFile(scene.kind, bytes);
            leave = views.add(viewer);
          };
          load()
            .catch((error: unknown) => ended.signal.aborted || setProblem(messageOf(error)))
            .finally(() => setWaiting(false));
          return () => {
            ended.abort();
            leave?.();
          };
        }}
      />
      {waiting && <p class="veil">Loading …</p>}
      <Problem text={problem} />
    </section>
  );
}
