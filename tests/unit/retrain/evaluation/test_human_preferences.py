"""Agreement of the judge with raters, whose ratings become preferences."""

import numpy as np

from monitor.store.human_evaluation.keys import UnblindedRating
from retrain.evaluation.human_evaluation.combined_result import preferences, to_preference
from retrain.evaluation.judge.agreement import agreement


def rated(item: str, system: str, reviewer: int, *scores: int) -> UnblindedRating:
    names = ("accuracy", "tone")
    return UnblindedRating(
        item, 1, "cards", 1, system, reviewer, 0, dict(zip(names, scores, strict=True))
    )


def test_mean_over_raters_and_dimensions_decides() -> None:
    majority = preferences(
        [
            rated("b/1", "candidate", 1, 5, 3), rated("b/1", "candidate", 2, 4, 4),
            rated("b/1", "incumbent", 1, 4, 3), rated("b/1", "incumbent", 2, 4, 4),
            rated("b/2", "candidate", 1, 2, 4), rated("b/2", "incumbent", 1, 3, 3),
            rated("b/3", "candidate", 1, 1, 1), rated("b/3", "incumbent", 1, 5, 5),
            rated("b/4", "candidate", 1, 1, 1), rated("b/4", "base", 1, 5, 5),
        ]
    )  # fmt: skip
    assert majority == {"b/1": "candidate", "b/2": "tie", "b/3": "incumbent"}


def test_without_an_incumbent_the_base_is_it() -> None:
    assert preferences([rated("b/1", "candidate", 1, 5, 5), rated("b/1", "base", 1, 1, 1)]) == {
        "b/1": "candidate"
    }


def test_a_judge_that_failed_has_rated_nothing() -> None:
    judgements = ("candidate", "incumbent", "tie", "inconsistent", "failed")
    assert [to_preference(entry) for entry in judgements] == [
        "candidate",
        "incumbent",
        "tie",
        "tie",
        None,
    ]
    raters = {str(n): "candidate" if n % 2 else "tie" for n in range(40)}
    judge = {name: None if name == "0" else rating for name, rating in raters.items()}
    agreed = agreement(raters, judge, np.random.default_rng(1))
    assert (agreed.n, agreed.n_judge_failed, agreed.kappa) == (39, 1, 1.0)
