"""Lists of the architecture page against packages, layers, jobs and the public API."""

import re
import tomllib
from pathlib import Path

import grimp
import pytest

import driftwarden
from monitor.daemon.app import DEFAULT_PARTS
from scripts.draw_rooms import flows, module_of

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/explanation/architecture.md").read_text(encoding="utf-8")
#: Packages with a folder per feature or command group, which the table doesn't name one by one.
BY_FEATURE = {"monitor.cli", "monitor.web", "monitor.store.tables"}


def packages_in(folder: Path) -> set[str]:
    return {path.parent.name for path in folder.glob("*/__init__.py")}


def modules_in(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("*.py")} - {"__init__"}


def rows() -> dict[str, str]:
    """Return each package of the table with its contents."""
    table = PAGE.split("## Packages")[1].split("| --- | --- |\n")[1].split("\n\n")[0]
    cells = [line.strip("| ").split(" | ", 1) for line in table.splitlines()]
    return {name: text for names, text in cells for name in re.findall(r"`([\w.]+)`", names)}


def layers() -> list[set[str]]:
    """Return the layers that import-linter holds, those of `monitor` without its name."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contract = next(
        contract
        for contract in settings["tool"]["importlinter"]["contracts"]
        if contract["name"] == "Imports run one way"
    )
    return [
        {name.strip().removeprefix("monitor.") for name in row.split("|")}
        for row in contract["layers"]
    ]


def test_table_has_every_package() -> None:
    monitor = {f"monitor.{name}" for name in packages_in(ROOT / "monitor")}
    monitor |= {f"monitor.{name}" for name in modules_in(ROOT / "monitor")}
    retrain = {f"retrain.{name}" for name in packages_in(ROOT / "retrain")}
    assert set(rows()) == {"driftwarden", "bench"} | monitor | retrain


@pytest.mark.parametrize("name", [name for name in rows() if name not in BY_FEATURE])
def test_row_of_a_package_names_its_folders(name: str) -> None:
    folder = ROOT / Path(*name.split("."))
    left = {sub for sub in packages_in(folder) if f"`{sub}`" not in rows()[name]}
    assert name == "bench" or left == set(), f"add {sorted(left)} to the row of `{name}`"


def test_page_has_the_layers_in_their_order() -> None:
    (written,) = re.findall(r"```\n(retrain\.rollout\.commands\n[^`]+)```", PAGE)
    assert layers() == [set(re.findall(r"[\w.]+", line)) for line in written.splitlines()]


def test_every_package_is_in_a_layer() -> None:
    """A package outside of all layers may import anything."""
    of_retrain = {f"retrain.rollout.{name}" for name in packages_in(ROOT / "retrain/rollout")}
    of_retrain |= {f"retrain.rollout.{name}" for name in modules_in(ROOT / "retrain/rollout")}
    of_retrain |= {f"retrain.{name}" for name in modules_in(ROOT / "retrain")}
    packages = {name for name in rows() if name.count(".") == 1} - {"retrain.rollout"}
    named = {
        name if name.startswith("retrain.") else f"monitor.{name}"
        for name in set().union(*layers())
    }
    assert packages | of_retrain == named


@pytest.mark.slow
def test_files_of_a_flow_follow_the_imports() -> None:
    graph = grimp.build_graph("driftwarden", "monitor", "retrain", cache_dir=None)
    assert [len(flows()), all(len(files) > 10 for files in flows().values())] == [3, True]
    for title, files in flows().items():
        modules = [module_of(file) for file in files]
        for place, module in enumerate(modules[1:], 1):
            importers = graph.find_modules_that_directly_import(module)
            starters = {
                above
                for above, file in zip(modules[:place], files, strict=False)
                if f'"{module}"' in (ROOT / file).read_text(encoding="utf-8")
            }
            assert starters | importers.intersection(modules[:place]), f"{title}: {files[place]}"


@pytest.mark.parametrize("name", sorted({*driftwarden.__all__} - {"__version__"}))
def test_public_name_is_listed(name: str) -> None:
    paragraph = PAGE.split("`driftwarden` re-exports")[1].split("\n\n")[0]
    assert f"`{name}`" in paragraph


@pytest.mark.parametrize("name", DEFAULT_PARTS)
def test_table_has_every_part_of_the_daemon(name: str) -> None:
    assert f"| `{name}` |" in PAGE
