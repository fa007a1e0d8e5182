// SPDX-License-Identifier: Apache-2.0
// Pictures and SPZ files of the mock server, made from numbers.
import * as zlib from "node:zlib";

/** A PNG; `colourAt(x, y)`, with x and y in [-1, 1] over its smaller side, gives [r, g, b] of 0 to 255. */
export function png(width, height, colourAt) {
  const rows = Buffer.alloc(height * (1 + 3 * width));
  const size = Math.min(width, height);
  for (let y = 0; y < height; ++y) {
    for (let x = 0; x < width; ++x) {
      const at = y * (1 + 3 * width) + 1 + 3 * x;
      const colour = colourAt((2 * x + 1 - width) / size, (2 * y + 1 - height) / size);
      colour.forEach((c, k) => (rows[at + k] = Math.max(0, Math.min(255, Math.round(c)))));
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8); // 8 bits, RGB
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", zlib.deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const whole = Buffer.alloc(body.length + 8);
  whole.writeUInt32BE(data.length, 0);
  body.copy(whole, 4);
  whole.writeUInt32BE(crc32(body), body.length + 4);
  return whole;
}

/** Node 18 has no zlib.crc32. */
function crc32(bytes) {
  if (zlib.crc32) return zlib.crc32(bytes);
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; ++bit) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/** A ring, as a thumbnail shows the torus. `share` of it is there. */
export function ring([r, g, b], { width = 96, height = 96, share = 1, background = "#fafafa" } = {}) {
  const around = [1, 3, 5].map((at) => parseInt(background.slice(at, at + 2), 16));
  return png(width, height, (x, y) => {
    const away = Math.abs(Math.hypot(x, y) - 0.55);
    const shade = 0.6 + 0.4 * Math.sin(Math.atan2(y, x));
    const there = away < 0.2 && (Math.sin(37 * x + 91 * y) + 1) / 2 <= share;
    return there ? [255 * r * shade, 255 * g * shade, 255 * b] : around;
  });
}

/** A sheet of four by four rings. */
export function sheet(size, colour, share) {
  const fold = (u) => ((((u + 1) * 2) % 1) - 0.5) * 2;
  return png(size, size, (x, y) => {
    const [a, b] = [fold(x), fold(y)];
    const there = Math.abs(Math.hypot(a, b) - 0.55) < 0.2 && (Math.sin(37 * x + 91 * y) + 1) / 2 <= share;
    return there ? colour.map((c) => 255 * c) : [250, 250, 250];
  });
}

/** SPZ, version 2, of spherical Gaussians: src/lucid/asset/splats has the layout. */
export function spz(splats) {
  const count = splats.length;
  const header = Buffer.alloc(16);
  header.writeUInt32LE(0x5053474e, 0); // "NGSP"
  header.writeUInt32LE(2, 4);
  header.writeUInt32LE(count, 8);
  header.set([0, 12, 0, 0], 12); // SH degree 0, 12 fractional bits
  const positions = Buffer.alloc(9 * count);
  const colours = Buffer.alloc(3 * count);
  splats.forEach(({ centre, colour }, i) => {
    centre.forEach((c, axis) => positions.writeIntLE(Math.round(c * 4096), 9 * i + 3 * axis, 3));
    colour.forEach((c, k) => (colours[3 * i + k] = Math.round(255 * (0.5 + (0.15 * (c - 0.5)) / 0.28209479))));
  });
  const alphas = Buffer.alloc(count, 243);
  const scales = Buffer.alloc(3 * count, Math.round((-3.4 + 10) * 16));
  const rotations = Buffer.alloc(3 * count, 128);
  return zlib.gzipSync(Buffer.concat([header, positions, alphas, colours, scales, rotations]));
}
