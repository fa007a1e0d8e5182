// SPDX-License-Identifier: Apache-2.0
// In what the settings of two runs differ.

import type { Run } from "../core/types";
import { duration, label, stateWord } from "../core/words";

const settingsOf = (run: Run): Record<string, string> => ({
  prompt: run.prompt,
  preset: run.preset,
  seed: String(run.seed),
  device: run.device,
  steps: `${run.step} of ${run.steps}`,
  state: stateWord(run),
  time: duration(run.seconds),
  ...Object.fromEntries(Object.entries(run.options).filter(([name]) => !["text", "preset", "seed", "device"].includes(name))),
});

export function Differences({ left, right }: { left: Run; right: Run }) {
  const [a, b] = [settingsOf(left), settingsOf(right)];
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((name) => a[name] !== b[name]);
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
