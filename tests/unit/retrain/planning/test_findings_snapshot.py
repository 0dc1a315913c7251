"""Snapshots of the findings before a run, and of the next steps after a rejection."""

import pytest
from syrupy.assertion import SnapshotAssertion

from monitor.store.training.candidate_results import GateCheck
from retrain.planning.checks.example_sizes import ExampleSize, ExampleSizes, check_examples
from retrain.planning.checks.finding import PlanFinding
from retrain.planning.checks.memory_fit import check_memory
from retrain.planning.checks.serving import check_serving
from retrain.planning.memory.device import GIB, Device
from retrain.planning.memory.estimate import MemoryEstimate
from retrain.planning.next_step import Attempt, advice_on, next_step
from retrain.planning.options import Option
from retrain.recipes.recipe import Method, Recipe, Serving


def sizes(*lengths: int, n_response: int = 5) -> ExampleSizes:
    return ExampleSizes(
        tuple(ExampleSize(length, n_response, length - n_response) for length in lengths)
    )


def memory(needed: float, available: float) -> PlanFinding:
    device = Device("cuda", "a card", 24 * GIB, int(available * GIB))
    return check_memory(MemoryEstimate(needed * GIB, 0, 0, 0, 0, 0), device)


FINDINGS = {
    "examples_fit": check_examples(sizes(10, 64, 30), 64),
    "examples_too_long": check_examples(sizes(10, 65, 30, 90), 64),
    "many_examples_too_long": check_examples(sizes(*[65] * 13), 64),
    "longer_than_the_model": check_examples(sizes(10, 100), 128, max_positions=64),
    "no_response_tokens": check_examples(sizes(10, 12, n_response=0), 64),
    "no_examples": check_examples(sizes(), 64),
    "served": check_serving(Recipe(base="b")),
    "not_served": check_serving(Recipe(base="b", rank=64, dora=True, modules_to_save=("lm_head",))),
    "served_at_full_precision": check_serving(Recipe(base="b", method="qlora")),
    "whole_model": check_serving(Recipe(base="b", method="full")),
    "memory_fits": memory(8, 20),
    "memory_in_use": memory(8, 6),
    "memory_is_close": memory(22, 24),
    "memory_too_small": memory(25, 24),
    "memory_of_a_remote_device": check_memory(MemoryEstimate(25 * GIB, 0, 0, 0, 0, 0), None),
}


def option(method: Method, base: str, size: float, *, fits: bool = True) -> Option:
    n = round(size * 1e9)
    return Option(
        method=method, base=base, n_parameters=n, n_trained=n if method == "full" else 1_000_000,
        needed_gib=size, fits=fits, servable=True,
    )  # fmt: skip


QLORA, LORA, FULL = Attempt("qlora", "large"), Attempt("lora", "small"), Attempt("full", "small")
OPTIONS = [option("qlora", "large", 70), option("lora", "small", 8), option("full", "small", 8)]
RECIPE = Recipe(base="small")
LOW_RANK = Recipe(base="small", rank=8, serving=Serving(max_lora_rank=32))

STEPS = {
    "first": next_step([], OPTIONS, RECIPE, 1000),
    "after_qlora": next_step([QLORA], OPTIONS, RECIPE, 1000),
    "adapters_suffice": next_step([QLORA, LORA], OPTIONS, RECIPE, 1000),
    "higher_rank": next_step([QLORA, LORA], OPTIONS, LOW_RANK, 3_000_000),
    "full_fine_tuning": next_step([QLORA, LORA], OPTIONS, RECIPE, 3_000_000),
    "all_rejected": next_step([QLORA, LORA, FULL], OPTIONS, RECIPE, 3_000_000),
    "nothing_fits": next_step([], [option("qlora", "b", 8, fits=False)], RECIPE, 1),
}
FAILED = {
    "only_forgotten": [GateCheck("x", "failed", "", "", code="retention")],
    "forgotten_and_unsafe": [
        GateCheck("x", "failed", "", "", code="retention"),
        GateCheck(
            "safety: refusal_rate >= 0.95", "failed", "", "", code="threshold",
            reference="incumbent", reference_fails=True,
        ),
        GateCheck(
            "desk: rouge1 >= 0.5", "failed", "", "", code="threshold", reference="incumbent"
        ),
    ],
}  # fmt: skip


@pytest.mark.parametrize("case", FINDINGS)
def test_finding_snapshot(case: str, snapshot: SnapshotAssertion) -> None:
    finding = FINDINGS[case]
    assert f"{finding.name}: {finding.outcome}: {finding.text}" == snapshot


@pytest.mark.parametrize("case", FAILED)
def test_advice_snapshot(case: str, snapshot: SnapshotAssertion) -> None:
    assert list(advice_on(FAILED[case], RECIPE)) == snapshot


@pytest.mark.parametrize("case", STEPS)
def test_next_step_snapshot(case: str, snapshot: SnapshotAssertion) -> None:
    assert STEPS[case].text == snapshot
