// SPDX-License-Identifier: Apache-2.0
// The page's unpacking of live frames, in Node: every byte, the order, and what happens to frames that come too fast.
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { liveFrame, torus } from "./make_assets.mjs";
import { packFrame } from "./mock_frames.mjs";

const source = fileURLToPath(new URL("../src/viewer/packed_frame.ts", import.meta.url));
const { outputFiles } = await build({ entryPoints: [source], bundle: true, format: "esm", write: false });
const { canUnpack, isPacked, Unpacker } = await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
assert(canUnpack());

const frames = Array.from({ length: 6 }, (_, number) => liveFrame(torus(700 + 50 * (number >> 2), [number / 6, 0.5, 0.2]), { number }));
const errors = [];
globalThis.reportError = (error) => errors.push(error);

/** The numbers of the frames that come out, after each was compared byte by byte. */
function unpacker() {
  const seen = [];
  const made = new Unpacker((frame) => {
    const [number] = new Uint32Array(frame.slice(8, 12).buffer);
    assert.deepEqual(Buffer.from(frame), frames[number], `frame ${number}`);
    seen.push(number);
  });
  const receive = (...packed) => packed.forEach((each) => made.receive(Uint8Array.from(each)));
  return { seen, receive };
}
const key = (number) => packFrame(frames[number], 10 + number);
const delta = (number, from) => packFrame(frames[number], 10 + from, frames[from]);
const rest = () => new Promise((done) => setTimeout(done, 100));

assert(isPacked(Uint8Array.from(key(0))) && !isPacked(Uint8Array.from(frames[0])));
{
  const { seen, receive } = unpacker();
  for (const packed of [key(0), delta(1, 0), delta(3, 0), key(4), delta(5, 4), key(0)]) {
    receive(packed);
    await rest();
  }
  assert.deepEqual(seen, [0, 1, 3, 4, 5, 0]);
}
{
  const { seen, receive } = unpacker();
  receive(key(0), delta(1, 0), delta(2, 0), delta(3, 0));
  await rest();
  assert.deepEqual(seen, [0, 3], "a newer difference replaces the one that waits");
}
{
  const { seen, receive } = unpacker();
  receive(key(0), delta(1, 0), key(4), delta(5, 4));
  await rest();
  assert.deepEqual(seen, [0, 4, 5], "a difference never replaces its key frame");
}
{
  const { seen, receive } = unpacker();
  receive(delta(1, 0));
  await rest();
  receive(key(4));
  await rest();
  receive(delta(1, 0));
  await rest();
  assert.deepEqual(seen, [4], "a difference to another key frame is left out");
}
assert.deepEqual(errors, []);
{
  const { seen, receive } = unpacker();
  const damaged = key(0);
  damaged.fill(0xff, 60, 200);
  const short = key(0);
  short.writeUInt32LE(699, 20);
  for (const packed of [damaged, short, key(2), delta(3, 2)]) {
    receive(packed);
    await rest();
  }
  assert.deepEqual(seen, [2, 3], "a damaged frame does not stop those after it");
  assert.equal(errors.length, 2);
}
console.log("page: live frames are unpacked");
