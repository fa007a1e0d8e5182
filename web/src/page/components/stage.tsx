// SPDX-License-Identifier: Apache-2.0
// The middle of the page: the chosen run in the viewer, what can be done with it, and how far it is.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { SplatViewer } from "../../viewer/viewer";
import { choose, compared, compareWith, rendering } from "../core/choice";
import { sourceOf } from "../core/edit";
import { LinkedViews } from "../core/linked_views";
import { known, runs, useRun } from "../core/runs";
import { useSelect, useValue } from "../core/signal";
import type { About, Run, Vocabulary } from "../core/types";
import type { Action } from "../core/use_action";
import { stateWord } from "../core/words";
import { Announcer } from "./announcer";
import { CommandLine } from "./command_line";
import { Differences } from "./differences";
import { FullScreen } from "./full_screen";
import { IconButton } from "./button";
import { LucidRender } from "./lucid_render";
import { Problem } from "./problem";
import { Examples } from "./prompt_hints";
import { RunView } from "./run_view";
import { Strip } from "./strip";
import { Transport } from "./transport";

interface StageProps {
  about: About;
  vocabulary: Vocabulary | undefined;
  run: Run | undefined;
  action: Action; // of the transport bar, and of the keys
  onViewer: (viewer: SplatViewer | null) => void; // the one that keys turn
}

export function Stage({ about, vocabulary, run, action, onViewer }: StageProps) {
  const other = useRun(useValue(compared));
  const beside = useValue(rendering);
  const [viewer, setViewer] = useState<SplatViewer | null>(null);
  const [moves, setMoves] = useState(0);
  const views = useMemo(() => new LinkedViews(), []);
  const box = useRef<HTMLDivElement>(null);
  const single = about.mode === "run";
  useEffect(() => onViewer(viewer), [viewer]);
  useEffect(action.clear, [run?.id]);

  return (
    <main class="stage" aria-label="Viewer">
      <div class="views" ref={box}>
        {run ? (
          <div class="view">
            {other ? <RunChoice label="Left run" run={run} avoid={other.id} onChoose={choose} /> : <StateLine run={run} />}
            <RunView
              run={run}
              views={views}
              onViewer={setViewer}
              onMove={() => beside && setMoves((count) => count + 1)}
            />
            {run.state === "failed" && <Problem text={run.error ?? "The run failed."} />}
          </div>
        ) : (
          <Empty vocabulary={vocabulary} single={single} />
        )}
        {run && other && (
          <div class="view">
            <RunChoice label="Right run" run={other} avoid={run.id} onChoose={compareWith} />
            <RunView run={other} views={views} />
          </div>
        )}
        {run?.has_asset && !other && beside && (
          <div class="view">
            <LucidRender run={run} viewer={viewer} moves={moves} />
          </div>
        )}
        {run && (
          <div class="view-tools">
            <IconButton icon="reset" name="Reset the camera" hint="Reset the camera (R)" onClick={() => views.reset()} />
            <FullScreen box={box} />
          </div>
        )}
      </div>
      {run && <Transport run={run} action={action} single={single} />}
      {run && (
        <div class="under">
          <Problem text={action.problem} onClose={action.clear} />
          {run.warnings.map((warning) => (
            <p class="warning" key={warning}>
              {warning}
            </p>
          ))}
          {other ? <Differences left={run} right={other} /> : <Strip run={run} />}
          {single && <CommandLine command={run.command} />}
        </div>
      )}
      {run && <Announcer key={run.id} run={run} />}
    </main>
  );
}

function StateLine({ run }: { run: Run }) {
  return (
    <div class="state-line">
      <p class={`dot ${run.state}`}>{run.words || stateWord(run)}</p>
      <EditNote run={run} />
      {run.stage && !run.words.toLowerCase().includes(run.stage) && <p class="quiet">{run.stage} …</p>}
    </div>
  );
}

/** Says whose asset the run edits, with a link to it. */
function EditNote({ run }: { run: Run }) {
  const source = useSelect(runs, (all) => sourceOf(run, all)?.id);
  if (!run.edit_of) return null;
  const { prompt } = run.edit_of;
  return (
    <p class="edit-note">
      Edit of{" "}
      {source === undefined ? (
        `${prompt}, which is deleted`
      ) : (
        <button type="button" class="link" onClick={() => choose(source)}>
          {prompt}
        </button>
      )}
    </p>
  );
}

interface RunChoiceProps {
  label: string;
  run: Run;
  avoid: string; // the run on the other side
  onChoose: (id: string) => void;
}

function RunChoice({ label, run, avoid, onChoose }: RunChoiceProps) {
  const all = useSelect(runs, (value) => value);
  return (
    <div class="run-choice">
      <select aria-label={label} value={run.id} onChange={(event) => onChoose(event.currentTarget.value)}>
        {[...all.values()]
          .filter((each) => each.id === run.id || (each.has_asset && each.id !== avoid))
          .map((each) => (
            <option key={each.id} value={each.id}>
              {each.prompt} (seed {each.seed}, {each.step} steps)
            </option>
          ))}
      </select>
    </div>
  );
}

function Empty({ vocabulary, single }: { vocabulary: Vocabulary | undefined; single: boolean }) {
  const arrived = useValue(known);
  return (
    <div class="empty-stage">
      {arrived && !single && (
        <>
          <h2>Type what you want to see.</h2>
          <Examples vocabulary={vocabulary} />
        </>
      )}
      {arrived && single && <h2>The run has not begun.</h2>}
    </div>
  );
}
