// SPDX-License-Identifier: Apache-2.0
// The page of `lucid serve`, and of one run with `lucid generate --watch`.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { SplatViewer } from "../../viewer/viewer";
import * as api from "../core/api";
import { chosen, tab } from "../core/choice";
import { fill, form } from "../core/form";
import { connect, connection, learn, useRun } from "../core/runs";
import { useSelect, useValue } from "../core/signal";
import type { About, Vocabulary } from "../core/types";
import { useAction } from "../core/use_action";
import { useKeys } from "../core/use_keys";
import { percent } from "../core/words";
import { CreatePanel } from "./create_panel";
import { EditDialog } from "./edit_dialog";
import { Header } from "./header";
import { Help } from "./help";
import { History } from "./history";
import { Queue } from "./queue";
import { Stage } from "./stage";

const TABS = { create: "Create", run: "Run", history: "History" } as const;

export function Studio({ about }: { about: About }) {
  const id = useValue(chosen);
  const run = useRun(id);
  const shownTab = useValue(tab);
  const [vocabulary, setVocabulary] = useState<Vocabulary>();
  const [help, setHelp] = useState(false);
  const viewer = useRef<SplatViewer | null>(null);
  const action = useAction();
  const single = about.mode === "run";
  const answers = useSelect(connection, (state) => state !== "lost");

  useEffect(() => {
    connect();
    if (single) tab.set("run");
    const names = about.presets.map(({ name }) => name);
    if (!names.includes(form.value.preset) && names[0]) fill({ preset: names[0] });
  }, []);
  useEffect(() => {
    if (!single && answers) api.vocabulary().then(setVocabulary, () => {}); // the prompt works without
  }, [answers]);
  useEffect(() => {
    document.title = run ? `${Math.floor(percent(run))} % · ${run.prompt} · lucid` : "lucid";
  }, [run?.step, run?.prompt]);
  // The run changes a few times a second; these do not change with it.
  const create = useMemo(() => !single && <CreatePanel about={about} vocabulary={vocabulary} />, [vocabulary]);
  const side = useMemo(() => !single && <Side chosen={id} />, [id]);
  useKeys({
    run,
    viewer,
    help: () => setHelp(true),
    act: (name) => run && void action.run(async () => learn(await api.act(run.id, name))),
  });

  return (
    <div class={`page ${single ? "single" : ""}`} data-tab={shownTab}>
      <Header onHelp={() => setHelp(true)} />
      {create}
      <Stage
        about={about}
        vocabulary={vocabulary}
        run={run}
        action={action}
        onViewer={(made) => (viewer.current = made)}
      />
      {side}
      {!single && (
        <nav class="tabs" aria-label="Parts of the page">
          {(Object.keys(TABS) as (keyof typeof TABS)[]).map((name) => (
            <button type="button" key={name} aria-pressed={name === shownTab} onClick={() => tab.set(name)}>
              {TABS[name]}
            </button>
          ))}
        </nav>
      )}
      {!single && <EditDialog />}
      {help && <Help onClose={() => setHelp(false)} />}
    </div>
  );
}

function Side({ chosen: id }: { chosen: string | null }) {
  return (
    <aside class="side" aria-label="Runs">
      <Queue chosen={id} />
      <History chosen={id} />
    </aside>
  );
}
