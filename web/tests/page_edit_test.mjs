// SPDX-License-Identifier: Apache-2.0
// An edit in the page: its form, its run, and the way back to the asset that it began with.
// `node page_edit_test.mjs [FOLDER]`; screenshots go to FOLDER.
import assert from "node:assert/strict";
import { accessible, card, filled, kWide, runTests, save, saidWords, until } from "./page_harness.mjs";

const kPhone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
const dialog = (page) => page.getByRole("dialog", { name: "Edit" });
const value = (page, name) => dialog(page).getByLabel(name, { exact: true });
const rightEdge = (page) =>
  page.locator(".transport .button").evaluateAll((all) => Math.max(...all.map((each) => each.getBoundingClientRect().right)));
const menu = async (page, name, item) => {
  await page.getByRole("button", { name: `More for ${name}` }).first().click();
  await page.getByRole("menuitem", { name: item }).click();
};

await runTests({
  "a finished asset is edited, and its edit shows both": async ({ open, server }) => {
    server.runs.finished("a red apple", { preset: "draft", model_key: "/models/mine", guidance_scale: "9" });
    const page = await open({ allowed: /400/ });
    await filled(page);
    await page.getByRole("button", { name: "Edit", exact: true }).click();
    const to = dialog(page).getByLabel("It is to become");
    assert.equal(await to.inputValue(), "a red apple");
    await value(page, "Keep").waitFor();
    assert.equal(await value(page, "Keep").inputValue(), "0.1");
    await save(page, "edit-form");
    await accessible(page, "the form of an edit");

    await dialog(page).getByRole("button", { name: "Start the edit" }).click();
    await dialog(page).getByText("is what the asset shows already").waitFor();
    await save(page, "edit-refused");
    await to.fill("a blue apple");
    await value(page, "Change").selectOption("shape");
    await until(async () => (await value(page, "Keep").inputValue()) === "0", "not the other preset");
    await value(page, "Mask word").fill("red");
    await value(page, "Strength").fill("2");
    server.runs.held = true;
    await to.press("Enter");
    await dialog(page).waitFor({ state: "detached" });
    const sent = server.bodies.at(-1);
    assert.deepEqual(
      { prompt: sent.prompt, edit_of: sent.edit_of, options: sent.options },
      {
        prompt: "a blue apple",
        edit_of: "a-red-apple-1",
        options: { model_key: "/models/mine", change: "shape", mask_word: "red", strength: "2" },
      },
    );

    server.runs.held = false;
    server.runs.stepsPerTick = 4;
    await filled(page);
    await saidWords(page, "Edit of a red apple");
    await saidWords(page, "Finished");
    await page.getByText("lucid edit output/a-red-apple-1 --to").waitFor();
    await page.getByRole("button", { name: "Open the before and after" }).click();
    const picture = page.getByRole("dialog", { name: "Before and after: a blue apple" });
    await picture.getByRole("img").waitFor();
    const box = await picture.getByRole("img").boundingBox();
    assert(box.y + box.height <= kWide.viewport.height, `the picture is cut: ${JSON.stringify(box)}`);
    await save(page, "edit-before-after");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Open the finished views" }).waitFor();
    await card(page, /^a blue apple.*Edit of a red apple/).waitFor();
    await save(page, "edit-finished");
    await accessible(page, "a finished edit");

    // The settings of an edit come back into its form.
    await menu(page, "a blue apple", "Use these settings");
    assert.equal(await to.inputValue(), "a blue apple");
    assert.equal(await value(page, "Strength").inputValue(), "2");
    await dialog(page).getByRole("button", { name: "Cancel" }).click();

    await page.locator(".state-line").getByRole("button", { name: "a red apple" }).click();
    await until(async () => (await page.locator(".edit-note").count()) === 0, "the link does not lead to the first run");
    await card(page, /^a blue apple/).click();
    await menu(page, "a red apple", "Delete");
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    await saidWords(page, "Edit of a red apple, which is deleted");
    await page.getByRole("button", { name: "More for a blue apple" }).click();
    assert.equal(await page.getByRole("menuitem", { name: "Use these settings" }).count(), 0);
  },

  "a run that works cannot be edited": async ({ open, server }) => {
    server.runs.make("a castle", { preset: "fine" });
    const page = await open();
    await filled(page);
    assert(await page.getByRole("button", { name: "Edit", exact: true }).isDisabled());
  },

  "the bar has room for its buttons": async ({ open, server }) => {
    server.runs.finished("a red apple", { preset: "draft" });
    const page = await open({ viewport: { width: 1440, height: 500 } });
    for (const width of [1100, 1300, 1440, 1520, 1600]) {
      await page.setViewportSize({ width, height: 500 });
      const { x, width: bar } = await page.locator(".transport").boundingBox();
      const right = await rightEdge(page);
      assert(right <= x + bar, `the bar is cut at a width of ${width}: ${right} > ${x + bar}`);
    }
  },

  "an edit on a phone": async ({ open, server }) => {
    server.runs.finished("a red apple", { preset: "draft" });
    const page = await open(kPhone);
    await filled(page);
    await page.getByRole("button", { name: "Edit", exact: true }).click();
    const { x, width } = await dialog(page).boundingBox();
    assert(x >= 0 && x + width <= 390, `the form is cut: ${x} to ${x + width}`);
    await value(page, "Seed").waitFor();
    await save(page, "edit-form-phone");
    await dialog(page).getByLabel("It is to become").fill("a blue apple");
    await dialog(page).getByRole("button", { name: "Start the edit" }).click();
    await saidWords(page, "Edit of a red apple");
    await saidWords(page, "Finished");
    await page.getByRole("button", { name: "Open the before and after" }).waitFor();
    const right = await rightEdge(page);
    assert(right <= 390, `the bar is cut: ${right}`);
    await save(page, "edit-finished-phone");
    await accessible(page, "an edit on a phone");
  },
});
