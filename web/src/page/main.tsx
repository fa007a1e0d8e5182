// SPDX-License-Identifier: Apache-2.0
// The page of `lucid serve`: the list of runs, and the chosen one in the viewer.

import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { listRuns, type Run, splatsOf, takeToken } from "./api";
import { SplatView } from "./splat_view";

const NO_TOKEN = "Open the address that `lucid serve` has printed: its last part, after #, lets you in.";
const BACKGROUND = matchMedia("(prefers-color-scheme: light)").matches ? "#f5f6f8" : "#14161a";

function Page() {
  const [runs, setRuns] = useState<Run[]>([]);
  const [chosen, setChosen] = useState<Run>();
  const [frame, setFrame] = useState<Uint8Array>();
  const [problem, setProblem] = useState(takeToken() ? "" : NO_TOKEN);
  const report = (error: unknown): void => setProblem(error instanceof Error ? error.message : String(error));

  useEffect(() => {
    if (problem) return;
    listRuns().then((all) => {
      setRuns(all);
      setChosen(all[0]);
    }, report);
  }, []);
  useEffect(() => {
    if (chosen) splatsOf(chosen.id).then(setFrame, report);
  }, [chosen]);

  return (
    <div class="page">
      <header>
        <h1>lucid</h1>
        <p role="status">{problem || (runs.length === 0 ? "There are no runs yet." : "")}</p>
      </header>
      <nav aria-label="Runs">
        {runs.map((run) => (
          <button type="button" aria-pressed={run === chosen} onClick={() => setChosen(run)}>
            {run.prompt}
          </button>
        ))}
      </nav>
      <main>
        <SplatView label={chosen ? `3D view of ${chosen.prompt}` : "3D view"} background={BACKGROUND} frame={frame} />
      </main>
    </div>
  );
}

render(<Page />, document.getElementById("page")!);
