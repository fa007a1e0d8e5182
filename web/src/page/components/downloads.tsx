// SPDX-License-Identifier: Apache-2.0
// The files of a run in every format. A file is made when it is asked for, then downloaded.

import { useEffect, useState } from "preact/hooks";
import * as api from "../core/api";
import { exportKey, exportStates, finishedExport, learnExport } from "../core/runs";
import { useSelect } from "../core/signal";
import type { Format, Run } from "../core/types";
import { useAction } from "../core/use_action";
import { bytes, capital, messageOf } from "../core/words";
import { Dialog } from "./dialog";
import { Icon } from "./icons";
import { Problem } from "./problem";

const HEADINGS: Record<Format["holds"], string> = { mesh: "Mesh", splats: "Gaussians", points: "Points" };

export function Downloads({ run, onClose }: { run: Run; onClose: () => void }) {
  const [formats, setFormats] = useState<Format[]>();
  const [problem, setProblem] = useState("");
  useEffect(() => {
    Promise.all([api.formats(), api.exportsOf(run.id)]).then(
      ([all, states]) => {
        for (const state of states) learnExport(run.id, state);
        setFormats(all);
      },
      (error: unknown) => setProblem(messageOf(error)),
    );
  }, [run.id]);
  return (
    <Dialog title="Download" onClose={onClose} class="downloads">
      <Problem text={problem} />
      {(["mesh", "splats", "points"] as const).map((holds) => (
        <section key={holds} aria-label={HEADINGS[holds]}>
          <h3>{HEADINGS[holds]}</h3>
          <ul>
            {formats
              ?.filter((format) => format.holds === holds)
              .map((format) => <Row key={format.name} run={run} format={format} />)}
          </ul>
        </section>
      ))}
    </Dialog>
  );
}

function Row({ run, format }: { run: Run; format: Format }) {
  const state = useSelect(exportStates, (all) => all.get(exportKey(run.id, format.name)));
  const action = useAction();
  const current = state?.state === "done" && state.step === run.step;
  const working = action.busy || state?.state === "queued" || state?.state === "working";
  const note = working
    ? `${state?.stage || (state?.state === "queued" ? "waiting" : "making the file")} …`
    : current && state.bytes !== null
      ? bytes(state.bytes)
      : "";
  return (
    <li>
      <button
        type="button"
        class="download"
        disabled={action.busy}
        onClick={() => void action.run(async () => api.download(await finishedExport(run.id, format.name)))}
      >
        <b>{format.extension}</b>
        <span class="about">{capital(format.about)}</span>
        <span class="note" role="status">
          {note}
        </span>
        <Icon name={current ? "check" : "download"} />
      </button>
      <Problem text={action.problem || (state?.state === "failed" && !working ? (state.error ?? "") : "")} />
    </li>
  );
}
