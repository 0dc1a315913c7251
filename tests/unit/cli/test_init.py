"""`driftwarden init`: a configuration to start from, which never overwrites."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from monitor.cli.init import init, starting_configuration
from monitor.errors import InputError
from monitor.packaged_files import PLACES, packaged_file
from monitor.settings import load_configuration
from tests.support.refusals import refusal

ROOT = Path(__file__).resolve().parents[3]


def test_starting_configuration_has_the_defaults(tmp_path: Path) -> None:
    init(tmp_path)
    written = load_configuration(tmp_path / "config.toml")
    shipped = load_configuration(ROOT / "config.toml")
    assert written.model_dump() == shipped.model_dump()


def test_advanced_keys_are_comments_that_can_be_taken_back() -> None:
    text = starting_configuration()
    keys = tomllib.loads(text)
    assert set(keys) < set(tomllib.loads((ROOT / "config.toml").read_text(encoding="utf-8")))
    lines = [
        line[1:] if line[:1] == "#" and line[1:2] != " " else line for line in text.splitlines()
    ]
    complete = tomllib.loads("\n".join(line for line in lines if not line.startswith("#")))
    assert complete == tomllib.loads((ROOT / "config.toml").read_text(encoding="utf-8"))


def test_existing_file_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("mine")
    with refusal("file_exists", InputError):
        init(tmp_path)
    assert (tmp_path / "config.toml").read_text() == "mine"


def test_link_to_nowhere_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "config.toml").symlink_to(tmp_path / "elsewhere")
    with refusal("file_exists", InputError):
        init(tmp_path)
    assert not (tmp_path / "elsewhere").exists()


def test_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("mine")
    for folder in (tmp_path / "site", tmp_path / "site" / "below"):
        with refusal("not_writable", InputError):
            init(folder)
    assert (tmp_path / "site").read_text() == "mine"


def test_read_only_folder_is_refused(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        with refusal("not_writable", InputError):
            init(Path("/proc/self"))
        return
    tmp_path.chmod(0o500)
    with refusal("not_writable", InputError):
        init(tmp_path)


def test_full_disk_leaves_no_half_of_a_file(tmp_path: Path) -> None:
    program = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "from pathlib import Path; from monitor.cli.init import init; init(Path('site'))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "InputError" in ended.stderr
    assert not (tmp_path / "site" / "config.toml").exists()


def test_missing_folder_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    init(tmp_path / "a site" / "below")
    output = capsys.readouterr().out
    assert (tmp_path / "a site" / "below" / "config.toml").is_file()
    assert "driftwarden check" in output


def test_packaged_files_are_those_of_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert included == {place: f"monitor/{name}" for place, name in PLACES.items()}
    assert all(packaged_file(place).exists() for place in PLACES)
