// SPDX-License-Identifier: Apache-2.0
// The keys of the page.

import { Dialog } from "./dialog";

const KEYS: [keys: string[], meaning: string][] = [
  [["Ctrl", "Enter"], "Generate, while in the prompt"],
  [["Space"], "Pause or resume the run"],
  [["S"], "Stop the run and keep what it has made"],
  [["C"], "Compare with another run"],
  [["R"], "Reset the camera"],
  [["←", "→", "↑", "↓"], "Turn the view; with Shift move it"],
  [["+", "−"], "Zoom in and out"],
  [["?"], "This help"],
];

export function Help({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose} class="small">
      <dl class="keys">
        {KEYS.map(([keys, meaning]) => (
          <div key={meaning}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <p class="quiet">Mouse: drag turns, the wheel zooms, the right button moves. Touch: one finger turns, two zoom and move.</p>
    </Dialog>
  );
}
