// SPDX-License-Identifier: Apache-2.0
// Keys of the whole page. They do nothing while the user types, or where a control takes the key itself.

import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { SplatViewer } from "../../viewer/viewer";
import { toggleCompare } from "./choice";
import type { Run } from "./types";

interface Keys {
  run: Run | undefined;
  viewer: RefObject<SplatViewer>;
  help: () => void;
  act: (name: "pause" | "resume" | "stop") => void;
}

const TYPING = "input, textarea, select, [contenteditable]";
const PRESSED = "button, a, summary, [role=menu]"; // take Space and Enter, and in menus the arrows

export function useKeys(keys: Keys): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const target = event.target as Element;
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      if (target.matches(TYPING) || document.querySelector("dialog[open]")) return;
      if (event.key === " " && target.closest(PRESSED)) return;
      if (handle(event, latest.current)) event.preventDefault();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
}

function handle(event: KeyboardEvent, { run, viewer, help, act }: Keys): boolean {
  const can = (name: "pause" | "resume" | "stop"): boolean => !event.repeat && (run?.actions.includes(name) ?? false);
  switch (event.key) {
    case " ":
      if (can("pause")) act("pause");
      else if (can("resume")) act("resume");
      return run !== undefined; // Space would scroll
    case "s":
    case "S":
      if (can("stop")) act("stop");
      return true;
    case "c":
    case "C":
      toggleCompare();
      return true;
    case "?":
      help();
      return true;
    default:
      return viewer.current?.key(event) ?? false;
  }
}
