"""Events of responses in a comparison of files: verdict, exit status, texts."""

import json
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console

from monitor.alerts.drift_alarms import describe_drift, fingerprint_of, severity_of
from monitor.alerts.messages.incident import EvaluationSummary, detail_blocks
from monitor.alerts.messages.next_steps import next_steps
from monitor.cli.app import main
from monitor.rendering.events import NEXT_STEP
from monitor.settings import Alerts, Drift, Settings
from monitor.store.windows.assessment import Assessment
from monitor.store.windows.window_figures import AssessmentFigures
from monitor.windows import file_comparison as comparing
from monitor.windows.exchanges.rows import rows_of_assessment
from monitor.windows.file_comparison import compare_files
from monitor.windows.reading.two_files import read_two_files
from monitor.windows.report.page import render_page
from monitor.windows.report.terminal import print_assessment
from tests.support.encoders.word_encoder import WordEncoder

SETTINGS = Settings(drift=Drift(n_permutations=999))
PLACES = ("corner", "garden", "holiday", "office", "river", "school", "station", "summer")


@pytest.fixture(autouse=True)
def _words(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = WordEncoder()
    encoder.identity, encoder.dimension = "words@1", 256
    monkeypatch.setattr(comparing, "open_encoder", lambda _: encoder)


def write(path: Path, n: int, n_empty: int = 0, prompt: str = "my card was declined at") -> Path:
    """Write n exchanges, some of them spread evenly with an empty response."""
    step = n // n_empty if n_empty else n + 1
    lines = []
    for row in range(n):
        place = f"{PLACES[row % 8]} {PLACES[row // 8 % 8]}"
        line: dict[str, Any] = {"prompt": f"{prompt} {place}", "user": f"user {row}"}
        is_empty = row % step == 0 and row < n_empty * step
        line["response"] = "" if is_empty else f"You can do that in the app, under {place}."
        lines.append(json.dumps(line))
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def compared(reference: Path, current: Path) -> Assessment:
    files = read_two_files(reference, current, SETTINGS)
    return compare_files(files, SETTINGS, lambda *_: None).assessment


def test_a_tenth_of_150_empty_is_drift_with_status_3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = write(tmp_path / "a.jsonl", 150), write(tmp_path / "b.jsonl", 150, 15)
    monkeypatch.setattr("sys.argv", ["driftwarden", "compare", *map(str, files), "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 3
    assessment = msgspec.json.decode(capsys.readouterr().out, type=Assessment)
    assert (assessment.verdict, assessment.alarm) == ("drift", True)
    (event,) = assessment.output.event_alarms
    assert (event.kind, event.current.estimate) == ("empty", 0.1)
    assert assessment.headline.startswith("About 10% of the responses are empty (none before).")
    assert assessment.basis is not None
    assert assessment.basis.levels == SETTINGS.alarm_levels
    assert assessment.basis.settings["min_event_rise"] == SETTINGS.drift.min_event_rise


def test_copied_refusals_have_one_explanation(tmp_path: Path) -> None:
    reference, current = write(tmp_path / "a.jsonl", 400), write(tmp_path / "b.jsonl", 400, 60)
    refusal = "I'm sorry, but I can't help with that request."
    text = current.read_text(encoding="utf-8").replace(
        '"response": ""', f'"response": {json.dumps(refusal)}'
    )
    current.write_text(text, encoding="utf-8")
    output = compared(reference, current).output
    assert output.verdict == "drift"
    assert [explanation.kind for explanation in output.explanations] == ["refusal"]


def test_event_is_shown_and_alerted_with_its_next_step(tmp_path: Path) -> None:
    assessment = compared(write(tmp_path / "a.jsonl", 150), write(tmp_path / "b.jsonl", 150, 15))
    assert fingerprint_of(assessment) >= {"output", "event:empty"}
    assert severity_of(assessment) >= 0.1
    assert "empty" in describe_drift(fingerprint_of(assessment), severity_of(assessment))
    assert NEXT_STEP in next_steps(assessment)
    summary = EvaluationSummary(
        evaluation_id=1,
        window_start=datetime(2026, 11, 2, tzinfo=UTC),
        window_end=datetime(2026, 11, 9, tzinfo=UTC),
        assessment=assessment,
        baseline="",
    )
    message = json.dumps(detail_blocks(summary, "opened", Alerts()))
    assert "from 15 end users (10% of all)" in message
    console = Console(file=StringIO(), width=200)
    print_assessment(assessment, console)
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    for text in (printed, render_page(assessment)):
        assert "10% of the responses are empty" in text
        assert "95% interval" in text
    (row,) = [row for row in rows_of_assessment(assessment) if row["kind"] == "explanation"]
    assert (row["name"], row["verdict"], row["current"]) == ("empty", "drift", 0.1)


def test_event_alarms_where_no_prompts_are_comparable(tmp_path: Path) -> None:
    reference = write(tmp_path / "a.jsonl", 300)
    current = write(tmp_path / "b.jsonl", 300, 30, prompt="wie viel kostet ein zug nach")
    assessment = compared(reference, current)
    assert assessment.output.verdict == "not_enough_data"
    assert [event.kind for event in assessment.output.event_alarms] == ["empty"]
    assert assessment.verdict == "drift"
    assert severity_of(assessment) >= 0.1
    figures = msgspec.json.decode(msgspec.json.encode(assessment), type=AssessmentFigures)
    assert figures.output.alarms
    assert figures.output.significant_share == pytest.approx(0.1)


def test_a_missing_response_is_not_an_empty_one(tmp_path: Path) -> None:
    reference, current = write(tmp_path / "a.jsonl", 150), write(tmp_path / "b.jsonl", 150)
    lines = [json.loads(line) for line in current.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        del line["response"]
    current.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    assessment = compared(reference, current)
    assert assessment.output.untested_reason == "few_responses"
    assert assessment.output.explanations == ()


def test_a_window_below_the_least_sample_is_not_tested(tmp_path: Path) -> None:
    assessment = compared(write(tmp_path / "a.jsonl", 150), write(tmp_path / "b.jsonl", 99, 33))
    assert assessment.verdict == "not_enough_data"
    assert assessment.output.explanations == ()


def test_versions_of_a_window_name_their_events(tmp_path: Path) -> None:
    reference, current = write(tmp_path / "a.jsonl", 150), write(tmp_path / "b.jsonl", 300, 30)
    lines = [json.loads(line) for line in current.read_text(encoding="utf-8").splitlines()]
    for row, line in enumerate(lines):
        line["metadata"] = {"model_version": "ab"[row % 10 == 0 or row % 2]}
    current.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    versions = {version.version: version for version in compared(reference, current).versions}
    assert {name: version.events for name, version in versions.items()} == {
        "a": (),
        "b": ("empty",),
    }
    assert versions["b"].alarm
    assert versions["b"].levels.events == SETTINGS.alarm_levels.events / 2
