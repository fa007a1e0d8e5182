// SPDX-License-Identifier: Apache-2.0
// An action of the user that may fail: whether it is under way, and what went wrong in words.

import { useState } from "preact/hooks";
import { messageOf } from "./words";

export interface Action {
  busy: boolean;
  problem: string;
  clear(): void;
  /** Ignored while another one is under way. Resolves to whether it went well. */
  run(work: () => Promise<unknown>): Promise<boolean>;
}

export function useAction(): Action {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const run = async (work: () => Promise<unknown>): Promise<boolean> => {
    if (busy) return false;
    setBusy(true);
    setProblem("");
    try {
      await work();
      return true;
    } catch (error) {
      setProblem(messageOf(error));
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, problem, clear: () => setProblem(""), run };
}
