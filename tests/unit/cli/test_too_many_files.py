"""A pattern that the shell has expanded."""

from pathlib import Path

import pytest

from monitor.cli.app import app
from monitor.errors import InputError
from tests.support.refusals import refusal


def test_expanded_pattern_is_explained(tmp_path: Path) -> None:
    files = [tmp_path / f"{day}.jsonl" for day in range(3)]
    for path in files:
        path.touch()
    with refusal("too_many_files", InputError):
        app(["compare", *map(str, files)], standalone_mode=False)


def test_arguments_that_are_no_files_are_the_commands_own_error() -> None:
    with pytest.raises(Exception, match="unexpected extra argument"):
        app(["compare", "a", "b", "c"], standalone_mode=False)
