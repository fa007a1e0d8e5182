// SPDX-License-Identifier: Apache-2.0
// Hands live frames to the viewers that show their runs. Runs are watched only while a viewer listens and the tab is
// visible: a frame costs the server and the run time.

import { isPacked, Unpacker } from "../../viewer/packed_frame";

type Listener = (bytes: Uint8Array) => void;
const MOST_WATCHED = 4;

export class Frames {
  private readonly listeners = new Map<string, Set<Listener>>(); // by run
  private readonly unpackers = new Map<string, Unpacker>(); // by run

  constructor(private readonly watch: (ids: string[]) => void) {
    document.addEventListener("visibilitychange", this.ask);
  }

  /** A frame as it comes from the server; listeners get it unpacked. */
  receive(id: string, bytes: Uint8Array<ArrayBuffer>): void {
    if (!this.listeners.has(id)) return;
    if (!isPacked(bytes)) return this.tell(id, bytes);
    const unpacker = this.unpackers.get(id) ?? new Unpacker((frame) => this.tell(id, frame));
    this.unpackers.set(id, unpacker);
    unpacker.receive(bytes);
  }

  /** Returns a function that ends it. */
  listen(id: string, listener: Listener): () => void {
    const all = this.listeners.get(id) ?? new Set();
    this.listeners.set(id, all.add(listener));
    this.ask();
    return () => {
      all.delete(listener);
      if (all.size === 0) {
        this.listeners.delete(id);
        this.unpackers.delete(id);
      }
      this.ask();
    };
  }

  private tell(id: string, frame: Uint8Array): void {
    for (const listener of this.listeners.get(id) ?? []) listener(frame);
  }

  private readonly ask = (): void => {
    this.watch(document.hidden ? [] : [...this.listeners.keys()].slice(0, MOST_WATCHED));
  };
}
