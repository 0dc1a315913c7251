"""Examples of a topic: distinct, redacted, responses with those of the baseline."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import numpy as np

from monitor.drift.result import Cluster
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.assessment import Example, Quote
from monitor.windows.topics import examples
from monitor.windows.topics.examples import Quoter


def window(exchanges: list[tuple[str, str]], angles: list[float]) -> Exchanges:
    n = len(exchanges)
    vectors = np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float16)
    return Exchanges(
        prompts=[prompt for prompt, _ in exchanges],
        responses=[response for _, response in exchanges],
        end_users=[""] * n,
        task_types=[""] * n,
        occurred_at=[datetime(2026, 11, 2, hour, tzinfo=UTC) for hour in range(n)],
        attributes=[{}] * n,
        prompt_vectors=vectors,
        response_vectors=vectors,
    )


def cluster(members: list[int], medoid: int) -> Cluster:
    return Cluster(
        members=np.array(members),
        medoid=medoid,
        size=len(members),
        share_current=0.1,
        share_reference=0.0,
        enrichment=9.0,
        enrichment_lower=3.0,
        enrichment_upper=30.0,
        adjusted_p_value=0.01,
    )


REFERENCE = window(
    [("Is my card covered?", "Yes."), ("Raise my limit", "Done."), ("Hello", " ")], [0.0, 1.5, 0.4]
)
CURRENT = window(
    [
        ("Is my card insured?", "No."),
        ("Is my card insured?", "No."),
        ("Write to ann@example.org", "No."),
        ("", ""),
        ("More credit, please", "Nothing."),
    ],
    [0.3, 0.3, 0.2, 0.1, 1.4],
)
EQUAL = np.ones(5)


def many(n: int) -> Exchanges:
    return window([(f"Question {row}", "") for row in range(n)], [0.1] * n)


def test_examples_are_distinct_and_redacted_the_newest_first() -> None:
    result = Quoter(REFERENCE, CURRENT).of_cluster(cluster([0, 1, 2, 3], 2), "prompts", EQUAL)
    assert result == (Example(prompt="Write to [EMAIL]"), Example(prompt="Is my card insured?"))


def test_examples_are_the_newest_of_the_novel_half() -> None:
    novelty = np.array([0.9] * 8 + [0.1] * 8)
    quoter = Quoter(REFERENCE, many(16))
    members = cluster(list(range(16)), 0)
    newest = [f"Question {row}" for row in (7, 6, 5, 4, 3)]
    assert [e.prompt for e in quoter.of_cluster(members, "prompts", novelty)] == newest
    # The baseline has the newest eight, too: they are no examples of the change.
    novelty[:8] += np.arange(8) / 100
    untimed = replace(many(16), occurred_at=[])
    untimed_examples = Quoter(REFERENCE, untimed).of_cluster(members, "prompts", novelty)
    assert [e.prompt for e in untimed_examples] == newest


def test_examples_come_from_different_end_users_first() -> None:
    window_of_two = replace(many(5), end_users=["a", "b", "a", "a", "a"])
    quoter = Quoter(REFERENCE, window_of_two)
    result = quoter.of_cluster(cluster([0, 1, 2, 3, 4], 0), "prompts", EQUAL)
    assert [example.prompt[-1] for example in result] == ["4", "1", "3", "2", "0"]


def test_an_example_of_a_prompt_has_no_response_in_json() -> None:
    quoter = Quoter(REFERENCE, CURRENT)
    (first, *_) = quoter.of_cluster(cluster([0, 1], 0), "prompts", EQUAL)
    assert json.loads(msgspec.json.encode(first)) == {"prompt": "Is my card insured?"}
    (first, *_) = quoter.of_cluster(cluster([0, 1], 0), "responses", EQUAL)
    assert json.loads(msgspec.json.encode(first))["response"] == "No."


def test_a_changed_response_is_shown_with_the_nearest_prompts_response() -> None:
    second, first = Quoter(REFERENCE, CURRENT).of_cluster(cluster([0, 4], 0), "responses", EQUAL)
    # "Hello" is nearer, and has no answer to compare with.
    assert first == Example(
        prompt="Is my card insured?",
        response="No.",
        baseline=Quote(prompt="Is my card covered?", response="Yes."),
    )
    assert second.baseline == Quote(prompt="Raise my limit", response="Done.")


def test_most_similar_vector_is_found_in_any_chunk(monkeypatch) -> None:
    whole = Quoter(REFERENCE, CURRENT).of_cluster(cluster([0, 2, 4], 0), "responses", EQUAL)
    monkeypatch.setattr(examples, "CHUNK", 1)
    assert Quoter(REFERENCE, CURRENT).of_cluster(cluster([0, 2, 4], 0), "responses", EQUAL) == whole


def test_baseline_without_responses_gives_no_pairs() -> None:
    silent = window([("Hello", "")], [0.0])
    (example,) = Quoter(silent, CURRENT).of_cluster(cluster([4], 4), "responses", EQUAL)
    assert example.baseline is None


def test_the_most_outlier_outside_the_topics_are_quoted() -> None:
    quoter = Quoter(REFERENCE, CURRENT)
    novelty, topic = np.array([0.9, 0.8, 0.1, 1.0, 0.5]), np.array([-1, -1, -1, -1, 0])
    result = quoter.outliers(novelty, topic, "prompts")
    assert result == (Example(prompt="Is my card insured?"), Example(prompt="Write to [EMAIL]"))


def test_a_response_as_in_the_baseline_is_not_outlier() -> None:
    quoter = Quoter(
        REFERENCE,
        window(
            [("Is my card covered?", "Yes."), ("Raise my limit", "No."), ("More credit", "Done.")],
            [0.0, 1.5, 1.4],
        ),
    )
    novelty, topic = np.array([0.9, 0.8, 0.7]), np.full(3, -1)
    (example,) = quoter.outliers(novelty, topic, "responses")
    assert (example.prompt, example.response) == ("Raise my limit", "No.")
    assert example.baseline == Quote(prompt="Raise my limit", response="Done.")
    topic[1] = 0
    assert quoter.outliers(novelty, topic, "responses") == ()
