"""Segments of both sides of a comparison."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import pytest

from monitor.errors import InputError
from monitor.statistics.alarm_levels import DEFAULT_LEVELS, AlarmLevels
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.assessment import Segmentation
from monitor.traffic.exchange import Exchange, Message
from monitor.windows.findings.findings import Findings, uncompared_findings
from monitor.windows.gate.segment_column import segment_labels
from monitor.windows.gate.segments import SegmentedSide, compare_segments
from tests.support.refusals import refusal
from tests.support.windows.assessments import estimated, make_family


def exchange(**values: Any) -> Exchange:
    labels = {key: values.pop(key) for key in ("model", "task_type") if key in values}
    return Exchange(
        exchange_id="1",
        occurred_at=datetime(2026, 11, 2, tzinfo=UTC),
        messages=(Message("user", "hello"),),
        response="",
        attributes=values,
        **labels,
    )


@pytest.mark.parametrize(
    ("column", "values", "labels"),
    [
        ("task_type", [{"task_type": "a"}, {}], ["a", ""]),
        ("model", [{"model": "m1"}, {"model": "m2"}], ["m1", "m2"]),
        ("tier", [{"tier": 1}, {"tier": 1.0}, {"tier": 2.5}], ["1", "1", "2.5"]),
        ("beta", [{"beta": True}, {"beta": False}], ["true", "false"]),
        ("region", [{"region": "e\x1b[31mu\n west"}, {"region": None}], ["e[31mu west", ""]),
    ],
)
def test_a_column_is_read_from_labels_or_metadata(
    column: str, values: list[dict[str, Any]], labels: list[str]
) -> None:
    side = [exchange(**row) for row in values]
    assert segment_labels([side, []], column) == [labels, []]


def test_a_column_without_values_is_refused_with_usable_columns() -> None:
    side = [exchange(task_type=name, tier=1, rid=f"r{name}") for name in ("a", "b", "c")]
    with refusal("no_segments", InputError, match="task_type") as refused:
        segment_labels([side, side], "tenant")
    assert "tier" not in str(refused.value)  # one value splits nothing


def test_a_column_of_ids_is_refused_with_the_reason() -> None:
    side = [exchange(request=f"r{row}", task_type="ab"[row % 2]) for row in range(51)]
    with refusal("too_many_segments", InputError, match="51 values") as refused:
        segment_labels([side[:26], side[26:]], "request")
    assert "task_type" in str(refused.value)
    assert segment_labels([side[:50], side[:50]], "request")[0][0] == "r0"


def side_of(labels: list[str], users: int | None = None) -> SegmentedSide:
    n = len(labels)
    names = [f"user {row % (users or n)}" for row in range(n)]
    return SegmentedSide(
        Exchanges(prompts=[f"{label} {row}" for row, label in enumerate(labels)], end_users=names),
        labels,
    )


def segmented(
    reference: SegmentedSide, current: SegmentedSide, drifted: dict[str, float] | None = None
) -> tuple[Segmentation, list[tuple[str, int, AlarmLevels, int]]]:
    """Compare by a comparison that finds drift of given shares, and record its calls."""
    calls: list[tuple[str, int, AlarmLevels, int]] = []

    def compare(before: Exchanges, now: Exchanges, levels: AlarmLevels, seed: int) -> Findings:
        name = [*before.prompts, *now.prompts][0].split()[0]
        calls.append((name, len(now), levels, seed))
        findings = uncompared_findings(now, "Few.", "small_window", n_reference=len(before))
        if min(len(before), len(now)) < 100:
            return findings
        share = (drifted or {}).get(name)
        family = make_family(
            verdict="no_drift" if share is None else "drift",
            alarm=share is not None,
            drifted_share=estimated(share or 0.0),
        )
        return replace(findings, reason="", input=family, output=make_family("output"))

    result = compare_segments(
        reference,
        current,
        "task_type",
        levels=DEFAULT_LEVELS.share(2),
        min_samples=100,
        seed=7,
        compare=compare,
    )
    return result, calls


def test_segments_with_enough_data_share_the_levels() -> None:
    labels = ["a"] * 100 + ["b"] * 100 + ["c"] * 99
    result, calls = segmented(side_of(labels), side_of([*labels, "d"]))
    assert result.levels == DEFAULT_LEVELS.share(4)
    assert {levels for _, _, levels, _ in calls} == {DEFAULT_LEVELS.share(4)}
    assert len({seed for *_, seed in calls}) == 4
    assert result.levels.input * 2 + DEFAULT_LEVELS.share(2).input == pytest.approx(
        DEFAULT_LEVELS.input
    )


def test_segments_of_few_end_users_take_no_level() -> None:
    few = SegmentedSide(side_of(["a"] * 200, users=19).window, ["a"] * 200)
    assert segmented(few, few)[0].levels == DEFAULT_LEVELS.share(2).share(1)
    many = side_of(["a"] * 200 + ["b"] * 200)
    assert segmented(many, many)[0].levels == DEFAULT_LEVELS.share(4)


def test_the_worst_segment_comes_first_and_all_are_listed() -> None:
    labels = [name for name in "abcd" for _ in range(100)]
    result, _ = segmented(
        side_of([*labels, *"ee"]), side_of([*labels, *"fff"]), {"b": 0.1, "c": 0.4}
    )
    assert [segment.name for segment in result.segments] == ["c", "b", "f", "e", "a", "d"]
    verdicts = {segment.name: segment.verdict for segment in result.segments}
    assert verdicts["e"] == verdicts["f"] == "not_enough_data"
    assert sum(segment.n_reference for segment in result.segments) == 402
    assert sum(segment.share_current for segment in result.segments) == pytest.approx(1.0)


def test_a_segment_that_only_grew_changes_the_mix_alone() -> None:
    before, now = ["a"] * 300 + ["b"] * 100, ["a"] * 100 + ["b"] * 300
    result, _ = segmented(side_of(before), side_of(now))
    assert not any(segment.alarm for segment in result.segments)
    assert result.mix_moved_share is not None
    assert result.mix_moved_share.lower > 0.3
    assert (result.mix_p_value or 1.0) < 0.01
    same, _ = segmented(side_of(before), side_of(before))
    assert (same.mix_p_value or 0.0) > 0.05


def test_an_empty_side_compares_nothing() -> None:
    result, _ = segmented(side_of(["a"] * 100), side_of([]))
    assert [segment.verdict for segment in result.segments] == ["not_enough_data"]
    assert result.segments[0].share_current == 0.0
    stored = msgspec.json.decode(msgspec.json.encode(result), type=Segmentation)
    assert np.isnan(stored.segments[0].input_p_value)
