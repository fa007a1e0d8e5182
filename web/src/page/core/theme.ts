// SPDX-License-Identifier: Apache-2.0
// Light or dark: the system's choice until the switch is used.

import { Signal } from "./signal";

export type Theme = "light" | "dark";
const KEY = "lucid-theme";
const system = matchMedia("(prefers-color-scheme: light)");
const stored = (): Theme | null => {
  const value = localStorage.getItem(KEY);
  return value === "light" || value === "dark" ? value : null;
};
const present = (): Theme => stored() ?? (system.matches ? "light" : "dark");

export const theme = new Signal<Theme>(present());

/** Colours of the viewer's background, as #rrggbb: they are sent to the server too. page.css has the same. */
export const BACKGROUNDS: Record<Theme, string> = { dark: "#101216", light: "#ffffff" };

function show(): void {
  theme.set(present());
  document.documentElement.dataset.theme = theme.value;
}

export function startTheme(): void {
  show();
  system.addEventListener("change", show);
}

export function switchTheme(): void {
  localStorage.setItem(KEY, theme.value === "dark" ? "light" : "dark");
  show();
}
