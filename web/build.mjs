// SPDX-License-Identifier: Apache-2.0
// Builds the page and the template of `lucid view --html` into ../build/web: hashed names, gzip and brotli forms beside
// each file, manifest.json for the server. Needs `npm ci`.
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, extname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { sparkParts, sparkWasm } from "./spark_wasm.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(here, "../build/web");
const kTypes = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".txt": "text/plain; charset=utf-8",
};
const common = {
  absWorkingDir: here,
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  legalComments: "none", // licences.txt has them
  define: { "process.env.NODE_ENV": '"production"' },
  logLevel: "warning",
};
const gzip = (bytes) => gzipSync(bytes, { level: 9 });
const read = (file) => readFile(join(here, file), "utf8");

/** Replaces each `@@NAME@@` of a template once, and fails where it is missing. */
function fill(template, values) {
  for (const [name, value] of Object.entries(values)) {
    const parts = template.split(`@@${name}@@`);
    if (parts.length !== 2) throw new Error(`@@${name}@@ must stand once in the template, not ${parts.length - 1} times`);
    template = parts.join(value);
  }
  return template;
}

/** The licence texts of the packages that the bundles contain. */
async function licences(metafiles) {
  const packages = new Set();
  for (const { inputs } of metafiles) {
    for (const input of Object.keys(inputs)) {
      const name = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
      if (name) packages.add(name);
    }
  }
  const texts = [];
  for (const name of [...packages].sort()) {
    const folder = join(here, "node_modules", name);
    const file = (await readdir(folder)).find((each) => /^licen[cs]e/i.test(each));
    if (!file) throw new Error(`${name} has no licence file`);
    const { version } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    texts.push(`${name} ${version}\n\n${(await readFile(join(folder, file), "utf8")).trim()}\n`);
  }
  return texts.join(`\n${"-".repeat(80)}\n\n`);
}

/** The page: a small first bundle, the viewer in a chunk that is loaded after the first paint. */
async function buildPage() {
  const { metafile } = await build({
    ...common,
    entryPoints: ["src/page/main.tsx", "src/page/page.css"],
    outdir: out,
    splitting: true,
    metafile: true,
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    assetNames: "[name]-[hash]",
    loader: { ".svg": "file", ".woff2": "file" },
    plugins: [sparkWasm("fetched")],
  });
  const built = (entry) =>
    Object.keys(metafile.outputs).find((file) => metafile.outputs[file].entryPoint === entry).split("/").pop();
  const page = fill(await read("src/page/index.html"), {
    STYLE: built("src/page/page.css"),
    SCRIPT: built("src/page/main.tsx"),
  });
  await writeFile(join(out, "index.html"), page);
  return metafile;
}

async function bundle(entry, options = {}) {
  const { outputFiles, metafile } = await build({ ...common, entryPoints: [entry], write: false, metafile: true, ...options });
  return { bytes: outputFiles[0].contents, metafile };
}

/** One HTML file that needs nothing else. `lucid view --html` fills in @@TITLE@@, @@SCENE@@ and @@DATA@@. */
async function buildTemplate() {
  const viewer = await bundle("src/html/main.ts", { plugins: [sparkWasm("inlined")] });
  const boot = await bundle("src/html/boot.ts", { format: "iife" });
  const style = await bundle("src/html/view.css");
  const script = Buffer.from(boot.bytes).toString().trim();
  const hash = createHash("sha256").update(script).digest("base64");
  const base64 = (bytes) => gzip(bytes).toString("base64");
  const page = fill(await read("src/html/view.html"), {
    BOOT_HASH: hash,
    STYLE: Buffer.from(style.bytes).toString().trim(),
    LICENCES: await licences([viewer.metafile]),
    VIEWER: base64(viewer.bytes),
    WASM: base64((await sparkParts()).bytes),
    BOOT: script,
  });
  await writeFile(join(out, "view.html"), page);
  return viewer.metafile;
}

/** Writes the compressed forms and lists what the server may send. */
async function compressAndList() {
  const files = {};
  for (const name of (await readdir(out)).sort()) {
    if (name === "view.html") continue; // read by `lucid view`, never sent
    const type = kTypes[extname(name)];
    if (!type) throw new Error(`${name}: no media type is known for it`);
    const bytes = await readFile(join(out, name));
    const brotli = brotliCompressSync(bytes, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
    });
    await writeFile(join(out, `${name}.gz`), gzip(bytes));
    await writeFile(join(out, `${name}.br`), brotli);
    files[name] = { type, immutable: /-[A-Z0-9]{8}\./.test(name) };
  }
  await writeFile(join(out, "manifest.json"), `${JSON.stringify({ files }, null, 2)}\n`);
}

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
const metafiles = [await buildPage(), await buildTemplate()];
await writeFile(join(out, "licences.txt"), await licences(metafiles));
await compressAndList();
