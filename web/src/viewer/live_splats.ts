// SPDX-License-Identifier: Apache-2.0
// The Gaussians of a run in progress: one Spark mesh whose array has room for more than the newest frame. The count that
// Spark sees stays the same from frame to frame, so that a new frame is drawn at once, in the old order until Spark has
// sorted anew. With another count Spark draws it only after that.

import { PackedSplats, SplatMesh } from "@sparkjsdev/spark";
import type { LiveFrame } from "./frame";

const STEP = 16384; // the capacity is a multiple of it; Spark cuts arrays to multiples of 2048
const ROOM = 1.25; // capacity of the first frame's count

export class LiveSplats {
  readonly mesh: SplatMesh;
  private readonly packed: PackedSplats;

  constructor(frame: LiveFrame) {
    const capacity = Math.ceil((ROOM * Math.max(frame.count, 1)) / STEP) * STEP;
    const packedArray = new Uint32Array(4 * capacity);
    packedArray.set(frame.words);
    this.packed = new PackedSplats({ packedArray, numSplats: capacity });
    this.mesh = new SplatMesh({ packedSplats: this.packed });
  }

  /** Replaces the Gaussians by those of `frame`. Words of zero, which fill the rest, have opacity 0 and are culled. */
  show(frame: LiveFrame): void {
    const words = this.packed.ensureSplats(frame.count);
    words.set(frame.words);
    words.fill(0, 4 * frame.count);
    this.packed.numSplats = Math.max(this.packed.numSplats, Math.ceil(frame.count / STEP) * STEP);
    this.packed.needsUpdate = true;
    this.mesh.updateVersion();
  }
}
