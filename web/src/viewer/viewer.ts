// SPDX-License-Identifier: Apache-2.0
// SplatViewer: Gaussians or a mesh in a canvas that fills its host element, turned by mouse, touch and keyboard. It draws
// only when something has changed. World axes are lucid's: z up, front +y.

import { SparkRenderer } from "@sparkjsdev/spark";
import { Color, type Object3D, PerspectiveCamera, Scene, WebGLRenderer } from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";
import { type Asset, boundsOfSplats, readGlb, readSpz } from "./assets";
import type { Bounds } from "./bounds";
import { type LiveFrame, readFrame } from "./frame";
import { handleKey } from "./keys";
import { LiveSplats } from "./live_splats";
import { FOVY, framing, placeCamera, type Pose, poseOf } from "./pose";

export type { Pose } from "./pose";
export type { LiveFrame } from "./frame";

/** What has placed the camera. As long as it is the asset, it is framed anew when it or the canvas grows. */
export type Leader = "asset" | "user" | "other view";

export interface ViewerOptions {
  label: string; // what the picture shows, for screen readers
  background?: string; // a CSS colour
  antialias?: boolean; // for meshes; Gaussians have soft edges, and it would only cost time
  theta?: number; // of the first view, degrees
  phi?: number;
  onPose?: (pose: Pose) => void; // the camera has moved, other than by setPose()
}

const MOST_PIXELS = 2; // device pixels a CSS pixel
const MOST_PIXELS_PHONE = 1.5; // where the main pointer is a finger
const NOTHING: Bounds = { centre: [0, 0, 0], radius: 1 };
const SORT_PAUSE = 50; // milliseconds until it is looked again whether Spark has sorted
const FRAMING_PAUSE = 2000; // milliseconds between two looks at the bounds of a growing asset
const SAMPLES = 4096; // Gaussians that this looks at
const GROWN = 0.12; // change of the bounds, relative to their radius, that is framed anew

export class SplatViewer {
  readonly canvas: HTMLCanvasElement;
  private readonly renderer: WebGLRenderer;
  private readonly scene = new Scene();
  private readonly camera = new PerspectiveCamera((FOVY * 180) / Math.PI, 1, 0.01, 100);
  private readonly controls: OrbitControls;
  private readonly spark: SparkRenderer;
  private readonly resizes: ResizeObserver;
  private live: LiveSplats | null = null;
  private shown: Object3D | null = null;
  private bounds: Bounds | null = null;
  private leader: Leader = "asset";
  private framed = 0; // when the bounds were last looked at
  private following = false; // inside setPose()
  private pending = 0; // the requested animation frame
  private drawn = 0;
  private gone = false;

  /** Throws an Error with a sentence for the user if the browser has no WebGL 2. */
  constructor(
    private readonly host: HTMLElement,
    private readonly options: ViewerOptions,
  ) {
    this.renderer = newRenderer(options.antialias ?? false);
    this.canvas = this.renderer.domElement;
    Object.assign(this.canvas.style, { position: "absolute", inset: "0", width: "100%", height: "100%" });
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "img");
    this.setLabel(options.label);
    this.setBackground(options.background ?? "#14161a");
    this.spark = new SparkRenderer({
      renderer: this.renderer,
      onDirty: this.askForFrame,
      sortRadial: false, // by depth, as lucid's rasteriser
      accumExtSplats: true, // full precision of what is drawn
      preBlurAmount: 0.3, // 3DGS adds 0.3 pixels^2 and keeps the opacity
      blurAmount: 0,
    });
    this.scene.add(this.spark);
    this.camera.up.set(0, 0, 1);
    this.controls = new OrbitControls(this.camera, this.canvas);
    this.controls.addEventListener("change", this.onChange);
    this.canvas.addEventListener("keydown", this.onKey);
    this.canvas.addEventListener("webglcontextrestored", this.askForFrame);
    host.append(this.canvas);
    this.resizes = new ResizeObserver(this.resize);
    this.resizes.observe(host);
    this.resize();
    this.reset();
  }

  /** Shows a live frame (src/lucid/asset/live_frame.h). Once the user has moved the camera, it stays. */
  setFrame(bytes: Uint8Array): LiveFrame {
    const frame = readFrame(bytes);
    if (this.live) {
      this.live.show(frame);
      this.frameGrown(this.live);
      this.askForFrame();
    } else {
      const live = new LiveSplats(frame);
      this.show({ object: live.mesh, bounds: boundsOfSplats(live.mesh.packedSplats!) });
      this.live = live;
    }
    this.canvas.dataset.step = String(frame.step);
    return frame;
  }

  /** Shows a file: Gaussians of an SPZ in lucid's axes, or the mesh of a binary glTF. */
  async setFile(kind: "spz" | "glb", bytes: Uint8Array): Promise<void> {
    this.show(kind === "spz" ? await readSpz(bytes) : await readGlb(bytes));
  }

  /** Shows nothing. The next asset is framed anew, unless the camera shall stay. */
  clear(stay: boolean): void {
    if (!stay) this.leader = "asset";
    this.show(null);
    delete this.canvas.dataset.step;
  }

  /** Whether an asset is shown. */
  get filled(): boolean {
    return this.shown !== null;
  }

  /** A ball around what is shown; null where nothing is. */
  ball(): Bounds | null {
    return this.bounds;
  }

  setLabel(label: string): void {
    this.canvas.setAttribute("aria-label", `${label}. Arrow keys turn it, plus and minus zoom, R resets the view.`);
  }

  setBackground(colour: string): void {
    this.scene.background = new Color(colour);
    this.askForFrame();
  }

  /** What has placed the camera. */
  placedBy(): Leader {
    return this.leader;
  }

  pose(): Pose {
    return poseOf(this.camera, this.controls.target);
  }

  setPose(pose: Pose): void {
    this.following = true;
    this.controls.target.fromArray(pose.target);
    placeCamera(this.camera, pose);
    this.controls.update();
    this.following = false;
    this.leader = "other view";
  }

  /** The first view again, framed by what is shown now. */
  reset = (): void => {
    if (this.live) this.bounds = boundsOfSplats(this.live.mesh.packedSplats!);
    this.home();
  };

  /** Handles a key that was pressed elsewhere in the page. Returns whether it was one of the viewer's. */
  key(event: KeyboardEvent): boolean {
    return handleKey(event, this.controls, this.reset);
  }

  dispose(): void {
    this.gone = true;
    cancelAnimationFrame(this.pending);
    this.resizes.disconnect();
    this.controls.dispose();
    this.canvas.remove();
    this.free();
  }

  /** Frees the GPU's memory once Spark does not sort: a sort under way would miss what it reads. */
  private readonly free = (): void => {
    clearTimeout(this.spark.sortTimeoutId);
    this.spark.sortDirty = false;
    if (this.spark.sorting) {
      setTimeout(this.free, SORT_PAUSE);
      return;
    }
    if (this.shown) disposeOf(this.shown);
    this.spark.dispose();
    this.renderer.dispose();
  };

  private show(asset: Asset | null): void {
    if (this.shown) {
      this.scene.remove(this.shown);
      disposeOf(this.shown);
    }
    this.live = null;
    this.shown = asset?.object ?? null;
    this.bounds = asset?.bounds ?? null;
    if (asset) this.scene.add(asset.object);
    if (this.leader === "asset") this.home();
    this.askForFrame();
  }

  private home(): void {
    const { theta = 75, phi = 25 } = this.options;
    this.setPose(framing(this.bounds ?? NOTHING, this.camera.aspect, theta, phi));
    this.leader = "asset";
    this.askForFrame();
    if (this.shown) this.options.onPose?.(this.pose());
  }

  /** Frames an asset that has grown or shrunk, unless the user has moved the camera. */
  private frameGrown(live: LiveSplats): void {
    if (this.leader !== "asset" || performance.now() - this.framed < FRAMING_PAUSE) return;
    this.framed = performance.now();
    const [before, now] = [this.bounds, boundsOfSplats(live.mesh.packedSplats!, SAMPLES)];
    if (!now) return;
    const shift = before ? Math.hypot(...now.centre.map((at, axis) => at - before.centre[axis]!)) : Infinity;
    if (before && shift + Math.abs(now.radius - before.radius) < GROWN * before.radius) return;
    this.bounds = now;
    this.home();
  }

  private readonly onChange = (): void => {
    const distance = this.controls.getDistance();
    this.camera.near = distance / 100;
    this.camera.far = distance * 100;
    this.camera.updateProjectionMatrix();
    this.askForFrame();
    if (this.following) return;
    this.leader = "user";
    this.options.onPose?.(this.pose());
  };

  private readonly onKey = (event: KeyboardEvent): void => {
    if (handleKey(event, this.controls, this.reset)) event.preventDefault();
  };

  private readonly resize = (): void => {
    const { clientWidth: width, clientHeight: height } = this.host;
    if (width === 0 || height === 0) return;
    const most = matchMedia("(pointer: coarse)").matches ? MOST_PIXELS_PHONE : MOST_PIXELS;
    this.renderer.setPixelRatio(Math.min(devicePixelRatio, most));
    this.renderer.setSize(width, height, false);
    this.camera.aspect = width / height;
    this.camera.updateProjectionMatrix();
    if (this.leader === "asset") this.home();
    this.draw(); // at once: a resized canvas is empty
  };

  private readonly askForFrame = (): void => {
    if (this.pending !== 0 || this.gone) return;
    this.pending = requestAnimationFrame(this.draw);
  };

  private readonly draw = (): void => {
    cancelAnimationFrame(this.pending);
    this.pending = 0;
    this.renderer.render(this.scene, this.camera);
    this.drawn += 1;
    this.canvas.dataset.drawn = String(this.drawn);
    this.canvas.dataset.splats = String(this.spark.activeSplats);
  };
}

function newRenderer(antialias: boolean): WebGLRenderer {
  try {
    return new WebGLRenderer({ antialias, powerPreference: "high-performance" });
  } catch {
    throw new Error("This browser cannot draw 3D: WebGL 2 is missing or switched off.");
  }
}

/** Frees the buffers of an object: Spark's meshes have dispose(), three's have geometries and materials. */
function disposeOf(object: Object3D): void {
  object.traverse((each) => {
    if ("dispose" in each && typeof each.dispose === "function") each.dispose();
    if ("geometry" in each) (each.geometry as { dispose(): void }).dispose();
  });
}
