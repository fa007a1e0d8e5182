// SPDX-License-Identifier: Apache-2.0
// A run in the page: live frames, what can be done with it, downloads, lucid's own render, and a server that goes away.
// `node page_run_test.mjs [FOLDER]`; screenshots go to FOLDER.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { drawn, look } from "./look.mjs";
import { accessible, filled, runTests, save, saidWords, until } from "./page_harness.mjs";

await runTests({
  "the asset grows, the run is paused, resumed and stopped": async ({ open, server }) => {
    const page = await open();
    const run = server.runs.make("a red apple", { preset: "default" });
    await filled(page);
    server.runs.held = true;
    await page.evaluate(() => {
      const live = document.querySelector("[aria-live=polite]");
      globalThis.said = [];
      new MutationObserver(() => globalThis.said.push(live.textContent)).observe(live, { characterData: true, subtree: true });
    });
    const first = await look(page);
    assert(first.share > 0.01, `${first.share} of the picture is drawn on`);
    const count = await drawn(page);
    await page.waitForTimeout(300);
    assert.equal(await drawn(page), count, "draws although nothing changes");
    server.runs.stepsPerTick = 12;
    server.runs.held = false;
    await until(() => run.step > 400, "the run does not go on");
    server.runs.held = true;
    const later = await look(page);
    assert(!later.png.equals(first.png), "the picture stays as it was");
    assert(later.colour[0] > 1.3 * later.colour[2], `red comes out: ${later.colour}`);
    assert.equal(await page.locator("canvas").getAttribute("data-step"), String(run.step));
    const said = await page.evaluate(() => globalThis.said);
    assert(said.length >= 5 && said.length <= 10, `progress is read out at each tenth: ${said}`);
    await page.getByRole("img", { name: /Score over the steps/ }).waitFor();
    await page.getByRole("button", { name: "Open the training sheet" }).click();
    await page.getByRole("dialog", { name: "Training sheet: a red apple" }).getByRole("img").waitFor();
    await save(page, "sheet");
    await page.keyboard.press("Escape");
    await save(page, "running");
    await accessible(page, "a running run");
    server.runs.held = false;
    server.runs.stepsPerTick = 1;

    await page.getByRole("button", { name: "Pause" }).click();
    await saidWords(page, "Paused");
    await until(() => server.watched.at(-1)?.length === 0, "a paused run is watched");
    await page.getByRole("button", { name: "Resume" }).click();
    await saidWords(page, /^Step/);
    await until(() => server.watched.at(-1)?.[0] === run.id, "a resumed run is not watched");
    await page.getByRole("button", { name: "Stop and keep" }).click();
    await saidWords(page, "Stopped at step");
    await until(() => server.watched.at(-1)?.length === 0, "a stopped run is watched");
    assert.equal(await page.locator("canvas").getAttribute("data-step"), String(run.step), "not the last Gaussians");
  },

  "frames that are packed for the network show the same": async ({ open, server }) => {
    server.packed = true;
    const page = await open();
    const run = server.runs.make("a red apple", { preset: "default" });
    await filled(page);
    server.runs.stepsPerTick = 12;
    await until(() => run.step > 400, "the run does not go on");
    server.runs.held = true;
    await until(async () => (await page.locator("canvas").getAttribute("data-step")) === String(run.step), "not the newest frame");
    const framed = async () => {
      await page.getByRole("button", { name: "Reset the camera" }).click();
      return look(page);
    };
    const packed = await framed();
    const differences = server.kinds.filter((kind) => kind === "delta").length;
    assert(differences > 10, `${differences} of ${server.kinds.length} frames are differences`);
    server.kinds = [];
    await page.addInitScript(() => delete globalThis.DecompressionStream); // as in an old browser
    await page.reload();
    await filled(page);
    const plain = await framed();
    assert.equal(server.kinds.length, 0, "packed frames");
    assert(Math.abs(packed.share - plain.share) < 0.02, `${packed.share} instead of ${plain.share}`);
    packed.colour.forEach((c, i) => assert(Math.abs(c - plain.colour[i]) < 8, `${packed.colour} instead of ${plain.colour}`));
  },

  "a hidden tab watches nothing": async ({ open, server }) => {
    const page = await open();
    const run = server.runs.make("a red apple", { preset: "fine" });
    await filled(page);
    const hide = (hidden) =>
      page.evaluate((value) => {
        Object.defineProperty(document, "hidden", { value, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      }, hidden);
    await hide(true);
    await until(() => server.watched.at(-1)?.length === 0, "a hidden tab watches");
    await hide(false);
    await until(() => server.watched.at(-1)?.[0] === run.id, "a shown tab does not watch");
  },

  "a finished run goes on, is repeated, rendered by lucid and downloaded": async ({ open, server }) => {
    const run = server.runs.finished("a red apple", { preset: "draft" });
    const page = await open();
    await filled(page);
    await saidWords(page, "Finished");
    assert.equal(server.watched.flat().length, 0, "a finished run is watched");
    const before = await look(page);

    await page.getByRole("button", { name: "lucid's render" }).click();
    await page.getByRole("img", { name: "a red apple, rendered by lucid" }).waitFor();
    await page.getByText(/render of step 60, made in/).waitFor();
    const view = server.bodies.find(({ path }) => path.endsWith("/render"));
    assert.equal(view.background, "#101216");
    const { width, height } = await page.locator("canvas").evaluate(({ width, height }) => ({ width, height }));
    assert.deepEqual([view.width, view.height], [width, height]);
    assert(Math.abs(view.theta - 75) < 0.01 && Math.abs(view.phi - 25) < 0.01, JSON.stringify(view));
    await page.locator("canvas").focus();
    await page.keyboard.press("ArrowLeft");
    await page.getByText("The view has moved since.").waitFor();
    await page.getByRole("button", { name: "Render again" }).click();
    const views = () => server.bodies.filter(({ path }) => path.endsWith("/render"));
    await until(() => views().length === 2, "it is not rendered again");
    assert.notEqual(views()[1].phi, view.phi);
    await page.getByText(/made in/).waitFor();
    assert.equal(await page.getByText("The view has moved since.").count(), 0);
    await save(page, "render");
    await accessible(page, "lucid's render");
    await page.getByRole("button", { name: "lucid's render" }).click();
    await page.getByRole("button", { name: "Reset the camera" }).click();
    const after = await look(page);
    assert(Math.abs(after.share - before.share) < 0.02, `${after.share} instead of ${before.share}`);

    await page.getByRole("button", { name: "Download" }).click();
    const dialog = page.getByRole("dialog", { name: "Download" });
    await dialog.getByRole("button", { name: /^\.spz/ }).waitFor();
    assert.equal(await dialog.getByRole("button").count(), 10); // nine formats, and Close
    const files = {};
    for (const [name, row] of [["glb", /^\.glb Textured/], ["spz", /^\.spz/]]) {
      const coming = page.waitForEvent("download");
      await dialog.getByRole("button", { name: row }).click();
      if (name === "glb") {
        await dialog.getByText("marching cubes …").waitFor();
        await save(page, "downloads");
        await accessible(page, "the downloads");
      }
      files[name] = await readFile(await (await coming).path());
    }
    await dialog.getByText("123 kB").waitFor();
    assert.equal(files.glb.length, 123456);
    assert.equal(gunzipSync(files.spz).toString("latin1", 0, 4), "NGSP");
    assert(!server.asked.some((each) => each.includes("secret")), "the token is in an address");
    await page.keyboard.press("Escape");

    await page.getByLabel("Further steps").fill("40");
    await page.getByRole("button", { name: "steps", exact: true }).click();
    await until(() => run.steps === 100 && run.state === "finished", "the run does not go on");
    await until(async () => (await page.locator("canvas").getAttribute("data-step")) === "100", "not the newest Gaussians");
    run.steps = 120; // steps that the page has not seen being made, as after a lost connection
    server.runs.advance(run, 20);
    server.runs.set(run, "finished");
    await until(async () => (await page.locator("canvas").getAttribute("data-step")) === "120", "not the newest Gaussians");
    await page.getByRole("button", { name: "Another seed" }).click();
    await until(() => server.runs.list.length === 2, "no second run");
    assert.notEqual(server.runs.list[0].seed, run.seed);
  },

  "a failed run and a refused action say why": async ({ open, server }) => {
    const run = server.runs.finished("a red apple", { preset: "draft" });
    const page = await open({ allowed: /404/ });
    await filled(page);
    run.error = "The disk is full. Free some space, then resume the run.";
    server.runs.set(run, "failed");
    await page.getByText("The disk is full.").waitFor();
    server.runs.list = [];
    await page.getByRole("button", { name: "Resume" }).click();
    await page.getByRole("alert").filter({ hasText: "There is no run" }).waitFor();
  },

  "the server goes away and comes back": async ({ open, server }) => {
    const run = server.runs.make("a red apple", { preset: "fine" });
    const page = await open({ allowed: /ERR_|WebSocket|401/ });
    await filled(page);
    const { port } = server;
    await server.down();
    await page.getByText("The server does not answer; trying again.").waitFor();
    await save(page, "lost");
    await page.waitForTimeout(700);
    await server.listen(port);
    await page.getByText("The server does not answer; trying again.").waitFor({ state: "detached" });
    await until(() => server.watched.at(-1)?.[0] === run.id, "it is not watched again");
    const step = run.step;
    await until(async () => Number(await page.locator("canvas").getAttribute("data-step")) > step, "no new frames");
    server.token = "another"; // of a server that was started anew
    await server.down();
    await server.listen(port);
    await page.getByText("Open the address that lucid has printed").waitFor();
  },

  "a page without a token says where it is": async ({ open, server }) => {
    const page = await open();
    await page.evaluate(() => sessionStorage.clear());
    await page.goto(`http://127.0.0.1:${server.port}/`);
    await page.getByText("Open the address that lucid has printed").waitFor();
    await accessible(page, "the page without a token");
  },
});
