// SPDX-License-Identifier: Apache-2.0
// A small plot of one figure over the steps.

interface PlotProps {
  name: string;
  steps: readonly number[];
  values: readonly number[];
  format: (value: number) => string;
}

const WIDTH = 200;
const HEIGHT = 48;

export function Plot({ name, steps, values, format }: PlotProps) {
  const last = values.at(-1);
  const text = last === undefined ? "–" : format(last);
  return (
    <figure class="plot">
      <figcaption>
        <span>{name}</span> <b>{text}</b>
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={last === undefined ? `${name}: no figures yet` : `${name} over the steps, now ${text}`}
      >
        <path class="axis" d={`M0 ${HEIGHT - 0.5}H${WIDTH}`} vector-effect="non-scaling-stroke" />
        <path d={pathOf(steps, values)} vector-effect="non-scaling-stroke" />
      </svg>
    </figure>
  );
}

function pathOf(steps: readonly number[], values: readonly number[]): string {
  if (values.length === 0) return "";
  const first = steps[0]!;
  const span = steps.at(-1)! - first || 1;
  const low = Math.min(...values);
  const range = Math.max(...values) - low;
  const points = values.map((value, i) => {
    const x = (WIDTH * (steps[i]! - first)) / span;
    const y = 3 + (HEIGHT - 6) * (1 - (range > 0 ? (value - low) / range : 0.5));
    return `${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  return `M${points.join("L")}`;
}
