"""Application of earlier evaluations' items and rules to loaded benchmarks."""

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.store.training.candidate_results import GateCheck, ItemPlace, WeakerRules
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.request import EvaluationRequest
from retrain.evaluation.rules.item_places import keep_places, places_of
from retrain.evaluation.rules.kept_items import check_kept_items


@dataclass(frozen=True)
class AppliedRules:
    """The benchmarks with known items in their former places, and what that showed."""

    benchmarks: list[Benchmark]
    checks: list[GateCheck]
    remarks: list[str]
    #: Of the file, the settings and the items.
    weaker_rules: tuple[WeakerRules, ...]

    @property
    def places(self) -> tuple[ItemPlace, ...]:
        """Split and strata of the items, for the next evaluation."""
        return places_of(self.benchmarks)


def apply_earlier_rules(
    benchmarks: Sequence[Benchmark], request: EvaluationRequest
) -> AppliedRules:
    """Put known items into their former places, and check that none is missing.

    What a lead's reason allows is listed rule by rule in a check of its own.
    """
    placed, moved = keep_places(benchmarks, request)
    checks, renewed = check_kept_items(placed, request)
    remarks = []
    weaker = [*request.weaker_rules, *renewed]
    before = request.model_evaluation_before
    if moved and request.move_because:
        weaker.append(
            WeakerRules(
                evaluation=before,
                rules=tuple(moved),
                reason=request.move_because,
                by=request.accepted_by,
                of_items=True,
            )
        )
    elif moved:
        remarks = [
            f"WARNING: {change}: they count where evaluation {before} had them; to move them, give "
            "a reason: --move-items WHY"
            for change in moved
        ]
    if weaker:
        checks.append(
            GateCheck(
                "weaker rules have a reason",
                "passed",
                "; ".join(map(str, weaker)),
                "a lead's reason for each rule that is weaker than in an earlier evaluation",
                code="weaker_rules",
            )
        )
    return AppliedRules(placed, checks, remarks, tuple(weaker))
