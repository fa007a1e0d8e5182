// SPDX-License-Identifier: Apache-2.0
// What the user has filled in for the next run.

import * as api from "./api";
import { Signal } from "./signal";
import type { Option, Run } from "./types";

export interface Form {
  prompt: string;
  preset: string;
  seed: string;
  device: string; // empty: the default
  changed: Record<string, string>; // other options, by name, that differ from the preset's
}

/** A problem of the next run, and the option that it is about; null: the whole. */
export interface FormProblem {
  option: string | null;
  message: string;
}

const KEY = "lucid-form";
const EMPTY: Form = { prompt: "", preset: "default", seed: "0", device: "", changed: {} };

export const form = new Signal<Form>({ ...EMPTY, ...(JSON.parse(sessionStorage.getItem(KEY) ?? "{}") as Partial<Form>) });
form.subscribe(() => sessionStorage.setItem(KEY, JSON.stringify(form.value))); // for a reload
export const problem = new Signal<FormProblem | null>(null);
export const optionList = new Signal<readonly Option[]>([]); // under the form's preset

/** Options that have a place of their own in the form, or that the server sets. */
const ELSEWHERE = new Set("text preset seed device output workspace live progress resume overwrite config".split(" "));
export const inSheet = (option: Option): boolean => !ELSEWHERE.has(option.name);

export function fill(part: Partial<Form>): void {
  form.update((before) => ({ ...before, ...part }));
  problem.set(null);
}

/** Sets an option of the sheet; the preset's value takes it out of the changed ones. */
export function setOption(option: Option, value: string): void {
  const changed = { ...form.value.changed };
  if (sameValue(option, value)) delete changed[option.name];
  else changed[option.name] = value;
  fill({ changed });
}

export function resetOption(name: string): void {
  const changed = { ...form.value.changed };
  delete changed[name];
  fill({ changed });
}

export function sameValue(option: Option, value: string): boolean {
  if (option.kind === "integer" || option.kind === "number") {
    return value.trim() !== "" && Number(value) === Number(option.value);
  }
  if (option.kind === "pair") {
    const numbers = numbersOf(value);
    return numbers.every(Number.isFinite) && numbers.join() === numbersOf(option.value).join();
  }
  return value === option.value;
}

/** "[0.02, 0.5]" to its two numbers; NaN for what is none. */
export function numbersOf(pair: string): [number, number] {
  const [first = "", second = ""] = pairTexts(pair);
  return [first === "" ? NaN : Number(first), second === "" ? NaN : Number(second)];
}

export const pairTexts = (pair: string): string[] => pair.replace(/[[\]]/g, "").split(",").map((text) => text.trim());

/** Why a value is not allowed, in words; empty if it is. The server checks it again. */
export function refusal(option: Option, value: string): string {
  if (option.kind === "integer" || option.kind === "number") return refusalOfNumber(option, value);
  if (option.kind !== "pair") return "";
  const texts = pairTexts(value);
  if (texts.length !== 2) return "Two numbers are needed.";
  return refusalOfNumber(option, texts[0]!) || refusalOfNumber(option, texts[1]!);
}

function refusalOfNumber(option: Option, text: string): string {
  const value = Number(text);
  const whole = option.kind === "integer";
  if (text.trim() === "" || !Number.isFinite(value) || (whole && !Number.isInteger(value))) {
    return `This must be ${whole ? "a whole number" : "a number"}.`;
  }
  const below = option.low !== null && value < option.low;
  const above = option.high !== null && value > option.high;
  return below || above ? `This must be ${rangeWords(option)}.` : "";
}

export function rangeWords({ low, high: most }: Option): string {
  const high = most !== null && most >= UNLIMITED ? null : most;
  if (low !== null && high !== null) return `from ${low} to ${high}`;
  if (low !== null) return `at least ${low}`;
  return high === null ? "" : `at most ${high}`;
}

/** Loads the options' ranges and the preset's values. Called whenever the preset changes. */
export async function loadOptions(): Promise<void> {
  const { preset } = form.value;
  const list = await api.options(preset);
  if (form.value.preset !== preset) return;
  optionList.set(list);
  const changed = Object.entries(form.value.changed).filter(([name, value]) => {
    const option = list.find((each) => each.name === name);
    return !option || !sameValue(option, value);
  });
  form.update((before) => ({ ...before, changed: Object.fromEntries(changed) }));
}

/** The settings of a run, for the next one. The device stays: it has no part in what is made. */
export function takeSettings(run: Run): void {
  const changed = Object.fromEntries(Object.entries(run.options).filter(([name]) => !ELSEWHERE.has(name)));
  fill({ prompt: run.prompt, preset: run.preset || form.value.preset, seed: String(run.seed), changed });
}

export async function generate(): Promise<Run> {
  const { prompt, preset, seed, device, changed } = form.value;
  problem.set(null);
  const chosen: Record<string, string> = { ...changed, preset, seed };
  if (device) chosen.device = device;
  try {
    return await api.makeRun(prompt.trim(), chosen);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const refused = error instanceof api.Refusal && error.status === 400;
    problem.set({ option: refused ? optionIn(message, Object.keys(chosen)) : null, message });
    throw error;
  }
}

/** The first option that a message of the server names, by its flag or its key. */
function optionIn(message: string, names: string[]): string | null {
  const plain = (name: string): string => name.replace(/^-+/, "").replace(/-/g, "_").toLowerCase();
  const flagOf = (name: string): string => optionList.value.find((option) => option.name === name)?.flag ?? name;
  for (const [word] of message.matchAll(/[\w-]+/g)) {
    const named = names.find((name) => plain(name) === plain(word) || plain(flagOf(name)) === plain(word));
    if (named) return named;
  }
  return null;
}

const UNLIMITED = 1e9; // a bound that says nothing to people
const MOST_SEED = 2 ** 31;
export const rollSeed = (): void => fill({ seed: String(Math.floor(MOST_SEED * Math.random())) });
