// SPDX-License-Identifier: Apache-2.0
// The runs that work or wait, in the order in which they are worked on.

import { useLayoutEffect, useRef } from "preact/hooks";
import * as api from "../core/api";
import { learn, remove, runs, works } from "../core/runs";
import { useList } from "../core/signal";
import type { Run } from "../core/types";
import { useAction } from "../core/use_action";
import { percent, stateWord } from "../core/words";
import { IconButton } from "./button";
import { Problem } from "./problem";
import { RunButton } from "./run_button";

const SETTLED = 1000; // milliseconds after which the new order has come

const queueOf = (all: ReadonlyMap<string, Run>): Run[] =>
  [...all.values()].filter((run) => run.state === "queued").sort((a, b) => (a.place ?? 0) - (b.place ?? 0));

export function Queue({ chosen }: { chosen: string | null }) {
  const action = useAction(true);
  const list = useRef<HTMLUListElement>(null);
  const working = useList(runs, (all) => [...all.values()].filter(works));
  const queued = useList(runs, queueOf);

  const moved = useRef<string | null>(null); // the run whose button has the focus, while the list settles
  useLayoutEffect(() => {
    const { activeElement: active } = document;
    const lost = active === document.body || (active instanceof HTMLButtonElement && active.disabled);
    if (lost && moved.current) focusIn(moved.current, ".card-tools button:not(:disabled)");
  }, [queued]);

  const focusIn = (id: string, what: string): void =>
    list.current?.querySelector<HTMLElement>(`[data-run="${id}"] ${what}`)?.focus();
  const move = ({ id }: Run, by: number): void => {
    moved.current = id;
    void action.run(async () => {
      const ids = queueOf(runs.value).map((run) => run.id);
      const at = ids.indexOf(id);
      if (at < 0) return; // its turn has come
      ids.splice(at, 1);
      ids.splice(Math.max(0, at + by), 0, id);
      await api.order(ids);
      setTimeout(() => (moved.current = null), SETTLED);
    });
  };
  const take = async (run: Run): Promise<void> => {
    const next = queued[queued.indexOf(run) + 1] ?? queued[queued.indexOf(run) - 1];
    const done = await action.run(async () => {
      if (run.step > 0) learn(await api.act(run.id, "stop"));
      else await remove(run.id);
    });
    if (done && next) focusIn(next.id, ".run-button");
  };

  return (
    <section class="queue" aria-label="Queue">
      <h2>Queue</h2>
      <Problem text={action.problem} onClose={action.clear} />
      {working.length + queued.length === 0 && <p class="quiet">Nothing is waiting.</p>}
      <ul ref={list}>
        {working.map((run) => (
          <li key={run.id} data-run={run.id} class="card">
            <RunButton run={run} chosen={run.id === chosen} notes={[`${stateWord(run)}, ${Math.floor(percent(run))} %`]} />
            <progress max={run.steps || 1} value={run.step} aria-label={`Progress of ${run.prompt}`} />
          </li>
        ))}
        {queued.map((run, at) => (
          <li key={run.id} data-run={run.id} class="card waiting">
            <RunButton run={run} chosen={run.id === chosen} notes={[`Place ${run.place ?? at + 1}`, `Seed ${run.seed}`]} plain />
            <div class="card-tools">
              <IconButton icon="up" name={`Move ${run.prompt} up`} disabled={at === 0} onClick={() => move(run, -1)} />
              <IconButton
                icon="down"
                name={`Move ${run.prompt} down`}
                disabled={at === queued.length - 1}
                onClick={() => move(run, 1)}
              />
              <IconButton icon="close" name={`Take ${run.prompt} out of the queue`} onClick={() => void take(run)} />
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}
