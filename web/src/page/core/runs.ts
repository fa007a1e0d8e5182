// SPDX-License-Identifier: Apache-2.0
// What the page knows of the server: its runs, exports and connection. Kept up to date by the live socket.

import * as api from "./api";
import { Frames } from "./frames";
import { LiveSocket } from "./live_socket";
import { Signal, useSelect } from "./signal";
import type { Export, LiveEvent, Run } from "./types";

export type Connection = "connecting" | "open" | "lost" | "refused";

export const runs = new Signal<ReadonlyMap<string, Run>>(new Map()); // newest first
export const known = new Signal(false); // whether the list has arrived
export const connection = new Signal<Connection>("connecting");
export const exportStates = new Signal<ReadonlyMap<string, Export>>(new Map()); // by exportKey()

export const exportKey = (id: string, format: string): string => `${id} ${format}`;
export const useRun = (id: string | null): Run | undefined =>
  useSelect(runs, (all) => (id === null ? undefined : all.get(id)));

const WORKING = new Set<Run["state"]>(["starting", "running", "pausing", "stopping"]);
/** Whether a process works on the run, so that live frames come. */
export const works = (run: Run): boolean => WORKING.has(run.state);

const socket = new LiveSocket({
  event: receive,
  frame: (id, bytes) => frames.receive(id, bytes),
  state: (state) => connection.set(state),
});
export const frames = new Frames((ids) => socket.watch(ids));
export const connect = socket.connect;

/** Takes over a run that an answer of the API holds. Older states than the known one are dropped. */
export function learn(run: Run): Run {
  const before = runs.value.get(run.id);
  if (before && before.revision > run.revision) return before;
  const after = before ? new Map(runs.value) : new Map([[run.id, run], ...runs.value]);
  after.set(run.id, run);
  runs.set(after);
  return run;
}

export function learnExport(id: string, state: Export): void {
  exportStates.set(new Map(exportStates.value).set(exportKey(id, state.format), state));
}

function receive(event: LiveEvent): void {
  if (event.event === "runs") {
    runs.set(new Map(event.runs.map((run) => [run.id, run])));
    known.set(true);
  } else if (event.event === "run") {
    learn(event.run);
  } else if (event.event === "removed") {
    forget(event.id);
  } else if (event.event === "export") {
    learnExport(event.id, event.export);
  }
}

function forget(id: string): void {
  const after = new Map(runs.value);
  if (after.delete(id)) runs.set(after);
}

export async function remove(id: string): Promise<void> {
  await api.remove(id);
  forget(id);
}

const POLL = 1000; // milliseconds without news after which the server is asked

/** Makes an export and waits until it is done. Returns the path of the file. */
export async function finishedExport(id: string, format: string, signal?: AbortSignal): Promise<string> {
  let state = await api.makeExport(id, format);
  learnExport(id, state);
  while (state.state === "queued" || state.state === "working") {
    const told = await exportChange(id, format);
    signal?.throwIfAborted();
    state = told ?? (await api.exportOf(id, format));
    if (!told) learnExport(id, state);
  }
  if (state.state !== "done" || !state.file) throw new Error(state.error ?? "The file could not be made. Try again.");
  return api.fileOf(id, state.file);
}

/** The next state that the socket tells of; undefined if none comes in time. */
function exportChange(id: string, format: string): Promise<Export | undefined> {
  const present = (): Export | undefined => exportStates.value.get(exportKey(id, format));
  const before = present();
  return new Promise((done) => {
    const end = (state: Export | undefined): void => {
      clearTimeout(timer);
      stop();
      done(state);
    };
    const stop = exportStates.subscribe(() => {
      if (present() !== before) end(present());
    });
    const timer = setTimeout(() => end(undefined), POLL);
  });
}
