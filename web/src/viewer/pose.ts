// SPDX-License-Identifier: Apache-2.0
// A camera on an orbit, in the numbers of `lucid render --camera THETA PHI RADIUS --fovy FOVY` (src/lucid/camera/camera.h).

import type { PerspectiveCamera, Vector3 } from "three";
import type { Bounds } from "./bounds";

export interface Pose {
  theta: number; // degrees from straight above (0) to straight below (180)
  phi: number; // azimuth in degrees; 0 is the front, +y
  radius: number; // distance to the target, world units
  target: [number, number, number];
}

export const FOVY = 0.55; // radians, as lucid's training and rendering
const MARGIN = 0.95; // of the picture that a framed asset takes
const DEGREE = Math.PI / 180;

export function placeCamera(camera: PerspectiveCamera, pose: Pose): void {
  const { theta, phi } = pose;
  const across = Math.sin(theta * DEGREE);
  camera.position.set(
    pose.target[0] + pose.radius * across * Math.sin(phi * DEGREE),
    pose.target[1] + pose.radius * across * Math.cos(phi * DEGREE),
    pose.target[2] + pose.radius * Math.cos(theta * DEGREE),
  );
}

export function poseOf(camera: PerspectiveCamera, target: Vector3): Pose {
  const offset = camera.position.clone().sub(target);
  return {
    theta: Math.atan2(Math.hypot(offset.x, offset.y), offset.z) / DEGREE,
    phi: Math.atan2(offset.x, offset.y) / DEGREE,
    radius: offset.length(),
    target: target.toArray(),
  };
}

/** The pose from `theta` and `phi` that shows the whole ball in a picture with this width / height. */
export function framing(bounds: Bounds, aspect: number, theta: number, phi: number): Pose {
  const half = Math.atan(Math.tan(FOVY / 2) * Math.min(1, aspect));
  return { theta, phi, radius: Math.max(bounds.radius, 1e-6) / (MARGIN * Math.sin(half)), target: bounds.centre };
}
