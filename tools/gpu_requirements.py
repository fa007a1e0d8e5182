#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tools/gpu-requirements.txt: the wheels that `make gpu` installs, each with its version and hash.

They are libtorch with CUDA, CUDA's libraries, and last the CUDA compiler. tools/gpu_requirements.py TORCH_VERSION resolves them
with pip, downloads each (2.4 GB) to measure it, and needs pip 23 or later. Python's own packages are left out, since only
libraries and headers are used; so one wheel of torch serves every Python.
"""
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile
import zipfile

PYTHON = "3.11"
COMPILER = ("nvcc", "crt", "nvvm", "cccl", "profiler-api")  # and their headers; needed to build alone
FILE = pathlib.Path(__file__).with_name("gpu-requirements.txt")


def pip(*arguments):
    subprocess.run([sys.executable, "-m", "pip", "-q", *arguments, "--python-version", PYTHON, "--only-binary", ":all:"],
                   check=True)


def resolve(folder, *names):
    """Name and version of each of these packages and of all that they ask for."""
    report = folder / "report.json"
    pip("install", "--dry-run", "--ignore-installed", "--target", folder / "none", "--report", report, *names)
    found = [entry["metadata"] for entry in json.loads(report.read_text())["install"]]
    return {entry["name"].lower(): entry["version"] for entry in found}


def measure(folder, name, version):
    """The requirement with its hash; bytes of the wheel and of what it unpacks to."""
    pip("download", "--no-deps", "--no-cache-dir", "-d", folder / name, f"{name}=={version}")
    wheel = next((folder / name).glob("*.whl"))
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    packed = wheel.stat().st_size
    unpacked = sum(entry.file_size for entry in zipfile.ZipFile(wheel).infolist())
    wheel.unlink()
    return f"{name}=={version} --hash=sha256:{digest}", packed, unpacked


def main(torch_version):
    with tempfile.TemporaryDirectory(dir=".") as temporary:
        folder = pathlib.Path(temporary)
        torch = resolve(folder, f"torch=={torch_version}")
        toolkit = f"cuda-toolkit[nvcc,cccl,profiler]=={torch['cuda-toolkit']}"
        # One CUDA release for all: a newer one's libraries may want a newer driver.
        versions = resolve(folder, f"torch=={torch_version}", toolkit, f"nvidia-nvjitlink=={torch['nvidia-cuda-nvrtc']}")
        versions = {name: v for name, v in sorted(versions.items()) if name == "torch" or name.startswith("nvidia-")}
        is_compiler = lambda name: name.endswith(COMPILER)
        libraries = [measure(folder, name, v) for name, v in versions.items() if not is_compiler(name)]
        compiler = [measure(folder, name, v) for name, v in versions.items() if is_compiler(name)]

    def lines(parts, what):
        megabytes = [round(sum(part[i] for part in parts) / 1e6) for i in (1, 2)]
        return [f"# {what}: download {megabytes[0]} MB, unpacked {megabytes[1]} MB"] + [part[0] for part in parts]

    text = ["# Written by tools/gpu_requirements.py; tools/setup_gpu.sh reads its comments too.",
            f"# torch {torch_version}, CUDA {torch['cuda-toolkit']}, Python {PYTHON}"]
    FILE.write_text("\n".join(text + lines(libraries, "libraries") + lines(compiler, "compiler")) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: tools/gpu_requirements.py TORCH_VERSION")
    main(sys.argv[1])
