// SPDX-License-Identifier: Apache-2.0
// Packs live frames as src/lucid/serve/api/packed_frame.cpp does.
import { deflateRawSync } from "node:zlib";

const kHeader = 32; // bytes of a live frame's header
const kSplat = 16;

/** The live frame `frame` as a key frame, or as its difference to the live frame `key`. */
export function packFrame(frame, number, key = null) {
  const count = (frame.length - kHeader) / kSplat;
  const columns = Buffer.alloc(kSplat * count);
  for (let i = 0; i < columns.length; ++i) columns[(i % kSplat) * count + Math.floor(i / kSplat)] = frame[kHeader + i] - (key?.[kHeader + i] ?? 0);
  const header = Buffer.alloc(48);
  frame.copy(header, 0, 0, kHeader);
  header.writeUInt32LE(2, 4);
  header.writeUInt32LE(key ? 1 : 0, 32);
  header.writeUInt32LE(number, 36);
  return Buffer.concat([header, deflateRawSync(columns, { level: 1 })]);
}

/** The frames of one run for one client: each eighth one, and each with another count, is a key frame. */
export class FramePacker {
  number = 0;
  key = null;
  since = 0; // frames after the key frame

  pack(frame) {
    this.since += 1;
    if (this.key?.length === frame.length && this.since < 8) return { kind: "delta", bytes: packFrame(frame, this.number, this.key) };
    this.key = frame;
    this.number += 1;
    this.since = 0;
    return { kind: "key", bytes: packFrame(frame, this.number) };
  }
}
