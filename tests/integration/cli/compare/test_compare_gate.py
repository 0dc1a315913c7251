"""`driftwarden compare` as a gate: exit status by checks, rules, segments, JUnit and Markdown."""

import json
import random
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from monitor.windows import file_comparison as comparing
from tests.support.command import Run, run_command  # noqa: F401
from tests.support.encoders.word_encoder import WordEncoder

SCHEMA = Path(__file__).parents[4] / "docs" / "reference" / "assessment.schema.json"
PLACES = ("corner", "garden", "holiday", "office", "river", "school", "station", "summer")
PROMPTS = {
    "card": "my card was declined at the {} shop",
    "loan": "how high is the interest on a loan for a {}",
    "pin": "please send a new pin to my {} address",
}
NEW = "can I move bitcoin from my {} wallet to a crypto exchange"


@pytest.fixture
def run(run_command: Run, monkeypatch: pytest.MonkeyPatch) -> Run:  # noqa: F811
    encoder = WordEncoder()
    encoder.identity, encoder.dimension = "words@1", 256
    monkeypatch.setattr(comparing, "open_encoder", lambda _: encoder)
    monkeypatch.setenv("DRIFTWARDEN_DRIFT__N_PERMUTATIONS", "999")
    return partial(run_command, "compare")


def write(
    path: Path,
    n: int,
    *,
    seed: int = 0,
    new: float = 0.0,
    empty: int = 0,
    weights: tuple[int, ...] = (1, 1, 1),
    judge: float = 4.0,
    **metadata: Any,
) -> Path:
    """Write n exchanges: a share ``new`` of those on pins is on a new topic."""
    rng = random.Random(seed)
    lines = []
    for row in range(n):
        task_type = rng.choices(list(PROMPTS), weights)[0]
        is_new = task_type == "pin" and rng.random() < new
        prompt = (NEW if is_new else PROMPTS[task_type]).format(rng.choice(PLACES))
        lines.append(
            {
                "prompt": prompt,
                "response": "" if row < empty else f"See the app, under {rng.choice(PLACES)}.",
                "task_type": task_type,
                "user": f"user {row}",
                "metadata": {"judge": round(rng.gauss(judge, 0.5), 2)}
                | {key: value(row) for key, value in metadata.items()},
            }
        )
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return path


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return write(tmp_path / "before.jsonl", 300), write(tmp_path / "now.jsonl", 300, seed=1)


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ((), 0),
        (("--rule", "empty < 5%"), 0),
        (("--rule", "empty < 1%"), 4),  # 300 end users don't show it
        (("--rule", "empty < 1%", "--fail-on", "drift"), 0),
        (("--rule", "length_p95 < 3", "--rule", "empty < 1%"), 3),
        (("--rule", "length_p95 < 3", "--fail-on", "drift"), 0),
        (("--rule", "absent_p95 < 3", "--fail-on", "rule"), 4),
        (("--rule", "judge_mean >= 3.9", "--fail-on", "drift", "--fail-on", "rule"), 0),
        (("--fail-on", "metric:judge"), 0),
        (("--fail-on", "metric:before_alone"), 4),
        (("--fail-on", "metric:absent"), 2),
        (("--fail-on", "metric:"), 2),
        (("--fail-on", "rule"), 2),
        (("--rule", "empty is low"), 2),
        (("--by", "row"), 2),
        (("--by", "nowhere"), 2),
        (("--by", "now_alone"), 4),
    ],
)
def test_exit_status_is_that_of_the_chosen_checks(
    tmp_path: Path, run: Run, options: tuple[str, ...], status: int
) -> None:
    before = write(
        tmp_path / "before.jsonl", 300, before_alone=lambda row: row % 7, row=lambda row: f"r{row}"
    )
    now = write(tmp_path / "now.jsonl", 300, seed=1, now_alone=lambda row: "ab"[row % 2])
    done = run(before, now, *options)
    assert done.returncode == status, done.stderr
    if status == 2:
        assert options[-1].removeprefix("metric:") in done.stderr
        assert done.stdout == ""


@pytest.mark.parametrize(
    ("better", "status"), [("", 4), ("higher", 3), ("lower", 0)], ids=["unknown", "fell", "rose"]
)
def test_a_guarded_metric_without_direction_is_inconclusive(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, better: str, status: int
) -> None:
    if better:
        monkeypatch.setenv(f"DRIFTWARDEN_DRIFT__{better.upper()}_IS_BETTER", '["judge"]')
    before = write(tmp_path / "before.jsonl", 300)
    now = write(tmp_path / "now.jsonl", 300, seed=1, judge=3.7)  # by less than the threshold
    assert run(before, now).returncode == 0
    done = run(before, now, "--fail-on", "metric:judge")
    assert done.returncode == status
    assert ("drift.higher_is_better" in done.stderr) is (better == "")


def test_rules_of_the_settings_join_those_of_the_command(
    files: tuple[Path, Path], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRIFTWARDEN_DRIFT__RULES", '["empty < 5%"]')
    document = json.loads(run(*files, "--json", "--rule", "loop<5%").stdout)
    jsonschema.validate(document, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert [(rule["rule"], rule["outcome"]) for rule in document["rules"]] == [
        ("empty < 5%", "kept"),
        ("loop < 5%", "kept"),
    ]
    monkeypatch.setenv("DRIFTWARDEN_DRIFT__RULES", '["empty is low"]')
    refused = run(*files)
    assert refused.returncode == 78
    assert "OP NUMBER" in refused.stderr


def test_drift_within_a_segment_is_found_and_reported_first(tmp_path: Path, run: Run) -> None:
    before = write(tmp_path / "before.jsonl", 500)
    now = write(tmp_path / "now.jsonl", 500, seed=1, new=0.5)
    page, junit, markdown = (tmp_path / name for name in ("page.html", "j.xml", "c.md"))
    written = ("--html", page, "--junit", junit, "--markdown", markdown)
    done = run(before, now, "--json", "--by", "task_type", "--fail-on", "segment", *written)
    assert done.returncode == 3, done.stderr
    document = json.loads(done.stdout)
    jsonschema.validate(document, json.loads(SCHEMA.read_text(encoding="utf-8")))
    first, *rest = document["segmentation"]["segments"]
    assert (first["name"], first["alarm"]) == ("pin", True)
    assert not any(segment["alarm"] for segment in rest)
    levels = document["segmentation"]["levels"]["input"], document["basis"]["levels"]["input"]
    assert 3 * levels[0] == pytest.approx(levels[1])
    failures = [
        case.get("name")
        for case in ET.parse(junit).iter("testcase")
        if case.find("failure") is not None
    ]
    assert failures == ["task_type = pin"]
    text = markdown.read_text(encoding="utf-8")
    assert text.index("task\\_type = pin") < text.index("<details>")
    assert "Segments by task_type" in page.read_text(encoding="utf-8")
    assert "failed: segment task_type = pin" in done.stderr


def test_a_segment_that_grew_has_not_drifted(tmp_path: Path, run: Run) -> None:
    before = write(tmp_path / "before.jsonl", 600)
    now = write(tmp_path / "now.jsonl", 600, seed=1, weights=(1, 1, 3))
    done = run(before, now, "--by", "task_type", "--fail-on", "segment")
    assert done.returncode == 0, done.stdout
    assert "moved between segments" in " ".join(done.stdout.split())
    assert "A change of the prompts is significant" in done.stdout


def test_two_outputs_to_one_file_are_refused(files: tuple[Path, Path], run: Run) -> None:
    target = files[0].with_name("out")
    done = run(*files, "--junit", target, "--markdown", target.parent / "." / "out")
    assert done.returncode == 2
    assert not target.exists()
    overwriting = run(*files, "--markdown", files[1])
    assert overwriting.returncode == 2


def test_a_saved_reference_takes_the_place_of_the_file(files: tuple[Path, Path], run: Run) -> None:
    target = files[0].with_name("saved.parquet")
    first = run(*files, "--json", "--save-reference", target)
    again = run(target, files[1], "--json")
    assert (first.returncode, first.stdout) == (0, again.stdout)
    assert target.stat().st_mode & 0o777 == 0o600
    for options in (("--without-texts",), ("--save-reference", files[0])):
        assert run(*files, *options).returncode == 2
