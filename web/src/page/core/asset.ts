// SPDX-License-Identifier: Apache-2.0
// Brings the asset of a run into a viewer: its newest live frame, or an SPZ file where there is none (a run of the
// command line).

import type { SplatViewer } from "../../viewer/viewer";
import { bytesAt, Refusal, splatsOf } from "./api";
import { finishedExport } from "./runs";

/** `live`: frames come by the socket too. One that came first is the newer one. */
export async function showAsset(viewer: SplatViewer, id: string, live: boolean, ended: AbortSignal): Promise<void> {
  try {
    const frame = await splatsOf(id, ended);
    ended.throwIfAborted();
    if (!live || !viewer.filled) viewer.setFrame(frame);
  } catch (error) {
    if (!(error instanceof Refusal && error.status === 404)) throw error;
    if (live) return;
    const file = await finishedExport(id, "spz", ended);
    const bytes = await bytesAt(file, ended);
    ended.throwIfAborted();
    await viewer.setFile("spz", bytes);
  }
}
