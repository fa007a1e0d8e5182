// SPDX-License-Identifier: Apache-2.0
// The server's side of a WebSocket (RFC 6455), as far as the tests need it: whole messages, no extensions.
import { createHash } from "node:crypto";

const kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

export class MockSocket {
  onText = () => {};
  onClose = () => {};

  constructor(request, socket) {
    this.socket = socket;
    const accept = createHash("sha1").update(request.headers["sec-websocket-key"] + kGuid).digest("base64");
    const head = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", `Sec-WebSocket-Accept: ${accept}`, "", ""];
    socket.write(head.join("\r\n"));
    let waiting = Buffer.alloc(0);
    socket.on("data", (bytes) => {
      waiting = Buffer.concat([waiting, bytes]);
      for (let used = this.read(waiting); used > 0; used = this.read(waiting)) waiting = waiting.subarray(used);
    });
    socket.on("close", () => this.onClose());
    socket.on("error", () => {});
  }

  /** A string as text, a Buffer as binary. */
  send(message) {
    const data = Buffer.from(message);
    const kind = typeof message === "string" ? 0x81 : 0x82;
    this.socket.write(Buffer.concat([header(kind, data.length), data]));
  }

  close(code = 1000) {
    this.socket.end(Buffer.from([0x88, 2, code >> 8, code & 255]));
  }

  /** Handles the first frame of the bytes. Returns its length; 0 if it has not come whole. */
  read(bytes) {
    if (bytes.length < 6) return 0;
    const short = bytes[1] & 127; // clients' frames here are below 64 kB
    const at = short === 126 ? 4 : 2;
    const length = short === 126 ? bytes.readUInt16BE(2) : short;
    const end = at + 4 + length;
    if (bytes.length < end) return 0;
    const data = Buffer.from(bytes.subarray(at + 4, end));
    for (let i = 0; i < length; ++i) data[i] ^= bytes[at + (i % 4)];
    const kind = bytes[0] & 15;
    if (kind === 1) this.onText(data.toString());
    if (kind === 8) this.close();
    return end;
  }
}

/** A length has the shortest form that holds it; browsers refuse others. */
function header(kind, length) {
  if (length < 126) return Buffer.from([kind, length]);
  if (length < 1 << 16) return Buffer.from([kind, 126, length >> 8, length & 255]);
  const head = Buffer.from([kind, 127, 0, 0, 0, 0, 0, 0, 0, 0]);
  head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}
