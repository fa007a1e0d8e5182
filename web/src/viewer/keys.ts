// SPDX-License-Identifier: Apache-2.0
// The viewer's keys: arrows turn, with Shift they move, + and - zoom, R resets.

import type { OrbitControls } from "three/addons/controls/OrbitControls.js";

const TURN = Math.PI / 36; // radians a key press
const MOVE = 24; // pixels
const ZOOM = 0.9; // of the distance

/** Handles a key event. Returns whether the key was one of the viewer's. */
export function handleKey(event: KeyboardEvent, controls: OrbitControls, reset: () => void): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  const arrow = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
  if (arrow) {
    const [x, y] = arrow as [number, number];
    if (event.shiftKey) controls.pan(MOVE * x, MOVE * y);
    else if (x !== 0) controls.rotateLeft(TURN * x);
    else controls.rotateUp(TURN * y);
    return true;
  }
  if (event.key === "+" || event.key === "=") controls.dollyIn(ZOOM);
  else if (event.key === "-" || event.key === "_") controls.dollyOut(ZOOM);
  else if (event.key === "r" || event.key === "R") reset();
  else return false;
  return true;
}
