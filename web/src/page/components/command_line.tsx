// SPDX-License-Identifier: Apache-2.0
// The command line that makes the same run, to copy.

import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "./button";

const SHOWN = 2000; // milliseconds

export function CommandLine({ command }: { command: string }) {
  const code = useRef<HTMLElement>(null);
  const [said, setSaid] = useState("");
  useEffect(() => {
    if (!said) return;
    const timer = setTimeout(() => setSaid(""), SHOWN);
    return () => clearTimeout(timer);
  }, [said]);

  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(command);
      setSaid("Copied");
    } catch {
      getSelection()?.selectAllChildren(code.current!); // without HTTPS a page may not write to the clipboard
      setSaid("Press Ctrl+C");
    }
  };
  return (
    <section class="command" aria-label="Command line of this run">
      <div class="command-head">
        <h2>Command line</h2>
        <Button kind="quiet" icon={said === "Copied" ? "check" : "copy"} onClick={() => void copy()}>
          {said || "Copy"}
        </Button>
      </div>
      <code ref={code} tabIndex={0}>
        {command}
      </code>
      <span class="hidden" role="status">
        {said}
      </span>
    </section>
  );
}
