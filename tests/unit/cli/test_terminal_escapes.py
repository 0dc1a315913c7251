"""Names of files that would steer the terminal of whoever reads an error."""

import re
import sys
from pathlib import Path

import pytest

import monitor.cli.privacy
from monitor.cli.app import main

#: Documents, which have lines: JSON and the inventory, from registries and settings.
DOCUMENTS = {"msgspec.json.encode", "to_markdown"}


@pytest.mark.parametrize("code", ["\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\u202e", "\r"])
def test_an_error_shows_controls_of_a_name_escaped(
    code: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"missing{code}.jsonl"
    monkeypatch.setattr(sys, "argv", ["driftwarden", "compare", name, name])
    with pytest.raises(SystemExit):
        main()
    printed = capsys.readouterr().err
    assert "missing" in printed
    assert all(character.isprintable() for character in printed.rstrip("\n"))


def test_commands_of_personal_data_print_escaped_lines() -> None:
    """They print paths, ids and words of others."""
    (folder,) = monitor.cli.privacy.__path__
    printed = [
        match
        for path in Path(folder).glob("*.py")
        for match in re.findall(r"typer\.echo\(\s*([^\s()]+)", path.read_text())
    ]
    assert set(printed) == DOCUMENTS
