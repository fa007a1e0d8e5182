// SPDX-License-Identifier: Apache-2.0
// Reads the progress out at each state and at each tenth of the steps, no more often.

import { useRef } from "preact/hooks";
import type { Run } from "../core/types";
import { percent, stateWord } from "../core/words";

export function Announcer({ run }: { run: Run }) {
  const said = useRef({ mark: "", text: "" });
  const mark = `${run.state} ${Math.floor(percent(run) / 10)}`;
  if (mark !== said.current.mark) said.current = { mark, text: run.words || stateWord(run) };
  return (
    <p class="hidden" aria-live="polite">
      {said.current.text}
    </p>
  );
}
