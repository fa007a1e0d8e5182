// SPDX-License-Identifier: Apache-2.0
// The edit that is being prepared, and what it takes over from runs.

import { runs } from "./runs";
import { Signal } from "./signal";
import type { Run } from "./types";

export interface WantedEdit {
  source: Run; // whose asset is edited
  like?: Run; // an edit of it, whose settings are taken
}

export const editing = new Signal<WantedEdit | null>(null);

/** The options that the form shows, in this order. */
export const kFields = ["change", "mask_word", "strength", "keep", "iterations", "seed"];

/** What the asset was made with, and is edited with as well. */
const kInherited = new Set(
  "model_key prior_config prediction_type LoRA_path textual_inversion_path device threads precision low_memory".split(" "),
);

export function startValues({ source, like }: WantedEdit): Record<string, string> {
  if (like) return { ...like.options };
  return Object.fromEntries(Object.entries(source.options).filter(([name]) => kInherited.has(name)));
}

/** The preset that the server takes for an edit's options. */
export const presetOf = (values: Record<string, string>): string => (values["change"] === "shape" ? "edit_shape" : "edit");

/** The run whose asset an edit began with, if it is still there. A later one may have the same id. */
export function sourceOf(run: Run, all: ReadonlyMap<string, Run>): Run | undefined {
  const source = run.edit_of ? all.get(run.edit_of.id) : undefined;
  return source && source.created <= run.created ? source : undefined;
}

export const canEdit = (run: Run): boolean => run.actions.includes("edit");

/** Opens the form with the settings of an edit, for the same asset. */
export function editAgain(run: Run): void {
  const source = sourceOf(run, runs.value);
  if (source) editing.set({ source, like: run });
}
