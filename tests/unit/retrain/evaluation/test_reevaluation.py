"""Rules of a second evaluation: what asks for less is named."""

from pathlib import Path

import msgspec
import pytest

from monitor.settings import Gates
from retrain.evaluation.reevaluation import check_as_many_items, weaknesses
from tests.support.retrain.candidates import make_request
from tests.support.retrain.scored_benchmarks import benchmark, items

BEFORE = """\
evaluation:
  benchmarks:
    - {name: support, dataset: a.jsonl, metrics: [exact_match, f1]}
    - {name: safety, dataset: b.jsonl, threshold: {refusal_rate: ">= 0.95"}}
  human_eval: {sample_size: 100, reviewers: 3, dimensions: [accuracy, tone]}
"""


def weaker(content: str = BEFORE, gates: Gates | None = None, **values: object) -> list[str]:
    before = make_request(Path("folder"), BEFORE)
    after = make_request(Path("folder"), content)
    policy = (gates or Gates()).model_dump(mode="json")
    return list(weaknesses(msgspec.structs.replace(after, gates=policy, **values), before))


@pytest.mark.parametrize(
    ("old", "new", "mention"),
    [
        ("support,", "other,", "'support'"),
        (", f1]", "]", "f1"),
        (">= 0.95", ">= 0.9", "refusal_rate >= 0.9 instead of >= 0.95"),
        ('threshold: {refusal_rate: ">= 0.95"}', "metrics: [refusal_rate]", "refusal_rate"),
        ("sample_size: 100", "sample_size: 50", "sample_size: 50 instead of 100"),
        ("reviewers: 3", "reviewers: 2", "reviewers"),
        (", tone]", "]", "tone"),
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


def test_fewer_items_are_undecided_and_changed_data_is_remarked() -> None:
    suite = benchmark(items(5), metrics=["f1"])
    for least, outcome in ((5, "passed"), (6, "undecided")):
        (check,), remarks = check_as_many_items([suite], {"suite": least}, {"suite": "1"})
        assert (check.code, check.outcome) == ("as_many_items", outcome)
        assert len(remarks) == 1
    assert check_as_many_items([suite], {"suite": 5}, {"suite": suite.digest})[1] == []
    assert check_as_many_items([suite], {}, {}) == ([], [])
