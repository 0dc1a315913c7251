"""The wheel and the source distribution: built, inspected, and run where nothing else is."""

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from monitor.extras import MODULES
from monitor.packaged_files import PLACES
from scripts.check_tracked_files import tracked_files
from tests.support.partial_installation import ROOT, PartialInstallation

OWN = ("driftwarden", "monitor", "retrain")


def build(target: str, project: Path, folder: Path) -> Path:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)],
        cwd=project,
        env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"},
        check=True,
        capture_output=True,
        timeout=120,
    )
    return next(folder.iterdir())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("sdist", ROOT, tmp_path_factory.mktemp("source"))


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked wheel")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_wheel_holds_our_packages_and_nothing_stray(wheel: Path) -> None:
    tracked = {path.relative_to(ROOT).as_posix() for path in tracked_files(ROOT)}
    expected = {name for name in tracked if name.partition("/")[0] in OWN}
    for place, name in PLACES.items():
        inside = {file for file in tracked if file == place or file.startswith(f"{place}/")}
        expected |= {f"monitor/{name}{file.removeprefix(place)}" for file in inside}
    assert names(wheel) == expected


def test_wheel_has_no_tests_and_small_files_only(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        sizes = {item.filename: item.file_size for item in archive.infolist()}
    assert not [name for name in sizes if "test" in name.split("/")[0]]
    assert {name.split("/")[0] for name in sizes if ".dist-info" not in name} == set(OWN)
    assert max(sizes.values()) < 1_000_000
    assert wheel.stat().st_size < 3_000_000


def test_metadata_says_python_licence_and_extras(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode())
        licences = [name for name in archive.namelist() if name.endswith("licenses/LICENSE")]
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert licences
    assert {*MODULES, "all", "dev"} == set(metadata.get_all("Provides-Extra"))


def test_source_distribution_builds_the_same_wheel(
    source: Path, wheel: Path, tmp_path: Path
) -> None:
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path, filter="data")
    project = next(tmp_path.iterdir())
    top = {path.name for path in project.iterdir()}
    assert not top & {"tests", "bench", ".venv", "build", "dist"}
    assert names(build("wheel", project, tmp_path / "again")) == names(wheel)


def test_wheel_alone_starts_and_names_the_extras(unpacked: Path, tmp_path: Path) -> None:
    installation = PartialInstallation(tmp_path / "site", packages=unpacked)
    folder = tmp_path / "a site"
    started = installation.command("init", str(folder), cwd=tmp_path)
    assert started.returncode == 0, started.stderr
    assert "pip install 'driftwarden[daemon]'" in started.stdout
    assert (folder / "config.toml").is_file()
    schema = installation.command("compare", "--schema", cwd=folder)
    assert json.loads(schema.stdout)["title"] == "driftwarden assessment"
    version = "import driftwarden as d; print(d.__version__, d.compare.__module__)"
    imported = installation.python("-c", version, cwd=folder)
    assert imported.stdout.split()[1] == "monitor.drift.input.compare", imported.stderr
    refused = installation.python(
        "-c", "import driftwarden; driftwarden.compare_exchanges", cwd=folder
    )
    assert "driftwarden[text]" in refused.stderr


def test_wheel_migrates_a_database_and_has_its_pages(unpacked: Path, tmp_path: Path) -> None:
    installation = PartialInstallation(tmp_path / "site", "daemon", packages=unpacked)
    upgraded = installation.command("db", "upgrade", cwd=tmp_path)
    assert upgraded.returncode == 0, upgraded.stderr
    assert (tmp_path / "driftwarden.db").is_file()
    program = (
        "from monitor.web.runbooks.runbook_pages import PAGES, read_runbook\n"
        "print(len([read_runbook(page) for page in PAGES]))"
    )
    pages = installation.python("-c", program, cwd=tmp_path)
    assert int(pages.stdout) > 10, pages.stderr
