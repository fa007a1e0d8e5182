#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Mutation check: do the fast tests notice small mistakes in the delicate files?

    tools/mutate.py                     about 120 mutants, sampled over all targets
    tools/mutate.py --full              all of them (hours)
    tools/mutate.py --only distill      targets whose path holds this text
    tools/mutate.py --list              the mutants, without running them

A mutant is a source file with one operator, literal, condition or statement changed. The tool copies the sources to
build/mutation, compiles the changed file there, links it before the finished libraries of build/release, and runs the
tests of that file's room until the first one fails. Neither the checkout nor its build is written to. A mutant whose
object code equals the original's cannot be noticed by any test and does not count. docs/dev/mutation.md has the result.
"""

import argparse
import dataclasses
import json
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclasses.dataclass
class Target:
    path: str  # below src/lucid
    program: str
    tests: str = "*"  # --gtest_filter
    units: tuple = ()  # of a header: the files that are compiled with it
    weight: int = 1  # of its share in a sample


RENDER_UNITS = ("render/cpu/project.cpp", "render/cpu/rasterizer.cpp", "render/cpu/blend_portable.cpp",
                "render/cpu/blend_avx2.cpp", "render/cpu/blend_avx512.cpp", "render/reference/forward.cpp",
                "render/reference/backward.cpp", "render/reference/splats.cpp")
BLEND_UNITS = ("render/cpu/blend_portable.cpp", "render/cpu/blend_avx2.cpp", "render/cpu/blend_avx512.cpp")
TARGETS = [
    Target("render/kernel_math.h", "lucid_render_test", units=RENDER_UNITS),
    Target("render/per_gaussian.h", "lucid_render_test", units=("render/cpu/project.cpp",)),
    Target("render/cpu/blend_body.h", "lucid_render_test", units=BLEND_UNITS),
    Target("render/cpu/project.cpp", "lucid_render_test"),
    Target("render/cpu/binning.cpp", "lucid_render_test"),
    Target("render/cpu/rasterizer.cpp", "lucid_render_test"),
    Target("render/reference/forward.cpp", "lucid_render_test"),
    Target("render/reference/backward.cpp", "lucid_render_test"),
    Target("camera/camera.cpp", "lucid_camera_test"),
    Target("distill/ism.cpp", "lucid_distill_test"),
    Target("distill/inversion.cpp", "lucid_distill_test"),
    Target("diffusion/schedule.cpp", "lucid_diffusion_test", "Schedule*:*Ddim*"),
    Target("distill/perp_neg.cpp", "lucid_distill_test"),
    Target("distill/guidance.cpp", "lucid_distill_test"),
    Target("optim/adam.cpp", "lucid_optim_test"),
    Target("optim/adam_kernel.cpp", "lucid_optim_test"),
    Target("optim/densify.cpp", "lucid_optim_test"),
    Target("train/checkpoint.cpp", "lucid_train_test", "*Checkpoint*"),
    Target("train/step.cpp", "lucid_train_test", "*Step*:CloseUps*:AzimuthsOf*", weight=3),
    Target("base/atomic_file.cpp", "lucid_base_test"),
]

SWAPS = [(" + ", " - "), (" - ", " + "), (" * ", " / "), (" / ", " * "), (" < ", " <= "), (" <= ", " < "), (" > ", " >= "),
         (" >= ", " > "), (" == ", " != "), (" != ", " == "), (" && ", " || "), (" || ", " && "), (" += ", " -= "),
         (" -= ", " += "), (" *= ", " /= "), ("std::min", "std::max"), ("std::max", "std::min"), ("true", "false"), ("false", "true")]
SKIPPED = re.compile(r"\s*(#|//|LUCID_CHECK|static_assert|throw |template|using |namespace|\[\[noreturn|refuse\()")
STATEMENT = re.compile(r"^\s+(?!return|const|auto|break|continue|throw|using|delete|else)[A-Za-z_][\w.:>\-\[\]()*]*"
                       r"(\(.*\)| [-+*/|&]?= .*);$")
NUMBER = re.compile(r"(?<![\w.])(\d+)(\.\d+)?(?![\w.]*[eExX])(?=\b)")


@dataclasses.dataclass
class Mutant:
    target: Target
    line: int  # from 1, as the column
    column: int
    what: str
    text: str  # the new line

    def name(self):
        return f"src/lucid/{self.target.path}:{self.line}:{self.column}: {self.what}"


def masked(line):
    """The line with texts and its comment replaced by spaces, so that positions stay."""
    line = re.sub(r'"(\\.|[^"\\])*"|\'(\\.|[^\'\\])\'', lambda m: "_" * len(m.group()), line)
    return re.sub(r"//.*", lambda m: " " * len(m.group()), line)


def closing(text, start):
    """The position of the bracket that closes the one at `start`; -1 if it is not on this line."""
    depth = 0
    for i in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[i], 0)
        if depth == 0:
            return i
    return -1


def mutants_of(target, sources):
    found, skipping, before = [], False, ";"
    for number, line in enumerate((sources / "lucid" / target.path).read_text().split("\n"), 1):
        code = masked(line) + " "  # an operator may end the line
        skipping = skipping or bool(SKIPPED.match(line))
        if skipping:  # to the end of the statement
            skipping = not re.search(r"[;{}]\s*$", code) and not line.lstrip().startswith(("#", "//"))
            continue

        def add(what, begin, end, new):
            found.append(Mutant(target, number, begin + 1, what, line[:begin] + new + line[end:]))

        for old, new in SWAPS:
            for match in re.finditer(re.escape(old), code):
                inside_word = re.search(r"\w$", code[:match.start()]) or re.match(r"\w", code[match.end():])
                if old.isalpha() and inside_word:
                    continue
                add(f"'{old.strip()}' becomes '{new.strip()}'", match.start(), match.end(), new)
        for match in NUMBER.finditer(code):
            whole, fraction = match.groups()
            octal = whole.startswith("0") and len(whole) > 1
            if octal or "fmt" in code:
                continue
            new = str(float(whole + fraction) * 2 or 1.0) if fraction else ("0" if whole == "1" else str(int(whole) + 1))
            add(f"{match.group()} becomes {new}", match.start(), match.end(), new)
        for match in re.finditer(r"\bif \(", code):
            end = closing(code, match.end() - 1)
            if end > 0 and ";" not in code[match.end():end]:
                add("the condition is negated", match.end(), end, f"!({line[match.end():end]})")
        if STATEMENT.match(code.rstrip()) and re.search(r"[;{})]$|else$", before):
            indent = len(line) - len(line.lstrip())
            add(f"deleted: {line.strip()}", indent, len(line), ";")
        if code.strip():
            before = code.rstrip()
    return found


class Build:
    """The finished build: how its files were compiled and its test programs linked."""

    def __init__(self, folder, work):
        self.folder, self.work = folder.resolve(), work
        cache = (self.folder / "CMakeCache.txt").read_text()
        self.home = Path(re.search(r"CMAKE_HOME_DIRECTORY:INTERNAL=(.*)", cache).group(1))
        self.entries = {}  # file below the sources: command, members of its unit
        for entry in json.loads((self.folder / "compile_commands.json").read_text()):
            file = Path(entry["file"])
            members = [file]
            if file.suffix == ".cxx" and "Unity" in file.parts:
                members = [Path(m) for m in re.findall(r'#include "(.*)"', file.read_text())]
            for member in members:
                if member.is_relative_to(self.home):
                    self.entries.setdefault(str(member.relative_to(self.home)), (entry, members))

    def compile(self, source, entry, output):
        """Compiles `source`, a file of the copy, as `entry` was; whether that worked."""
        words = [w.replace(f"-I{self.home}", f"-I{self.work}/tree") for w in shlex.split(entry["command"])]
        words = [w for w in words[:words.index("-o")] + ["-o", str(output), "-c", str(source)] if w != "-Werror"]
        here = entry["directory"]
        words = [f"-I{self.work}/tree/src" if w.startswith("-I") and Path(here, w[2:]).resolve() == self.home / "src" else w
                 for w in words]
        return subprocess.run(words, cwd=here, capture_output=True, env=os.environ | {"CCACHE_DISABLE": "1"}).returncode == 0

    def link(self, program, objects, output):
        commands = subprocess.run(["ninja", "-C", self.folder, "-t", "commands", program], capture_output=True, text=True,
                                  check=True).stdout.splitlines()
        line = next(c for c in reversed(commands) if f"-o bin/{program}" in c)
        line = line[line.index("/usr/bin/"):].split(" && ")[0] if " && " in line else line
        line = line.replace(f"-o bin/{program}", f"-o {output} " + " ".join(map(str, objects)))
        return subprocess.run(line, shell=True, cwd=self.folder, capture_output=True).returncode == 0


class Bench:
    """One target, ready to try mutants: everything but the changed file is compiled."""

    def __init__(self, build, target):
        self.build, self.target = build, target
        self.folder = build.work / target.path.replace("/", "_")
        self.folder.mkdir(exist_ok=True)
        self.file = build.work / "tree/src/lucid" / target.path
        self.original = self.file.read_text()
        self.units, self.rest = [], []
        for unit in target.units or (target.path,):
            entry, members = build.entries[f"src/lucid/{unit}"]
            self.units.append((build.work / "tree/src/lucid" / unit, entry, self.folder / (unit.replace("/", "_") + ".o")))
            others = [m for m in members if m != build.home / "src/lucid" / unit]
            if others:  # what else its unit holds is compiled once
                rest = self.folder / "rest.cxx"
                rest.write_text("".join(f'#include "{build.work}/tree/{m.relative_to(build.home)}"\n' for m in others))
                assert build.compile(rest, entry, self.folder / "rest.o"), f"{rest} does not compile"
                self.rest.append(self.folder / "rest.o")
        assert self.compile() and self.link(), f"{target.path} does not build without a change"
        self.objects = [o.read_bytes() for _, _, o in self.units]
        start = time.time()
        assert self.run(900) == 0, f"{target.program} fails without a change"
        self.seconds = time.time() - start

    def compile(self):
        return all(self.build.compile(source, entry, output) for source, entry, output in self.units)

    def link(self):
        objects = [o for _, _, o in self.units] + self.rest
        return self.build.link(self.target.program, objects, self.folder / "test")

    def run(self, limit):
        command = [self.folder / "test", f"--gtest_filter={self.target.tests}", "--gtest_fail_fast", "--gtest_brief=1"]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
        try:
            return subprocess.run(command, cwd=self.folder, capture_output=True, timeout=limit, env=environment).returncode
        except subprocess.TimeoutExpired:
            return 124

    def attempt(self, mutant):
        lines = self.original.split("\n")
        lines[mutant.line - 1] = mutant.text
        self.file.write_text("\n".join(lines))
        try:
            if not self.compile():
                return "does not compile"
            if [o.read_bytes() for _, _, o in self.units] == self.objects:
                return "same code"
            if not self.link():
                return "does not compile"
            return "killed" if self.run(5 * self.seconds + 10) not in (0, 77) else "SURVIVED"
        finally:
            self.file.write_text(self.original)


def chosen_mutants(targets, sources, arguments):
    """The mutants of each target that are tried: all, or a sample that depends on the seed and the target alone."""
    share = arguments.mutants / sum(t.weight for t in targets)
    for target in targets:
        mutants = mutants_of(target, sources)
        if not arguments.full:
            random.Random(f"{arguments.seed} {target.path}").shuffle(mutants)
            mutants = sorted(mutants[:max(3, round(share * target.weight))], key=lambda m: m.line)
        yield target, mutants


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build/release", help="finished build to take objects from")
    parser.add_argument("--work", type=Path, default=ROOT / "build/mutation", help="folder of the copy")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mutants", type=int, default=120, help="how many in all, about")
    parser.add_argument("--minutes", type=float, default=1e9, help="stop after this time")
    parser.add_argument("--only", default="", help="text in the paths of the targets")
    parser.add_argument("--full", action="store_true", help="every mutant")
    parser.add_argument("--list", action="store_true", help="print the mutants and stop")
    parser.add_argument("--least", type=float, default=0.9, help="share of killed mutants below which the exit code is 1")
    arguments = parser.parse_args()

    targets = [t for t in TARGETS if arguments.only in t.path]
    if arguments.list:
        for _, mutants in chosen_mutants(targets, ROOT / "src", arguments):
            print("\n".join(m.name() for m in mutants))
        return 0
    work = arguments.work.resolve()
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    shutil.copytree(ROOT / "src", work / "tree/src")
    build, until = Build(arguments.build, work), time.time() + 60 * arguments.minutes
    counts = {}
    for target, mutants in chosen_mutants(targets, work / "tree/src", arguments):
        if time.time() > until:
            print(f"{target.path}: no time left")
            continue
        bench = Bench(build, target)
        print(f"{target.path}: {target.program} takes {bench.seconds:.0f} s", flush=True)
        found = dict.fromkeys(("killed", "SURVIVED", "same code", "does not compile"), 0)
        for mutant in mutants:
            if time.time() > until:
                break
            outcome = bench.attempt(mutant)
            found[outcome] += 1
            print(f"  {outcome:<17} {mutant.name()}", flush=True)
        counts[target.path] = found
        print(f"{target.path}: {found['killed']} of {found['killed'] + found['SURVIVED']} killed", flush=True)
        shutil.rmtree(bench.folder)
    killed, survived = (sum(f[k] for f in counts.values()) for k in ("killed", "SURVIVED"))
    print(f"\n{'file':<32} killed survived same-code")
    for path, found in counts.items():
        print(f"{path:<32} {found['killed']:>6} {found['SURVIVED']:>8} {found['same code']:>9}")
    print(f"killed {killed} of {killed + survived} mutants, {100 * killed / max(killed + survived, 1):.1f} %")
    return 0 if killed >= arguments.least * (killed + survived) else 1


if __name__ == "__main__":
    sys.exit(main())
