"""Rules of a second evaluation: what asks for less is named."""

import dataclasses
from pathlib import Path

import msgspec
import pytest

from monitor.settings import Gates
from monitor.store.training.candidate_results import GateCheck
from retrain.evaluation.rules.kept_items import check_kept_items, may_lift_rejection
from retrain.evaluation.rules.weaknesses import weaknesses
from tests.support.retrain.candidates import make_request, make_results
from tests.support.retrain.scored_benchmarks import benchmark, items

BEFORE = """\
evaluation:
  benchmarks:
    - {name: support, dataset: a.jsonl, metrics: [exact_match, f1], stratify_by: [intent]}
    - {name: safety, dataset: b.jsonl, threshold: {refusal_rate: ">= 0.95"}}
  human_eval: {sample_size: 100, reviewers: 3, dimensions: [accuracy, tone]}
"""
JUDGE = {
    "url": "http://j/v1", "model": "large", "labels": "l.jsonl", "rubrics": {"cards": "5: right"},
}  # fmt: skip
OLD = {
    "judge": JUDGE, "prompted": {"examples": 5}, "base_prompt": "Be brief.",
    "task_types": ("cards", "loans"),
}  # fmt: skip


def weaker(
    content: str = BEFORE, gates: Gates | None = None, before: str = BEFORE, **values: object
) -> list[str]:
    earlier = msgspec.structs.replace(make_request(Path("folder"), before), **OLD)
    after = make_request(Path("folder"), content)
    policy = (gates or Gates()).model_dump(mode="json")
    changed = msgspec.structs.replace(after, **{**OLD, "gates": policy, **values})
    return list(weaknesses(changed, earlier))


@pytest.mark.parametrize(
    ("old", "new", "mention"),
    [
        ("support,", "other,", "'support'"),
        (", f1]", "]", "f1"),
        (", stratify_by: [intent]", "", "not stratified by intent"),
        (">= 0.95", ">= 0.9", "refusal_rate >= 0.9 instead of >= 0.95"),
        ('threshold: {refusal_rate: ">= 0.95"}', "metrics: [refusal_rate]", "refusal_rate"),
        ("sample_size: 100", "sample_size: 50", "sample_size: 50 instead of 100"),
        ("reviewers: 3", "reviewers: 2", "reviewers"),
        (", tone]", "]", "tone"),
        ("reviewers: 3", "reviewers: 3, rating_scale: 1-3", "rating_scale"),
        # A limit of its own that is looser than that of the gates.
        (">= 0.95", '>= 0.95", over_refusal_rate: "<= 0.5', "over_refusal: <= 0.5"),
        (BEFORE[BEFORE.index("  human_eval") :], "", "human_eval"),
    ],
)
def test_a_weaker_file_is_named(old: str, new: str, mention: str) -> None:
    (problem,) = weaker(BEFORE.replace(old, new))
    assert mention in problem


def test_equal_and_stronger_files_are_no_weaker() -> None:
    assert weaker() == []
    stronger = BEFORE.replace(">= 0.95", ">= 0.99").replace(", f1]", ", token_f1, rouge]")
    assert weaker(stronger, Gates(alpha=0.01, confidence=0.99, margin=0.02)) == []


@pytest.mark.parametrize(
    "policy",
    [
        {"gate": "point"}, {"alpha": 0.1}, {"confidence": 0.9}, {"margin": 0.1},
        {"human_margin": 0.5}, {"max_over_refusal": 0.2},
    ],
)  # fmt: skip
def test_a_weaker_policy_is_named(policy: dict[str, object]) -> None:
    (problem,) = weaker(gates=Gates(**policy))
    assert problem.startswith(f"gates.{next(iter(policy))}")


@pytest.mark.parametrize(
    ("field", "values", "mention"),
    [
        ("judge", {}, "no judge"),
        ("judge", JUDGE | {"model": "small"}, "judge.model: small instead of large"),
        ("judge", JUDGE | {"labels": ""}, "no judge.labels"),
        ("judge", JUDGE | {"rubrics": {}}, "judge.rubrics"),
        ("scoring", {"max_new_tokens": 8}, "scoring.max_new_tokens: 8 instead of 256"),
        ("scoring", {"dtype": "bfloat16"}, "scoring.dtype: bfloat16 instead of auto"),
        ("scoring", {"sentence_model": "lenient"}, "scoring.sentence_model"),
        ("data", {"min_leak_overlap": 0.9}, "data.min_leak_overlap"),
        ("data", {"leak_ngram_size": 40}, "data.leak_ngram_size"),
        ("prompted", {"examples": 0}, "prompted.examples: 0 instead of 5"),
        ("prompted", {"max_tokens": 10}, "prompted.max_tokens: 10 instead of 1024"),
        ("base_prompt", "", "no system prompt"),
        ("task_types", ("cards",), "loans"),
    ],
)
def test_weaker_settings_are_named(field: str, values: object, mention: str) -> None:
    (problem,) = weaker(**{field: values})
    assert mention in problem


def test_a_judge_may_replace_the_rule() -> None:
    replaced = BEFORE.replace("refusal_rate", "judged_refusal_rate")
    assert weaker(replaced) == []
    assert len(weaker(replaced.replace(">= 0.95", ">= 0.9"))) == 1
    assert len(weaker(BEFORE, before=replaced)) == 2  # the threshold, and its metric


def check_items(n: int, *, changed: int = 0, old: int = 6, **values: object) -> list[GateCheck]:
    """Check a benchmark of n items, of which some changed, after one of ``old`` items."""
    before = items(old)
    after = [
        msgspec.structs.replace(
            item, id=f"new-{item.id}", expected="b" if row < changed else item.expected
        )
        for row, item in enumerate(items(n))
    ]
    suite = dataclasses.replace(
        benchmark(after, metrics=["f1"]), digest="1" * 64, copies={},
        item_digests={item.id: item.digest for item in after},
    )  # fmt: skip
    known = {
        "evaluation_before": 7,
        "digests_before": {"suite": "0" * 64},
        "items_before": {"suite": {item.id: item.digest for item in before}},
    }
    request = msgspec.structs.replace(make_request(Path("folder")), **(known | values))
    return check_kept_items([suite], request)[0]


def test_all_items_of_the_evaluation_before_must_be_there() -> None:
    """Under whatever ids, and beside others."""
    outcomes = {}
    for n, changed in ((6, 0), (9, 0), (5, 0), (6, 1)):
        (check,) = check_items(n, changed=changed)
        assert check.code == "kept_items"
        outcomes[n, changed] = check.outcome
    expected = {(6, 0): "passed", (9, 0): "passed", (5, 0): "undecided", (6, 1): "undecided"}
    assert outcomes == expected
    assert "old-0" in check_items(6, changed=1)[0].observed
    assert "3 added" in check_items(9)[0].observed


@pytest.mark.parametrize(("n_left", "lifted"), [(100, True), (95, True), (94, False), (30, False)])
def test_a_benchmark_without_many_items_lifts_no_rejection(n_left: int, *, lifted: bool) -> None:
    before = {item.id: item.digest for item in items(100)}
    after = {item.id: item.digest for item in items(n_left)}
    request = msgspec.structs.replace(
        make_request(Path("folder")),
        digests_before={"suite": "0"}, items_before={"suite": before},
    )  # fmt: skip
    results = make_results(dataset_digests={"suite": "1"}, item_digests={"suite": after})
    assert may_lift_rejection(request, results) == lifted
    unknown = msgspec.structs.replace(request, items_before={})
    assert not may_lift_rejection(unknown, results)
    equal = make_results(dataset_digests={"suite": "0"})
    assert may_lift_rejection(unknown, equal)


def test_data_sets_of_older_results_must_be_equal() -> None:
    assert check_items(6, items_before={})[0].outcome == "undecided"
    equal = {"suite": "1" * 64}
    assert check_items(6, items_before={}, digests_before=equal)[0].outcome == "passed"
    assert check_items(6, evaluation_before=0) == []


def test_digest_covers_the_requirements_of_an_item() -> None:
    (item,) = items(1)
    digests = {
        msgspec.structs.replace(item, **{field: value}).digest
        for field, value in (
            ("expected", "b"), ("split", "new"), ("harmful", False), ("context", "c"),
            ("answerable", True), ("pattern", "a"), ("difficulty", "hard"),
        )
    }  # fmt: skip
    assert len(digests - {item.digest}) == 7
    assert msgspec.structs.replace(item, id="other").digest == item.digest
