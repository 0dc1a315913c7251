"""Resolution of contradictions in exported gold."""

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.review.export.contradictions import ConsistentExamples, resolve_contradictions
from monitor.review.export.gold import Gold, sft_rows
from monitor.review.export.preference_pairs import preference_rows
from monitor.review.export.training_examples import TrainingExample
from monitor.review.items.verdicts import normalise
from monitor.settings import ModelSection
from tests.support.review.gold_items import decided

DAY = datetime(2026, 11, 2, tzinfo=UTC)
MODEL = ModelSection()


def rendered(
    item_id: int, response: str, *, has_fixed_format: bool = False, **changes: Any
) -> TrainingExample:
    item = decided(item_id, response=response, **changes)
    return TrainingExample(item, item.messages, response, has_fixed_format=has_fixed_format)


def ids(consistent: ConsistentExamples) -> list[list[int]]:
    return [[example.item.item_id for example in group] for group in consistent.groups]


@st.composite
def examples(draw: st.DrawFn) -> list[TrainingExample]:
    """Draw few prompts, responses, guidelines and days, so that all combinations occur."""
    made = []
    for number in range(draw(st.integers(0, 10))):
        week = draw(st.integers(0, 2))
        verdict = draw(st.sampled_from(["accept", "correct"]))
        response = draw(st.sampled_from(["Yes.", "Yes. ", "No.", "Perhaps."]))
        prompt = draw(st.sampled_from(["a", "b", " b"]))
        made.append(
            rendered(
                number,
                response,
                has_fixed_format=draw(st.booleans()),
                messages=[{"role": "user", "content": prompt}],
                guidelines_since=DAY + timedelta(weeks=week),
                batch_id=week,
                taxonomy_version=f"version {week // 2}",
                decided_at=DAY + timedelta(days=draw(st.integers(0, 40))),
                verdict=verdict,
                model_response=response
                if verdict == "accept"
                else draw(st.sampled_from(["No.", "Perhaps.", "Never.", ""])),
            )
        )
    return made


def options(row: dict[str, Any]) -> str:
    turns = row["prompt"] if "prompt" in row else row["messages"][:-1]
    return normalise(turns[-1]["content"])


@pytest.mark.slow
@given(examples())
def test_rows_never_contradict_and_no_item_is_lost(made: list[TrainingExample]) -> None:
    consistent = resolve_contradictions(made)
    gold = Gold(consistent, [])

    responses = defaultdict(list)
    for row in sft_rows(gold, MODEL):
        responses[options(row)].append(normalise(row["messages"][-1]["content"]))
    assert all(len(fields) == 1 for fields in responses.values())

    chosen, rejected = defaultdict(set), defaultdict(set)
    for row in preference_rows(gold, MODEL):
        chosen[options(row)].add(normalise(row["chosen"][0]["content"]))
        rejected[options(row)].add(normalise(row["rejected"][0]["content"]))
    for prompt, fields in chosen.items():
        assert fields == set(responses[prompt])
        assert not fields & rejected[prompt]

    preserved = [example for group in ids(consistent) for example in group]
    left = [
        *consistent.overruled,
        *(example for items in consistent.contradictions for example in items),
    ]
    assert sorted(preserved + left) == [example.item.item_id for example in made]
    assert all(len(items) > 1 for items in consistent.contradictions)


@pytest.mark.slow
@given(examples(), st.randoms())
def test_the_order_of_the_items_changes_no_outcome(
    made: list[TrainingExample], random: Any
) -> None:
    shuffled = list(made)
    random.shuffle(shuffled)
    first, second = resolve_contradictions(made), resolve_contradictions(shuffled)
    assert sorted(ids(first)) == sorted(ids(second))
    assert sorted(first.contradictions) == sorted(second.contradictions)


def test_equal_responses_are_one_row_that_names_them_all() -> None:
    later = DAY + timedelta(days=9)
    same = [rendered(1, "Yes."), rendered(2, " Yes.\n", decided_at=later)]
    consistent = resolve_contradictions(same)
    assert ids(consistent) == [[2, 1]]
    (row,) = sft_rows(Gold(consistent, []), MODEL)
    assert (row["metadata"]["item_id"], row["metadata"]["merged_items"]) == (2, [1])


def test_newer_guidelines_overrule_older_guidelines() -> None:
    old = rendered(1, "No.", taxonomy_version="old", decided_at=DAY + timedelta(days=90))
    new = rendered(
        2, "Yes.", taxonomy_version="new", guidelines_since=DAY + timedelta(weeks=1), batch_id=2
    )
    consistent = resolve_contradictions([old, new])
    assert (ids(consistent), consistent.overruled, consistent.contradictions) == ([[2]], [1], [])


def test_different_responses_under_equal_guidelines_are_left_out() -> None:
    consistent = resolve_contradictions([rendered(1, "No."), rendered(2, "Yes.")])
    assert (ids(consistent), consistent.contradictions) == ([], [[1, 2]])
    (remark,) = Gold(consistent, []).remarks()
    assert "items 1, 2: " in remark


def test_last_of_several_good_free_text_responses_is_kept() -> None:
    first = rendered(1, "Yes.", verdict="accept", model_response="Yes.")
    second = rendered(
        2, "Sure.", verdict="accept", model_response="Sure.", decided_at=DAY + timedelta(days=5)
    )
    consistent = resolve_contradictions([first, second])
    assert (ids(consistent), consistent.overruled) == ([[2]], [1])
    # Where answers have a form, two that were accepted can't both be right.
    has_fixed_format = [replace(example, has_fixed_format=True) for example in (first, second)]
    assert resolve_contradictions(has_fixed_format).contradictions == [[1, 2]]


def test_preference_pairs_exist_for_wrong_responses_only() -> None:
    consistent = resolve_contradictions(
        [
            rendered(1, "Yes.", model_response="No."),
            rendered(2, "Yes.", model_response="Never."),
            rendered(3, "Yes.", verdict="accept", model_response="Yes. "),
            rendered(4, "Yes.", model_response="No. "),
        ]
    )
    rows = preference_rows(Gold(consistent, []), MODEL, bare=True)
    assert [row["rejected"][0]["content"] for row in rows] == ["No.", "Never."]
    assert {"prompt", "chosen", "rejected"} == set(rows[0])
