// SPDX-License-Identifier: Apache-2.0
// Calls of the server's HTTP API. The token comes with the address's fragment, which reaches neither logs nor other
// sites, and stays in this tab.

export interface Run {
  id: string;
  revision: number;
  prompt: string;
  state: "queued" | "running" | "paused" | "stopped" | "finished" | "failed";
  step: number;
  steps: number;
}

const KEY = "lucid-token";

/** Moves the token out of the address. Returns whether there is one. */
export function takeToken(): boolean {
  const token = new URLSearchParams(location.hash.slice(1)).get("t");
  if (token) {
    sessionStorage.setItem(KEY, token);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return sessionStorage.getItem(KEY) !== null;
}

async function call(path: string): Promise<Response> {
  const response = await fetch(`/api/v1/${path}`, {
    headers: { Authorization: `Bearer ${sessionStorage.getItem(KEY) ?? ""}` },
  });
  if (response.ok) return response;
  const problem = (await response.json().catch(() => ({}))) as { detail?: string; title?: string };
  throw new Error(problem.detail ?? problem.title ?? `The server answered ${response.status}.`);
}

export const listRuns = async (): Promise<Run[]> => ((await (await call("runs")).json()) as { runs: Run[] }).runs;

export const splatsOf = async (id: string): Promise<Uint8Array> =>
  new Uint8Array(await (await call(`runs/${id}/splats`)).arrayBuffer());
