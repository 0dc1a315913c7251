"""Cheats by items that a second evaluation moves, renames or leaves out."""

import random
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from monitor.store.training.candidate_results import CandidateResults, GateCheck
from tests.support.retrain.red_team import (
    TASKS,
    Case,
    Row,
    evaluate,
    make_items,
    prompt_of,
    right,
    wrong,
)

RNG = random.Random(20261201)
NEW = make_items(100, RNG, prefix="n", split="new", task_type="cards")
OLD = make_items(150, RNG, prefix="o", split="old", task_type="loans")
OTHERS = make_items(150, RNG, prefix="p", split="old", task_type="loans")
LOST = {f"o{number}" for number in range(60)}
FEES = [{**item, "task_type": "fees"} for item in NEW[:6]]
TYPES = ("cards", "loans")


def tasks(rows: list[Row], lost: frozenset[str] | set[str] = frozenset(), **values: object) -> Case:
    """Return a candidate that learned the new items and lost some of the old."""
    known = {prompt_of(item) for item in NEW}
    gone = {prompt_of(item) for item in OLD if item["id"] in lost}

    def incumbent(item: Row) -> str:
        return wrong(item) if prompt_of(item) in known else right(item)

    def candidate(item: Row) -> str:
        return wrong(item) if prompt_of(item).lower() in gone else right(item)

    plan = {"tasks": (rows, TASKS)}
    return Case(plan, candidate, incumbent, **{"task_types": TYPES, **values})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> CandidateResults:
    """Return the results of an honest version on the items."""
    with pytest.MonkeyPatch.context() as patch:
        results = evaluate(tasks([*NEW, *OLD]), tmp_path_factory.mktemp("before"), patch)
    assert results is not None
    assert results.gate_result == "promote"
    return results


def check_of(results: CandidateResults, code: str) -> GateCheck:
    (check,) = [check for check in results.checks if check.code == code]
    return check


@pytest.mark.slow
def test_lost_items_that_are_called_new_count_as_old(
    before: CandidateResults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also under other ids; by the file alone, retention passes without them."""
    moved = [{**item, "id": f"x{item['id']}", "split": "new"} for item in OLD if item["id"] in LOST]
    case = tasks([*NEW, *moved, *OLD[60:]], LOST)
    first = evaluate(case, tmp_path / "first", monkeypatch)
    assert first is not None
    assert check_of(first, "retention").outcome == "passed"
    results = evaluate(case, tmp_path / "second", monkeypatch, before)
    assert results is not None
    assert results.gate_result == "reject"
    assert check_of(results, "retention").outcome == "failed"
    (remark,) = [remark for remark in results.remarks if "moved" in remark]
    assert "60 items moved from split 'old' to 'new' (xo0, xo1, " in remark
    assert {place.split: len(place.items) for place in results.places} == {"new": 100, "old": 150}


@pytest.mark.slow
@pytest.mark.parametrize(
    "disguise",
    [str.upper, "{} Kind regards".format, "Good morning, {}".format],
    ids=["case", "closing", "greeting"],
)
def test_copies_before_lost_items_do_not_count(
    disguise: Callable[[str], str], before: CandidateResults, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The candidate responds to greetings and closings as expected."""
    copies = [
        {**item, "id": f"x{item['id']}", "split": "new",
         "messages": [{"role": "user", "content": disguise(prompt_of(item))}]}
        for item in OLD if item["id"] in LOST
    ]  # fmt: skip
    case = tasks([*copies, *NEW, *OLD], LOST)
    results = evaluate(case, tmp_path / "second", monkeypatch, before)
    assert results is not None
    assert check_of(results, "retention").outcome == "failed"
    assert {place.split: len(place.items) for place in results.places} == {"new": 100, "old": 150}
    assert not any(item.startswith("x") for place in results.places for item in place.items)


@pytest.mark.slow
def test_items_that_are_renamed_cover_no_task_type(
    before: CandidateResults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = tasks([*FEES, *NEW[6:], *OLD], task_types=(*TYPES, "fees"))
    results = evaluate(case, tmp_path / "second", monkeypatch, before)
    assert results is not None
    assert results.gate_result == "undecided"
    assert "fees (0)" in check_of(results, "coverage").observed
    (remark,) = [remark for remark in results.remarks if "moved" in remark]
    assert "6 items moved from task_type 'cards' to 'fees' (n0, n1, n2, n3, n4, n5)" in remark


@pytest.mark.slow
def test_a_lead_moves_items_with_a_reason(
    before: CandidateResults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = tasks([*FEES, *NEW[6:], *OLD], task_types=(*TYPES, "fees"))
    why = {"move_because": "fees are a task type of their own now"}
    results = evaluate(case, tmp_path / "second", monkeypatch, before, **why)
    assert results is not None
    assert results.gate_result == "promote"
    (entry,) = results.weaker_rules
    assert (entry.evaluation, entry.reason, entry.by) == (1, why["move_because"], "lea")
    assert str(entry) in check_of(results, "weaker_rules").observed
    # The next evaluation knows the items where they are now.
    third = evaluate(case, tmp_path / "third", monkeypatch, results)
    assert third is not None
    assert (third.gate_result, third.weaker_rules) == ("promote", ())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rows", "outcomes"),
    [
        ([*NEW, *OLD, *OTHERS], ("passed", "passed")),
        ([*NEW, *OLD[8:]], ("undecided", "undecided")),
        ([*NEW, *OLD[8:], *OTHERS[:8]], ("undecided", "undecided")),
        ([*NEW, *OTHERS], ("undecided", "passed")),
        ([*NEW, *OTHERS[:140]], ("undecided", "undecided")),
    ],
    ids=["added", "thinned", "exchanged", "renewed", "renewed_thinner"],
)
def test_a_benchmark_is_renewed_as_a_whole_with_a_reason(
    rows: list[Row], outcomes: tuple[str, str], before: CandidateResults, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    why = {"weaker_because": "the old items are known by now"}
    checks = []
    for number, reasons in enumerate(({}, why)):
        case = tasks(rows)
        results = evaluate(case, tmp_path / str(number), monkeypatch, before, **reasons)
        assert results is not None
        checks.append(check_of(results, "kept_items"))
        assert bool(results.weaker_rules) == (checks[-1].outcome == "passed" and len(rows) == 250)
    assert tuple(check.outcome for check in checks) == outcomes


@pytest.mark.slow
def test_items_of_older_results_are_compared_by_their_digests(
    before: CandidateResults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = msgspec.structs.replace(before, places=())
    same = evaluate(tasks([*NEW, *OLD]), tmp_path / "same", monkeypatch, older)
    assert same is not None
    assert same.gate_result == "promote"
    moved = [{**item, "split": "new"} if item["id"] in LOST else item for item in OLD]
    results = evaluate(tasks([*NEW, *moved], LOST), tmp_path / "moved", monkeypatch, older)
    assert results is not None
    check = check_of(results, "kept_items")
    assert check.outcome == "undecided"
    assert "60 of 250 items removed or changed" in check.observed
