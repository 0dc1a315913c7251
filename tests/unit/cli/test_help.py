"""Help: complete, as in the source, and without heavy libraries."""

import inspect
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from monitor.cli.app import Commands, app

ROOT = Path(__file__).resolve().parents[3]

#: None of these may be imported to show help; together they take several seconds. (pydantic is
#: typer's own.)
HEAVY = {
    "alembic",
    "apscheduler",
    "datasets",
    "evidently",
    "kafka",
    "litestar",
    "numpy",
    "pandas",
    "peft",
    "rich",
    "scipy",
    "sentence_transformers",
    "sklearn",
    "slack_sdk",
    "sqlalchemy",
    "torch",
    "transformers",
    "trl",
    "uvicorn",
}


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of this command, and of every command and group below it."""
    yield path
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, (*path, name))


ROOT_COMMAND = typer.main.get_command(app)
PATHS = list(commands(ROOT_COMMAND))


def find(path: tuple[str, ...]) -> Any:
    command = ROOT_COMMAND
    for name in path:
        command = command.commands[name]
    return command


def words(text: str) -> str:
    """Return a text without line breaks and indentation."""
    return " ".join(text.replace("\b", "").split())


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_help_is_the_source_text(path: tuple[str, ...]) -> None:
    done = CliRunner().invoke(app, [*path, "--help"], terminal_width=10_000)
    assert done.exit_code == 0, done.output
    output, command = words(done.output), find(path)
    assert "Usage:" in output
    assert command.help, f"`driftwarden {' '.join(path)}` has no description"
    for text in (command.help, *(parameter.help for parameter in command.params)):
        for paragraph in inspect.cleandoc(text).split("\n\n"):
            assert words(paragraph) in output


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_every_option_is_explained(path: tuple[str, ...]) -> None:
    for parameter in find(path).params:
        assert getattr(parameter, "help", None), (
            f"`driftwarden {' '.join(path)}`: {parameter.name} has no help"
        )


def test_an_unknown_command_is_an_error() -> None:
    done = CliRunner().invoke(app, ["frobnicate"])
    assert done.exit_code == 2
    assert "frobnicate" in done.output


@pytest.mark.slow
def test_help_imports_no_heavy_library() -> None:
    """One process shows all helps; what it has imported after each is what they need together."""
    program = (
        "import sys\n"
        "from monitor.cli import main\n"
        "for path in sys.argv[1:]:\n"
        "    sys.argv = ['driftwarden', *path.split(), '--help']\n"
        "    try:\n"
        "        main()\n"
        "    except SystemExit as end:\n"
        "        assert not end.code, end.code\n"
        "    names = sorted({name.partition('.')[0] for name in sys.modules})\n"
        "    print(f'imported by {path}:', *names)\n"
    )
    paths = [" ".join(path) for path in PATHS if len(path) <= 1]
    done = subprocess.run(
        [sys.executable, "-c", program, *paths],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    imported = {
        path: set(names.split())
        for path in paths
        for line in done.stdout.splitlines()
        if line.startswith(start := f"imported by {path}:") and (names := line.removeprefix(start))
    }
    assert list(imported) == paths
    assert all("typer" in names for names in imported.values())
    assert {path: HEAVY & names for path, names in imported.items() if HEAVY & names} == {}


def cpu_seconds(program: str, runs: int = 10) -> float:
    """Return the CPU time of a program in a new interpreter, over some runs."""
    before = os.times()
    for _ in range(runs):
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=60,
        )
    after = os.times()
    return sum(after[2:4]) - sum(before[2:4])


@pytest.mark.slow
def test_help_starts_within_twelve_bare_interpreters() -> None:
    root_help = "import sys; sys.argv[1:] = ['--help']; from monitor.cli import main; main()"
    assert cpu_seconds(root_help) <= 12 * cpu_seconds("pass")


@pytest.mark.parametrize("name", Commands.entries)
def test_the_root_help_has_the_first_line_of_each_command(name: str) -> None:
    assert find((name,)).help.splitlines()[0] == Commands.entries[name].summary


@pytest.mark.parametrize("arguments", [[], ["db"]], ids=["root", "group"])
def test_without_arguments_help_is_shown(arguments: list[str]) -> None:
    done = CliRunner().invoke(app, arguments)
    assert "Usage:" in done.output


@pytest.mark.slow
def test_a_bad_configuration_ends_with_its_own_exit_status(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("[monitoring]\nsample_ratio = 1\n", encoding="utf-8")
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from monitor.cli import main; main()",
            "db",
            "upgrade",
            "-c",
            config,
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 78
    assert "monitoring.sample_ratio = 1: " in done.stderr
    assert "'sample_rate'" in done.stderr
    assert "Traceback" not in done.stderr
