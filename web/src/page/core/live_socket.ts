// SPDX-License-Identifier: Apache-2.0
// The WebSocket of the page: changes of runs, and live frames of those that are watched. It connects again by itself.

import { canUnpack } from "../../viewer/packed_frame";
import { about, Refusal, token } from "./api";
import type { LiveEvent } from "./types";

export interface LiveHandlers {
  event(event: LiveEvent): void;
  frame(id: string, bytes: Uint8Array<ArrayBuffer>): void; // as it comes: plain or packed
  state(state: "open" | "lost" | "refused"): void;
}

const FIRST_WAIT = 500; // milliseconds
const LONGEST_WAIT = 10_000;
const LIVED = 5000; // a connection that lasted so long was a good one
const MOST_LISTS = 32;
const INDEX_AT = 24; // of a frame's header: place in the list of watched runs
const SERIAL_AT = 28; // and that list's serial number

/** Whether to ask for packed frames; undefined: the server knows. To it, a browser behind a proxy looks like one near. */
function packing(): boolean | undefined {
  if (!canUnpack()) return false;
  return /^(localhost|127\.[\d.]+|\[::1\])$/.test(location.hostname) ? undefined : true;
}

export class LiveSocket {
  private socket: WebSocket | null = null;
  private wanted: string[] = [];
  private serial = 0;
  private readonly lists = new Map<number, string[]>(); // by serial
  private pause = FIRST_WAIT;
  private timer = 0;

  constructor(private readonly handlers: LiveHandlers) {
    addEventListener("online", this.hurry);
  }

  connect = (): void => {
    clearTimeout(this.timer);
    const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/api/v1/live`);
    const begin = performance.now();
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.socket = socket;
      socket.send(JSON.stringify({ token: token() }));
      this.sendList();
      this.handlers.state("open");
    };
    socket.onmessage = ({ data }) => this.receive(data as string | ArrayBuffer);
    socket.onclose = () => {
      this.socket = null;
      if (performance.now() - begin > LIVED) this.pause = FIRST_WAIT;
      this.handlers.state("lost");
      this.timer = setTimeout(this.retry, this.pause);
      this.pause = Math.min(2 * this.pause, LONGEST_WAIT);
    };
  };

  /** Replaces the list of watched runs: four at most. */
  watch(ids: string[]): void {
    if (ids.join() === this.wanted.join()) return;
    this.wanted = ids;
    if (this.socket) this.sendList();
  }

  private sendList(): void {
    this.serial += 1;
    this.lists.set(this.serial, this.wanted);
    this.lists.delete(this.serial - MOST_LISTS);
    this.socket?.send(JSON.stringify({ watch: this.wanted, serial: this.serial, packed: packing() }));
  }

  private receive(data: string | ArrayBuffer): void {
    if (typeof data === "string") return this.handlers.event(JSON.parse(data) as LiveEvent);
    const header = new DataView(data);
    const id = this.lists.get(header.getUint32(SERIAL_AT, true))?.[header.getUint32(INDEX_AT, true)];
    if (id !== undefined) this.handlers.frame(id, new Uint8Array(data));
  }

  /** Asks by HTTP first: only its answer tells a wrong token from a server that is away. */
  private readonly retry = (): void => {
    about().then(this.connect, (error: unknown) => {
      if (error instanceof Refusal && error.status === 401) return this.handlers.state("refused");
      this.timer = setTimeout(this.retry, this.pause);
      this.pause = Math.min(2 * this.pause, LONGEST_WAIT);
    });
  };

  private readonly hurry = (): void => {
    if (this.socket || !this.timer) return;
    clearTimeout(this.timer);
    this.pause = FIRST_WAIT;
    this.retry();
  };
}
