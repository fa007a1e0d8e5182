// SPDX-License-Identifier: Apache-2.0
// The page of `lucid serve`, and of one run with `lucid generate --watch`.

import { useEffect, useRef, useState } from "preact/hooks";
import type { SplatViewer } from "../../viewer/viewer";
import * as api from "../core/api";
import { chosen, tab } from "../core/choice";
import { form } from "../core/form";
import { connect, learn, runs, useRun } from "../core/runs";
import { useValue } from "../core/signal";
import type { About, Vocabulary } from "../core/types";
import { useAction } from "../core/use_action";
import { useKeys } from "../core/use_keys";
import { percent } from "../core/words";
import { CreatePanel } from "./create_panel";
import { Header } from "./header";
import { Help } from "./help";
import { History } from "./history";
import { Queue } from "./queue";
import { Stage } from "./stage";

const TABS = { create: "Create", run: "Run", history: "History" } as const;

export function Studio({ about }: { about: About }) {
  const all = [...useValue(runs).values()];
  const id = useValue(chosen);
  const run = useRun(id);
  const shownTab = useValue(tab);
  const [vocabulary, setVocabulary] = useState<Vocabulary>();
  const [help, setHelp] = useState(false);
  const viewer = useRef<SplatViewer | null>(null);
  const action = useAction();
  const single = about.mode === "run";

  useEffect(() => {
    connect();
    if (single) return tab.set("run");
    const names = about.presets.map(({ name }) => name);
    if (!names.includes(form.value.preset) && names[0]) form.set({ ...form.value, preset: names[0] });
    api.vocabulary().then(setVocabulary, () => {}); // the prompt works without
  }, []);
  useEffect(() => {
    document.title = run ? `${Math.floor(percent(run))} % · ${run.prompt} · lucid` : "lucid";
  }, [run?.step, run?.prompt]);
  useKeys({
    run,
    viewer,
    help: () => setHelp(true),
    act: (name) => run && void action.run(async () => learn(await api.act(run.id, name))),
  });

  return (
    <div class={`page ${single ? "single" : ""}`} data-tab={shownTab}>
      <Header onHelp={() => setHelp(true)} />
      {!single && <CreatePanel about={about} vocabulary={vocabulary} run={run} />}
      <Stage
        about={about}
        vocabulary={vocabulary}
        run={run}
        action={action}
        onViewer={(made) => (viewer.current = made)}
      />
      {!single && (
        <aside class="side" aria-label="Runs">
          <Queue all={all} chosen={id} />
          <History all={all} chosen={id} />
        </aside>
      )}
      {!single && (
        <nav class="tabs" aria-label="Parts of the page">
          {(Object.keys(TABS) as (keyof typeof TABS)[]).map((name) => (
            <button type="button" key={name} aria-pressed={name === shownTab} onClick={() => tab.set(name)}>
              {TABS[name]}
            </button>
          ))}
        </nav>
      )}
      {help && <Help onClose={() => setHelp(false)} />}
    </div>
  );
}
