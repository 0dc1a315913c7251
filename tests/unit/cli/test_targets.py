"""Output files of commands: writable, and never an input."""

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from monitor.cli.app import app
from monitor.demo.workspace import MARK, prepare_folder
from monitor.errors import InputError
from monitor.store.engine import make_engine
from monitor.store.migrations import upgrade

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


def refusal(*arguments: str) -> str:
    """Return the message of a command that refuses its input."""
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, InputError), result.output
    assert result.exception.exit_status == 2
    return str(result.exception)


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
    message = refusal("compare", "a.jsonl", "b.jsonl", option, target)
    assert message.startswith(f"{option} {target}: would overwrite {overwritten};")
    assert LINE == (folder / "b.jsonl").read_text(encoding="utf-8")


@pytest.mark.parametrize("names", [("page.html", "below/../page.html"), ("c.html", "d.html")])
def test_two_reports_need_two_files(folder: Path, names: tuple[str, str]) -> None:
    (folder / "c.html").touch()
    (folder / "d.html").symlink_to("c.html")
    message = refusal("compare", "a.jsonl", "b.jsonl", "--html", names[0], "--evidently", names[1])
    assert message.startswith(f"--evidently {names[1]}: also written by --html;")


def test_a_device_may_be_written_twice(folder: Path) -> None:
    (folder / "b.jsonl").write_text("", encoding="utf-8")
    message = refusal(
        "compare", "a.jsonl", "b.jsonl", "--html", "/dev/null", "--evidently", "/dev/null"
    )
    assert "the file is empty" in message


@pytest.mark.parametrize("option", ["--markdown", "--json"])
def test_figures_never_overwrite_data(folder: Path, option: str) -> None:
    message = refusal("bench", "drift", "--quick", "--data", ".", option, "a.jsonl")
    assert message.startswith(f"{option} a.jsonl: would overwrite a.jsonl of ")


def test_figures_and_their_markdown_are_two_files(folder: Path) -> None:
    message = refusal(
        *("bench", "drift", "--quick", "--data", ".", "--markdown", "x.txt", "--json", "x.txt")
    )
    assert "x.txt: also written by --markdown" in message


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
    upgrade(engine)
    engine.dispose()
    assert "own.db: would overwrite the database" in refusal(*arguments)
    assert (folder / "own.db").read_bytes().startswith(b"SQLite format 3")


def test_an_export_and_its_configuration_are_two_files(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRIFTWARDEN_DATABASE__URL", "sqlite:///own.db")
    files = ("--out", "x.json", "--config-out", "x.json")
    message = refusal("review", "export", "--format", "label-studio", *files)
    assert "x.json: also written by --out" in message


def test_an_export_into_a_missing_folder_is_refused(folder: Path) -> None:
    assert "mkdir -p nowhere" in refusal(
        "retrain", "human-evaluation", "export", "1", "-o", "nowhere/x.jsonl"
    )


@pytest.mark.parametrize("has_other_files", [False, True])
def test_the_demo_empties_no_folder_with_its_input(tmp_path: Path, has_other_files: bool) -> None:
    place = tmp_path / "driftwarden-demo" if has_other_files else tmp_path
    place.mkdir(exist_ok=True)
    (place / MARK).touch()
    traffic = place / "traffic.jsonl"
    traffic.write_text(LINE, encoding="utf-8")
    with pytest.raises(InputError, match="which the demo empties; move it"):
        prepare_folder(tmp_path, read=[tmp_path / "elsewhere.jsonl", traffic])
    assert LINE == traffic.read_text(encoding="utf-8")
