// SPDX-License-Identifier: Apache-2.0
// The page's forms: phone width, light and dark, the pages of one run and of files; its size and its first paint.
// `node page_look_test.mjs [FOLDER]`; screenshots go to FOLDER.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { kPhone } from "./browser.mjs";
import { look } from "./look.mjs";
import { torus } from "./make_assets.mjs";
import { spz } from "./mock_assets.mjs";
import { accessible, field, filled, runTests, save, saidWords, until } from "./page_harness.mjs";

const kBuilt = fileURLToPath(new URL("../../build/web/", import.meta.url));
const kMain = 40e3; // bytes of the first bundle as gzip
const kAll = 1.5e6; // bytes transferred

await runTests({
  "the page is small and paints at once": async ({ open, server }) => {
    server.runs.finished("a red apple", { preset: "draft" });
    const main = (await readdir(kBuilt)).find((name) => /^main-\w+\.js$/.test(name));
    const bytes = gzipSync(await readFile(kBuilt + main)).length;
    assert(bytes < kMain, `the first bundle has ${bytes} bytes`);
    const page = await open();
    await filled(page);
    const [paint, shift] = await page.evaluate(() => {
      const paints = performance.getEntriesByName("first-contentful-paint");
      return new Promise((done) => {
        new PerformanceObserver((list) => done([paints[0]?.startTime, list.getEntries().reduce((sum, { value }) => sum + value, 0)])).observe({ type: "layout-shift", buffered: true });
        setTimeout(() => done([paints[0]?.startTime, 0]), 300);
      });
    });
    console.log(`page: ${(server.sent / 1e6).toFixed(2)} MB, first bundle ${(bytes / 1e3).toFixed(0)} kB, first paint ${paint.toFixed(0)} ms, layout shift ${shift.toFixed(3)}`);
    assert(server.sent < kAll, `${server.sent} bytes are transferred`);
    assert(paint < 2000, `first paint after ${paint} ms`);
    assert(shift < 0.1, `layout shift ${shift}`);
  },

  "a phone": async ({ open, server }) => {
    server.runs.finished("a red apple", { preset: "draft" });
    server.runs.stepsPerTick = 1;
    const page = await open({ ...kPhone, colorScheme: "light" });
    const tabs = page.getByRole("navigation", { name: "Parts of the page" });
    await filled(page);
    const box = await page.locator(".views").boundingBox();
    assert(Math.abs(box.width - box.height) < 6, `the viewer is square: ${box.width} x ${box.height}`);
    const pixels = await page.locator("canvas").evaluate((canvas) => canvas.width / canvas.clientWidth);
    assert(pixels <= 1.5, `${pixels} device pixels a CSS pixel`);
    for (const [name, shown, hidden] of [["Create", ".create", ".side"], ["Run", ".strip", ".create"], ["History", ".side", ".strip"]]) {
      await tabs.getByRole("button", { name }).tap();
      await page.locator(shown).waitFor();
      assert(!(await page.locator(hidden).isVisible()), `${hidden} under ${name}`);
      assert(!(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)), `${name} is wider than the phone`);
      const small = await page.evaluate(() =>
        [...document.querySelectorAll("button:not(.link, .chip), input:not([type=radio], [type=checkbox]), select")]
          .filter((each) => each.checkVisibility() && each.getBoundingClientRect().height < 47.5)
          .map((each) => each.outerHTML),
      );
      assert.deepEqual(small, [], "targets below 48 px");
      await save(page, `phone-${name.toLowerCase()}`);
      await accessible(page, `${name} on a phone`);
    }
    await tabs.getByRole("button", { name: "Create" }).tap();
    await page.evaluate(() => scrollTo(0, 1000));
    assert.equal((await page.locator(".views").boundingBox()).y, 0, "the viewer scrolls away");

    await field(page).fill("a blue chair");
    await page.getByRole("button", { name: "Generate" }).tap();
    await saidWords(page, /^Step/);
    await until(() => server.runs.list[0].step > 2, "no steps");
    server.runs.held = true;
    const before = await look(page);
    const client = await page.context().newCDPSession(page);
    await page.locator("canvas").scrollIntoViewIfNeeded();
    const { x, y, width, height } = await page.locator("canvas").boundingBox();
    const at = (dx) => [{ x: x + width / 2 + dx, y: y + height / 2 }];
    await client.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: at(0) });
    for (const dx of [20, 60, 100]) await client.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: at(dx) });
    await client.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
    assert(!(await look(page)).png.equals(before.png), "a finger does not turn the view");
  },

  "light and dark": async ({ open, server }) => {
    server.runs.finished("a red apple", { preset: "draft" });
    const page = await open({ colorScheme: "light" });
    await filled(page);
    const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const light = await ground();
    await save(page, "light");
    await accessible(page, "the light page");
    await page.getByRole("button", { name: "Dark colours" }).click();
    const dark = await ground();
    assert.notEqual(dark, light);
    const seen = await look(page);
    assert(seen.share < 0.7, "the viewer's background stays light");
    await page.reload();
    await page.getByRole("button", { name: "Light colours" }).waitFor();
    assert.equal(await ground(), dark, "the switch is forgotten");
    await page.getByRole("button", { name: "Light colours" }).click();
    await page.emulateMedia({ colorScheme: "dark" });
    assert.equal(await ground(), light, "the system's choice counts more than the switch");
  },

  "the page of one run": async ({ open, server }) => {
    server.about.mode = "run";
    server.runs.make("a red apple", { preset: "fine" });
    const page = await open();
    await filled(page);
    await page.getByRole("button", { name: "Pause" }).waitFor();
    assert.equal(await page.getByRole("combobox").count(), 0);
    assert.equal(await page.getByText("History").count(), 0);
    await page.getByText("lucid generate").waitFor();
    await save(page, "single");
    await accessible(page, "the page of one run");
  },

  "the page of files": async ({ open, server }) => {
    server.about.mode = "view";
    server.scenes = ["red", "blue"].map((title, i) => ({
      title,
      kind: "spz",
      path: `/api/v1/scenes/${i}`,
      theta: 90,
      phi: 0,
      bytes: spz(torus(2000, i === 0 ? [0.9, 0.2, 0.1] : [0.1, 0.2, 0.9])),
    }));
    const page = await open();
    await filled(page, 0);
    await filled(page, 1);
    const views = [page.locator("canvas").first(), page.locator("canvas").nth(1)];
    const before = [await look(page, views[0]), await look(page, views[1])];
    assert(before[0].colour[0] > before[0].colour[2] && before[1].colour[2] > before[1].colour[0], "red, then blue");
    assert.equal((await views[0].boundingBox()).x, 0, "the first cell is empty");
    await page.keyboard.press("ArrowLeft"); // without the focus
    assert(!(await look(page, views[0])).png.equals(before[0].png), "a key does not turn the first");
    assert(!(await look(page, views[1])).png.equals(before[1].png), "the cameras are not linked");
    await save(page, "files");
    await accessible(page, "the page of files");
    await until(() => !server.asked.includes("GET runs"), "asks for runs");
  },
});
