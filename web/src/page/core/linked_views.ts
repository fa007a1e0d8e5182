// SPDX-License-Identifier: Apache-2.0
// Viewers whose cameras move together.

import type { SplatViewer } from "../../viewer/viewer";

const ALIKE = 1.5; // ratio of sizes up to which cameras stand at the same place

export class LinkedViews {
  private readonly views = new Set<SplatViewer>();

  /** Returns a function that takes the viewer out again. */
  add(viewer: SplatViewer): () => void {
    const leader = [...this.views].find((each) => each.ball() !== null);
    if (leader) follow(viewer, leader);
    this.views.add(viewer);
    return () => {
      this.views.delete(viewer);
      this.frame();
    };
  }

  /** Whether there is more than one, so that a camera cannot move alone. */
  get linked(): boolean {
    return this.views.size > 1;
  }

  moved(leader: SplatViewer): void {
    if (!this.views.has(leader)) return;
    for (const viewer of this.views) if (viewer !== leader) follow(viewer, leader);
  }

  /** Frames what is shown, unless the user has moved the camera. */
  frame(): void {
    if ([...this.views].every((view) => view.placedBy() !== "user")) this.reset();
  }

  /** Frames the largest asset; the others follow. */
  reset(): void {
    const size = (view: SplatViewer): number => view.ball()?.radius ?? 0;
    [...this.views].sort((a, b) => size(b) - size(a))[0]?.reset();
  }
}

/** Assets of like size get the very same camera; others one at the same distance relative to their size. */
function follow(viewer: SplatViewer, leader: SplatViewer): void {
  const pose = leader.pose();
  const [to, from] = [viewer.ball(), leader.ball()];
  const scale = to && from ? to.radius / from.radius : 1;
  if (!to || !from || (scale < ALIKE && scale > 1 / ALIKE)) return viewer.setPose(pose);
  const at = (axis: 0 | 1 | 2): number => to.centre[axis] + scale * (pose.target[axis] - from.centre[axis]);
  viewer.setPose({ ...pose, radius: scale * pose.radius, target: [at(0), at(1), at(2)] });
}
