// SPDX-License-Identifier: Apache-2.0
// Runs of the mock server: a torus whose Gaussians fall into place and whose colour comes out, one run at a time.
import { liveFrame, torus } from "./make_assets.mjs";
import { ring, sheet } from "./mock_assets.mjs";

export const kSteps = { draft: 60, default: 600, fine: 2000 };
export const kEditSteps = 40;
const kColours = { red: [0.9, 0.2, 0.1], blue: [0.1, 0.3, 0.95], green: [0.15, 0.75, 0.2], yellow: [0.95, 0.8, 0.1] };
const kCount = 3000;

export const colourOf = (prompt) => Object.entries(kColours).find(([word]) => prompt.includes(word))?.[1] ?? [0.8, 0.5, 0.2];

/** The Gaussians after `share` of the steps. */
export function cloud(prompt, share) {
  const colour = colourOf(prompt).map((c) => 0.5 + (c - 0.5) * share);
  return torus(kCount, colour).map(({ centre, colour: own }, i) => ({
    centre: centre.map((c, axis) => c + (1 - share) * 0.35 * Math.sin(12.9898 * i + 78.233 * axis)),
    colour: own,
  }));
}

export class MockRuns {
  revision = 0;
  list = []; // newest first
  onChange = () => {};
  onRemove = () => {};
  onFrame = () => {};
  stepsPerTick = 4;
  held = false; // whether time stands still

  constructor(tick = 100) {
    this.timer = setInterval(() => this.tick(), tick);
  }

  close() {
    clearInterval(this.timer);
  }

  make(prompt, options, { parent = null, source } = {}) {
    const preset = source ? "edit" : (options.preset ?? "default");
    const steps = Number(options.iterations ?? (source ? kEditSteps : kSteps[preset]));
    const { preset: _, seed = "0", device = "cpu", ...others } = options;
    const flags = Object.entries({ preset, seed, ...others }).map(([name, value]) => `--${name.replace(/_/g, "-")} ${value}`);
    const run = {
      id: `${prompt.replace(/\W+/g, "-")}-${this.list.length + 1}`,
      revision: 0,
      prompt,
      state: "queued",
      words: "",
      error: null,
      warnings: [],
      preset,
      seed: Number(seed),
      device,
      options: others,
      created: new Date().toISOString(),
      edit_of: source ? { id: source.id, prompt: source.prompt } : null,
      parent,
      place: null,
      step: 0,
      steps,
      steps_per_second: null,
      seconds_left: null,
      seconds: 0,
      score: null,
      gaussians: null,
      series: { step: [], score: [], gaussians: [] },
      stage: "",
      has_asset: false,
      pictures: [],
      command: source ? `lucid edit output/${source.id} --to "${prompt}"` : `lucid generate "${prompt}" ${flags.join(" ")}`,
      actions: [],
    };
    this.list.unshift(run);
    this.tell(run);
    return run;
  }

  /** A run that has ended before the test. */
  finished(prompt, options = {}, created = new Date()) {
    const run = this.make(prompt, options);
    run.created = created.toISOString();
    run.steps_per_second = 12;
    while (run.step < run.steps) this.advance(run, 10);
    this.set(run, "finished");
    return run;
  }

  find = (id) => this.list.find((run) => run.id === id);
  queued = () => this.list.filter((run) => run.state === "queued").sort((a, b) => (a.order ?? 1e9) - (b.order ?? 1e9) || this.list.indexOf(b) - this.list.indexOf(a));

  set(run, state) {
    run.state = state;
    this.tell(run);
  }

  tell(run) {
    const waiting = this.queued();
    for (const each of this.list) {
      const at = waiting.indexOf(each);
      const place = at < 0 ? null : at + 1;
      const moved = each.place !== place;
      each.place = place;
      if (moved && each !== run) this.publish(each);
    }
    this.publish(run);
  }

  publish(run) {
    run.revision = ++this.revision;
    run.words = words(run);
    run.actions = actions(run);
    this.onChange(run);
  }

  remove(run) {
    this.list = this.list.filter((each) => each !== run);
    this.revision += 1;
    this.onRemove(run.id);
  }

  order(ids) {
    ids.forEach((id, i) => (this.find(id).order = i));
    for (const run of this.queued()) this.tell(run);
    return this.queued().map(({ id }) => id);
  }

  public = ({ order: _, ...run }) => run;

  tick() {
    if (this.held) return;
    const run = this.list.find(({ state }) => ["starting", "running", "pausing", "stopping"].includes(state));
    if (!run) {
      const next = this.queued()[0];
      if (next) this.set(next, "starting");
    } else if (run.state === "starting") {
      this.set(run, "running");
    } else if (run.state === "pausing") {
      this.set(run, "paused");
    } else if (run.state === "stopping") {
      this.set(run, "stopped");
    } else {
      this.advance(run, this.stepsPerTick);
      this.onFrame(run);
      this.set(run, run.step >= run.steps ? "finished" : "running");
    }
  }

  advance(run, steps) {
    run.step = Math.min(run.steps, run.step + steps);
    run.seconds += steps / 12;
    run.steps_per_second = 12;
    run.seconds_left = run.step < run.steps ? (run.steps - run.step) / 12 : null;
    run.score = 2 * Math.exp((-3 * run.step) / run.steps) + 0.3 + 0.1 * Math.sin(run.step);
    run.gaussians = kCount + 10 * run.step;
    if (run.series.step.length < 256) {
      run.series.step.push(run.step);
      run.series.score.push(run.score);
      run.series.gaussians.push(run.gaussians);
    }
    run.has_asset = true;
    const mark = 1 + Math.floor((10 * run.step) / run.steps);
    const atEnd = run.edit_of ? ["result", "before_after"] : ["result"];
    run.pictures = ["thumbnail", "sheet", ...(run.step >= run.steps ? atEnd : [])].map((name) => ({ name, revision: mark }));
  }

  frame = (run, { index = 0, serial = 0 } = {}) => {
    const bytes = liveFrame(cloud(run.prompt, run.step / run.steps), { number: run.step, step: run.step, steps: run.steps });
    bytes.writeUInt32LE(index, 24);
    bytes.writeUInt32LE(serial, 28);
    return bytes;
  };

  picture = (run, name) =>
    name === "thumbnail" ? ring(colourOf(run.prompt), { share: run.step / run.steps }) : sheet(480, colourOf(run.prompt), run.step / run.steps);
}

function words(run) {
  if (run.state === "queued") return run.place > 1 ? `${run.place - 1} before it` : "Next in the queue";
  if (run.state === "running") return `Step ${run.step} of ${run.steps}, about ${Math.ceil(run.seconds_left ?? 0)} s left`;
  if (run.state === "paused") return `Paused at step ${run.step} of ${run.steps}`;
  if (run.state === "finished") return `Finished: ${run.steps} steps`;
  if (run.state === "stopped") return `Stopped at step ${run.step} of ${run.steps}`;
  return `${run.state[0].toUpperCase()}${run.state.slice(1)}`;
}

function actions(run) {
  return {
    queued: ["stop", "again", "delete"],
    starting: ["stop", "again", "delete"],
    running: ["pause", "stop", "again", "delete"],
    pausing: ["again"],
    paused: ["resume", "stop", "again", "delete"],
    stopping: ["again"],
    finished: ["continue", "edit", "again", "delete"],
    stopped: ["resume", "edit", "again", "delete"],
    failed: ["resume", "again", "delete"],
  }[run.state];
}
