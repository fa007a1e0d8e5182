// SPDX-License-Identifier: Apache-2.0
// Opens an HTML file of `lucid view --html` from disk, without a network: the asset is drawn, and mouse, keys, touch and
// buttons do what they should. `node view_test.mjs FILE.html [FOLDER]`; screenshots go to FOLDER.
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { kDesktop, kPhone, launch } from "./browser.mjs";
import { drawn, look } from "./look.mjs";

const [file, folder] = process.argv.slice(2);
assert(file, "usage: node view_test.mjs FILE.html [FOLDER]");
if (folder) await mkdir(folder, { recursive: true });

async function open(browser, options) {
  const context = await browser.newContext({ ...options, offline: true, reducedMotion: "reduce" });
  const page = await context.newPage();
  const problems = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("request", (request) => /^https?:/.test(request.url()) && problems.push(`asked for ${request.url()}`));
  const begin = Date.now();
  await page.goto(pathToFileURL(resolve(file)).href);
  await page.waitForFunction(() => document.getElementById("loading").hidden || !document.getElementById("message").hidden);
  assert.equal(await page.locator("#message").textContent(), "");
  await page.locator("canvas").evaluate((canvas) => (canvas.style.outline = "none")); // the focus is not the picture
  return { context, page, problems, milliseconds: Date.now() - begin };
}

async function save(page, name) {
  if (folder) await writeFile(join(folder, `${name}.png`), await page.screenshot());
}

/** `act` must change the picture. */
async function changes(page, what, act) {
  const before = await look(page);
  await act();
  const after = await look(page);
  assert(!before.png.equals(after.png), `${what} did not change the picture`);
  assert(after.share > 0.01, `${what} left ${after.share} of the picture`);
  return { before, after };
}

async function desktop(browser) {
  const { context, page, problems, milliseconds } = await open(browser, { ...kDesktop, colorScheme: "dark" });
  const renderer = await page.evaluate(() => {
    const gl = new OffscreenCanvas(1, 1).getContext("webgl2");
    return gl.getParameter(gl.getExtension("WEBGL_debug_renderer_info").UNMASKED_RENDERER_WEBGL);
  });
  const first = await look(page);
  console.log(`first picture after ${milliseconds} ms, ${(100 * first.share).toFixed(1)} % drawn on (${renderer})`);
  assert(first.share > 0.02 && first.share < 0.9, `${first.share} of the picture differs from the background`);
  await save(page, "desktop-dark");
  const count = await drawn(page);
  await page.waitForTimeout(500);
  assert.equal(await drawn(page), count, "draws although nothing changes");

  const { x, y, width, height } = await page.locator("canvas").boundingBox();
  await changes(page, "a drag of the mouse", async () => {
    await page.mouse.move(x + width / 2, y + height / 2);
    await page.mouse.down();
    await page.mouse.move(x + width / 2 + 90, y + height / 2 + 20, { steps: 4 });
    await page.mouse.up();
  });
  const wheel = await changes(page, "the wheel", () => page.mouse.wheel(0, -400));
  assert(wheel.after.share > wheel.before.share, "the wheel up does not zoom in");
  await page.locator("canvas").focus();
  await changes(page, "the left arrow", () => page.keyboard.press("ArrowLeft"));
  await changes(page, "the up arrow", () => page.keyboard.press("ArrowUp"));
  const minus = await changes(page, "minus", () => page.keyboard.press("-"));
  assert(minus.after.share < minus.before.share, `minus: ${minus.before.share} to ${minus.after.share}`);
  await page.keyboard.press("r");
  assert((await look(page)).png.equals(first.png), "R does not bring the first view back");
  await changes(page, "the arrow before reset", () => page.keyboard.press("ArrowRight"));
  await page.locator("#reset").click();
  assert(Math.abs((await look(page)).share - first.share) < 1e-3, "the button does not bring the first view back");
  await changes(page, "the light background", () => page.locator("#theme").click());
  await save(page, "desktop-light");
  assert.deepEqual(problems, []);
  await context.close();
}

async function phone(browser) {
  const { context, page, problems } = await open(browser, { ...kPhone, colorScheme: "light" });
  const first = await look(page);
  assert(first.share > 0.02, `${first.share} of the picture differs from the background`);
  await save(page, "phone-light");
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  assert(!wide, "the page is wider than a phone");
  const pixels = await page.locator("canvas").evaluate((canvas) => canvas.width / canvas.clientWidth);
  assert(pixels <= 1.5, `${pixels} device pixels a CSS pixel`);
  const client = await context.newCDPSession(page);
  const { x, y, width, height } = await page.locator("canvas").boundingBox();
  await changes(page, "a finger", async () => {
    const at = (dx) => [{ x: x + width / 2 + dx, y: y + height / 2 }];
    await client.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: at(0) });
    for (const dx of [20, 50, 80]) await client.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: at(dx) });
    await client.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  });
  const pinch = await changes(page, "two fingers", async () => {
    const at = (half) => [-half, half].map((dx) => ({ x: x + width / 2 + dx, y: y + height / 2 }));
    await client.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: at(40) });
    for (const half of [55, 70, 90]) await client.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: at(half) });
    await client.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  });
  assert(pinch.after.share > pinch.before.share, "spreading two fingers does not zoom in");
  await page.emulateMedia({ colorScheme: "dark" });
  await look(page);
  await save(page, "phone-dark");
  assert.deepEqual(problems, []);
  await context.close();
}

const browser = await launch();
try {
  await desktop(browser);
  await phone(browser);
  console.log("view: passed");
} finally {
  await browser.close();
}
