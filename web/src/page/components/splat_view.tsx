// SPDX-License-Identifier: Apache-2.0
// The viewer as a component. Its code, by far the largest part of the page, is loaded when it is first shown.

import { useEffect, useRef, useState } from "preact/hooks";
import type { SplatViewer } from "../../viewer/viewer";
import { BACKGROUNDS, theme as themeSignal } from "../core/theme";
import { useValue } from "../core/signal";
import { messageOf } from "../core/words";
import { Problem } from "./problem";

export interface SplatViewProps {
  label: string; // what it shows, for screen readers
  mesh?: boolean; // whether it shows a mesh, whose edges want antialiasing
  theta?: number; // of the first view, degrees
  phi?: number;
  onPose?: (viewer: SplatViewer) => void; // its camera has moved
  /** The viewer, once it is there. What is returned is called before it goes. */
  onViewer: (viewer: SplatViewer) => (() => void) | undefined;
}

export function SplatView({ label, mesh = false, theta = 75, phi = 25, onPose, onViewer }: SplatViewProps) {
  const host = useRef<HTMLDivElement>(null);
  const listener = useRef(onPose);
  listener.current = onPose;
  const background = BACKGROUNDS[useValue(themeSignal)];
  const [viewer, setViewer] = useState<SplatViewer>();
  const [problem, setProblem] = useState("");

  useEffect(() => {
    let made: SplatViewer | undefined;
    let gone = false;
    let leave: (() => void) | undefined;
    const start = async (): Promise<void> => {
      const module = await import("../../viewer/viewer");
      if (gone || !host.current) return;
      const viewer = new module.SplatViewer(host.current, {
        label,
        background,
        antialias: mesh,
        theta,
        phi,
        onPose: () => made && listener.current?.(made),
      });
      made = viewer;
      setViewer(viewer);
      leave = onViewer(viewer);
    };
    start().catch((error: unknown) => setProblem(messageOf(error)));
    return () => {
      gone = true;
      leave?.();
      made?.dispose();
    };
  }, []);
  useEffect(() => viewer?.setLabel(label), [viewer, label]);
  useEffect(() => viewer?.setBackground(background), [viewer, background]);

  return (
    <div class="splat-view" ref={host}>
      <Problem text={problem} />
    </div>
  );
}
