// SPDX-License-Identifier: Apache-2.0
// The form of the page: completion, unknown words, options with the server's refusal, retries, keys alone.
// `node page_create_test.mjs [FOLDER]`; screenshots go to FOLDER.
import assert from "node:assert/strict";
import { accessible, field, runTests, save, saidWords, until } from "./page_harness.mjs";

const made = (server) => server.bodies.filter(({ path }) => path === "runs");

await runTests({
  "a prompt is completed, corrected and generated": async ({ open, server }) => {
    const page = await open();
    await page.getByText("Type what you want to see.").waitFor();
    assert.equal(new URL(page.url()).hash, "", "the token stays in the address");
    await save(page, "empty");
    await accessible(page, "the empty page");

    await field(page).pressSequentially("a yelow ted");
    await page.getByRole("option", { name: "teddy bear" }).waitFor();
    assert.equal(await field(page).getAttribute("aria-expanded"), "true");
    await page.keyboard.press("ArrowDown");
    const active = await field(page).getAttribute("aria-activedescendant");
    assert.equal(await page.locator(`[id="${active}"]`).textContent(), "teddy bear");
    await accessible(page, "the list of completions");
    await page.keyboard.press("Enter");
    assert.equal(await field(page).inputValue(), "a yelow teddy bear");
    assert.equal(await page.getByRole("option").count(), 0);

    await page.getByRole("button", { name: "Replace yelow by yellow" }).click();
    assert.equal(await field(page).inputValue(), "a yellow teddy bear");
    await page.getByText("Did you mean").waitFor({ state: "detached" });

    await page.getByRole("radio", { name: "Draft" }).check();
    await page.getByRole("button", { name: "Random seed" }).click();
    const seed = await page.getByLabel("Seed", { exact: true }).inputValue();
    assert.notEqual(seed, "0");
    await page.getByRole("button", { name: "Generate" }).click();
    await saidWords(page, "Step ");
    assert.deepEqual(made(server)[0].options, { preset: "draft", seed });
    assert.equal(made(server)[0].prompt, "a yellow teddy bear");
    await page.getByText("lucid generate \"a yellow teddy bear\"").waitFor();
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("button", { name: "Copy" }).click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^lucid generate "a yellow teddy bear" --preset draft/);
  },

  "an example fills the prompt, and nothing is sent without one": async ({ open, server }) => {
    const page = await open();
    await page.getByRole("button", { name: "Generate" }).click();
    await page.getByRole("alert").filter({ hasText: "Type what you want to see first." }).waitFor();
    assert.equal(made(server).length, 0);
    await page.getByRole("button", { name: "a red toy car" }).click();
    assert.equal(await field(page).inputValue(), "a red toy car");
    assert.equal(await page.getByText("Type what you want to see first.").count(), 0);
  },

  "an answer that is lost is asked for again, and makes one run": async ({ open, server }) => {
    const page = await open({ allowed: /Failed to load resource/ });
    server.silent = 1;
    await field(page).fill("a red apple");
    await page.keyboard.press("Control+Enter");
    await saidWords(page, "Step ");
    await until(() => server.asked.filter((each) => each === "POST runs").length === 2, "no second try");
    assert.equal(server.runs.list.length, 1);
  },

  "options: search, range, reset, and the server's refusal at the field": async ({ open, server }) => {
    const page = await open({ allowed: /400/ });
    await field(page).fill("a red apple");
    await page.getByRole("button", { name: "All options" }).click();
    const sheet = page.getByRole("dialog", { name: "All options" });
    assert((await sheet.locator(".option").count()) > 50);
    assert.equal(await sheet.locator('[data-option="seed"]').count(), 0, "the seed has its own field");
    await accessible(page, "the sheet of options");
    await sheet.getByRole("searchbox").fill("guidance scale");
    await until(async () => (await sheet.locator(".option").count()) < 8, "the search finds too much");
    const guidance = sheet.getByLabel("Guidance scale", { exact: true });
    await guidance.fill("5000");
    await sheet.getByText("This must be from -1000 to 1000.").waitFor();
    assert.equal(await guidance.getAttribute("aria-invalid"), "true");
    await sheet.getByRole("button", { name: "Reset guidance_scale" }).click();
    assert.equal(await guidance.inputValue(), "7.5");
    await guidance.fill("13");
    await sheet.getByRole("searchbox").fill("t range");
    await sheet.getByLabel("T range, second number", { exact: true }).fill("0.6");
    await sheet.getByRole("searchbox").fill("perpneg");
    await sheet.getByRole("switch", { name: "Perpneg" }).check();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "All options, 3 changed" }).waitFor();
    assert(await page.getByRole("button", { name: "All options" }).evaluate((each) => each === document.activeElement), "the focus is lost");

    await page.getByRole("button", { name: "Generate" }).click();
    const refused = sheet.locator('[data-option="guidance_scale"]');
    await refused.getByText("13 brings bad luck").waitFor();
    await until(() => guidance.evaluate((each) => each === document.activeElement), "the refused field has no focus");
    assert.equal(await sheet.locator("section").first().getAttribute("aria-label"), "Changed");
    await save(page, "refused");
    await guidance.fill("12");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Generate" }).click();
    await saidWords(page, "Step ");
    const { options } = made(server).at(-1);
    assert.deepEqual(options, { guidance_scale: "12", t_range: "[0.02, 0.6]", perpneg: "true", preset: "default", seed: "0" });
  },

  "the defaults are those of the preset that was chosen last": async ({ open }) => {
    const page = await open();
    await page.getByRole("radio", { name: "Draft" }).focus();
    for (let i = 0; i < 2; ++i) await page.keyboard.press("ArrowRight"); // faster than the server answers
    await page.getByRole("button", { name: "All options" }).click();
    await page.locator('[data-option="iterations"]').getByText("default 2000").waitFor();
  },

  "a prompt for another prior is not checked": async ({ open, server }) => {
    const page = await open();
    await page.getByRole("button", { name: "All options" }).click();
    await page.locator('[data-option="model_key"] input').fill("/models/sd");
    await page.keyboard.press("Escape");
    const checks = () => server.asked.filter((each) => each.includes("vocabulary/check")).length;
    await field(page).fill("zzz");
    await page.waitForTimeout(700);
    assert.equal(checks(), 0);
  },

  "everything by keys alone": async ({ open, server }) => {
    const page = await open();
    await field(page).focus();
    await page.keyboard.type("a blue chair s c ?"); // letters that are keys of the page elsewhere
    assert.equal(await field(page).inputValue(), "a blue chair s c ?");
    assert.equal(await page.getByRole("dialog").count(), 0);
    await page.keyboard.press("Control+Enter");
    await saidWords(page, "Step ");
    await page.evaluate(() => document.activeElement.blur());
    const run = server.runs.list[0];
    await page.keyboard.press(" ");
    await until(() => run.state === "paused", "Space does not pause");
    await saidWords(page, "Paused");
    await page.keyboard.press(" ");
    await until(() => run.state === "running", "Space does not resume");
    await until(() => page.evaluate(() => document.querySelector("canvas")?.dataset.splats > 0), "no splats");
    const drawn = () => page.locator("canvas").evaluate((each) => each.toDataURL().length);
    server.runs.held = true;
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).waitFor();
    await accessible(page, "the help");
    await page.keyboard.press("s"); // does nothing under a dialog
    await page.keyboard.press("Escape");
    assert.equal(run.state, "running");
    server.runs.held = false;
    await page.keyboard.press("s");
    await until(() => run.state === "stopped", "S does not stop");
    await drawn();
    for (let i = 0; i < 60; ++i) {
      await page.keyboard.press("Tab");
      const name = await page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? "");
      if (name.startsWith("More for")) break;
      assert(i < 59, "Tab does not reach the history's menu");
    }
    await page.keyboard.press("Enter");
    await page.getByRole("menuitem", { name: "Use these settings" }).waitFor();
    await page.keyboard.press("End");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog", { name: /Delete/ }).getByText("cannot be undone").waitFor();
    await page.keyboard.press("Escape");
    assert.equal(server.runs.list.length, 1, "Escape deletes");
  },
});
