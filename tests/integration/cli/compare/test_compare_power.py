"""`driftwarden compare --power`: simulated windows, their file, and refusals."""

import json
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from monitor.cli import main
from monitor.store.windows.assessment import Assessment
from monitor.windows import file_comparison
from monitor.windows.assessment import detectable_shares as power
from tests.integration.cli.compare.test_compare_command import write
from tests.support.encoders.fake_encoder import FakeEncoder

WINDOWS = 2


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run the command in this process, with few simulated windows."""
    monkeypatch.setattr(power, "MAX_WINDOWS", WINDOWS)
    monkeypatch.setattr(file_comparison, "open_encoder", lambda _: FakeEncoder())
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "reference.jsonl", 120, answered=0)
    write(tmp_path / "current.jsonl", 110, answered=0)
    write(tmp_path / "small.jsonl", 50)

    def run_here(*arguments: str) -> tuple[Any, str, str]:
        monkeypatch.setattr(sys, "argv", ["driftwarden", "compare", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capsys.readouterr()

    return run_here


def test_simulated_shares_are_in_json_and_continue_from_the_file(run: Any, tmp_path: Path) -> None:
    options = ("reference.jsonl", "current.jsonl", "--json", "--power", "--power-windows", "w")
    status, output, errors = run(*options)
    assert status == 0, errors
    shares = msgspec.json.decode(output, type=Assessment).detectable_shares
    assert [share.kind for share in shares] == ["new_topic", "scattered"]
    assert all(share.is_simulated for share in shares)
    assert "power: " in errors
    lines = (tmp_path / "w").read_text("utf-8").splitlines()
    assert len(lines) == 2 * WINDOWS

    # A killed run leaves an incomplete line; lines of another comparison do not count.
    other = json.dumps(json.loads(lines[0]) | {"comparison": "0", "share": 0.6})
    (tmp_path / "w").write_text("\n".join([other, *lines[:3], lines[3][:20]]), "utf-8")
    status, again, errors = run(*options)
    assert (status, again) == (0, output)
    assert len((tmp_path / "w").read_text("utf-8").splitlines()) == 6


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("reference.jsonl", "small.jsonl", "--power"), 2),
        (("reference.jsonl", "small.jsonl"), 4),
        (("reference.jsonl", "current.jsonl", "--power-windows", "w"), 2),
        (("reference.jsonl", "current.jsonl", "--power", "--power-windows", "reference.jsonl"), 2),
    ],
    ids=["too few exchanges", "without power", "file without power", "file is the reference"],
)
def test_power_is_refused_where_nothing_can_be_simulated(
    run: Any, arguments: tuple[str, ...], status: int
) -> None:
    assert run(*arguments)[0] == status


def test_file_of_other_content_is_refused(run: Any, tmp_path: Path) -> None:
    (tmp_path / "w").write_text('{"a": 1}\n', "utf-8")
    options = ("reference.jsonl", "current.jsonl", "--power", "--power-windows", "w")
    assert run(*options)[0] == 2
