// SPDX-License-Identifier: Apache-2.0
// Calls of the server's HTTP API (configs/openapi.json). The token comes with the address's fragment, which reaches
// neither logs nor other sites, and stays in this tab.

import type { About, Export, Format, Option, PromptCheck, Run, SceneFile, View, Vocabulary } from "./types";

const KEY = "lucid-token";

/** Moves the token out of the address. Returns whether there is one. */
export function takeToken(): boolean {
  const given = new URLSearchParams(location.hash.slice(1)).get("t");
  if (given) {
    sessionStorage.setItem(KEY, given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return token() !== "";
}

export const token = (): string => sessionStorage.getItem(KEY) ?? "";

/** An answer that is an error. Its message is the server's sentence for people. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** The server did not answer. */
export class Silence extends Error {
  constructor() {
    super("The server does not answer. Is `lucid serve` still running?");
  }
}

interface Call {
  method?: "GET" | "POST" | "DELETE";
  body?: unknown;
  key?: string; // Idempotency-Key
  signal?: AbortSignal | undefined;
}

async function call(path: string, { method = "GET", body, key, signal }: Call = {}): Promise<Response> {
  const headers: Record<string, string> = { Authorization: `Bearer ${token()}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Silence();
  }
  if (response.ok) return response;
  const problem = (await response.json().catch(() => ({}))) as { detail?: string; title?: string };
  throw new Refusal(response.status, problem.detail ?? problem.title ?? `The server answered ${response.status}.`);
}

const ROOT = "/api/v1/";
const get = async <T>(path: string, signal?: AbortSignal): Promise<T> =>
  (await (await call(ROOT + path, { signal })).json()) as T;
const post = async <T>(path: string, body?: unknown, key?: string): Promise<T> =>
  (await (await call(ROOT + path, { method: "POST", body, ...(key ? { key } : {}) })).json()) as T;

const wait = (milliseconds: number): Promise<void> => new Promise((done) => setTimeout(done, milliseconds));

/** Repeats a call that has an Idempotency-Key while the server does not answer: it is carried out once at most. */
async function patiently<T>(attempt: () => Promise<T>): Promise<T> {
  for (let pause = 500; ; pause *= 2) {
    try {
      return await attempt();
    } catch (error) {
      const again = error instanceof Silence || (error instanceof Refusal && error.status === 503);
      if (!again || pause > 4000) throw error;
      await wait(pause);
    }
  }
}

/** A random word of 32 hexadecimal digits. crypto.randomUUID() needs HTTPS away from this machine. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export const about = (): Promise<About> => get("about");
export const vocabulary = (): Promise<Vocabulary> => get("vocabulary");
export const checkPrompt = (prompt: string, signal: AbortSignal): Promise<PromptCheck> =>
  get(`vocabulary/check?prompt=${encodeURIComponent(prompt)}`, signal);
export const formats = async (): Promise<Format[]> => (await get<{ formats: Format[] }>("formats")).formats;
export const options = async (preset: string): Promise<Option[]> =>
  (await get<{ options: Option[] }>(`options?preset=${encodeURIComponent(preset)}`)).options;
export const scenes = async (): Promise<SceneFile[]> => (await get<{ scenes: SceneFile[] }>("scenes")).scenes;

export function makeRun(prompt: string, chosen: Record<string, string>): Promise<Run> {
  const key = randomKey();
  return patiently(() => post("runs", { prompt, options: chosen }, key));
}
export function makeEdit(source: string, prompt: string, chosen: Record<string, string>): Promise<Run> {
  const key = randomKey();
  return patiently(() => post("runs", { prompt, options: chosen, edit_of: source }, key));
}
export function again(id: string): Promise<Run> {
  const key = randomKey();
  return patiently(() => post(`runs/${id}/again`, {}, key));
}
export const act = (id: string, action: "pause" | "resume" | "stop"): Promise<Run> => post(`runs/${id}/${action}`);
export const more = (id: string, steps: number): Promise<Run> => post(`runs/${id}/continue`, { steps });
export const order = (ids: string[]): Promise<unknown> => post("queue", { ids });
export const remove = (id: string): Promise<unknown> => call(`${ROOT}runs/${id}`, { method: "DELETE" });

export const exportsOf = async (id: string): Promise<Export[]> =>
  (await get<{ exports: Export[] }>(`runs/${id}/exports`)).exports;
export const exportOf = (id: string, format: string): Promise<Export> => get(`runs/${id}/exports/${format}`);
export const makeExport = (id: string, format: string): Promise<Export> => post(`runs/${id}/exports`, { format });
export const fileOf = (id: string, name: string): string => `${ROOT}runs/${id}/files/${name}`;

export const bytesAt = async (path: string, signal?: AbortSignal): Promise<Uint8Array> =>
  new Uint8Array(await (await call(path, { signal })).arrayBuffer());
export const splatsOf = (id: string, signal?: AbortSignal): Promise<Uint8Array> =>
  bytesAt(`${ROOT}runs/${id}/splats`, signal);
export const pictureOf = async (id: string, name: string, signal?: AbortSignal): Promise<Blob> =>
  (await call(`${ROOT}runs/${id}/pictures/${name}`, { signal })).blob();
export const rendered = async (id: string, view: View): Promise<Blob> =>
  (await call(`${ROOT}runs/${id}/render`, { method: "POST", body: view })).blob();

/** Has the browser download a file. It sends no token then, so a ticket stands in the address. */
export async function download(path: string): Promise<void> {
  const { url } = await post<{ url: string }>("tickets", { path });
  const link = document.createElement("a");
  link.href = url;
  link.download = path.slice(path.lastIndexOf("/") + 1);
  link.click();
}
