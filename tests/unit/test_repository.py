"""Rules of the repository: containers, pinned versions, current documentation."""

import re
import subprocess
import sys
from collections import Counter
from functools import cache
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path
from typing import Any

import grimp
import pytest
import typer
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from monitor.cli.app import app
from monitor.settings import Secrets, Settings, all_sections
from monitor.store.tables import metadata
from monitor.telemetry import REGISTRY

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "deploy" / "compose" / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

#: More modules than this in one folder hide what is there.
MAX_MODULES = 20

#: Nobody reads a longer test name to its end.
MAX_WORDS_OF_A_TEST_NAME = 10

#: Services that can't run on a read-only root file system, and why.
WRITES_TO_ITS_ROOT = {
    "kafka": "the image writes its configuration at each start",
    "topic": "the tools of the same image write their log beside themselves",
}


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def leaf_commands(command: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    below = getattr(command, "commands", None)
    if not below:
        return [path]
    return [leaf for name in below for leaf in leaf_commands(below[name], (*path, name))]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_images_are_pinned(name: str) -> None:
    image, _, tag = SERVICES[name]["image"].partition(":")
    if image == "driftwarden":
        assert SERVICES[name]["build"]["dockerfile"] == "docker/Dockerfile"
    else:
        assert re.search(r"\d+\.\d+", tag), f"{name}: {SERVICES[name]['image']} is not pinned"


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_root_file_systems_are_read_only(name: str) -> None:
    if name not in WRITES_TO_ITS_ROOT:
        assert SERVICES[name]["read_only"] is True


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_services_gain_no_privileges(name: str) -> None:
    assert "no-new-privileges:true" in SERVICES[name]["security_opt"]
    assert not SERVICES[name].get("privileged", False)
    if name != "postgres":
        assert SERVICES[name]["cap_drop"] == ["ALL"]


def test_ports_are_published_on_loopback_only() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_dependencies_exist_and_can_be_waited_for() -> None:
    for name, service in SERVICES.items():
        for needed, how in service.get("depends_on", {}).items():
            assert needed in SERVICES, f"{name} waits for {needed}, which doesn't exist"
            if how["condition"] == "service_healthy":
                assert "test" in SERVICES[needed]["healthcheck"], f"{needed} has no healthcheck"


def test_volumes_are_declared() -> None:
    mounted = {
        volume.partition(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if not volume.startswith((".", "/"))
    }
    assert mounted == set(COMPOSE["volumes"])


def test_the_environment_of_the_containers_names_real_settings() -> None:
    names = set(re.findall(r"\bDRIFTWARDEN_[A-Z]+__[A-Z_]+\b", DOCKERFILE))
    for service in SERVICES.values():
        names |= {n for n in service.get("environment", {}) if n.startswith("DRIFTWARDEN_")}
    names -= {name.upper() for name in Secrets.model_fields}
    assert names
    for name in names:
        section, key = name.removeprefix("DRIFTWARDEN_").lower().split("__")
        assert key in getattr(Settings(), section).model_dump(), name


def test_the_dockerfile_has_both_targets_and_no_root() -> None:
    stages = re.findall(r"^FROM \S+ AS (\w+)$", DOCKERFILE, re.MULTILINE)
    assert {"cpu", "cuda"} <= set(stages)
    assert re.search(r"^USER 10001", DOCKERFILE, re.MULTILINE)
    assert "HEALTHCHECK" in DOCKERFILE
    assert ":latest" not in DOCKERFILE


def test_the_builder_gets_every_file_that_the_dockerfile_copies() -> None:
    ignored = read(".dockerignore").splitlines()
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert f"!{source}" in ignored, f"{source} is not let through .dockerignore"


def test_constraints_are_plain_pins_of_others() -> None:
    lines = read("constraints.txt").splitlines()
    assert lines == sorted(lines, key=lambda line: line.partition("==")[0])
    for line in lines:
        assert re.fullmatch(r"[a-z0-9-]+==(?:[0-9]+!)?[0-9][A-Za-z0-9.]*", line), line
        assert not line.startswith(("driftwarden==", "pip=="))


def test_every_direct_dependency_is_pinned() -> None:
    import tomllib

    project = tomllib.loads(read("pyproject.toml"))["project"]
    extras = project["optional-dependencies"].values()
    needed = [*project["dependencies"], *(line for extra in extras for line in extra)]
    needed += [line for line in read("requirements-models.txt").splitlines() if line[0] != "#"]
    pins = dict(line.split("==") for line in read("constraints.txt").splitlines())
    for needs in map(Requirement, needed):
        name = canonicalize_name(needs.name)
        if name != "driftwarden":
            problem = f"constraints.txt pins {name} {pins.get(name)}, pyproject.toml needs {needs}"
            assert name in pins, problem
            assert needs.specifier.contains(pins[name]), problem


@pytest.mark.slow
def test_tracked_files_hold_no_registry_and_no_machine() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "check_tracked_files.py"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if "not a git repository" in done.stderr:
        pytest.skip("not a git checkout")
    assert done.returncode == 0, done.stdout + done.stderr


def test_generated_pages_are_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    pages: dict[Path, str] = import_module("write_reference").pages()
    assert len(pages) >= 6
    for path, text in pages.items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run `make docs`"


@pytest.mark.parametrize("section", sorted(all_sections()))
def test_every_setting_is_in_the_reference(section: str) -> None:
    page = read("docs/reference/settings.md")
    name = re.escape(section)
    heading = re.search(rf"^## `\[{name}\]`.*?(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    assert heading, f"docs/reference/settings.md has no section [{section}]"
    documented = re.findall(r"^\| `(\w+)` \|", heading[0], re.MULTILINE)
    keys = [
        k for k in all_sections()[section].model_fields if f"{section}.{k}" not in all_sections()
    ]
    assert keys == documented


def test_every_secret_is_in_the_reference() -> None:
    page = read("docs/reference/settings.md")
    for name in Secrets.model_fields:
        assert f"`{name.upper()}`" in page


@pytest.mark.parametrize("path", leaf_commands(typer.main.get_command(app)), ids=" ".join)
def test_every_command_is_in_the_reference(path: tuple[str, ...]) -> None:
    page = read("docs/reference/commands.md")
    assert re.search(rf"^#+ `driftwarden {' '.join(path)}`$", page, re.MULTILINE)


def test_every_table_is_in_the_reference() -> None:
    page = read("docs/reference/database.md")
    missing = [name for name in metadata.tables if f"`{name}`" not in page]
    assert not missing


def test_the_metrics_that_the_documents_name_exist() -> None:
    kinds = {"counter": ["_total"], "histogram": ["", "_bucket", "_count", "_sum"], "gauge": [""]}
    exported = {
        family.name + suffix for family in REGISTRY.collect() for suffix in kinds[family.type]
    }
    for path in DOCUMENTS:
        named = set(re.findall(r"\bdriftwarden_[a-z_]+\b", path.read_text(encoding="utf-8")))
        assert named <= exported, f"{path.name}: {sorted(named - exported)}"


@cache
def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings of a page, as GitHub makes them, and its own."""
    text = re.sub(
        r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    seen: Counter[str] = Counter()
    names = set(re.findall(r'<a (?:id|name)="([^"]+)"', text))
    for heading in re.findall(r"^#+ +(.*?)\s*$", text, re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        names.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return names


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        page = path.parent / name if name else path
        assert page.exists(), f"{path.name} -> {target}"
        if anchor and page.suffix == ".md":
            assert anchor in anchors(page), f"{path.name} -> {target}"


@pytest.mark.parametrize("index", ["README.md", "docs/README.md"])
def test_every_page_of_the_documentation_is_in_the_index(index: str) -> None:
    path = ROOT / index
    targets = re.findall(r"\]\(([^)\s#:]+)\)", path.read_text(encoding="utf-8"))
    linked = {(path.parent / target).resolve() for target in targets}
    own = {ROOT / "docs" / "README.md", *(ROOT / "docs" / "adr").glob("0*.md")}
    own |= set((ROOT / "docs" / "runbooks").glob("[!R]*.md"))  # listed in their README
    assert {page for page in DOCUMENTS if page.parent != ROOT} - own <= linked


def test_every_make_target_that_the_documents_name_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    for path in DOCUMENTS:
        for name in re.findall(r"`make ([a-z-]+)", path.read_text(encoding="utf-8")):
            assert name in targets, f"{path.name}: make {name}"


@pytest.mark.parametrize("top", ["monitor", "retrain", "bench", "tests"])
def test_folders_hold_at_most_twenty_modules(top: str) -> None:
    sizes = Counter(path.parent for path in (ROOT / top).rglob("*.py"))
    assert not {str(folder): size for folder, size in sizes.items() if size > MAX_MODULES}


def test_product_code_imports_nothing_from_tests() -> None:
    for top in ("monitor", "retrain", "bench", "scripts"):
        for path in (ROOT / top).rglob("*.py"):
            imported = re.findall(r"^(?:from|import) (\w+)", path.read_text("utf-8"), re.MULTILINE)
            assert "tests" not in imported, path


@pytest.mark.slow
def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = grimp.build_graph("driftwarden", "monitor", "retrain", cache_dir=None)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    assert len(imports) > 1000
    TopologicalSorter(imports).prepare()


def test_names_of_tests_have_at_most_ten_words() -> None:
    names = [
        name
        for path in (ROOT / "tests").rglob("*.py")
        for name in re.findall(
            r"^ *(?:async )?def test_(\w+)", path.read_text("utf-8"), re.MULTILINE
        )
    ]
    assert len(names) > 1000
    assert not [name for name in names if len(name.split("_")) > MAX_WORDS_OF_A_TEST_NAME]
