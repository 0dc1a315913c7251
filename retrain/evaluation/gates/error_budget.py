"""Levels of check 1, one error budget for all candidates that are compared on the same items."""

from collections.abc import Mapping, Set

import msgspec

from monitor.plurals import pluralize
from monitor.store.training.candidate_results import CandidateResults, GateCheck
from retrain.evaluation.gates.promotion_rule import combine_checks

#: Code of check 1.
BETTER = "better"
#: Evaluations that a check names.
MAX_NAMED = 5


def level_of(alpha: float, number: int) -> float:
    """Return the level of the candidate of a number on the same items, the first being 1.

    The levels of any number of candidates sum to less than alpha, so that the luckiest of equal
    candidates is called better with at most this probability. Who is called better spends nothing:
    before the first false call each equal candidate has a number of its own (Wiens 2003,
    Pharmaceutical Statistics 2, 211-215).

    >>> [round(level_of(0.05, number), 4) for number in (1, 2, 3)]
    [0.025, 0.0083, 0.0042]
    """
    return alpha / (number * (number + 1))


def is_better(results: CandidateResults) -> bool:
    """Return whether a candidate passed check 1."""
    return any(check.code == BETTER and check.outcome == "passed" for check in results.checks)


def items_of(results: CandidateResults) -> frozenset[str]:
    """Return the contents of the items of all benchmarks, without copies."""
    return frozenset(digest for place in results.places for digest in place.items.values())


def compared_items(results: CandidateResults) -> frozenset[str]:
    """Return the contents of the items of check 1: the new ones, or all."""
    has_new = any(place.split == "new" for place in results.places)
    compared = [place for place in results.places if place.split == "new" or not has_new]
    return frozenset(digest for place in compared for digest in place.items.values())


def apply_budget(results: CandidateResults, tried: Mapping[int, Set[str]]) -> CandidateResults:
    """Return the results with check 1 at the level that earlier candidates have left.

    ``tried`` are evaluations of candidates that were not better -> contents of their items. Each
    counts that had any item of check 1.
    """
    items = compared_items(results)
    counted = {number: digests & items for number, digests in tried.items() if digests & items}
    if not counted:
        return results
    level = level_of(float(results.policy["alpha"]), len(counted) + 1)
    named = ", ".join(map(str, sorted(counted)[:MAX_NAMED]))
    used = len(frozenset().union(*counted.values()))
    text = (
        f"{pluralize(len(counted), 'earlier candidate')} not better on {used} of these "
        f"{len(items)} items (evaluations {named}{', ...' if len(counted) > MAX_NAMED else ''})"
    )
    checks = tuple(
        _at_level(check, results.p_better, level, text) if check.code == BETTER else check
        for check in results.checks
    )
    return msgspec.structs.replace(results, checks=checks, gate_result=combine_checks(checks))


def _at_level(check: GateCheck, p_value: float, level: float, text: str) -> GateCheck:
    is_lost = check.outcome == "passed" and p_value > level
    remedy = "; replace these items, or approve with a reason" if is_lost else ""
    return msgspec.structs.replace(
        check,
        outcome="undecided" if is_lost else check.outcome,
        observed=f"{check.observed}; {text}{remedy}",
        required=f"{check.required}; p <= {level:.2g} after the earlier candidates",
    )
