"""Results of a candidate evaluation: gate result, checks, comparisons, scores and ratings.

The evaluation's child writes them as ``evaluation.json``, the store keeps them in
``candidate_evaluations.results`` and ``human_evaluations.results``. Whoever shows them reads these
structs.
"""

from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from monitor.errors import TrainingError
from monitor.statistics.p_value_text import state_p_value
from monitor.store.training.label_results import Calibration, Classification
from monitor.store.training.trivial_scores import TrivialScore

GateResult = Literal["promote", "reject", "undecided"]
CheckOutcome = Literal["passed", "failed", "undecided"]

CANDIDATE: Final = "candidate"
#: The version that serves the traffic.
INCUMBENT: Final = "incumbent"
#: The base model with the configured system prompt.
BASE: Final = "base"
#: The same, with examples from the training data in the prompt.
PROMPTED: Final = "prompted"
#: Another system, such as rules or an API, for comparison only.
PREVIOUS: Final = "previous"
#: All systems, in the order in which tables show them.
SYSTEMS: Final = (CANDIDATE, INCUMBENT, BASE, PROMPTED, PREVIOUS)
#: How texts name them.
SYSTEM_NAMES: Final = {
    CANDIDATE: "candidate",
    INCUMBENT: "incumbent",
    BASE: "base",
    PROMPTED: "base with examples",
    PREVIOUS: "previous system",
}


class GateCheck(msgspec.Struct, frozen=True):
    """A requirement on a candidate and whether it is met."""

    name: str
    outcome: CheckOutcome
    #: The measured figures, in words.
    observed: str
    required: str
    #: A stable name of the requirement, such as ``better`` or ``retention``.
    code: str = ""
    #: The benchmark and the metric (or rated dimension) that it is about; empty: several.
    benchmark: str = ""
    metric: str = ""
    #: Of a failed limit: the incumbent, or else the base, and whether it fails it too; empty: not
    #: compared.
    reference: str = ""
    reference_fails: bool = False


class StratumScore(msgspec.Struct, frozen=True):
    """A metric's mean over the items of a stratum, with its 95% interval."""

    #: ``""`` (all items), ``split=new``, ``task_type=...`` or another field.
    stratum: str
    metric: str
    value: float
    lower: float
    upper: float
    n: int


class SystemScores(msgspec.Struct, frozen=True):
    """The scores of one system on one benchmark, by stratum."""

    system: str
    benchmark: str
    scores: tuple[StratumScore, ...]


class CandidateComparison(msgspec.Struct, frozen=True, kw_only=True):
    """A metric of the candidate and of a reference system on the same items.

    Differences are shares of the metric's range; above 0 the candidate is better.
    """

    benchmark: str
    metric: str
    #: ``new``, ``old`` or ``all``.
    split: str
    #: ``incumbent``, ``base`` or ``prompted``.
    reference: str
    #: Number of items that the metric scored for both systems.
    n: int
    #: Number of items that the metric scored for one system only; they are left out.
    n_unpaired: int
    candidate_mean: float
    reference_mean: float
    difference: float
    #: Two-sided 95% interval of the difference.
    lower: float
    upper: float
    #: One-sided bounds of the difference at the gates' confidence.
    lower_bound: float
    upper_bound: float
    #: ``exact McNemar`` or ``paired permutation``.
    test: str
    p_better: float
    p_worse: float
    #: After Holm, over all comparisons of the same family.
    adjusted_p_better: float = 1.0
    adjusted_p_worse: float = 1.0

    @property
    def lower_is_better(self) -> bool:
        """Whether smaller values of the metric are better, as far as these figures show it."""
        return (self.candidate_mean - self.reference_mean) * self.difference < 0

    def __str__(self) -> str:
        return (
            f"{self.benchmark}, {self.metric} on {self.split} items: {self.reference_mean:.3f} -> "
            f"{self.candidate_mean:.3f} (n = {self.n}, difference {100 * self.difference:+.1f} "
            f"points, 95% interval {100 * self.lower:+.1f} to {100 * self.upper:+.1f}; "
            f"{self.test}, adjusted {state_p_value(self.adjusted_p_better)} better, "
            f"{state_p_value(self.adjusted_p_worse)} worse)"
        )


class SystemRating(msgspec.Struct, frozen=True):
    """The mean rating of a system on a dimension, in points of the scale."""

    system: str
    dimension: str
    mean: float
    #: 95% interval of the mean.
    lower: float
    upper: float
    n_items: int


class RatedDifference(msgspec.Struct, frozen=True, kw_only=True):
    """The candidate's mean rating minus a reference's on a dimension, in points of the scale."""

    reference: str
    dimension: str
    difference: float
    #: Two-sided 95% interval of the difference.
    lower: float
    upper: float
    #: One-sided lower bound at the gates' confidence.
    lower_bound: float
    #: Two-sided.
    p_value: float
    #: After Holm, over the dimensions with the same reference.
    adjusted_p_value: float
    #: Number of items on which the candidate's mean rating is higher, equal, lower.
    wins: int
    ties: int
    losses: int
    n_items: int


class OverallPreference(msgspec.Struct, frozen=True):
    """Items on which the mean rating over all dimensions is higher, equal or lower."""

    reference: str
    wins: int
    ties: int
    losses: int
    #: Two-sided, of an exact sign test.
    p_value: float


class HumanEvaluationResults(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a locked human evaluation."""

    systems: tuple[SystemRating, ...]
    comparisons: tuple[RatedDifference, ...]
    overall: tuple[OverallPreference, ...]
    checks: tuple[GateCheck, ...]
    remarks: tuple[str, ...]
    n_items: int
    n_ratings: int
    #: Lowest and highest rating.
    scale: tuple[int, int]
    #: Largest loss that still passes, in points of the scale.
    margin: float


class ItemPlace(msgspec.Struct, frozen=True):
    """The split and strata in which items of a benchmark count."""

    benchmark: str
    split: str
    #: Task type, difficulty and the other fields, where an item has them.
    strata: dict[str, str]
    #: Id of each item -> digest of its content, which neither id, split nor strata change.
    items: dict[str, str]


class WeakerRules(msgspec.Struct, frozen=True, kw_only=True):
    """Rules that ask for less than those of an earlier evaluation, and a lead's reason."""

    #: The earlier evaluation.
    evaluation: int
    rules: tuple[str, ...]
    reason: str
    by: str
    #: Whether items were moved or replaced; else the file or the settings are weaker.
    of_items: bool = False

    def __str__(self) -> str:
        return (
            f"asks for less than evaluation {self.evaluation}: {'; '.join(self.rules)}, because "
            f'"{self.reason}", by {self.by}'
        )


class CandidateResults(msgspec.Struct, frozen=True, kw_only=True):
    """The gate result of a candidate with every number that led to it."""

    gate_result: GateResult
    checks: tuple[GateCheck, ...]
    comparisons: tuple[CandidateComparison, ...]
    scores: tuple[SystemScores, ...]
    remarks: tuple[str, ...]
    #: Smallest adjusted p-value of check 1 by which no trivial system may do as well.
    p_better: float = 1.0
    #: What the best trivial system scores on each stratum, by metrics that need no judge.
    trivial_scores: tuple[TrivialScore, ...] = ()
    #: Benchmark -> SHA-256 of its data set.
    dataset_digests: dict[str, str]
    #: SHA-256 of the file of responses, by which a later evaluation knows it.
    responses_digest: str = ""
    #: Benchmark -> id of each item, also of copies -> its digest.
    item_digests: dict[str, dict[str, str]] = {}
    #: Where the items count, without copies; older results don't say it.
    places: tuple[ItemPlace, ...] = ()
    #: Weaker rules than before, also those of earlier evaluations that no promotion has shown yet.
    weaker_rules: tuple[WeakerRules, ...] = ()
    #: The section ``[retrain.gates]`` that was applied.
    policy: dict[str, Any]
    #: Benchmarks of safety: neither a judge nor people compare their responses.
    safety_suites: tuple[str, ...] = ()
    #: ``benchmark/id`` -> the system that the judge preferred, ``tie``, ``inconsistent`` or
    #: ``failed``.
    judge_preferences: dict[str, str] = {}
    human_evaluation_id: int | None = None
    human_evaluation: HumanEvaluationResults | None = None
    #: Agreement of the judge with people; empty where either is missing.
    judge_agreement: str = ""
    #: What to try after a rejection; empty where nothing is known.
    next_step: str = ""
    #: Of each system and benchmark with closed labels.
    classifications: tuple[Classification, ...] = ()
    #: Of each system and benchmark whose responses have a probability.
    calibrations: tuple[Calibration, ...] = ()

    @property
    def systems(self) -> list[str]:
        """The systems that were compared, in the order of :data:`SYSTEMS`."""
        present = {scores.system for scores in self.scores}
        return [system for system in SYSTEMS if system in present]

    def scores_of(self, system: str, benchmark: str | None = None) -> list[StratumScore]:
        """Return the scores of a system on a benchmark; ``None``: on all of them."""
        return [
            score
            for scores in self.scores
            if scores.system == system and benchmark in (None, scores.benchmark)
            for score in scores.scores
        ]


def read_candidate_results(path: Path) -> CandidateResults | None:
    """Read the results that an evaluation's child wrote; ``None`` where there is no file.

    Raises:
        TrainingError: The file holds something else.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        return msgspec.json.decode(content, type=CandidateResults)
    except msgspec.DecodeError as error:
        raise TrainingError(f"{path}: not the results of an evaluation: {error}") from None
