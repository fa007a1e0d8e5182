// SPDX-License-Identifier: Apache-2.0
// What a canvas shows once it is still: its PNG, the share of pixels that differ from the background, the same along the
// left and right edge, their mean colour.

export const drawn = (page, canvas = page.locator("canvas")) => canvas.evaluate((each) => Number(each.dataset.drawn));

/** Waits until nothing has been drawn for a while: Spark draws again when it has sorted. */
async function settled(page, canvas) {
  for (let before = -1, now = await drawn(page, canvas); now !== before; ) {
    before = now;
    await page.waitForTimeout(400);
    now = await drawn(page, canvas);
  }
}

export async function look(page, canvas = page.locator("canvas")) {
  await settled(page, canvas);
  const png = await canvas.screenshot();
  const seen = await page.evaluate(async (base64) => {
    const blob = new Blob([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))]);
    const bitmap = await createImageBitmap(blob);
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    const ground = 4 * (4 * bitmap.width + 4); // near the corner; at the very edge may be a border
    const sum = [0, 0, 0];
    let lit = 0;
    let edge = 0;
    for (let i = 0; i < data.length; i += 4) {
      if (Math.max(...[0, 1, 2].map((c) => Math.abs(data[i + c] - data[ground + c]))) <= 24) continue;
      lit += 1;
      const x = (i / 4) % bitmap.width;
      if (x === 4 || x === bitmap.width - 5) edge += 1;
      for (let c = 0; c < 3; ++c) sum[c] += data[i + c];
    }
    return { share: lit / (data.length / 4), edge: edge / (2 * bitmap.height), colour: sum.map((s) => s / Math.max(lit, 1)) };
  }, png.toString("base64"));
  return { png, ...seen };
}
