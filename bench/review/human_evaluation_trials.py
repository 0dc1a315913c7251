"""Error rates of the check on human ratings, in trials with a known truth."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.settings import Gates
from monitor.store.human_evaluation.keys import UnblindedRating
from monitor.store.training.candidate_results import HumanEvaluationResults
from retrain.evaluation.human_evaluation.ratings import compute_human_results

DIMENSIONS = ("accuracy", "completeness", "tone", "compliance")
SCALE = (1, 5)

Values = NDArray[np.float64]


@dataclass(frozen=True)
class HumanEvaluationTrials:
    """Outcomes of many human evaluations with the same true difference."""

    n: int
    #: Every dimension passed.
    passed: int
    failed: int
    undecided: int
    #: The first dimension passed.
    first_passed: int
    #: Some dimension was called different from the incumbent, p <= 0.05 after Holm.
    called_different: int
    #: The first dimension's 95% interval held its true difference.
    covered: int


@dataclass(frozen=True)
class Truth:
    """A model of ratings.

    A rating is the sum of a dimension's level, the item's difficulty, which all systems share, the
    quality of the system's response, the rater's severity, and noise; rounded to the scale.
    """

    level: float = 3.6
    difficulty: float = 0.6
    #: Standard deviation of a response's quality.
    response: float = 0.6
    severity: float = 0.4
    noise: float = 0.6
    #: Share of items with the same response of both systems.
    same: float = 0.1

    def draw(
        self, shifts: Values, n_items: int, n_reviewers: int, rng: np.random.Generator
    ) -> tuple[Values, Values]:
        """Return ratings of incumbent and candidate, ``[n_items, n_reviewers, 4]`` each."""
        severity = rng.normal(0, self.severity, (1, n_reviewers, 1))
        difficulty = rng.normal(0, self.difficulty, (n_items, 1, 1))
        same = rng.random((n_items, 1, 1)) < self.same
        ratings = []
        for shift in (np.zeros(len(shifts)), shifts):
            # Half of the variance of a response's quality is common to all dimensions.
            whole = rng.normal(0, self.response, (n_items, 1, 1)) * np.sqrt(0.5)
            apart = rng.normal(0, self.response, (n_items, 1, len(shifts))) * np.sqrt(0.5)
            noise = rng.normal(0, self.noise, (n_items, n_reviewers, len(shifts)))
            raw = self.level + shift + difficulty + whole + apart + severity + noise
            ratings.append(np.clip(np.rint(raw), *SCALE))
        return ratings[0], np.where(same, ratings[0], ratings[1])

    def shift_for(self, difference: float, rng: np.random.Generator) -> float:
        """Return the shift of the level that makes the mean ratings differ by a difference.

        On average over raters: near the ends of the scale, severity changes the difference.
        """
        low, high = -3.0, 3.0
        seed = int(rng.integers(2**32))
        if difference == 0:
            return 0.0
        while high - low > 0.002:
            middle = np.array([(low + high) / 2])
            fixed = np.random.default_rng(seed)
            panels = [self.draw(middle, 300, 3, fixed) for _ in range(200)]
            if np.mean([candidate - incumbent for incumbent, candidate in panels]) < difference:
                low = float(middle[0])
            else:
                high = float(middle[0])
        return (low + high) / 2


def human_evaluation_trials(
    differences: tuple[float, ...],
    rng: np.random.Generator,
    *,
    n_trials: int,
    n_items: int = 100,
    n_reviewers: int = 3,
    truth: Truth | None = None,
    policy: Gates | None = None,
) -> HumanEvaluationTrials:
    """Run human evaluations in which the candidate truly differs by given differences."""
    truth, policy = truth or Truth(), policy or Gates()
    calibrated = {size: truth.shift_for(size, rng) for size in set(differences)}
    shifts = np.array([calibrated[size] for size in differences])
    counts: Counter[str] = Counter()
    for _ in range(n_trials):
        results = _human_evaluation(truth.draw(shifts, n_items, n_reviewers, rng), policy, rng)
        outcomes = {check.outcome for check in results.checks}
        whole = "failed" if "failed" in outcomes else "undecided"
        counts["passed" if outcomes == {"passed"} else whole] += 1
        first = results.comparisons[0]
        counts["first passed"] += results.checks[0].outcome == "passed"
        counts["different"] += any(
            comparison.adjusted_p_value <= 0.05 for comparison in results.comparisons
        )
        counts["covered"] += first.lower <= differences[0] <= first.upper
    return HumanEvaluationTrials(
        n=n_trials,
        passed=counts["passed"],
        failed=counts["failed"],
        undecided=counts["undecided"],
        first_passed=counts["first passed"],
        called_different=counts["different"],
        covered=counts["covered"],
    )


def _human_evaluation(
    drawn: tuple[Values, Values], policy: Gates, rng: np.random.Generator
) -> HumanEvaluationResults:
    ratings: list[UnblindedRating] = []
    for place, (system, values) in enumerate(zip(("incumbent", "candidate"), drawn, strict=True)):
        for item, of_item in enumerate(values):
            for reviewer, scores in enumerate(of_item):
                scores_by_dimension: dict[str, Any] = {
                    name: int(score) for name, score in zip(DIMENSIONS, scores, strict=True)
                }
                ratings.append(
                    UnblindedRating(
                        f"b/{item:04d}",
                        item,
                        "",
                        2 * item + place,
                        system,
                        reviewer,
                        place,
                        scores_by_dimension,
                    )
                )
    return compute_human_results(
        ratings, dimensions=DIMENSIONS, scale=SCALE, policy=policy, rng=rng
    )
