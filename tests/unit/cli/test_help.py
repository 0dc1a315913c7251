"""Every command explains itself, and help doesn't wait for heavy libraries."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from monitor.cli.app import app

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
    """Yield the path of every command and group below this one, and its own."""
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


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_every_command_has_help(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*path, "--help"], terminal_width=200)
    assert result.exit_code == 0, result.output
    assert "Usage:" in result.output
    assert find(path).help, f"`driftwarden {' '.join(path)}` has no description"


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_every_option_is_explained(path: tuple[str, ...]) -> None:
    for parameter in find(path).params:
        assert getattr(parameter, "help", None), (
            f"`driftwarden {' '.join(path)}`: {parameter.name} has no help"
        )


def test_an_unknown_command_is_an_error() -> None:
    result = CliRunner().invoke(app, ["frobnicate"])
    assert result.exit_code == 2
    assert "frobnicate" in result.output


@pytest.mark.parametrize("path", [path for path in PATHS if len(path) <= 1], ids=" ".join)
def test_help_imports_no_heavy_library(path: tuple[str, ...]) -> None:
    program = (
        "import sys; sys.argv = ['driftwarden', *sys.argv[1:]]\n"
        "from monitor.cli import main\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code\n"
        "print('imported:', *sorted({name.partition('.')[0] for name in sys.modules}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *path, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    imported = set(done.stdout.splitlines()[-1].removeprefix("imported: ").split())
    assert "typer" in imported
    assert not HEAVY & imported


@pytest.mark.parametrize("arguments", [[], ["db"]], ids=["root", "group"])
def test_without_arguments_help_is_shown(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, arguments)
    assert "Usage:" in result.output


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
    assert "monitoring.sample_ratio = 1: unknown key; did you mean 'sample_rate'?" in done.stderr
    assert "Traceback" not in done.stderr
