// SPDX-License-Identifier: Apache-2.0
// Numbers and names as people read them.

import type { Run, State } from "./types";

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const NUMBER = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
export const count = (value: number): string => NUMBER.format(value);

/** Three digits that count: 0.0123, 1.23, 123. */
export const short = (value: number): string => String(Number(value.toPrecision(3)));

export function bytes(value: number): string {
  if (value < 1e3) return `${value} B`;
  return value < 1e6 ? `${short(value / 1e3)} kB` : `${short(value / 1e6)} MB`;
}

export function duration(seconds: number): string {
  if (seconds < 1) return `${seconds.toFixed(2)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes} min ${Math.round(seconds % 60)} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** "14:05" today, "3 Nov" before. */
export function when(rfc3339: string): string {
  const date = new Date(rfc3339);
  const today = date.toDateString() === new Date().toDateString();
  return today
    ? date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" })
    : date.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
}

const STATES: Record<State, string> = {
  queued: "Waiting",
  starting: "Starting",
  running: "Running",
  pausing: "Pausing",
  paused: "Paused",
  stopping: "Stopping",
  finished: "Finished",
  stopped: "Stopped early",
  failed: "Failed",
};
export const stateWord = (run: Run): string => STATES[run.state];

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** "guidance_scale" to "Guidance scale". */
export const label = (name: string): string => capital(name).replace(/_/g, " ").trim();

export const percent = (run: Run): number => (run.steps > 0 ? Math.min(100, (100 * run.step) / run.steps) : 0);
