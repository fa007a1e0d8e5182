// SPDX-License-Identifier: Apache-2.0
// Hands live frames to the viewers that show their runs. Runs are watched only while a viewer listens and the tab is
// visible: a frame costs the server and the run time.

type Listener = (bytes: Uint8Array) => void;
const MOST_WATCHED = 4;

export class Frames {
  private readonly listeners = new Map<string, Set<Listener>>(); // by run

  constructor(private readonly watch: (ids: string[]) => void) {
    document.addEventListener("visibilitychange", this.tell);
  }

  receive(id: string, bytes: Uint8Array): void {
    for (const listener of this.listeners.get(id) ?? []) listener(bytes);
  }

  /** Returns a function that ends it. */
  listen(id: string, listener: Listener): () => void {
    const all = this.listeners.get(id) ?? new Set();
    this.listeners.set(id, all.add(listener));
    this.tell();
    return () => {
      all.delete(listener);
      if (all.size === 0) this.listeners.delete(id);
      this.tell();
    };
  }

  private readonly tell = (): void => {
    this.watch(document.hidden ? [] : [...this.listeners.keys()].slice(0, MOST_WATCHED));
  };
}
