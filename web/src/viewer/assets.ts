// SPDX-License-Identifier: Apache-2.0
// Finished assets from the bytes of a file, with the bounds that frame them: Gaussians of SPZ files in lucid's axes, and
// meshes of binary glTF files.

import { SplatFileType, SplatMesh, type PackedSplats } from "@sparkjsdev/spark";
import { AmbientLight, Box3, DirectionalLight, Group, Matrix4, type Object3D, Sphere } from "three";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";
import { visibleBounds, type Bounds } from "./bounds";

export interface Asset {
  object: Object3D;
  bounds: Bounds | null; // null: nothing is visible
}

/** SPZ of versions 1 to 3. Rejects if the bytes are damaged. */
export async function readSpz(bytes: Uint8Array): Promise<Asset> {
  const mesh = new SplatMesh({ fileBytes: bytes, fileType: SplatFileType.SPZ });
  await mesh.initialized;
  if (!mesh.packedSplats) throw new Error("The file holds no Gaussians.");
  return { object: mesh, bounds: boundsOfSplats(mesh.packedSplats) };
}

/** Turns glTF's axes (y up, front +z) to lucid's (z up, front +y). */
const LUCID_FROM_GLTF = new Matrix4().set(-1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1);

export async function readGlb(bytes: Uint8Array): Promise<Asset> {
  const gltf = await new GLTFLoader().parseAsync(bytes.slice().buffer, "");
  const group = new Group();
  group.add(gltf.scene);
  group.applyMatrix4(LUCID_FROM_GLTF);
  const sun = new DirectionalLight(0xffffff, 2);
  sun.position.set(0.5, 1, 1); // seen from the front: from above and a little from the side
  const object = new Group();
  object.add(group, new AmbientLight(0xffffff, 1.5), sun); // unlit materials ignore them
  object.updateMatrixWorld(true);
  const box = new Box3().setFromObject(group);
  if (box.isEmpty()) return { object, bounds: null };
  const sphere = box.getBoundingSphere(new Sphere());
  return { object, bounds: { centre: sphere.center.toArray(), radius: sphere.radius } };
}

/** The bounds of all Gaussians, or of about `samples` of them, evenly chosen. */
export function boundsOfSplats(packed: PackedSplats, samples = Infinity): Bounds | null {
  const stride = Math.max(1, Math.floor(packed.numSplats / samples));
  const count = Math.ceil(packed.numSplats / stride);
  const extents = {
    centres: new Float32Array(3 * count),
    sigmas: new Float32Array(count),
    opacities: new Float32Array(count),
  };
  for (let i = 0; i < count; ++i) {
    const { center, scales, opacity } = packed.getSplat(i * stride);
    center.toArray(extents.centres, 3 * i);
    extents.sigmas[i] = Math.max(scales.x, scales.y, scales.z);
    extents.opacities[i] = opacity;
  }
  return visibleBounds(extents);
}
