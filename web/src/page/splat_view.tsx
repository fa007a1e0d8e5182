// SPDX-License-Identifier: Apache-2.0
// The viewer as a component. Its code, by far the largest part of the page, is loaded when it is first shown.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Pose, SplatViewer } from "../viewer/viewer";

export interface SplatViewProps {
  label: string; // what it shows, for screen readers
  background: string; // a CSS colour
  frame?: Uint8Array | undefined; // the newest live frame
  pose?: Pose | undefined; // of a linked view
  onPose?: ((pose: Pose) => void) | undefined;
}

export function SplatView({ label, background, frame, pose, onPose }: SplatViewProps) {
  const host = useRef<HTMLDivElement>(null);
  const listener = useRef(onPose);
  const [viewer, setViewer] = useState<SplatViewer>();
  const [problem, setProblem] = useState("");
  listener.current = onPose;

  const attempt = (what: () => void): void => {
    try {
      what();
      setProblem("");
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };

  useEffect(() => {
    let made: SplatViewer | undefined;
    let gone = false;
    const start = async (): Promise<void> => {
      const module = await import("../viewer/viewer");
      if (gone || !host.current) return;
      made = new module.SplatViewer(host.current, { label, background, onPose: (moved) => listener.current?.(moved) });
      setViewer(made);
    };
    start().catch((error: unknown) => setProblem(error instanceof Error ? error.message : String(error)));
    return () => {
      gone = true;
      made?.dispose();
    };
  }, []);
  useEffect(() => viewer?.setLabel(label), [viewer, label]);
  useEffect(() => viewer?.setBackground(background), [viewer, background]);
  useEffect(() => {
    if (viewer && pose) viewer.setPose(pose);
  }, [viewer, pose]);
  useEffect(() => {
    if (viewer && frame) attempt(() => viewer.setFrame(frame));
  }, [viewer, frame]);

  return (
    <div class="splat-view" ref={host}>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
    </div>
  );
}
