// SPDX-License-Identifier: Apache-2.0
// The form of the next run.

import { useEffect, useId, useState } from "preact/hooks";
import { chosen, offer } from "../core/choice";
import { fill, form, type FormProblem, generate, loadOptions, problem, rollSeed } from "../core/form";
import { connection, learn, runs, useRun } from "../core/runs";
import { useSelect, useValue } from "../core/signal";
import type { About, Vocabulary } from "../core/types";
import { count, label, messageOf } from "../core/words";
import { useAction } from "../core/use_action";
import { Button, IconButton } from "./button";
import { CommandLine } from "./command_line";
import { OptionsSheet } from "./options_sheet";
import { Problem } from "./problem";
import { focusPrompt, PromptField } from "./prompt_field";
import { PromptHints } from "./prompt_hints";

interface CreatePanelProps {
  about: About;
  vocabulary: Vocabulary | undefined;
}

export function CreatePanel({ about, vocabulary }: CreatePanelProps) {
  const action = useAction();
  const [missing, setMissing] = useState(""); // why the options have not come
  const [sheet, setSheet] = useState(false);
  const [madeId, setMadeId] = useState<string | null>(null);
  const made = useRun(madeId);
  const hints = useId();
  const first = useSelect(runs, (all) => all.size === 0);
  const answers = useSelect(connection, (state) => state !== "lost");
  const preset = useSelect(form, (value) => value.preset);
  const refused = useValue(problem);
  const changes = useSelect(form, ({ changed }) => Object.keys(changed).length);

  useEffect(() => {
    if (!answers) return;
    loadOptions().then(
      () => setMissing(""),
      (error: unknown) => setMissing(messageOf(error)),
    );
  }, [preset, answers]);

  const start = async (): Promise<void> => {
    if (form.value.prompt.trim() === "") {
      focusPrompt();
      return problem.set({ option: null, message: "Type what you want to see first." });
    }
    await action.run(async () => {
      const run = learn(await generate());
      offer(run);
      setMadeId(run.id);
    });
    const at = problem.value?.option;
    if (at && at !== "preset" && at !== "seed" && at !== "device") setSheet(true);
  };

  return (
    <section class="create" aria-label="Create">
      <form
        class="create-form"
        onSubmit={(event) => {
          event.preventDefault();
          void start();
        }}
      >
        <PromptField vocabulary={vocabulary} describedBy={hints} onGenerate={() => void start()} />
        <PromptHints id={hints} vocabulary={vocabulary} first={first} />
        <Presets about={about} />
        <div class="row">
          <SeedField problem={refused} />
          {about.devices.length > 1 && <DeviceField devices={about.devices} />}
        </div>
        <Button icon="sliders" class="wide" onClick={() => setSheet(true)}>
          All options{changes > 0 ? `, ${changes} changed` : ""}
        </Button>
        <button type="submit" class="button main wide" disabled={action.busy} title="Ctrl+Enter">
          <span class="label">{action.busy ? "Sending …" : "Generate"}</span>
        </button>
        <div class="outcome">
          <p role="status">{made?.state === "queued" ? `It waits at place ${made.place ?? 1} of the queue.` : ""}</p>
          <Problem text={refused && (refused.option === null || !sheet) ? refused.message : missing} />
        </div>
      </form>
      <ChosenCommandLine />
      {sheet && <OptionsSheet about={about} onClose={() => setSheet(false)} />}
    </section>
  );
}

function ChosenCommandLine() {
  const run = useRun(useValue(chosen));
  return run ? <CommandLine command={run.command} /> : null;
}

function Presets({ about }: { about: About }) {
  const preset = useSelect(form, (value) => value.preset);
  return (
    <fieldset class="presets">
      <legend>Preset</legend>
      <div>
        {about.presets.map(({ name, steps }) => (
          <label key={name} class="preset">
            <input
              type="radio"
              name="preset"
              value={name}
              checked={name === preset}
              onChange={() => fill({ preset: name })}
            />
            <b>{label(name)}</b>
            <small>{count(steps)} steps</small>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function SeedField({ problem: refused }: { problem: FormProblem | null }) {
  const seed = useSelect(form, (value) => value.seed);
  const id = useId();
  return (
    <div class="field">
      <label for={id}>Seed</label>
      <div class="joined">
        <input
          id={id}
          inputMode="numeric"
          autocomplete="off"
          value={seed}
          aria-invalid={refused?.option === "seed"}
          onInput={(event) => fill({ seed: event.currentTarget.value.trim() })}
        />
        <IconButton icon="dice" name="Random seed" onClick={rollSeed} />
      </div>
    </div>
  );
}

function DeviceField({ devices }: { devices: string[] }) {
  const device = useSelect(form, (value) => value.device);
  const id = useId();
  return (
    <div class="field">
      <label for={id}>Device</label>
      <select id={id} value={device || devices[0]} onChange={(event) => fill({ device: event.currentTarget.value })}>
        {devices.map((each) => (
          <option key={each}>{each}</option>
        ))}
      </select>
    </div>
  );
}
