// SPDX-License-Identifier: Apache-2.0
// Which runs the page shows, and which of its parts are open.

import { runs, works } from "./runs";
import { Signal } from "./signal";
import type { Run } from "./types";

export const chosen = new Signal<string | null>(null); // the run in the viewer
export const compared = new Signal<string | null>(null); // the run beside it
export const rendering = new Signal(false); // whether lucid's render stands beside the viewer
export const tab = new Signal<"create" | "run" | "history">("create"); // on a phone

export function choose(id: string): void {
  chosen.set(id);
  if (compared.value === id) compared.set(null);
}

export function compareWith(id: string): void {
  rendering.set(false);
  compared.set(id);
}

/** The run to compare with: the newest other one that has an asset. */
export function comparable(): Run | undefined {
  return [...runs.value.values()].find((run) => run.has_asset && run.id !== chosen.value);
}

export function toggleCompare(): void {
  const other = compared.value === null ? comparable() : undefined;
  if (other && chosen.value !== null) compareWith(other.id);
  else compared.set(null);
}

export function toggleRendering(): void {
  compared.set(null);
  rendering.update((on) => !on);
}

/** A new run is shown at once, unless another one is being watched at work. */
export function offer(run: Run): void {
  const present = chosen.value === null ? undefined : runs.value.get(chosen.value);
  if (!present || !works(present)) choose(run.id);
}

/** Keeps the choice on a run that exists: at first one that works, else the newest with an asset. */
function settle(): void {
  const all = runs.value;
  if (compared.value !== null && !all.has(compared.value)) compared.set(null);
  if (chosen.value !== null && all.has(chosen.value)) return;
  const list = [...all.values()];
  const next = list.find(works) ?? list.find((run) => run.has_asset) ?? list[0];
  chosen.set(next?.id ?? null);
  if (!next) rendering.set(false);
}
runs.subscribe(settle);
