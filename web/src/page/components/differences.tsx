// SPDX-License-Identifier: Apache-2.0
// In what the settings of two runs differ.

import type { Run } from "../core/types";
import { duration, label } from "../core/words";

const ELSEWHERE = ["text", "preset", "seed", "device"]; // options that are fields of a run
const optionsOf = (run: Run): [string, string][] => Object.entries(run.options).filter(([name]) => !ELSEWHERE.includes(name));

const settingsOf = (run: Run): Record<string, string> => ({
  prompt: run.prompt,
  preset: run.preset,
  seed: String(run.seed),
  device: run.device,
  ...Object.fromEntries(optionsOf(run)),
  steps: `${run.step} of ${run.steps}`,
  time: duration(run.seconds),
});

export function Differences({ left, right }: { left: Run; right: Run }) {
  const [a, b] = [settingsOf(left), settingsOf(right)];
  const options = [...optionsOf(left), ...optionsOf(right)].map(([name]) => name);
  const all = new Set(["prompt", "preset", "seed", "device", ...options, "steps", "time"]);
  const names = [...all].filter((name) => a[name] !== b[name]);
  return (
    <div class="differences" tabIndex={0} role="region" aria-label="Differences">
      {names.length === 0 ? (
        <p class="quiet">Both runs have the same settings.</p>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">Differs in</th>
              <th scope="col">Left</th>
              <th scope="col">Right</th>
            </tr>
          </thead>
          <tbody>
            {names.map((name) => (
              <tr key={name}>
                <th scope="row">{label(name)}</th>
                <td>{a[name] ?? "the preset's"}</td>
                <td>{b[name] ?? "the preset's"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}
