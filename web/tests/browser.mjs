// SPDX-License-Identifier: Apache-2.0
// A headless Chromium that draws WebGL with Mesa's llvmpipe, which is several times faster than Chromium's SwiftShader.
import { chromium } from "playwright-core";

export const kDesktop = { viewport: { width: 640, height: 400 } };
export const kPhone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true };

export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox", // the tests may run as root
      "--disable-dev-shm-usage", // containers have 64 MB of it
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--host-resolver-rules=MAP lucid.test 127.0.0.1", // this machine, but to the page another one
      "--use-gl=angle",
      "--use-angle=gl-egl",
      "--ignore-gpu-blocklist",
    ],
    env: { ...process.env, LIBGL_ALWAYS_SOFTWARE: "1" },
  });
}
