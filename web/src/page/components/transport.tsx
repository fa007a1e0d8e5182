// SPDX-License-Identifier: Apache-2.0
// The bar under the viewer: what can be done with the chosen run.

import { useState } from "preact/hooks";
import * as api from "../core/api";
import { comparable, compared, offer, rendering, toggleCompare, toggleRendering } from "../core/choice";
import { canEdit, editing } from "../core/edit";
import { learn, runs } from "../core/runs";
import { useSelect, useValue } from "../core/signal";
import type { ActionName, Run } from "../core/types";
import type { Action } from "../core/use_action";
import { Button } from "./button";
import { Downloads } from "./downloads";
import { Icon } from "./icons";

interface TransportProps {
  run: Run;
  action: Action;
  single: boolean; // the page of one run
}

export function Transport({ run, action, single }: TransportProps) {
  const [downloads, setDownloads] = useState(false);
  const other = useSelect(runs, () => comparable()?.id);
  const comparing = useValue(compared) !== null;
  const beside = useValue(rendering);
  const can = (name: ActionName): boolean => run.actions.includes(name);
  const act = (name: "pause" | "resume" | "stop"): void =>
    void action.run(async () => learn(await api.act(run.id, name)));

  return (
    <div class="transport" role="group" aria-label="Run">
      {can("resume") ? (
        <Button icon="play" title="Resume (Space)" onClick={() => act("resume")} disabled={action.busy}>
          Resume
        </Button>
      ) : (
        <Button icon="pause" title="Pause (Space)" onClick={() => act("pause")} disabled={!can("pause") || action.busy}>
          Pause
        </Button>
      )}
      {can("continue") ? (
        <MoreSteps busy={action.busy} onMore={(steps) => action.run(async () => learn(await api.more(run.id, steps)))} />
      ) : (
        <Button
          icon="stop"
          title="End the run now and keep what it has made (S)"
          onClick={() => act("stop")}
          disabled={!can("stop") || action.busy}
        >
          Stop and keep
        </Button>
      )}
      {!single && (
        <Button
          icon="dice"
          class="foldable"
          title="Another seed: queue the same run again"
          disabled={!can("again") || action.busy}
          onClick={() => void action.run(async () => offer(learn(await api.again(run.id))))}
        >
          Another seed
        </Button>
      )}
      {!single && (
        <Button
          icon="edit"
          class="foldable"
          title="Edit: make this asset into something near"
          disabled={!canEdit(run)}
          onClick={() => editing.set({ source: run })}
        >
          Edit
        </Button>
      )}
      <span class="gap" />
      <Button
        icon="image"
        class="foldable"
        title="The same view, rendered by lucid"
        pressed={beside}
        disabled={!run.has_asset}
        onClick={toggleRendering}
      >
        lucid's render
      </Button>
      {!single && (
        <Button
          icon="compare"
          class="foldable"
          title="Compare with another run (C)"
          pressed={comparing}
          disabled={!comparing && other === undefined}
          onClick={toggleCompare}
        >
          Compare
        </Button>
      )}
      <Button icon="download" class="foldable" title="Download" disabled={!run.has_asset} onClick={() => setDownloads(true)}>
        Download
      </Button>
      {downloads && <Downloads run={run} onClose={() => setDownloads(false)} />}
    </div>
  );
}

function MoreSteps({ busy, onMore }: { busy: boolean; onMore: (steps: number) => void }) {
  const [steps, setSteps] = useState("500");
  const wanted = Number(steps);
  const wrong = !Number.isInteger(wanted) || wanted < 1 || wanted > 1e9;
  return (
    <form
      class="more-steps joined"
      onSubmit={(event) => {
        event.preventDefault();
        if (!wrong) onMore(wanted);
      }}
    >
      <input
        inputMode="numeric"
        autocomplete="off"
        aria-label="Further steps"
        aria-invalid={wrong}
        value={steps}
        onInput={(event) => setSteps(event.currentTarget.value)}
      />
      <button type="submit" class="button quiet" disabled={busy || wrong} title="Go on for this many further steps">
        <Icon name="plus" />
        <span class="label">steps</span>
      </button>
    </form>
  );
}
