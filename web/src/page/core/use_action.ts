// SPDX-License-Identifier: Apache-2.0
// An action of the user that may fail: whether it is under way, and what went wrong in words.

import { useRef, useState } from "preact/hooks";
import { messageOf } from "./words";

export interface Action {
  busy: boolean;
  problem: string;
  clear(): void;
  /** Resolves to whether it went well. */
  run(work: () => Promise<unknown>): Promise<boolean>;
}

/** While an action is under way, another one is ignored, or waits for it if `patient`. */
export function useAction(patient = false): Action {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const newest = useRef<Promise<boolean> | null>(null);

  const attempt = async (before: Promise<boolean> | null, work: () => Promise<unknown>): Promise<boolean> => {
    await before;
    try {
      await work();
      return true;
    } catch (error) {
      setProblem(messageOf(error));
      return false;
    }
  };
  const run = async (work: () => Promise<unknown>): Promise<boolean> => {
    if (newest.current && !patient) return false;
    setBusy(true);
    setProblem("");
    const mine = attempt(newest.current, work);
    newest.current = mine;
    const done = await mine;
    if (newest.current === mine) {
      newest.current = null;
      setBusy(false);
    }
    return done;
  };
  return { busy, problem, clear: () => setProblem(""), run };
}
