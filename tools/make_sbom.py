# SPDX-License-Identifier: Apache-2.0
"""make_sbom.py BUILD FOLDER: writes FOLDER/lucid-VERSION.cdx.json, a CycloneDX 1.6 bill of materials of the programs in BUILD.

It names the Debian packages of all shared libraries that the programs load (those that the tarball carries, and glibc), the
packages whose headers were compiled in, and the npm packages that the page bundles. tools/make_sbom.sh installs what it needs.
"""
import json
import os
import re
import subprocess
import sys
import uuid
from datetime import datetime, timezone
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

SOURCE = Path(__file__).resolve().parent.parent


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def packages_of(files):
    """The Debian packages that own these files. Raises if a file has none."""
    files = sorted({os.path.realpath(f) for f in files})
    names = files + [f.removeprefix("/usr") for f in files]  # some packages own /lib, which is /usr/lib
    found = subprocess.run(["dpkg-query", "-S", *names], capture_output=True, text=True).stdout  # fails if one is not owned
    owners = {file: packages for packages, _, file in (line.partition(": ") for line in found.splitlines())}
    for file in files:
        if file not in owners and file.removeprefix("/usr") not in owners:
            raise SystemExit(f"sbom: no Debian package has {file}")
    return {package for packages in owners.values() for package in packages.split(", ")}


def loaded_libraries(program):
    return re.findall(r"(?:=> |^\s*)(/\S+) \(", output("ldd", str(program)), re.MULTILINE)


def compiled_headers(build):
    """Headers outside the source tree, from ninja's record of what each object of the program was made of."""
    headers, tests = set(), False
    for line in output("ninja", "-C", str(build), "-t", "deps").splitlines():
        if line and not line[0].isspace():
            tests = re.search(r"^(tests|bench)/|_test(_main)?\.dir/", line)
        elif line.startswith("    /usr/include/") and not tests:
            headers.add(os.path.realpath(line.strip()))
    return [h for h in headers if os.path.exists(h)]


def licences_of(package):
    """The licence of a package's main files, if its copyright file is one that programs can read."""
    file = Path("/usr/share/doc") / package.split(":")[0] / "copyright"
    text = file.read_text(errors="replace") if file.exists() else ""
    main = re.search(r"^Files: ?\*\n(?:.+\n)*?License: ?(.+)$", text, re.MULTILINE)
    return [LicenseFactory().make_from_string(main.group(1).strip().replace("Expat", "MIT"))] if main else []  # Debian's name


def debian_component(package, use):
    name, version, architecture, source = output(
        "dpkg-query", "-W", "-f", "${Package}\t${Version}\t${Architecture}\t${source:Package}", package).split("\t")
    purl = PackageURL("deb", "debian", name, version, {"arch": architecture})
    return Component(name=name, version=version, type=ComponentType.LIBRARY, purl=purl, bom_ref=str(purl),
                     licenses=licences_of(package),
                     properties=[Property(name="lucid:use", value=use), Property(name="debian:source", value=source)])


def npm_components():
    packages = json.loads((SOURCE / "web/package-lock.json").read_text())["packages"]
    for path, package in sorted(packages.items()):
        if path and not package.get("dev"):
            group, _, name = path.removeprefix("node_modules/").rpartition("/")
            purl = PackageURL("npm", group, name, package["version"])
            yield Component(group=group or None, name=name, version=package["version"], type=ComponentType.LIBRARY, purl=purl,
                            bom_ref=str(purl), licenses=[LicenseFactory().make_from_string(package["license"])],
                            properties=[Property(name="lucid:use", value="bundled in the page")])


def main(build, folder):
    version = re.search(r"^project\(lucid VERSION ([0-9.]+)", (SOURCE / "CMakeLists.txt").read_text(), re.MULTILINE).group(1)
    commit, seconds = output("git", "-C", str(SOURCE), "log", "-1", "--format=%H %ct").split()
    lucid = Component(name="lucid", version=version, type=ComponentType.APPLICATION, bom_ref=f"lucid@{version}",
                      licenses=[LicenseFactory().make_from_string("Apache-2.0")],
                      properties=[Property(name="lucid:commit", value=commit)])
    programs = [build / "bin" / name for name in ("lucid", "lucid-engine")]
    loaded = packages_of(file for program in programs for file in loaded_libraries(program))
    compiled = packages_of(compiled_headers(build)) - loaded
    components = [debian_component(p, "shared library") for p in sorted(loaded)]
    components += [debian_component(p, "headers compiled in") for p in sorted(compiled)]
    if (SOURCE / "build/web/index.html").exists():
        components += npm_components()

    # The same commit has the same bill.
    bom = Bom(serial_number=uuid.uuid5(uuid.NAMESPACE_URL, f"lucid {version} {commit}"), components=components)
    bom.metadata.component = lucid
    bom.metadata.timestamp = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", seconds)), timezone.utc)
    bom.register_dependency(lucid, components)
    text = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2)
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if error:
        raise SystemExit(f"sbom: not CycloneDX 1.6: {error}")
    file = folder / f"lucid-{version}.cdx.json"
    file.write_text(text + "\n")
    uses = [next(p.value for p in c.properties if p.name == "lucid:use") for c in components]
    print(f"{file}: valid CycloneDX 1.6; " + ", ".join(f"{uses.count(u)} {u}" for u in dict.fromkeys(uses)))


main(Path(sys.argv[1]), Path(sys.argv[2]))
