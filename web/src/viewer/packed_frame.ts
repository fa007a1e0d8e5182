// SPDX-License-Identifier: Apache-2.0
// Unpacks live frames that were packed for the network: key frames, and differences to a key frame. The writer is
// src/lucid/serve/api/packed_frame.cpp.

const PLAIN_HEADER_BYTES = 32;
const HEADER_BYTES = 48;
const SPLAT_BYTES = 16;
const PLAIN_VERSION = 1;
const PACKED_VERSION = 2;
const DELTA = 1;

const field = (bytes: Uint8Array, at: number): number =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(at, true);
const isDelta = (packed: Uint8Array): boolean => field(packed, 32) === DELTA;
const keyOf = (packed: Uint8Array): number => field(packed, 36);

/** Whether this browser can unpack. */
export function canUnpack(): boolean {
  try {
    return Boolean(new DecompressionStream("deflate-raw"));
  } catch {
    return false;
  }
}

export const isPacked = (frame: Uint8Array): boolean =>
  frame.byteLength >= HEADER_BYTES && field(frame, 4) === PACKED_VERSION;

/** The frames of one run, unpacked one after the other. Of those that come meanwhile only the newest are kept. */
export class Unpacker {
  private key: { number: number; frame: Uint8Array } | null = null;
  private waitingKey: Uint8Array<ArrayBuffer> | null = null;
  private waitingDelta: Uint8Array<ArrayBuffer> | null = null; // unpacked after waitingKey
  private working = false;

  /** `done` gets plain frames, in their order. */
  constructor(private readonly done: (frame: Uint8Array) => void) {}

  receive(packed: Uint8Array<ArrayBuffer>): void {
    if (isDelta(packed)) {
      this.waitingDelta = packed;
    } else {
      this.waitingKey = packed;
      this.waitingDelta = null;
    }
    if (!this.working) void this.work();
  }

  private async work(): Promise<void> {
    this.working = true;
    for (let next = this.take(); next; next = this.take()) {
      try {
        await this.unpack(next);
      } catch (error) {
        reportError(error); // the next key frame brings the picture back
      }
    }
    this.working = false;
  }

  private take(): Uint8Array<ArrayBuffer> | null {
    const next = this.waitingKey ?? this.waitingDelta;
    if (this.waitingKey) this.waitingKey = null;
    else this.waitingDelta = null;
    return next;
  }

  private async unpack(packed: Uint8Array<ArrayBuffer>): Promise<void> {
    const delta = isDelta(packed);
    if (delta && this.key?.number !== keyOf(packed)) return;
    const frame = plain(packed, await inflated(packed.subarray(HEADER_BYTES)), delta ? this.key!.frame : null);
    if (!delta) this.key = { number: keyOf(packed), frame };
    this.done(frame);
  }
}

async function inflated(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** A plain frame from the 16 columns of a packed one, added to those of the key frame if there is one. */
function plain(packed: Uint8Array, columns: Uint8Array, key: Uint8Array | null): Uint8Array {
  const count = field(packed, 20);
  const size = PLAIN_HEADER_BYTES + SPLAT_BYTES * count;
  if (columns.byteLength !== SPLAT_BYTES * count || (key && key.byteLength !== size)) {
    throw new Error(`The packed frame of ${count} Gaussians has ${columns.byteLength} bytes.`);
  }
  const frame = key ? key.slice() : new Uint8Array(size);
  for (let column = 0, at = 0; column < SPLAT_BYTES; ++column) {
    for (let to = PLAIN_HEADER_BYTES + column; to < size; to += SPLAT_BYTES) frame[to]! += columns[at++]!; // modulo 256
  }
  frame.set(packed.subarray(0, PLAIN_HEADER_BYTES));
  frame[4] = PLAIN_VERSION;
  return frame;
}
