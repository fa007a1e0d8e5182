// SPDX-License-Identifier: Apache-2.0
// A ball around the visible part of a cloud, from quantiles weighted with opacity: the rule of visible_bounds() in
// src/lucid/asset/framing.h, so that the page and `lucid render --fit` frame an asset alike.

export interface Bounds {
  centre: [number, number, number];
  radius: number;
}

/** Centres, largest standard deviations and opacities of N Gaussians. */
export interface Extents {
  centres: Float32Array; // [3N]
  sigmas: Float32Array; // [N]
  opacities: Float32Array; // [N]
}

const TAIL = 0.005;
const WITHIN = 0.99;
const SIGMAS = 2;
const LEAST_OPACITY = 1 / 255;

/** Bounds of the cloud, or null if no Gaussian is visible. */
export function visibleBounds({ centres, sigmas, opacities }: Extents): Bounds | null {
  const count = sigmas.length;
  let total = 0;
  let most = 0;
  for (const opacity of opacities) {
    total += opacity;
    most = Math.max(most, opacity);
  }
  if (most < LEAST_OPACITY) return null;
  const centre: [number, number, number] = [0, 0, 0];
  for (let axis = 0; axis < 3; ++axis) {
    const along = new Float32Array(count);
    for (let i = 0; i < count; ++i) along[i] = centres[3 * i + axis]!;
    const order = ascending(along);
    const low = quantile(along, opacities, order, TAIL * total);
    centre[axis] = (low + quantile(along, opacities, order, (1 - TAIL) * total)) / 2;
  }
  const reach = new Float32Array(count);
  for (let i = 0; i < count; ++i) {
    const offset = [0, 1, 2].map((axis) => centres[3 * i + axis]! - centre[axis]!);
    reach[i] = Math.hypot(offset[0]!, offset[1]!, offset[2]!) + SIGMAS * sigmas[i]!;
  }
  return { centre, radius: quantile(reach, opacities, ascending(reach), WITHIN * total) };
}

function ascending(values: Float32Array): Uint32Array {
  return Uint32Array.from(values.keys()).sort((a, b) => values[a]! - values[b]!);
}

/** The smallest value below which at least `wanted` of the weight lies. */
function quantile(values: Float32Array, weights: Float32Array, order: Uint32Array, wanted: number): number {
  let sum = 0;
  for (const at of order) {
    sum += weights[at]!;
    if (sum >= wanted) return values[at]!;
  }
  return values[order[order.length - 1]!]!;
}
