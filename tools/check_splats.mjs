// SPDX-License-Identifier: Apache-2.0
// Checks lucid's files of Gaussians with other people's programs, by hand:
//
//   mkdir /tmp/checkers && cd /tmp/checkers
//   npm install @playcanvas/splat-transform@3.7.0 @sparkjsdev/spark@2.2.0 three@0.187.0 gltf-validator@2.0.0-dev.3.10
//   node tools/check_splats.mjs build/release/bin/lucid ASSET.ply /tmp/checkers
//
// - splat-transform's statistics of each file that lucid writes: count, bounds, no NaN, no Inf.
// - What splat-transform writes (PLY, compressed PLY, SPZ 3 and 4, GLB), read by lucid: every number against ASSET.ply.
// - three.js reads the GLB. gltf-validator reports only the two errors that every file with KHR_gaussian_splatting has.
// - Spark reads PLY, SPZ 3 and .splat in headless Chromium (Debian package chromium): count and bounds.
// Exit code 0: all agree. ASSET.ply is a binary little-endian PLY in lucid's axes.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

if (process.argv.length < 5) {
  console.error('usage: node tools/check_splats.mjs LUCID ASSET.ply NPM_FOLDER');
  process.exit(2);
}
const [lucid, asset, npmFolder] = process.argv.slice(2).map((argument) => path.resolve(argument));
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'check-splats-'));
const npm = createRequire(path.join(npmFolder, 'package.json'));
const load = (name) => import(pathToFileURL(npm.resolve(name)));
const run = (program, ...args) =>
  execFileSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'pipe'] });
const splatTransform = (...args) =>
  run(process.execPath, path.join(npmFolder, 'node_modules/@playcanvas/splat-transform/bin/cli.mjs'), '-q', '-w', '-g',
      'cpu', ...args);

let failures = 0;
function report(what, ok, detail) {
  if (!ok) ++failures;
  console.log(`${ok ? 'ok  ' : 'FAIL'}  ${what.padEnd(44)} ${detail}`);
}

/// A binary little-endian PLY of floats: { count, columns: { name: Float32Array } }.
function readPly(file) {
  const bytes = fs.readFileSync(file);
  const end = bytes.indexOf('end_header\n') + 'end_header\n'.length;
  const header = bytes.subarray(0, end).toString('latin1').split('\n');
  if (!header.includes('format binary_little_endian 1.0')) throw new Error(`${file}: not little-endian`);
  const names = header.filter((line) => line.startsWith('property float ')).map((line) => line.split(' ')[2]);
  const count = Number(header.find((line) => line.startsWith('element vertex ')).split(' ')[2]);
  const columns = {};
  names.forEach((name, i) => {
    columns[name] = new Float32Array(count);
    for (let row = 0; row < count; ++row) columns[name][row] = bytes.readFloatLE(end + 4 * (row * names.length + i));
  });
  return { count, columns };
}

const source = readPly(asset);
const fileFromLucid = {
  lucid: (x, y, z) => [x, y, z],
  'y-up': (x, y, z) => [-x, z, y],
  'y-down': (x, y, z) => [-x, -z, -y],
};
/// [[least x, y, z], [most x, y, z]] of the asset in a file's axes.
function boundsOfAsset(axes) {
  const bounds = [[Infinity, Infinity, Infinity], [-Infinity, -Infinity, -Infinity]];
  for (let i = 0; i < source.count; ++i) {
    const at = fileFromLucid[axes](source.columns.x[i], source.columns.y[i], source.columns.z[i]);
    at.forEach((v, axis) => {
      bounds[0][axis] = Math.min(bounds[0][axis], v);
      bounds[1][axis] = Math.max(bounds[1][axis], v);
    });
  }
  return bounds;
}
function farthest(a, b) {
  return Math.max(...a.flat().map((v, i) => Math.abs(v - b.flat()[i])));
}
const kPosition = 2e-4;  // half a step of the coarsest positions, 1/4096, and rounding

const written = [
  { name: 'PLY', file: 'plain.ply', format: 'splat-ply', axes: 'lucid', flags: [], spark: true },
  { name: 'PLY, --sh3', file: 'sh3.ply', format: 'splat-ply', axes: 'lucid', flags: ['--sh3'], spark: true },
  { name: 'PLY, --axes y-down', file: 'down.ply', format: 'splat-ply', axes: 'y-down', flags: ['--axes', 'y-down'] },
  { name: 'SPZ 3', file: 'three.spz', format: 'spz', axes: 'y-down', flags: [], spark: true },
  { name: 'SPZ 4', file: 'four.spz', format: 'spz', axes: 'y-down', flags: ['--spz-version', '4'] },
  { name: '.splat', file: 'a.splat', format: 'splat', axes: 'y-down', flags: [], spark: true },
  { name: 'GLB', file: 'a.glb', format: 'splat-glb', axes: 'y-up', flags: [] },
];
function writeAll() {
  for (const w of written) {
    run(lucid, 'export', asset, `${w.format}:${path.join(work, w.file)}`, ...w.flags);
    w.path = path.join(work, w.file);
    w.bytes = fs.statSync(w.path).size;
  }
}

function checkStatistics() {
  for (const w of written.filter((each) => each.format !== 'splat-glb')) {  // splat-transform does not read GLB
    const { stats } = JSON.parse(splatTransform(w.path, '--stats', 'json', 'null'));
    const { columns, data } = stats[0];
    const at = (name) => columns.indexOf(name);
    // splat-transform turns what it reads by its own rule for PLY-like axes; its statistics are of the file's numbers.
    const bounds = [['x', 'y', 'z'].map((n) => data.min[at(n)]), ['x', 'y', 'z'].map((n) => data.max[at(n)])];
    const off = farthest(bounds, boundsOfAsset(w.axes));
    const bad = [...data.nanCount, ...data.infCount].reduce((sum, n) => sum + n, 0);
    report(`splat-transform reads ${w.name}`, stats[0].numGaussians === source.count && bad === 0 && off < kPosition,
           `${w.bytes} bytes, ${stats[0].numGaussians} Gaussians, ${bad} NaN or Inf, bounds off by ${off.toExponential(1)}`);
  }
}

/// Largest allowed difference of each property of a file that splat-transform wrote and lucid read.
const kinds = {
  ply: { position: 0, scale: 0, dc: 0, rest: 0, opacity: 0 },
  glb: { position: 1e-6, scale: 1e-5, dc: 1e-6, rest: 1e-5, opacity: 1e-6 },
  spz: { position: kPosition, scale: 0.5 / 16 + 1e-5, dc: 0.5 / 255 / 0.15 + 1e-5, rest: 8.5 / 128, opacity: 0.5 / 255 + 1e-5 },
  // Relative to the bounds of 256 Gaussians: the worst chunk decides.
  compressed: { position: 2e-3, scale: 2e-2, dc: 3e-2, rest: 8 / 256, opacity: 0.5 / 255 + 1e-5 },
};
const sigmoid = (x) => 1 / (1 + Math.exp(-x));
function checkReading() {
  for (const [name, file, kind, flags] of [['PLY', 'st.ply', 'ply', []], ['SPZ 3', 'st3.spz', 'spz', ['--spz-version', '3']],
                                           ['SPZ 4', 'st4.spz', 'spz', ['--spz-version', '4']], ['GLB', 'st.glb', 'glb', []],
                                           ['compressed PLY', 'st.compressed.ply', 'compressed', []]]) {
    const from = path.join(work, file), back = path.join(work, 'back.ply');
    splatTransform(asset, from, ...flags);
    // It stores the PLY's own numbers, except in GLB, where it turns them by 180 degrees about z.
    run(lucid, 'export', from, `splat-ply:${back}`, '--input-axes', 'lucid');
    const got = readPly(back);
    const sign = kind === 'glb' ? -1 : 1;
    const order = kind === 'compressed' ? nearestRows(got) : null;  // sorted along a Morton curve
    const worst = { position: 0, scale: 0, dc: 0, rest: 0, opacity: 0 };
    for (const [column, values] of Object.entries(source.columns)) {
      const key = { x: 'position', y: 'position', z: 'position', opacity: 'opacity' }[column] ??
          (column.startsWith('scale_') ? 'scale' : column.startsWith('f_dc_') ? 'dc' : column.startsWith('f_rest_') ? 'rest' : null);
      if (key === null || (key === 'rest' && kind === 'glb')) continue;  // rotated with the axes: tests hold that
      const turn = column === 'x' || column === 'y' ? sign : 1;
      for (let i = 0; i < source.count; ++i) {
        let [a, b] = [values[i], turn * got.columns[column][order ? order[i] : i]];
        if (key === 'opacity') [a, b] = [sigmoid(a), sigmoid(b)];
        if (key === 'scale' && kind === 'spz') a = Math.min(Math.max(a, -10), 5.9375);
        if (key === 'dc' && kind === 'spz') a = Math.min(Math.max(a, -0.5 / 0.15), 0.5 / 0.15);
        worst[key] = Math.max(worst[key], Math.abs(a - b));
      }
    }
    const ok = got.count === source.count && Object.keys(worst).every((key) => worst[key] <= kinds[kind][key]);
    report(`lucid reads splat-transform's ${name}`, ok,
           Object.entries(worst).map(([key, value]) => `${key} ${value.toExponential(1)}`).join(', '));
  }
}
/// For each Gaussian of the asset, the row of `cloud` that is nearest in position and colour.
function nearestRows(cloud) {
  const cell = 0.02, cells = new Map();
  const key = (x, y, z) => `${x},${y},${z}`;
  const cellOf = (c, i) => [c.x[i], c.y[i], c.z[i]].map((v) => Math.floor(v / cell));
  for (let i = 0; i < cloud.count; ++i) {
    const k = key(...cellOf(cloud.columns, i));
    if (!cells.has(k)) cells.set(k, []);
    cells.get(k).push(i);
  }
  const distance = (i, j) => ['x', 'y', 'z', 'f_dc_0', 'f_dc_1', 'f_dc_2', 'scale_0', 'scale_1', 'scale_2'].reduce((sum, name) => {
    const weight = name.length === 1 ? 100 : 1;
    return sum + (weight * (source.columns[name][i] - cloud.columns[name][j])) ** 2;
  }, 0);
  return Array.from({ length: source.count }, (_, i) => {
    const [x, y, z] = cellOf(source.columns, i);
    let best = 0, least = Infinity;
    for (let dx = -1; dx <= 1; ++dx) for (let dy = -1; dy <= 1; ++dy) for (let dz = -1; dz <= 1; ++dz) {
      for (const j of cells.get(key(x + dx, y + dy, z + dz)) ?? []) {
        const d = distance(i, j);
        if (d < least) [best, least] = [j, d];
      }
    }
    return best;
  });
}

async function checkGlb() {
  const glb = written.find((w) => w.format === 'splat-glb');
  const bytes = new Uint8Array(fs.readFileSync(glb.path));
  const validator = npm('gltf-validator');
  const { issues } = await validator.validateBytes(bytes, { maxIssues: 0 });
  const known = new Set(['MESH_PRIMITIVE_INVALID_ATTRIBUTE', 'UNSUPPORTED_EXTENSION']);
  const others = issues.messages.filter((message) => !known.has(message.code));
  const named = [...known].map((code) => `${issues.messages.filter((m) => m.code === code).length} ${code}`).join(', ');
  report('gltf-validator', others.length === 0,
         others.length === 0 ? `only known issues: ${named}` : JSON.stringify(others.slice(0, 3)));

  globalThis.self = globalThis;  // GLTFLoader expects a browser
  const { GLTFLoader } = await load('three/examples/jsm/loaders/GLTFLoader.js');
  const { GLTFGaussianSplatLoaderExtension } = await load('three/examples/jsm/loaders/GLTFGaussianSplatLoaderExtension.js');
  const loader = new GLTFLoader();
  loader.register((parser) => new GLTFGaussianSplatLoaderExtension(parser));
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const { scene, parser } = await loader.parseAsync(buffer, '');
  let count = 0;
  scene.traverse((object) => { if (object.isGaussianSplat || object.type === 'GaussianSplat') count += object.geometry.instanceCount; });
  const position = await parser.getDependency('accessor', parser.json.meshes[0].primitives[0].attributes.POSITION);
  const bounds = [[Infinity, Infinity, Infinity], [-Infinity, -Infinity, -Infinity]];
  for (let i = 0; i < position.count; ++i) {
    [position.getX(i), position.getY(i), position.getZ(i)].forEach((v, axis) => {
      bounds[0][axis] = Math.min(bounds[0][axis], v);
      bounds[1][axis] = Math.max(bounds[1][axis], v);
    });
  }
  const off = farthest(bounds, boundsOfAsset('y-up'));
  report('three.js reads GLB', count === source.count && off < 1e-5,
         `${glb.bytes} bytes, ${count} Gaussians, bounds off by ${off.toExponential(1)}`);
}

const page = `<!doctype html><script type="importmap">{"imports":{"three":"/npm/three/build/three.module.js",
  "three/addons/":"/npm/three/examples/jsm/"}}</script>
<script type="module">
const answer = (value) => fetch('/answer', { method: 'POST', body: JSON.stringify(value) });
try {
  const { PackedSplats } = await import('/npm/@sparkjsdev/spark/dist/spark.module.js');
  const name = location.search.slice(1);
  const fileBytes = new Uint8Array(await (await fetch('/files/' + name)).arrayBuffer());
  const splats = new PackedSplats({ fileBytes, fileName: name });
  await splats.initialized;
  const bounds = [[1e9, 1e9, 1e9], [-1e9, -1e9, -1e9]];
  splats.forEachSplat((i, center) => center.toArray().forEach((v, axis) => {
    bounds[0][axis] = Math.min(bounds[0][axis], v);
    bounds[1][axis] = Math.max(bounds[1][axis], v);
  }));
  await answer({ count: splats.numSplats, bounds });
} catch (error) { await answer({ error: String(error) }); }
</script>`;
async function inChromium(file) {
  return new Promise((resolve, reject) => {
    const types = { '.js': 'text/javascript', '.wasm': 'application/wasm' };
    let browser = null;
    const server = http.createServer((request, response) => {
      const url = new URL(request.url, 'http://localhost');
      const send = (from) => {
        response.setHeader('Content-Type', types[path.extname(from)] ?? 'application/octet-stream');
        response.end(fs.readFileSync(from));
      };
      if (url.pathname === '/') {
        response.setHeader('Content-Type', 'text/html');
        response.end(page);
      } else if (url.pathname === '/answer') {
        let body = '';
        request.on('data', (chunk) => { body += chunk; }).on('end', () => {
          response.end();
          clearTimeout(limit);
          browser.once('exit', () => resolve(JSON.parse(body))).kill();
          server.close();
          server.closeAllConnections();
        });
      } else if (url.pathname.startsWith('/npm/')) {
        send(path.join(npmFolder, 'node_modules', url.pathname.slice(5)));
      } else if (url.pathname.startsWith('/files/')) {
        send(path.join(work, path.basename(url.pathname)));
      } else {
        response.writeHead(404).end();
      }
    });
    const limit = setTimeout(() => { browser?.kill(); server.close(); reject(new Error('no answer in 90 s')); }, 90000);
    server.listen(0, '127.0.0.1', () => {
      browser = spawn('chromium', ['--headless', '--no-sandbox', '--disable-gpu', `--user-data-dir=${path.join(work, 'chromium')}`,
                                   `http://127.0.0.1:${server.address().port}/?${file}`], { stdio: 'ignore' });
    });
  });
}
async function checkSpark() {
  for (const w of written.filter((each) => each.spark)) {
    const got = await inChromium(w.file);
    if (got.error) {
      report(`Spark reads ${w.name}`, false, got.error);
      continue;
    }
    const off = farthest(got.bounds, boundsOfAsset(w.axes));  // Spark keeps positions as 16-bit floats
    report(`Spark reads ${w.name}`, got.count === source.count && off < 2e-3,
           `${w.bytes} bytes, ${got.count} Gaussians, bounds off by ${off.toExponential(1)}`);
  }
}

writeAll();
checkStatistics();
checkReading();
await checkGlb();
await checkSpark();
fs.rmSync(work, { recursive: true, maxRetries: 20, retryDelay: 250 });  // Chromium may still be closing its files
console.log(failures === 0 ? 'all agree' : `${failures} disagree`);
process.exit(failures === 0 ? 0 : 1);
