// SPDX-License-Identifier: Apache-2.0
// The runs that have ended or are paused, newest first.

import { useState } from "preact/hooks";
import * as api from "../core/api";
import { compared, compareWith, offer, tab } from "../core/choice";
import { takeSettings } from "../core/form";
import { learn, remove, works } from "../core/runs";
import { useValue } from "../core/signal";
import type { Run } from "../core/types";
import { useAction } from "../core/use_action";
import { stateWord, when } from "../core/words";
import { Confirm } from "./dialog";
import { Menu, type MenuItem } from "./menu";
import { Problem } from "./problem";
import { RunButton } from "./run_button";

export function History({ all, chosen }: { all: readonly Run[]; chosen: string | null }) {
  const action = useAction();
  const [doomed, setDoomed] = useState<Run>();
  const comparing = useValue(compared);
  const ended = all.filter((run) => !works(run) && run.state !== "queued");

  const itemsOf = (run: Run): MenuItem[] => {
    const items: MenuItem[] = [
      {
        name: "Use these settings",
        act: () => {
          takeSettings(run);
          tab.set("create");
          requestAnimationFrame(() => document.querySelector<HTMLElement>(".prompt textarea")?.focus());
        },
      },
    ];
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

  return (
    <section class="history" aria-label="History">
      <h2>History</h2>
      <Problem text={action.problem} onClose={action.clear} />
      {ended.length === 0 && <p class="quiet">Finished runs stand here, with all their settings.</p>}
      <ul>
        {ended.map((run) => (
          <li key={run.id} class="card">
            <RunButton
              run={run}
              chosen={run.id === chosen || run.id === comparing}
              notes={[`${stateWord(run)}, ${when(run.created)}`, `Seed ${run.seed}`]}
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
          onConfirm={() => void action.run(() => remove(doomed.id))}
        />
      )}
    </section>
  );
}
