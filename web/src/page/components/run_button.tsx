// SPDX-License-Identifier: Apache-2.0
// A run in a list: its picture, prompt and a note. Pressing it shows the run.

import { useRef } from "preact/hooks";
import { choose, tab } from "../core/choice";
import type { Run } from "../core/types";
import { usePicture } from "../core/use_picture";

interface RunButtonProps {
  run: Run;
  chosen: boolean;
  notes: string[];
  plain?: boolean; // without a picture
}

export function RunButton({ run, chosen, notes, plain = false }: RunButtonProps) {
  const button = useRef<HTMLButtonElement>(null);
  const url = usePicture(run, "thumbnail", button);
  return (
    <button
      ref={button}
      type="button"
      class="run-button"
      aria-pressed={chosen}
      title={run.prompt}
      onClick={() => {
        choose(run.id);
        tab.set("run");
      }}
    >
      {!plain && <span class="thumbnail">{url && <img src={url} alt="" />}</span>}
      <span class="run-words">
        <span class="run-prompt">{run.prompt}</span>
        {notes.map((note, at) => (
          <small key={at} class={at === 0 ? `dot ${run.state}` : ""}>
            {note}
          </small>
        ))}
      </span>
    </button>
  );
}
