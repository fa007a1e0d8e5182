// SPDX-License-Identifier: Apache-2.0
// The built page in a browser, with the server's content security policy and its answers made here: the viewer's chunk
// comes after the first paint, live frames replace each other, a frame with other counts too. `node page_test.mjs [FOLDER]`.
import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { kDesktop, launch } from "./browser.mjs";
import { look } from "./look.mjs";
import { liveFrame, torus } from "./make_assets.mjs";

const [folder] = process.argv.slice(2);
if (folder) await mkdir(folder, { recursive: true });
const built = fileURLToPath(new URL("../../build/web/", import.meta.url));
const { files } = JSON.parse(await readFile(join(built, "manifest.json"), "utf8"));
const kAddress = "http://127.0.0.1:1"; // nothing listens there: every answer comes from here
const kPolicy =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src blob:; style-src 'self'; img-src 'self' blob: data:; " +
  "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const runs = ["red", "blue"].map((prompt) => ({ id: prompt, revision: 1, prompt, state: "running", step: 1, steps: 100 }));
const frames = { red: liveFrame(torus(3000)), blue: liveFrame(torus(20000, [0.1, 0.3, 0.95])) };

async function answer(route) {
  const url = new URL(route.request().url());
  const name = url.pathname.slice(1) || "index.html";
  if (name in files) {
    const headers = { "content-type": files[name].type, "content-security-policy": kPolicy };
    return route.fulfill({ body: await readFile(join(built, name)), headers });
  }
  assert.equal(route.request().headers().authorization, "Bearer secret", name);
  if (name === "api/v1/runs") return route.fulfill({ json: { runs } });
  const id = /^api\/v1\/runs\/(\w+)\/splats$/.exec(name)?.[1];
  assert(id, `asked for ${name}`);
  return route.fulfill({ body: frames[id], contentType: "application/octet-stream" });
}

const browser = await launch();
try {
  let bytes = 0;
  for (const name of Object.keys(files)) bytes += (await readFile(join(built, `${name}.br`))).length;
  console.log(`page: ${(bytes / 1e6).toFixed(2)} MB as brotli`);
  assert(bytes < 1.5e6);

  const page = await browser.newPage({ ...kDesktop, colorScheme: "dark", reducedMotion: "reduce" });
  const problems = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(String(error)));
  await page.route("**/*", answer);
  await page.goto(`${kAddress}/#t=secret`);
  await page.waitForFunction(() => Number(document.querySelector("canvas")?.dataset.splats) > 0);
  assert.equal(new URL(page.url()).hash, "", "the token stays in the address");
  const red = await look(page);
  assert(red.share > 0.03, `${red.share} of the picture differs from the background`);
  assert(red.colour[0] > 1.5 * red.colour[2], `red torus: ${red.colour}`);
  if (folder) await writeFile(join(folder, "page.png"), await page.screenshot());

  await page.getByRole("button", { name: "blue" }).click(); // more Gaussians than there was room for
  await page.waitForTimeout(300);
  const blue = await look(page);
  assert(blue.colour[2] > 1.5 * blue.colour[0], `blue torus: ${blue.colour}`);
  await page.getByRole("button", { name: "red" }).click(); // and fewer again: the rest must be gone
  await page.waitForTimeout(300);
  const again = await look(page);
  assert(again.colour.every((c, i) => Math.abs(c - red.colour[i]) < 4), `${again.colour} instead of ${red.colour}`);
  assert(Math.abs(again.share - red.share) < 0.01, `${again.share} instead of ${red.share}`);
  assert.deepEqual(problems, []);
  console.log("page: passed");
} finally {
  await browser.close();
}
