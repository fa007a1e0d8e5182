# SPDX-License-Identifier: Apache-2.0
"""Imports mesh files into Blender without a window, prints what arrived, and can render a picture (Cycles, CPU).

    blender -b --python-exit-code 1 -P tools/check_blender.py -- FILE.glb|.obj|.stl|.ply...
    blender -b --python-exit-code 1 -P tools/check_blender.py -- FILE.glb --render OUT.png --eye 0,4,1.5

--marked: the file shows the box of src/lucid/asset/mesh_files/test_meshes.h (see tools/check_meshes.py); checks that
  Blender shows each side where it belongs.
--eye x,y,z: the camera's place, in lucid's axes and the file's units; it looks at the origin. --fovy (degrees, 40) and
  --size (pixels, 512). The picture has 8-bit display values over transparency, unfiltered but for a box of one pixel:
  what a rasteriser draws without light.

Debian packages: blender python3-numpy (the glTF importer needs it).

Blender turns glTF's y up into its z up. lucid's front, +y, is then at -y, which is Blender's front: (x, y, z) becomes
(-x, -y, z). PLY and STL keep lucid's axes.
"""
import argparse
import math
import pathlib
import sys

import bpy
import mathutils
import numpy

sys.path.insert(0, str(pathlib.Path(__file__).parent))  # Blender does not search the script's folder
from marked_box import SIDES  # noqa: E402

if not hasattr(numpy, "bool"):  # the glTF importer of Blender 3.4 uses a name that NumPy 1.24 no longer has
    numpy.bool = bool


def import_file(name):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    importers = {
        ".glb": bpy.ops.import_scene.gltf,
        ".obj": bpy.ops.wm.obj_import,
        ".stl": bpy.ops.import_mesh.stl,
        ".ply": bpy.ops.import_mesh.ply,
    }
    importers[name[-4:].lower()](filepath=name)
    meshes = [o for o in bpy.context.scene.objects if o.type == "MESH"]
    assert len(meshes) == 1, f"{name}: {len(meshes)} meshes"
    return meshes[0]


def blender_from_lucid(name, point):
    x, y, z = point
    return mathutils.Vector((-x, -y, z) if name.endswith((".glb", ".obj")) else (x, y, z))


def texel_of(image, uv):
    """Display values of an image's pixel; Blender's rows begin at the bottom."""
    width, height = image.size
    x, y = min(int(uv[0] * width), width - 1), min(int(uv[1] * height), height - 1)
    at = (y * width + x) * image.channels
    return [255 * value for value in image.pixels[at:at + 3]]


def polygon_colour(mesh, polygon, image):
    if image is not None:
        uvs = [mesh.uv_layers.active.data[i].uv for i in polygon.loop_indices]
        return texel_of(image, sum(uvs, mathutils.Vector((0, 0))) / len(uvs))
    attribute = mesh.color_attributes[0]
    index = polygon.loop_indices[0] if attribute.domain == "CORNER" else polygon.vertices[0]
    linear = attribute.data[index].color[:3]
    return [255 * (12.92 * x if x <= 0.0031308 else 1.055 * x ** (1 / 2.4) - 0.055) for x in linear]


def check_marks(name, item, image):
    for side, (colour, direction) in SIDES.items():
        seen = 0
        for polygon in item.data.polygons:
            if max(abs(a - b) for a, b in zip(polygon_colour(item.data, polygon, image), colour)) > 2:
                continue
            seen += 1
            normal = item.matrix_world.to_3x3() @ polygon.normal
            wanted = blender_from_lucid(name, direction)
            assert normal.normalized().dot(wanted) > 0.999, f"{name}: {side} faces {normal}, not {wanted}"
        assert seen == 2, f"{name}: {seen} triangles of the {side}'s colour"
    print("  all sides face as they should")


def report(name, item):
    images = [image for image in bpy.data.images if image.size[0] > 0]
    textured = [image for image in images if image.has_data or image.packed_file is not None]
    assert len(textured) == len(images), f"{name}: a picture was not found"
    mesh = item.data
    print(f"{name}: {len(mesh.vertices)} vertices, {len(mesh.polygons)} polygons, "
          f"{len(mesh.color_attributes)} colour attributes, dimensions {[round(d, 4) for d in item.dimensions]}")
    for image in images:
        where = "packed" if image.packed_file is not None else image.filepath
        print(f"  picture {image.size[0]} x {image.size[1]}, {where}, {image.colorspace_settings.name}")
    if name.endswith(".glb"):
        assert all(image.packed_file is not None for image in images), f"{name}: a picture is not in the file"
    return images[0] if images else None


def render(name, options):
    scene = bpy.context.scene
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    scene.collection.objects.link(camera)
    eye = blender_from_lucid(name, [float(x) for x in options.eye.split(",")])
    camera.location = eye
    camera.rotation_euler = (-eye).to_track_quat("-Z", "Y").to_euler()
    camera.data.sensor_fit = "VERTICAL"
    camera.data.angle = math.radians(options.fovy)
    camera.data.clip_start, camera.data.clip_end = 0.01 * eye.length, 100 * eye.length
    scene.camera = camera
    # A white sky lights lit materials evenly; unlit ones do not see it.
    scene.world = bpy.data.worlds.new("sky")
    scene.world.use_nodes = True
    scene.world.node_tree.nodes["Background"].inputs["Color"].default_value = (1, 1, 1, 1)
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = 64
    scene.cycles.use_adaptive_sampling = False
    scene.cycles.use_denoising = False
    scene.cycles.pixel_filter_type = "BOX"
    scene.render.resolution_x = scene.render.resolution_y = options.size
    scene.render.resolution_percentage = 100
    scene.render.film_transparent = True
    scene.render.threads_mode, scene.render.threads = "FIXED", 2
    scene.view_settings.view_transform = "Standard"
    scene.view_settings.look = "None"
    scene.render.dither_intensity = 0
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.filepath = options.render
    bpy.ops.render.render(write_still=True)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--marked", action="store_true")
    parser.add_argument("--render")
    parser.add_argument("--eye", default="0,4,0")
    parser.add_argument("--fovy", type=float, default=40)
    parser.add_argument("--size", type=int, default=512)
    options = parser.parse_args(sys.argv[sys.argv.index("--") + 1:])
    for name in options.files:
        item = import_file(name)
        image = report(name, item)
        if options.marked:
            check_marks(name, item, image)
    if options.render:
        render(options.files[-1], options)


main()
