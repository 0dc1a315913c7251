"""`compare_exchanges`, in all containers, beside the command and the daemon."""

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from sqlalchemy import Engine

from driftwarden import Assessment, compare_exchanges
from monitor.embedding.callable_encoder import CallableEncoder
from monitor.errors import InputError, ModelError
from monitor.settings import Settings, default_settings
from monitor.settings.models.names import index_names
from monitor.store.engine import transaction
from monitor.store.windows.drift_evaluations import drift_evaluation_by_id
from monitor.traffic.baseline_import import import_baseline
from monitor.traffic.file_replay import replay_file
from monitor.windows import evaluation, file_comparison
from monitor.windows.evaluation import evaluate_window
from tests.support.command import Run, run_command
from tests.support.encoders.word_encoder import WordEncoder
from tests.support.lazy_modules import arrow as pa
from tests.support.lazy_modules import datasets, torch
from tests.support.lazy_modules import pandas as pd
from tests.support.lazy_modules import polars as pl
from tests.support.refusals import refusal
from tests.support.traffic.end_users import make_rules

__all__ = ["run_command"]

PLACES = ("corner", "garden", "holiday", "office", "river", "school", "station", "summer")
WEEK = datetime(2026, 11, 2, tzinfo=UTC)
CONFIG: dict[str, Any] = {"drift": {"n_permutations": 999}}
SCHEMA = Path(__file__).parents[3] / "docs" / "reference" / "assessment.schema.json"


def encode(texts: list[str]) -> Any:
    return WordEncoder().encode(texts)


def exchanges(n: int, start: datetime, *, new: int = 0) -> list[dict[str, Any]]:
    """Make n exchanges of a week, the last ones about something new."""
    return [
        {
            "id": f"{start:%d}-{row}",
            "timestamp": (start + row * timedelta(days=7) / n).isoformat(),
            "user": f"user {row}",
            "prompt": f"{PLACES[row % 8]} crypto {PLACES[row // 8 % 8]} coins transfer {row % 5}"
            if row >= n - new
            else f"{PLACES[row % 8]} {PLACES[row // 8 % 8]} declined my card at {PLACES[row % 5]}",
            "response": f"You can do that in the app, under {PLACES[row % 8]}.",
            "metadata": {"latency": 1.0 + row % 7},
        }
        for row in range(n)
    ]


REFERENCE, CURRENT = exchanges(150, WEEK - timedelta(days=7)), exchanges(140, WEEK, new=40)


def compared(reference: Any = REFERENCE, current: Any = CURRENT, **options: Any) -> Assessment:
    return compare_exchanges(reference, current, **{"encoder": encode, "config": CONFIG, **options})


@pytest.fixture(scope="module")
def drift() -> Assessment:
    return compared()


def figures(assessment: Any) -> tuple[Any, ...]:
    families = assessment.input, assessment.output
    return (
        assessment.verdict,
        assessment.alarm,
        *((family.p_value, family.drifted_share, family.tests) for family in families),
        [(topic.name, topic.n_current) for topic in assessment.input.topics],
        assessment.numeric_columns,
    )


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def test_the_result_names_the_drift(drift: Assessment) -> None:
    assert (drift.verdict, drift.alarm) == ("drift", True)
    (topic,) = drift.input.topics
    assert "crypto" in topic.name
    assert drift.basis is not None
    assert drift.basis.encoder.endswith("test_exchanges.encode")
    assert (drift.basis.reference.name, drift.basis.current.name) == ("reference", "current")
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(drift.to_dict())
    assert len(repr(drift)) < 600


#: Each returns what makes a container of dicts.
CONTAINERS: dict[str, Callable[[], Callable[[list[dict[str, Any]]], Any]]] = {
    "iterator": lambda: iter,
    "pandas": lambda: pd.DataFrame,
    "polars": lambda: pl.DataFrame,
    "Arrow": lambda: pa.Table.from_pylist,
    "data set": lambda: datasets.Dataset.from_list,
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_each_container_gives_the_same_figures(container: str, drift: Assessment) -> None:
    make = CONTAINERS[container]()
    assert figures(compared(make(REFERENCE), make(CURRENT))) == figures(drift)


def test_command_daemon_and_python_follow_one_rule(
    run_command: Run,
    engine: Engine,
    tmp_path: Path,
    drift: Assessment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paths = write(tmp_path / "a.jsonl", REFERENCE), write(tmp_path / "b.jsonl", CURRENT)
    encoder = CallableEncoder(encode)
    monkeypatch.setattr(file_comparison, "open_encoder", lambda _: encoder)
    (tmp_path / "config.toml").write_text("drift.n_permutations = 999\n")
    done = run_command("compare", *paths, "--json")
    printed = json.loads(done.stdout)
    assert done.returncode == 3
    document = drift.to_dict()
    assert printed["input"] == document["input"]
    assert printed["output"] == document["output"]
    assert printed["verdict"] == drift.verdict
    assert figures(compared(*paths)) == figures(drift)

    settings = default_settings(
        **CONFIG,
        monitoring={"sample_rate": 1.0},
        privacy={"user_ids": "as_is"},  # units are drawn by their ids
    )
    now = WEEK + timedelta(days=7)
    import_baseline(
        engine,
        settings.traffic,
        lambda: encoder,
        paths[0],
        names=index_names((("assistant", ()),)),
        redactor=None,
        rules=make_rules(engine),
        now=now,
    )
    replay_file(engine, settings, encoder, paths[1], clock=lambda: now)
    monkeypatch.setattr(evaluation, "render_evidently", lambda *_, **__: "")
    row = evaluate_window(engine, settings, WEEK, now, now)
    assert row is not None
    with transaction(engine) as connection:
        stored = drift_evaluation_by_id(connection, row).assessment
    assert stored is not None
    assert stored.basis is not None
    again = compared(rng=stored.basis.seed)
    assert figures(stored) == figures(again)
    assert again.verdict == drift.verdict


def test_equal_seeds_give_equal_figures() -> None:
    first, second = (compared(rng=np.random.default_rng(5)) for _ in range(2))
    assert first.basis is not None
    assert figures(first) == figures(second) == figures(compared(rng=first.basis.seed))


def test_same_object_on_both_sides_is_a_copy() -> None:
    result = compared(REFERENCE, REFERENCE)
    assert result.verdict == "no_drift"
    assert result.input.p_value > 0.05
    assert "same" in result.headline


@pytest.mark.parametrize("current", [CURRENT[:1], CURRENT[:30]])
def test_too_few_exchanges_are_a_result(current: Any) -> None:
    result = compared(REFERENCE, current)
    assert result.verdict == "not_enough_data"
    assert math.isnan(result.input.p_value)
    assert math.isnan(result.output.p_value)
    assert "nan" not in repr(result) + result._repr_html_()


def test_an_empty_side_is_refused() -> None:
    for empty in ([], iter(()), pd.DataFrame({"prompt": []})):
        with refusal("empty_file", InputError, match="current"):
            compared(REFERENCE, empty)


def test_unreadable_rows_are_left_out_and_named_once() -> None:
    rows = [*CURRENT, {"response": "no prompt"}, {"prompt": None}]
    with pytest.warns(UserWarning, match="current: 2 exchanges can't be read") as warned:
        result = compared(REFERENCE, rows)
    assert len(warned) == 1
    assert result.n_current == len(CURRENT)
    assert any("2 lines of current could not be read" in remark for remark in result.remarks)


def test_unreadable_lines_of_a_file_have_its_numbers(tmp_path: Path) -> None:
    path = tmp_path / "current.jsonl"
    lines = [json.dumps(row).encode() for row in CURRENT]
    path.write_bytes(b"\n".join([lines[0], b"caf\xe9", *lines[1:]]) + b"\n")
    with pytest.warns(UserWarning, match="line 2: invalid_utf8: at byte 3"):
        compared(REFERENCE, path)


def test_equal_texts_with_other_task_types_are_no_copies() -> None:
    copies = compared(REFERENCE, REFERENCE[::-1])
    other = compared(REFERENCE, [row | {"task_type": "card"} for row in REFERENCE])
    assert "hold the same exchanges" in copies.headline
    assert "hold the same exchanges" not in other.headline


def test_texts_with_html_are_escaped_everywhere(tmp_path: Path) -> None:
    tag = "<img src=x onerror=alert(1)>"
    hostile = [row | {"prompt": f"{row['prompt']} {tag}", "response": tag * 300} for row in CURRENT]
    result = compared(REFERENCE, hostile)
    assert result.input.topics
    page = result.report(tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<img" not in page + result._repr_html_()
    assert len(repr(result)) < 600
    assert "<img" not in result.plot().to_json()


def test_an_object_with_a_method_encode_is_an_encoder(drift: Assessment) -> None:
    class Model(torch.nn.Module):  # type: ignore[misc]
        def encode(self, texts: list[str]) -> Any:
            return torch.tensor(encode(texts), requires_grad=True)

    assert figures(compared(encoder=Model())) == figures(drift)


def test_a_later_fault_of_the_encoder_is_an_error() -> None:
    def faulty(texts: list[str]) -> Any:
        vectors = encode(texts)
        return vectors if len(texts) == 1 else vectors[:-1]

    with refusal("wrong_shape", ModelError):
        compared(encoder=faulty)
    with refusal("no_encoder", InputError):
        compared(encoder=5)


def test_missing_values_are_those_of_a_file(tmp_path: Path) -> None:
    rows = [
        row | {"user": None if n % 3 else row["user"], "response": None if n % 9 else "Yes."}
        for n, row in enumerate(CURRENT)
    ]
    frame = pd.DataFrame(rows).assign(
        timestamp=lambda made: pd.to_datetime(made.timestamp, format="ISO8601").where(
            made.index % 2 == 0
        ),
        task_type=pd.Categorical(["cards", None] * (len(rows) // 2)),
    )
    file = write(
        tmp_path / "current.jsonl",
        [
            row
            | {"timestamp": row["timestamp"] if n % 2 == 0 else None}
            | {"task_type": None if n % 2 else "cards"}
            for n, row in enumerate(rows)
        ],
    )
    from_frame, from_file = compared(REFERENCE, frame), compared(REFERENCE, file)
    assert figures(from_frame) == figures(from_file)
    assert from_frame.mix_current == from_file.mix_current


def test_settings_of_the_working_folder_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.toml").write_text("drift.min_samples = 1000\n")
    monkeypatch.chdir(tmp_path)
    assert compared(config=None).verdict == "drift"
    assert compared(config="config.toml").verdict == "not_enough_data"
    assert compared(config=Settings()).verdict == "drift"


def test_rules_and_segments_are_in_the_result() -> None:
    sides = [
        [{**row, "task_type": "ab"[n % 2]} for n, row in enumerate(exchanges(200, start))]
        for start in (WEEK, WEEK + timedelta(days=7))
    ]
    result = compare_exchanges(
        *sides, encoder=encode, config=CONFIG, by="task_type", rules=["empty<5%"]
    )
    assert [(rule.rule, rule.outcome) for rule in result.rules] == [("empty < 5%", "kept")]
    assert result.segmentation is not None
    assert {segment.name for segment in result.segmentation.segments} == {"a", "b"}
    with pytest.raises(ValueError, match="OP NUMBER"):
        compare_exchanges(*sides, encoder=encode, rules=["empty"])
