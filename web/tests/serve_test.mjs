// SPDX-License-Identifier: Apache-2.0
// The page on the real `lucid serve`, as a new user would use it: `node serve_test.mjs LUCID [FOLDER]`. Types a prompt, sees
// the asset grow, turns it, pauses, resumes, stops, downloads, edits, and finds the run again after the server was killed.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launch } from "./browser.mjs";
import { look } from "./look.mjs";

const [lucid, folder] = process.argv.slice(2);
if (folder) await mkdir(folder, { recursive: true });
const kWide = { viewport: { width: 1180, height: 620 }, colorScheme: "dark", reducedMotion: "reduce" };
const output = await mkdtemp(join(tmpdir(), "lucid-serve-"));
const browser = await launch();
const processes = [];

/** Starts a command that serves a page. The address is the first line that it prints. */
async function start(...words) {
  const child = spawn(lucid, words, { stdio: ["ignore", "pipe", "pipe"] });
  processes.push(child);
  let said = "";
  child.stderr.on("data", (text) => (said += text));
  const line = await Promise.race([
    once(child.stdout, "data").then(([text]) => String(text).trim()),
    once(child, "exit").then(([code]) => assert.fail(`${words.join(" ")}: exit code ${code}: ${said}`)),
  ]);
  return { child, address: line, said: () => said };
}
const serve = (...words) => start("serve", "--output", output, "--port", "0", ...words);
async function end({ child }, signal) {
  child.kill(signal);
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

async function open(address, prepare = () => {}) {
  const page = await (await browser.newContext(kWide)).newPage();
  prepare(page);
  page.setDefaultTimeout(60_000); // a machine with two cores draws, computes and tests at once
  page.problems = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && page.problems.push(message.text()));
  page.on("pageerror", (error) => page.problems.push(String(error)));
  await page.goto(address);
  return page;
}
const save = async (page, name) => folder && writeFile(join(folder, `${name}.png`), await page.screenshot());
const shows = (page, at = 0) =>
  page.waitForFunction((i) => Number(document.querySelectorAll("canvas")[i]?.dataset.splats) > 0, at);
const says = (page, words) => page.locator(".state-line", { hasText: words }).waitFor();
const step = async (page) => Number(await page.locator("canvas").getAttribute("data-step"));
const seconds = (from) => ((Date.now() - from) / 1000).toFixed(1);

async function download(page, name) {
  const coming = page.waitForEvent("download");
  await page.getByRole("dialog", { name: "Download" }).getByRole("button", { name: new RegExp(`^\\.${name}`) }).first().click();
  const file = join(output, `download.${name}`);
  await (await coming).saveAs(file);
  return execFileSync(lucid, ["info", file], { encoding: "utf8" }); // exits with 2 for what it cannot read
}

try {
  let server = await serve();
  let page = await open(server.address);
  await page.getByRole("combobox", { name: "Prompt" }).fill("a hamburger");
  await page.keyboard.press("Escape"); // closes the completion
  await page.getByRole("radio", { name: /Draft/ }).check();
  await page.getByRole("button", { name: "All options" }).click();
  await page.locator('[data-option="iterations"] input').fill("5000"); // more than it has time for, however slow the test is
  await page.keyboard.press("Escape");
  await save(page, "1-prompt");
  const begin = Date.now();
  await page.getByRole("button", { name: "Generate" }).click();
  await shows(page);
  console.log(`serve: first Gaussians after ${seconds(begin)} s`);
  const first = await look(page);
  await page.waitForFunction(() => Number(document.querySelector("canvas").dataset.step) > 30);
  const later = await look(page);
  assert(later.share > 0.02, `${later.share} of the picture is drawn on`);
  assert(!later.png.equals(first.png), "the asset does not grow");
  await save(page, "2-running");

  await page.getByRole("button", { name: "Pause" }).click();
  await says(page, /^Paused/);
  const paused = await step(page);
  const still = await look(page);
  const box = await page.locator("canvas").boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2 + 120, box.y + box.height / 2, { steps: 4 });
  await page.mouse.up();
  assert(!(await look(page)).png.equals(still.png), "the mouse does not turn it");
  await save(page, "3-paused-and-turned");
  await page.getByRole("button", { name: "Resume" }).click();
  await page.waitForFunction((before) => Number(document.querySelector("canvas").dataset.step) > before, paused);

  await page.getByRole("button", { name: "Stop and keep" }).click();
  await says(page, /^Stopped/);
  await page.getByRole("button", { name: "lucid's render" }).click();
  await page.getByRole("img", { name: "a hamburger, rendered by lucid" }).waitFor();
  await save(page, "4-stopped-and-rendered");
  await page.getByRole("button", { name: "Download" }).click();
  assert.match(await download(page, "spz"), /Gaussians/);
  assert.match(await download(page, "glb"), /triangles/);
  await save(page, "5-downloads");
  await page.keyboard.press("Escape");

  await page.getByRole("button", { name: "Edit", exact: true }).click();
  const edit = page.getByRole("dialog", { name: "Edit" });
  await edit.getByLabel("It is to become").fill("a green hamburger");
  await edit.getByLabel("Iterations", { exact: true }).fill("6");
  await edit.getByRole("button", { name: "Start the edit" }).click();
  await says(page, "Edit of a hamburger");
  await says(page, /^Finished: 6 steps/);
  await page.getByRole("button", { name: "Open the before and after" }).click();
  await page.getByRole("img", { name: "Before and after of a green hamburger" }).waitFor();
  await save(page, "5-edited");
  await page.keyboard.press("Escape");
  assert.deepEqual(page.problems, []);
  await page.context().close();

  // A server that is killed leaves a paused run behind.
  await fetchJson(server.address, "runs", { prompt: "a red car", options: { preset: "draft" } });
  await until(async () => (await fetchJson(server.address, "runs/a_red_car")).step > 0);
  await end(server, "SIGKILL");
  server = await serve();
  await until(async () => (await fetchJson(server.address, "runs/a_red_car")).state !== "pausing"); // its process saves
  const runs = (await fetchJson(server.address, "runs")).runs.map(({ id, state, error }) => `${id} ${state}: ${error}`);
  assert.deepEqual(runs, ["a_red_car paused: null", "a_green_hamburger finished: null", "a_hamburger stopped: null"]);
  page = await open(server.address);
  await page.locator(".history").getByRole("button", { name: /^a hamburger/ }).first().click();
  await shows(page);
  assert((await look(page)).share > 0.02, "a run of an earlier server is not shown");
  await save(page, "6-after-a-restart");
  assert.deepEqual(page.problems, []);
  await page.context().close();
  await end(server, "SIGINT");
  assert.equal(server.child.exitCode, 0);

  const view = await start("view", join(output, "download.spz"), join(output, "download.glb"), "--port", "0");
  page = await open(view.address);
  await shows(page);
  for (const i of [0, 1]) {
    const seen = await look(page, page.locator("canvas").nth(i));
    assert(seen.share > 0.02, `${seen.share} of view ${i} is drawn on`);
  }
  await save(page, "7-view");
  assert.deepEqual(page.problems, []);
  await page.context().close();
  await end(view, "SIGINT");
  assert.equal(view.child.exitCode, 0);

  // To the page this server is another machine: frames are packed.
  server = await serve("--host", "lucid.test");
  const kinds = []; // 0: key frame, 1: difference
  page = await open(server.address.replace("127.0.0.1", "lucid.test"), (opened) =>
    opened.on("websocket", (socket) =>
      socket.on("framereceived", ({ payload: frame }) => {
        if (!Buffer.isBuffer(frame)) return;
        assert.equal(frame.readUInt32LE(4), 2, "a frame that is not packed");
        kinds.push(frame.readUInt32LE(32));
      }),
    ),
  );
  await fetchJson(server.address, "runs", { prompt: "a green tree", options: { preset: "draft", iterations: 60 } });
  await page.locator(".history").getByRole("button", { name: "a green tree" }).first().click();
  await page.waitForFunction(() => Number(document.querySelector("canvas").dataset.step) > 30);
  await says(page, /^Finished/);
  assert(kinds.includes(0) && kinds.includes(1), `packed frames: ${kinds}`);
  assert((await look(page)).share > 0.02, "packed frames are not shown");
  assert.deepEqual(page.problems.filter((text) => !text.includes("Cross-Origin-Opener-Policy")), []); // wants HTTPS
  await page.context().close();
  await end(server, "SIGINT");

  const watch = await start("generate", "--watch", "--preset", "draft", "--iterations", "30", "--output", output, "a blue mug");
  page = await open(watch.address);
  await shows(page);
  await says(page, /^Finished/);
  assert.equal(watch.child.exitCode, null, "it does not wait for the page");
  await save(page, "8-watch");
  assert.deepEqual(page.problems, []);
  await page.context().close();
  await until(() => watch.child.exitCode !== null);
  assert.equal(watch.child.exitCode, 0);
  console.log(`serve: passed in ${seconds(begin)} s`);
} finally {
  await browser.close();
  for (const child of processes) child.kill("SIGKILL");
  await rm(output, { recursive: true, force: true });
}

async function fetchJson(address, path, body) {
  const { origin, hash } = new URL(address);
  const headers = { Authorization: `Bearer ${hash.slice(3)}`, "Content-Type": "application/json" };
  const response = await fetch(`${origin}/api/v1/${path}`, {
    headers,
    ...(body && { method: "POST", body: JSON.stringify(body) }),
  });
  const answer = await response.json();
  assert(response.ok, JSON.stringify(answer));
  return answer;
}

async function until(condition) {
  for (const give_up = Date.now() + 60_000; !(await condition()); await new Promise((done) => setTimeout(done, 100)))
    assert(Date.now() < give_up, String(condition));
}
