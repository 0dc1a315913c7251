"""Figures of small human evaluations against manual calculation."""

import re
from itertools import product

import numpy as np
import pytest

from monitor.settings import Gates
from monitor.store.human_evaluation.keys import UnblindedRating
from monitor.store.training.candidate_results import HumanEvaluationResults
from retrain.evaluation.human_evaluation.ratings import compute_human_results, item_means

SYSTEMS = ("base", "candidate", "incumbent")
DIMENSIONS = ("accuracy", "tone")


def rated(scores: dict[tuple[str, int, int], tuple[int, int]]) -> list[UnblindedRating]:
    """Return ratings from (system, item, reviewer) -> scores."""
    return [
        UnblindedRating(
            f"b/{item:03d}",
            item,
            "",
            item * 3 + SYSTEMS.index(system),
            system,
            reviewer,
            0,
            dict(zip(DIMENSIONS, values, strict=True)),
        )
        for (system, item, reviewer), values in scores.items()
    ]


def matching(ratings: list[UnblindedRating], **policy: object) -> HumanEvaluationResults:
    return compute_human_results(
        ratings,
        dimensions=DIMENSIONS,
        scale=(1, 5),
        policy=Gates.model_validate(policy),
        rng=np.random.default_rng(0),
    )


def ratings_of(candidate: tuple[int, int], incumbent: tuple[int, int], n: int = 100):
    """Rate every second item a point higher; for the candidate's tone, every fourth."""
    raised = {item: item % 2 for item in range(n)}
    values = {"candidate": candidate, "incumbent": incumbent, "base": (1, 1)}
    return rated(
        {
            (system, item, reviewer): (
                values[system][0] + raised[item],
                values[system][1] + raised[item] + (system == "candidate" and item % 4 == 0),
            )
            for system, item, reviewer in product(SYSTEMS, range(n), range(3))
        }
    )


def test_ratings_are_averaged_over_raters_then_items() -> None:
    ratings = rated(
        {
            ("candidate", 0, 1): (5, 4),
            ("candidate", 0, 2): (3, 4),
            ("candidate", 1, 1): (2, 2),
            ("incumbent", 0, 1): (1, 1),
            ("incumbent", 0, 2): (3, 1),
            ("incumbent", 1, 1): (2, 3),
        }
    )
    means = item_means(ratings, DIMENSIONS)
    assert means["candidate"].tolist() == [[4, 4], [2, 2]]
    results = matching(ratings)
    assert {(system.system, system.dimension): system.mean for system in results.systems} == {
        ("candidate", "accuracy"): 3,
        ("candidate", "tone"): 3,
        ("incumbent", "accuracy"): 2,
        ("incumbent", "tone"): 2,
    }
    accuracy, tone = results.comparisons
    assert (accuracy.difference, accuracy.wins, accuracy.ties, accuracy.losses) == (1, 1, 1, 0)
    assert (tone.difference, tone.wins, tone.ties, tone.losses) == (1, 1, 0, 1)
    assert (results.n_items, results.n_ratings) == (2, 6)


def test_severity_of_a_rater_cancels_out() -> None:
    mild = rated(
        {
            (system, item, reviewer): (
                (3 if system == "candidate" else 2) + (item + reviewer) % 2,
                3 + (item * reviewer) % 2,
            )
            for system, item, reviewer in product(("candidate", "incumbent"), range(20), range(3))
        }
    )
    severe = [
        entry if entry.reviewer_id else UnblindedRating(
            entry.item, entry.number, "", entry.response_id, entry.system, 0, 0,
            {name: score - 1 for name, score in entry.scores.items()},
        )
        for entry in mild
    ]  # fmt: skip
    assert [comparison.difference for comparison in matching(mild).comparisons] == pytest.approx(
        [comparison.difference for comparison in matching(severe).comparisons]
    )


def test_equal_ratings_pass_and_worse_ratings_fail() -> None:
    alike = matching(ratings_of((3, 3), (3, 3)))
    assert [check.outcome for check in alike.checks] == ["passed", "passed"]
    assert (
        next(
            comparison.p_value
            for comparison in alike.comparisons
            if comparison.reference == "incumbent"
        )
        == 1
    )
    assert [
        comparison.wins for comparison in alike.comparisons if comparison.reference == "incumbent"
    ] == [0, 25]
    worse = matching(ratings_of((3, 2), (3, 3)))
    assert [check.outcome for check in worse.checks] == ["passed", "failed"]
    check = worse.checks[1]
    assert (check.code, check.metric) == ("ratings", "tone")
    assert "incumbent" in check.name
    assert "-0.75" in check.observed
    assert re.search(r"\b0\.25 .*\(bound\)", check.required)


def test_the_margin_is_a_setting() -> None:
    worse = ratings_of((3, 2), (3, 3))
    assert {check.outcome for check in matching(worse, human_margin=1.5).checks} == {"passed"}


def test_close_ratings_are_undecided_by_bound_only() -> None:
    close = rated(
        {
            (system, item, reviewer): (1 + 3 * (item % 2 == (system == "candidate")), 3)
            for system, item, reviewer in product(("candidate", "incumbent"), range(20), range(3))
        }
    )
    accuracy = matching(close).checks[0]
    assert accuracy.outcome == "undecided"
    assert matching(close, gate="point").checks[0].outcome == "passed"


def test_fewer_than_ten_items_decide_nothing() -> None:
    assert {check.outcome for check in matching(ratings_of((3, 3), (3, 3), n=9)).checks} == {
        "undecided"
    }


def test_base_replaces_a_missing_incumbent() -> None:
    ratings = [rating for rating in ratings_of((3, 3), (3, 3)) if rating.system != "incumbent"]
    results = matching(ratings)
    assert [(check.code, check.metric) for check in results.checks] == [
        ("ratings", "accuracy"),
        ("ratings", "tone"),
    ]
    assert all("base" in check.name for check in results.checks)
    assert {check.outcome for check in results.checks} == {"passed"}


def test_p_values_are_adjusted_over_the_dimensions_beside_each_system() -> None:
    rng = np.random.default_rng(3)
    some = rated(
        {
            (system, item, 0): tuple(int(integer) for integer in rng.integers(1, 6, size=2))
            for system, item in product(SYSTEMS, range(40))
        }  # type: ignore[arg-type]
    )
    for other in ("incumbent", "base"):
        pair = [
            comparison for comparison in matching(some).comparisons if comparison.reference == other
        ]
        smallest = min(comparison.p_value for comparison in pair)
        adjusted = min(comparison.adjusted_p_value for comparison in pair)
        assert adjusted == pytest.approx(min(1, 2 * smallest))
