"""Names of files that would steer the terminal of whoever reads an error."""

import sys

import pytest

from monitor.cli.app import main


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
