// SPDX-License-Identifier: Apache-2.0
// Under the transport bar: how far the run is, its figures as plots, the training sheet, and an edit's before and after.

import { useState } from "preact/hooks";
import type { PictureName, Run } from "../core/types";
import { usePicture } from "../core/use_picture";
import { count, duration, percent, short } from "../core/words";
import { Dialog } from "./dialog";
import { Plot } from "./plot";

export function Strip({ run }: { run: Run }) {
  const has = (name: PictureName): boolean => run.pictures.some((each) => each.name === name);
  const left = run.seconds_left === null ? "" : `${duration(run.seconds_left)} left`;
  return (
    <div class="strip">
      <div class="progress">
        <p>
          <b>{Math.floor(percent(run))} %</b> {left}
        </p>
        <progress max={run.steps || 1} value={run.step} aria-label="Finished steps" />
        <p class="quiet">
          {count(run.step)} of {count(run.steps)} steps
          <br />
          {run.steps_per_second !== null ? `${short(run.steps_per_second)} steps a second` : `${duration(run.seconds)} of work`}
        </p>
      </div>
      <Plot name="Score" steps={run.series.step} values={run.series.score} format={short} />
      <Plot name="Gaussians" steps={run.series.step} values={run.series.gaussians} format={count} />
      <div class="sheets">
        {has("before_after") && <Sheet run={run} name="before_after" title="Before and after" />}
        {has("result") ? <Sheet run={run} name="result" title="Finished views" /> : <Sheet run={run} name="sheet" title="Training sheet" />}
      </div>
    </div>
  );
}

function Sheet({ run, name, title }: { run: Run; name: PictureName; title: string }) {
  const url = usePicture(run, name);
  const [large, setLarge] = useState(false);
  return (
    <div class="sheet-thumbnail">
      <button type="button" aria-label={`Open the ${title.toLowerCase()}`} disabled={!url} onClick={() => setLarge(true)}>
        {url ? <img src={url} alt="" /> : <span class="quiet">No training sheet yet</span>}
      </button>
      {large && url && (
        <Dialog title={`${title}: ${run.prompt}`} onClose={() => setLarge(false)} class="picture">
          <img src={url} alt={`${title} of ${run.prompt}`} />
        </Dialog>
      )}
    </div>
  );
}
