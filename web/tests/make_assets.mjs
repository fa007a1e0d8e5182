// SPDX-License-Identifier: Apache-2.0
// Small assets for the tests in a browser: a torus of coloured Gaussians as PLY and as live frames, and a box as OBJ.
import { writeFile } from "node:fs/promises";

/** N Gaussians on a torus that lies in the x-z plane, so that the front shows its hole. */
export function torus(count, [r, g, b] = [0.9, 0.3, 0.1]) {
  return Array.from({ length: count }, (_, i) => {
    const around = (2 * Math.PI * i) / count;
    const across = 2.399963 * i; // the golden angle
    const ring = 0.6 + 0.2 * Math.cos(across);
    const shade = 0.6 + 0.4 * Math.sin(around);
    return {
      centre: [ring * Math.cos(around), 0.2 * Math.sin(across), ring * Math.sin(around)],
      colour: [r * shade, g * shade, b],
    };
  });
}

const kNames = ["x", "y", "z", "f_dc_0", "f_dc_1", "f_dc_2", "opacity", "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"];
const kSh0 = 0.28209479177387814;
const kLogScale = -3.4;

export async function writePly(file, splats) {
  const numbers = splats.flatMap(({ centre, colour }) => [
    ...centre,
    ...colour.map((c) => (c - 0.5) / kSh0),
    ...[3, kLogScale, kLogScale, kLogScale, 1, 0, 0, 0],
  ]);
  const header = ["ply", "format binary_little_endian 1.0", `element vertex ${splats.length}`, ...kNames.map((name) => `property float ${name}`), "end_header", ""];
  await writeFile(file, Buffer.concat([Buffer.from(header.join("\n")), Buffer.from(Float32Array.from(numbers).buffer)]));
}

/** A live frame, by the layout in src/lucid/asset/live_frame.h. */
export function liveFrame(splats, { number = 0, step = 0, steps = 100 } = {}) {
  const frame = Buffer.alloc(32 + 16 * splats.length);
  frame.write("LSPL", 0, "latin1");
  [1, number, step, steps, splats.length].forEach((value, i) => frame.writeUInt32LE(value, 4 + 4 * i));
  splats.forEach(({ centre, colour }, i) => {
    const at = 32 + 16 * i;
    colour.forEach((c, k) => (frame[at + k] = Math.round(255 * Math.min(1, Math.max(0, c)))));
    frame[at + 3] = 243;
    centre.forEach((x, k) => frame.writeUInt16LE(half(x), at + 4 + 2 * k));
    frame[at + 10] = 255; // the axis (1, 0, 0), turned by 0
    frame[at + 11] = 128;
    frame.fill(Math.round(((kLogScale + 12) * 254) / 21) + 1, at + 12, at + 15);
  });
  return frame;
}

/** IEEE 754 half of a number below 65504, rounded to nearest. */
function half(x) {
  const sign = x < 0 ? 0x8000 : 0;
  const size = Math.abs(x);
  if (size < 2 ** -14) return sign | Math.round(size * 2 ** 24);
  const exponent = Math.floor(Math.log2(size));
  return sign | (Math.round((size / 2 ** exponent - 1) * 1024) + ((exponent + 15) << 10));
}

export async function writeBox(file) {
  const corners = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => [i & 1, (i >> 1) & 1, i >> 2]);
  const lines = corners.map((p) => `v ${p.map((x) => x - 0.5).join(" ")} ${p.map((x) => 0.3 + 0.6 * x).join(" ")}`);
  const quads = [[1, 3, 4, 2], [5, 6, 8, 7], [1, 2, 6, 5], [3, 7, 8, 4], [1, 5, 7, 3], [2, 4, 8, 6]];
  await writeFile(file, [...lines, ...quads.map((q) => `f ${q.join(" ")}`), ""].join("\n"));
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const [folder] = process.argv.slice(2);
  await writePly(`${folder}/torus.ply`, torus(3000));
  await writeBox(`${folder}/box.obj`);
}
