// SPDX-License-Identifier: Apache-2.0
// The only script of the HTML file that runs by itself: unpacks the viewer's module and starts it.

import { inlinedBytes } from "./inlined";

async function start(): Promise<void> {
  const code = new Blob([await inlinedBytes("viewer", true)], { type: "text/javascript" });
  const address = URL.createObjectURL(code);
  const { view } = (await import(address)) as typeof import("./main");
  URL.revokeObjectURL(address);
  await view();
}

start().catch((error: unknown) => {
  const message = document.getElementById("message")!;
  message.textContent = error instanceof Error ? error.message : String(error);
  message.hidden = false;
});
