// SPDX-License-Identifier: Apache-2.0
// The button that shows the viewer on the whole screen.

import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";
import { IconButton } from "./button";

export function FullScreen({ box }: { box: RefObject<HTMLElement> }) {
  const [full, setFull] = useState(false);
  useEffect(() => {
    const follow = (): void => setFull(document.fullscreenElement !== null);
    document.addEventListener("fullscreenchange", follow);
    return () => document.removeEventListener("fullscreenchange", follow);
  }, []);
  if (!document.fullscreenEnabled) return null;
  return (
    <IconButton
      icon={full ? "leave" : "full"}
      name={full ? "Leave full screen" : "Full screen"}
      onClick={() => void (full ? document.exitFullscreen() : box.current?.requestFullscreen())}
    />
  );
}
