# SPDX-License-Identifier: Apache-2.0
"""The marked box of lucid_asset_test (LUCID_MESH_SAMPLES): each side's colour, and its direction in lucid's axes."""

SIDES = {
    "front": ((230, 20, 10), (0, 1, 0)),
    "back": ((10, 220, 230), (0, -1, 0)),
    "left": ((20, 200, 30), (-1, 0, 0)),
    "right": ((220, 30, 210), (1, 0, 0)),
    "top": ((25, 15, 240), (0, 0, 1)),
    "bottom": ((240, 235, 5), (0, 0, -1)),
}
