// SPDX-License-Identifier: Apache-2.0
// The schemas of configs/openapi.json that the page uses, and the messages of the WebSocket.

export type State =
  | "queued"
  | "starting"
  | "running"
  | "pausing"
  | "paused"
  | "stopping"
  | "finished"
  | "stopped"
  | "failed";

export type ActionName = "pause" | "resume" | "stop" | "continue" | "edit" | "again" | "delete";
export type PictureName = "thumbnail" | "sheet" | "result" | "before_after";

export interface Series {
  step: number[];
  score: number[];
  gaussians: number[];
}

export interface Run {
  id: string;
  revision: number;
  prompt: string;
  state: State;
  words: string;
  error: string | null;
  warnings: string[];
  preset: string;
  seed: number;
  device: string;
  options: Record<string, string>;
  created: string;
  edit_of: { id: string; prompt: string } | null;
  parent: string | null;
  place: number | null;
  step: number;
  steps: number;
  steps_per_second: number | null;
  seconds_left: number | null;
  seconds: number;
  score: number | null;
  gaussians: number | null;
  series: Series;
  stage: string;
  has_asset: boolean;
  pictures: { name: PictureName; revision: number }[];
  command: string;
  actions: ActionName[];
}

export interface About {
  program: string;
  mode: "studio" | "run" | "view";
  output: string;
  devices: string[];
  on_network: boolean;
  presets: { name: string; steps: number }[];
  queue_limit: number;
}

export interface Option {
  name: string;
  flag: string;
  group: string;
  help: string;
  kind: "flag" | "integer" | "number" | "pair" | "text" | "choice";
  value: string;
  low: number | null;
  high: number | null;
  choices: string[];
  value_name: string;
  common: boolean;
  path: boolean;
}

export interface Vocabulary {
  names: string[];
  colours: string[];
  examples: string[];
}

export interface PromptCheck {
  unknown: { word: string; near: string[] }[];
  nothing_known: boolean;
}

export interface Format {
  name: string;
  extension: string;
  holds: "mesh" | "splats" | "points";
  about: string;
}

export interface Export {
  format: string;
  state: "absent" | "queued" | "working" | "done" | "failed";
  stage: string;
  file: string | null;
  bytes: number | null;
  error: string | null;
  step: number | null;
}

export interface View {
  theta: number;
  phi: number;
  radius: number;
  target: [number, number, number];
  width: number;
  height: number;
  background: string; // #rrggbb
}

/** A file of `lucid view`. */
export interface SceneFile {
  title: string;
  kind: "spz" | "glb";
  path: string;
  theta: number;
  phi: number;
}

export type LiveEvent =
  | { event: "runs"; revision: number; runs: Run[] }
  | { event: "run"; run: Run }
  | { event: "removed"; id: string }
  | { event: "export"; id: string; export: Export };
