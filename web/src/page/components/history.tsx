// SPDX-License-Identifier: Apache-2.0
// The runs that have ended or are paused, newest first.

import { useRef, useState } from "preact/hooks";
import * as api from "../core/api";
import { compared, compareWith, offer, tab } from "../core/choice";
import { canEdit, editAgain, editing, sourceOf } from "../core/edit";
import { takeSettings } from "../core/form";
import { learn, remove, runs, works } from "../core/runs";
import { useList, useValue } from "../core/signal";
import type { Run } from "../core/types";
import { useAction } from "../core/use_action";
import { stateWord, when } from "../core/words";
import { Confirm } from "./dialog";
import { Menu, type MenuItem } from "./menu";
import { Problem } from "./problem";
import { focusPrompt } from "./prompt_field";
import { RunButton } from "./run_button";

const hasEnded = (run: Run): boolean => !works(run) && run.state !== "queued";

function settingsOf(run: Run): void {
  takeSettings(run);
  tab.set("create");
  requestAnimationFrame(focusPrompt); // once the menu has given the focus back
}

export function History({ chosen }: { chosen: string | null }) {
  const action = useAction(true);
  const [doomed, setDoomed] = useState<Run>();
  const section = useRef<HTMLElement>(null);
  const comparing = useValue(compared);
  const ended = useList(runs, (all) => [...all.values()].filter(hasEnded));

  const itemsOf = (run: Run): MenuItem[] => {
    const items: MenuItem[] = [];
    if (!run.edit_of) items.push({ name: "Use these settings", act: () => settingsOf(run) });
    else if (sourceOf(run, runs.value)) items.push({ name: "Use these settings", act: () => editAgain(run) });
    if (canEdit(run)) items.push({ name: "Edit …", act: () => editing.set({ source: run }) });
    if (run.actions.includes("again")) {
      items.push({
        name: "Again with another seed",
        act: () => void action.run(async () => offer(learn(await api.again(run.id)))),
      });
    }
    if (run.has_asset && chosen !== null && run.id !== chosen) {
      items.push({ name: "Compare", act: () => compareWith(run.id) });
    }
    if (run.actions.includes("delete")) items.push({ name: "Delete …", danger: true, act: () => setDoomed(run) });
    return items;
  };

  const erase = async (run: Run): Promise<void> => {
    const done = await action.run(() => remove(run.id));
    if (done) section.current?.querySelector<HTMLElement>(".run-button")?.focus(); // the card that had it is gone
  };

  return (
    <section class="history" aria-label="History" ref={section}>
      <h2>History</h2>
      <Problem text={action.problem} onClose={action.clear} />
      {ended.length === 0 && <p class="quiet">Finished runs stand here, with all their settings.</p>}
      <ul>
        {ended.map((run) => (
          <li key={run.id} class="card">
            <RunButton
              run={run}
              chosen={run.id === chosen || run.id === comparing}
              notes={[
                `${stateWord(run)}, ${when(run.created)}`,
                run.edit_of ? `Edit of ${run.edit_of.prompt}` : `Seed ${run.seed}`,
              ]}
            />
            <Menu name={`More for ${run.prompt}, seed ${run.seed}`} items={itemsOf(run)} />
          </li>
        ))}
      </ul>
      {doomed && (
        <Confirm
          title={`Delete “${doomed.prompt}”?`}
          text={`The run with seed ${doomed.seed}, its pictures and its files are removed from the disk. This cannot be undone.`}
          action="Delete"
          onClose={() => setDoomed(undefined)}
          onConfirm={() => void erase(doomed)}
        />
      )}
    </section>
  );
}
