"""`driftwarden compare`, as a user runs it: exit status, JSON, page, bad lines."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from monitor.store.assessment import Assessment

USUAL = (
    "my card was declined at the {} shop",
    "how high is the interest on a loan for a {}",
    "what is the balance of my account after the {}",
    "please send a new pin to my {} address",
)
NEW = "can I move bitcoin from my {} wallet to a crypto exchange"
PLACES = ("corner", "garden", "holiday", "office", "river", "school", "station", "summer")


def write(path: Path, n: int, *, new: int = 0, resolved: int = 9, extra: str = "") -> Path:
    """Write n exchanges of which ``new`` are on a new topic and ``resolved`` of ten are solved."""
    lines = [
        json.dumps(
            {
                "prompt": (NEW if i < new else USUAL[i % 4]).format(
                    f"{PLACES[i % 8]} {PLACES[i // 8 % 8]}"
                ),
                "response": "You can do that in the app, under settings.",
                "metadata": {"resolved": i * 7 % 10 < resolved},
            }
        )
        for i in range(n)
    ]
    path.write_text("\n".join([*lines, extra]), encoding="utf-8")
    return path


def run(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from monitor.cli import main; main()", "compare"]
    return subprocess.run(
        [*command, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1", "PATH": ""},
    )


def test_drift_is_exit_status_3_with_json_and_page(tmp_path: Path) -> None:
    reference = write(tmp_path / "reference.jsonl", 200)
    current = write(tmp_path / "current.jsonl", 150, new=50, resolved=5)
    page = tmp_path / "page.html"
    done = run(reference, current, "--json", "--html", page, cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    assessment = msgspec.json.decode(done.stdout, type=Assessment)
    assert assessment.input.alarm
    assert "crypto" in assessment.headline or "bitcoin" in assessment.headline
    assert [one.name for one in assessment.characteristics if one.degraded] == ["resolved"]
    assert "current.jsonl" in page.read_text(encoding="utf-8")
    again = run(reference, current, "--json", cwd=tmp_path)
    assert again.stdout == done.stdout


def test_no_drift_is_exit_status_0_in_words_and_bad_lines_are_named(tmp_path: Path) -> None:
    reference = write(tmp_path / "reference.jsonl", 200)
    current = write(tmp_path / "current.jsonl", 160, extra='not json\n{"response": "x"}')
    done = run(reference, current, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "NO DRIFT" in done.stdout
    assert "line 161:" in done.stderr
    assert "line 162:" in done.stderr
    assert "2 bad lines left out" in done.stderr
    assert "2 lines of current.jsonl could not be read" in done.stdout


def test_a_small_file_is_exit_status_4(tmp_path: Path) -> None:
    reference = write(tmp_path / "reference.jsonl", 120)
    done = run(reference, write(tmp_path / "current.jsonl", 9), cwd=tmp_path)
    assert done.returncode == 4, done.stderr
    assert "the window has 9" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "the file is empty"),
        ("not json\n[1]\n", "no line is an exchange"),
        (None, "No such file"),
    ],
)
def test_an_unusable_file_is_exit_status_2(
    tmp_path: Path, content: str | None, reason: str
) -> None:
    reference = write(tmp_path / "reference.jsonl", 9)
    current = tmp_path / "current.jsonl"
    if content is not None:
        current.write_text(content, encoding="utf-8")
    done = run(reference, current, cwd=tmp_path)
    assert done.returncode == 2
    assert reason in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("option", [("--alpha", "2"), ("--seed", "-1")])
def test_an_option_out_of_range_is_exit_status_2(tmp_path: Path, option: tuple[str, str]) -> None:
    reference = write(tmp_path / "reference.jsonl", 9)
    done = run(reference, reference, *option, cwd=tmp_path)
    assert done.returncode == 2
    assert option[0] in done.stderr
