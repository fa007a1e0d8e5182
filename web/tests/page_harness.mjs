// SPDX-License-Identifier: Apache-2.0
// What the tests of the page share: a mock server with a browser, pages that must stay free of errors, and axe.
import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { launch } from "./browser.mjs";
import { MockServer } from "./mock_server.mjs";

export const kWide = { viewport: { width: 1180, height: 620 }, colorScheme: "dark" }; // small, for software rendering
const kAxe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const [folder] = process.argv.slice(2);
if (folder) await mkdir(folder, { recursive: true });

/** Runs `tests` ({ name: async ({ open, server }) => … }), each with a server of its own. */
export async function runTests(tests) {
  const browser = await launch();
  try {
    for (const [name, test] of Object.entries(tests)) {
      const begin = Date.now();
      const server = new MockServer(60);
      const contexts = [];
      const address = await server.listen();
      const open = (options) => openPage(browser, address, contexts, options);
      try {
        await test({ open, server });
        for (const { page, problems } of contexts) assert.deepEqual(problems, [], `${name}: ${page.url()}`);
      } catch (error) {
        for (const [i, { page }] of contexts.entries()) await save(page, `failed-${name.replace(/\W+/g, "-")}-${i}`);
        error.message = `${name}: ${error.message}`;
        throw error;
      } finally {
        for (const { page } of contexts) await page.context().close();
        await server.close();
      }
      console.log(`page: ${name} (${((Date.now() - begin) / 1000).toFixed(1)} s)`);
    }
  } finally {
    await browser.close();
  }
}

/** `allowed`: console messages that the test provokes. */
async function openPage(browser, address, contexts, { allowed = /^$/, ...options } = {}) {
  const context = await browser.newContext({ ...kWide, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const problems = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type()) && !allowed.test(message.text())) problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(String(error)));
  contexts.push({ page, problems });
  await page.goto(address);
  await page.locator(".head").waitFor();
  return page;
}

export async function save(page, name) {
  if (folder) await writeFile(join(folder, `${name}.png`), await page.screenshot());
}

/** No serious or critical violation of the rules of axe. */
export async function accessible(page, what) {
  await page.evaluate(kAxe);
  const { violations } = await page.evaluate(() => globalThis.axe.run({ resultTypes: ["violations"] }));
  const grave = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
  assert.deepEqual(grave.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`), [], what);
}

export const field = (page) => page.getByRole("combobox", { name: "Prompt" });
export const card = (page, name) => page.locator(".history").getByRole("button", { name }).first();
/** Waits until the viewer shows Gaussians. */
export const filled = (page, at = 0) =>
  page.waitForFunction((i) => Number(document.querySelectorAll("canvas")[i]?.dataset.splats) > 0, at);
export const saidWords = (page, words) => page.locator(".state-line", { hasText: words }).waitFor();
export async function until(condition, what, milliseconds = 20_000) {
  for (const end = Date.now() + milliseconds; !(await condition()); await new Promise((done) => setTimeout(done, 30))) {
    assert(Date.now() < end, what);
  }
}
