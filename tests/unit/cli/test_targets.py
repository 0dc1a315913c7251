"""Output files of commands: writable, and never an input."""

import os
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from monitor.cli.app import app
from monitor.demo.workspace import MARK, prepare_folder
from monitor.errors import InputError
from monitor.store.engine import make_engine
from tests.support.migrated_copy import migrate
from tests.support.refusals import refusal

LINE = '{"prompt": "Where is my card?"}\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two files to compare, links to one of them, and a configuration."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_text(LINE, encoding="utf-8")
    (tmp_path / "config.toml").write_text("", encoding="utf-8")
    (tmp_path / "soft.jsonl").symlink_to("b.jsonl")
    os.link("b.jsonl", "hard.jsonl")
    (tmp_path / "below").mkdir()
    return tmp_path


def refusal_of(*arguments: str) -> tuple[str, str]:
    """Return code and message of a command that refuses its input."""
    done = CliRunner().invoke(app, arguments)
    assert isinstance(done.exception, InputError), done.output
    assert done.exception.exit_status == 2
    return done.exception.code, str(done.exception)


@pytest.mark.parametrize("option", ["--html", "--evidently"])
@pytest.mark.parametrize(
    ("target", "overwritten"),
    [
        ("a.jsonl", "the reference file"),
        ("b.jsonl", "the current file"),
        ("below/../b.jsonl", "the current file"),
        ("soft.jsonl", "the current file"),
        ("hard.jsonl", "the current file"),
        ("config.toml", "the configuration"),
    ],
)
def test_a_report_never_overwrites_an_input(
    folder: Path, option: str, target: str, overwritten: str
) -> None:
    code, message = refusal_of("compare", "a.jsonl", "b.jsonl", option, target)
    assert code == "overwrites_input"
    assert message.startswith(f"{option} {target}: ")
    assert overwritten in message
    assert (folder / "b.jsonl").read_text(encoding="utf-8") == LINE


@pytest.mark.parametrize("names", [("page.html", "below/../page.html"), ("c.html", "d.html")])
def test_two_reports_need_two_files(folder: Path, names: tuple[str, str]) -> None:
    (folder / "c.html").touch()
    (folder / "d.html").symlink_to("c.html")
    files = ("--html", names[0], "--evidently", names[1])
    code, message = refusal_of("compare", "a.jsonl", "b.jsonl", *files)
    assert code == "same_output"
    assert re.match(rf"--evidently {names[1]}: .* --html;", message)


def test_a_device_may_be_written_twice(folder: Path) -> None:
    (folder / "b.jsonl").write_text("", encoding="utf-8")
    files = ("--html", "/dev/null", "--evidently", "/dev/null")
    assert refusal_of("compare", "a.jsonl", "b.jsonl", *files)[0] == "empty_file"


@pytest.mark.parametrize("option", ["--markdown", "--json"])
def test_figures_never_overwrite_data(folder: Path, option: str) -> None:
    code, message = refusal_of("bench", "drift", "--quick", "--data", ".", option, "a.jsonl")
    assert code == "overwrites_input"
    assert message.startswith(f"{option} a.jsonl: ")


def test_figures_and_their_markdown_are_two_files(folder: Path) -> None:
    files = ("--markdown", "x.txt", "--json", "x.txt")
    code, message = refusal_of("bench", "drift", "--quick", "--data", ".", *files)
    assert code == "same_output"
    assert re.search(r"x\.txt: .* --markdown;", message)


@pytest.mark.parametrize(
    "arguments",
    [
        ("review", "export", "--out", "own.db"),
        ("review", "export", "--format", "label-studio", "--config-out", "own.db"),
        ("retrain", "human-evaluation", "export", "1", "--output", "own.db"),
    ],
)
def test_an_export_never_overwrites_the_database(
    folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setenv("DRIFTWARDEN_DATABASE__URL", "sqlite:///own.db")
    engine = make_engine("sqlite:///own.db")
    migrate(engine)
    engine.dispose()
    code, message = refusal_of(*arguments)
    assert (code, "own.db: " in message) == ("overwrites_input", True)
    assert (folder / "own.db").read_bytes().startswith(b"SQLite format 3")


def test_an_export_and_its_configuration_are_two_files(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRIFTWARDEN_DATABASE__URL", "sqlite:///own.db")
    files = ("--out", "x.json", "--config-out", "x.json")
    code, message = refusal_of("review", "export", "--format", "label-studio", *files)
    assert code == "same_output"
    assert re.search(r"x\.json: .* --out;", message)


def test_an_export_into_a_missing_folder_is_refused(folder: Path) -> None:
    arguments = ("retrain", "human-evaluation", "export", "1", "-o", "nowhere/x.jsonl")
    code, message = refusal_of(*arguments)
    assert (code, "mkdir -p nowhere" in message) == ("no_folder", True)


@pytest.mark.parametrize("has_other_files", [False, True])
def test_the_demo_empties_no_folder_with_its_input(tmp_path: Path, has_other_files: bool) -> None:
    place = tmp_path / "driftwarden-demo" if has_other_files else tmp_path
    place.mkdir(exist_ok=True)
    (place / MARK).touch()
    traffic = place / "traffic.jsonl"
    traffic.write_text(LINE, encoding="utf-8")
    with refusal("input_in_demo_folder", InputError, match=str(place)):
        prepare_folder(tmp_path, read=[tmp_path / "elsewhere.jsonl", traffic])
    assert traffic.read_text(encoding="utf-8") == LINE
