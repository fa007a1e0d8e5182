// SPDX-License-Identifier: Apache-2.0
// The lists of the page and the comparison: history, queue, runs of the command line, two runs with linked cameras.
// `node page_history_test.mjs [FOLDER]`; screenshots go to FOLDER.
import assert from "node:assert/strict";
import { look } from "./look.mjs";
import { accessible, card, field, filled, runTests, save, saidWords, until } from "./page_harness.mjs";

const menu = async (page, name, item) => {
  await page.getByRole("button", { name: `More for ${name}` }).first().click();
  await page.getByRole("menuitem", { name: item }).click();
};

await runTests({
  "history: look back, take settings, repeat, delete": async ({ open, server }) => {
    server.runs.finished("a red apple", { preset: "draft", seed: "5", guidance_scale: "9" });
    server.runs.finished("a blue chair", { preset: "default", seed: "6" });
    const page = await open({ allowed: /404/ });
    await filled(page);
    await page.locator(".history img").nth(1).waitFor();
    const blue = await look(page);
    assert(blue.colour[2] > 1.3 * blue.colour[0], `the newest is shown: ${blue.colour}`);
    await card(page, /^a red apple/).click();
    await saidWords(page, "Finished: 60 steps");
    await until(async () => (await page.locator("canvas").getAttribute("data-step")) === "60", "the other asset does not come");
    const red = await look(page);
    assert(red.colour[0] > 1.3 * red.colour[2], `red: ${red.colour}`);
    await save(page, "history");

    await menu(page, "a red apple", "Use these settings");
    assert.equal(await field(page).inputValue(), "a red apple");
    assert.equal(await page.getByLabel("Seed", { exact: true }).inputValue(), "5");
    assert(await page.getByRole("radio", { name: "Draft" }).isChecked());
    await page.getByRole("button", { name: "All options, 1 changed" }).waitFor();

    server.runs.stepsPerTick = 1000;
    await menu(page, "a blue chair", "Again with another seed");
    await until(() => server.runs.list.length === 3, "no new run");
    assert.equal(server.runs.list[0].parent, "a-blue-chair-2");

    await menu(page, "a red apple", "Delete");
    const dialog = page.getByRole("dialog", { name: "Delete “a red apple”?" });
    await accessible(page, "the question before a run is deleted");
    await dialog.getByRole("button", { name: "Keep it" }).click();
    assert.equal(server.runs.list.length, 3);
    await menu(page, "a red apple", "Delete");
    await dialog.getByRole("button", { name: "Delete" }).click();
    await card(page, /^a red apple/).waitFor({ state: "detached" });
    assert.equal(server.runs.list.length, 2);
    await until(() => page.evaluate(() => document.activeElement.matches(".run-button")), "the focus is lost");
  },

  "queue: order and removal by keys": async ({ open, server }) => {
    server.runs.stepsPerTick = 1;
    server.runs.make("a castle", { preset: "fine" });
    for (const prompt of ["a tree", "a teapot", "a banana"]) server.runs.make(prompt, {});
    const page = await open();
    const order = () => server.runs.queued().map(({ prompt }) => prompt);
    await until(() => order().length === 3, "the first does not begin");
    assert.deepEqual(order(), ["a tree", "a teapot", "a banana"]);
    await page.locator(".queue img").first().waitFor(); // of the running one
    await page.getByRole("button", { name: "Move a banana up" }).focus();
    await page.keyboard.press("Enter");
    await until(() => order().join() === "a tree,a banana,a teapot", `order: ${order()}`);
    await page.waitForTimeout(100);
    await page.keyboard.press("Enter");
    await until(() => order().join() === "a banana,a tree,a teapot", `order: ${order()}`);
    await until(
      () => page.evaluate(() => document.activeElement.getAttribute("aria-label") === "Move a banana down"),
      "the focus does not stay with what was moved",
    );
    await page.keyboard.press("Enter");
    await until(() => order().join() === "a tree,a banana,a teapot", `order: ${order()}`);
    await save(page, "queue");
    await page.getByRole("button", { name: "Take a tree out of the queue" }).focus();
    await page.keyboard.press("Enter");
    await until(() => order().join() === "a banana,a teapot", `order: ${order()}`);
    await until(() => page.evaluate(() => document.activeElement.textContent.startsWith("a banana")), "the focus is lost");
    await accessible(page, "a queue");
  },

  "a run of the command line is shown from its SPZ": async ({ open, server }) => {
    const run = server.runs.finished("a green tree", { preset: "draft" });
    server.frameless.add(run.id);
    server.exportTime = 80;
    const page = await open({ allowed: /404/ });
    await filled(page);
    const seen = await look(page);
    assert(seen.share > 0.02, `${seen.share} of the picture is drawn on`);
    assert(seen.colour[1] > 1.3 * seen.colour[2], `green: ${seen.colour}`);
  },

  "two runs side by side with linked cameras": async ({ open, server }) => {
    server.runs.finished("a red apple", { preset: "draft", seed: "5", guidance_scale: "9" });
    server.runs.finished("a red chair", { preset: "draft", seed: "6" });
    const page = await open();
    await filled(page);
    await page.locator("body").press("c");
    await filled(page, 1);
    const [left, right] = [page.locator("canvas").first(), page.locator("canvas").nth(1)];
    const before = [await look(page, left), await look(page, right)];
    assert.equal(await page.getByLabel("Right run").inputValue(), "a-red-apple-1");
    assert(Math.abs(before[0].share - before[1].share) < 0.05, `shares ${before[0].share} and ${before[1].share}`);
    const table = page.getByRole("region", { name: "Differences" });
    await table.getByRole("row", { name: "Guidance scale the preset's 9" }).waitFor();
    assert.equal(await table.getByRole("row", { name: /^Preset/ }).count(), 0);
    await save(page, "compare");
    await accessible(page, "the comparison");

    const { x, y, width, height } = await left.boundingBox();
    await page.mouse.move(x + width / 2, y + height / 2);
    await page.mouse.down();
    await page.mouse.move(x + width / 2 + 80, y + height / 2 + 10, { steps: 4 });
    await page.mouse.up();
    const after = [await look(page, left), await look(page, right)];
    assert(!after[0].png.equals(before[0].png), "the left one does not turn");
    assert(!after[1].png.equals(before[1].png), "the right one does not follow");
    assert(Math.abs(after[0].share - after[1].share) < 0.05, `shares ${after[0].share} and ${after[1].share}`);
    await right.focus();
    await page.keyboard.press("-");
    const far = [await look(page, left), await look(page, right)];
    assert(far[0].share < after[0].share && far[1].share < after[1].share, "the left one does not follow");

    await page.getByRole("button", { name: "Compare" }).click();
    await until(async () => (await page.locator("canvas").count()) === 1, "the comparison stays");
    await menu(page, "a red apple", "Compare");
    await until(async () => (await page.locator("canvas").count()) === 2, "the menu does not compare");
  },

  "a comparison shows the larger one whole, and leaves the other as it was": async ({ open, server }) => {
    server.runs.held = true;
    const large = server.runs.make("a red chair", { preset: "draft" });
    server.runs.advance(large, 20); // its Gaussians are still far apart
    server.runs.set(large, "stopped");
    server.runs.finished("a red apple", { preset: "draft" });
    const page = await open();
    await filled(page);
    const alone = await look(page);
    await page.keyboard.press("c");
    await filled(page, 1);
    const right = await look(page, page.locator("canvas").nth(1));
    assert(right.edge < 0.02, `${right.edge} of the edge of the right one is drawn on`);
    for (let i = 0; i < 4; ++i) {
      await page.keyboard.press("ArrowLeft");
      await page.getByRole("button", { name: "Reset the camera" }).click();
      await page.getByRole("button", { name: "Compare" }).click(); // while Spark sorts what goes
      await until(async () => (await page.locator("canvas").count()) === 1, "the comparison stays");
      await page.keyboard.press("r");
      await page.keyboard.press("c");
      await filled(page, 1);
    }
    await page.keyboard.press("c");
    const again = await look(page);
    assert(Math.abs(again.share - alone.share) < 0.02, `framed for the half: ${again.share} instead of ${alone.share}`);
  },
});
