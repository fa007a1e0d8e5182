// SPDX-License-Identifier: Apache-2.0
// Reads a live frame: a header of 32 bytes, then 16 bytes a Gaussian in the layout of Spark's PackedSplats. The writer
// is src/lucid/asset/live_frame.cpp.

export interface LiveFrame {
  number: number; // counts the frames of a run from 0
  step: number; // finished steps
  steps: number; // of the whole run
  count: number; // Gaussians
  words: Uint32Array; // [4 * count]
}

const HEADER_BYTES = 32;
const SPLAT_BYTES = 16;
const MAGIC = 0x4c50534c; // "LSPL" in the order of the bytes
const VERSION = 1;

/** Throws an Error with a sentence for the user if the bytes are not a whole frame. */
export function readFrame(bytes: Uint8Array): LiveFrame {
  if (bytes.byteLength < HEADER_BYTES) throw new Error("The frame of Gaussians is shorter than its header.");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== MAGIC) throw new Error("These bytes are not a frame of Gaussians.");
  const version = view.getUint32(4, true);
  if (version !== VERSION) throw new Error(`Frames of version ${version} are unknown. Reload the page.`);
  const count = view.getUint32(20, true);
  if (bytes.byteLength !== HEADER_BYTES + SPLAT_BYTES * count) {
    throw new Error(`The frame of ${count} Gaussians has ${bytes.byteLength} bytes.`);
  }
  return {
    number: view.getUint32(8, true),
    step: view.getUint32(12, true),
    steps: view.getUint32(16, true),
    count,
    words: wordsOf(bytes, HEADER_BYTES),
  };
}

/** The bytes from `offset` on as words; copied only where they are not aligned to 4 bytes. */
function wordsOf(bytes: Uint8Array, offset: number): Uint32Array {
  const begin = bytes.byteOffset + offset;
  const length = (bytes.byteLength - offset) / 4;
  if (begin % 4 === 0) return new Uint32Array(bytes.buffer, begin, length);
  return new Uint32Array(bytes.slice(offset).buffer, 0, length);
}
