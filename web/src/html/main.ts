// SPDX-License-Identifier: Apache-2.0
// The viewer of an HTML file made by `lucid view --html`: one asset, and buttons for the view and the background.

import { SplatViewer } from "../viewer/viewer";
import { inlinedBytes } from "./inlined";

/** What the program writes into the element "scene" (src/lucid/app/view_html.cpp). */
interface Scene {
  title: string;
  kind: "spz" | "glb"; // of the element "data"
  gzip: boolean; // whether "data" is compressed
}

const BACKGROUNDS = { dark: "#14161a", light: "#f5f6f8" };
type Theme = keyof typeof BACKGROUNDS;

const byId = (id: string): HTMLElement => document.getElementById(id)!;

export async function view(): Promise<void> {
  const scene = JSON.parse(byId("scene").textContent ?? "") as Scene;
  const viewer = new SplatViewer(byId("stage"), {
    label: `3D view of ${scene.title}`,
    antialias: scene.kind === "glb",
  });
  byId("title").textContent = scene.title;
  bindTheme(viewer);
  bindFullScreen();
  byId("reset").addEventListener("click", viewer.reset);
  await viewer.setFile(scene.kind, await inlinedBytes("data", scene.gzip));
  byId("loading").hidden = true;
}

function bindTheme(viewer: SplatViewer): void {
  const show = (theme: Theme): void => {
    document.documentElement.dataset.theme = theme;
    viewer.setBackground(BACKGROUNDS[theme]);
    byId("theme").textContent = theme === "dark" ? "Light" : "Dark";
  };
  const system = matchMedia("(prefers-color-scheme: light)");
  show(system.matches ? "light" : "dark");
  system.addEventListener("change", () => show(system.matches ? "light" : "dark"));
  byId("theme").addEventListener("click", () => show(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
}

function bindFullScreen(): void {
  const button = byId("full");
  button.hidden = !document.fullscreenEnabled;
  button.addEventListener("click", () => {
    void (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen());
  });
  document.addEventListener("fullscreenchange", () => {
    button.textContent = document.fullscreenElement ? "Leave full screen" : "Full screen";
  });
}
