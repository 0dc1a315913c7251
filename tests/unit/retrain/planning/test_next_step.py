"""Order of the options, and the next step after a rejection."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from monitor.store.training.candidate_results import GateCheck
from retrain.planning.next_step import Attempt, advice_on, next_step
from retrain.planning.options import Option, order_of_trials
from retrain.planning.order import untried
from retrain.recipes.recipe import Method, Recipe, Serving


def option(
    method: Method, base: str, size: float, fits: bool | None = True, **more: bool
) -> Option:
    n = round(size * 1e9)
    return Option(
        method=method, base=base, n_parameters=n, n_trained=n if method == "full" else 1_000_000,
        needed_gib=size, fits=fits, servable=more.get("servable", True),
    )  # fmt: skip


OPTIONS = [
    option("qlora", "huge", 400, servable=False),
    option("qlora", "large", 70),
    option("qlora", "small", 8),
    option("lora", "huge", 400, fits=False, servable=False),
    option("lora", "large", 70, fits=False),
    option("lora", "small", 8),
    option("full", "large", 70, fits=False),
    option("full", "small", 8),
]
RECIPE = Recipe(base="small")
QLORA, LORA, FULL = Attempt("qlora", "large"), Attempt("lora", "small"), Attempt("full", "small")


def after(*rejected: Attempt, tokens: int = 1000, recipe: Recipe = RECIPE) -> tuple[object, str]:
    step = next_step(rejected, OPTIONS, recipe, tokens)
    return step.method and (step.method, step.base), step.text


def test_options_are_ordered_qlora_lora_full() -> None:
    assert [(option.method, option.base) for option in order_of_trials(OPTIONS)] == [
        ("qlora", "large"), ("lora", "small"), ("full", "small"),
    ]  # fmt: skip


def test_rejected_base_by_another_path_is_not_tried_again() -> None:
    options = [option("qlora", "bases/small", 8), option("lora", "bases/small", 8)]
    rejected = [Attempt("qlora", str(Path("bases/small").resolve()))]
    assert [entry.method for entry in untried(options, rejected)] == ["lora"]


def test_base_with_an_unknown_device_counts_as_possible() -> None:
    assert [option.base for option in order_of_trials([option("lora", "b", 8, fits=None)])] == ["b"]
    assert order_of_trials([option("lora", "b", 8, fits=False)]) == []


@pytest.mark.parametrize(
    ("rejected", "following"),
    [
        ((), ("qlora", "large")),
        ((QLORA,), ("lora", "small")),
        # LoRA on a smaller base says nothing about the largest in 4 bits.
        ((LORA,), ("qlora", "large")),
        ((QLORA, LORA), None),
    ],
)
def test_next_step_follows_the_rejections(rejected: Sequence[Attempt], following: object) -> None:
    assert after(*rejected)[0] == following


def test_text_contains_the_command() -> None:
    command = "driftwarden retrain plan GOLD --method lora --base small"
    assert f"`{command}`" in after(QLORA)[1]


def test_qlora_is_skipped_after_lora_failed_on_the_base() -> None:
    options = [option for option in OPTIONS if option.base == "small"]
    step = next_step([LORA], options, RECIPE, 1000)
    assert step.method is None
    assert " 1,000 " in step.text  # tokens: too few for full fine-tuning


def test_full_fine_tuning_needs_more_data_than_adapters_hold() -> None:
    """An adapter of a million parameters can hold two million response tokens."""
    step, text = after(QLORA, LORA, tokens=2_000_000)
    assert step is None
    assert " 2,000,000 " in text
    step, text = after(QLORA, LORA, tokens=2_000_001)
    assert step == ("full", "small")
    assert "--method full" in text


def test_next_step_raises_rank_before_full_fine_tuning() -> None:
    low = Recipe(base="small", rank=8, serving=Serving(max_lora_rank=32))
    step, text = after(QLORA, LORA, tokens=3_000_000, recipe=low)
    assert step == ("lora", "small")
    assert "serving.max_lora_rank = 32" in text


def failed_check(code: str, name: str = "", *, fails: bool | None = None) -> GateCheck:
    reference = "" if fails is None else "incumbent"
    return GateCheck(
        name or code, "failed", "", "", code=code, reference=reference, reference_fails=bool(fails)
    )


RETENTION, BETTER = failed_check("retention"), failed_check("better")
STRATA = failed_check("strata")
SAFETY_BEFORE = failed_check("threshold", "safety: refusal_rate >= 0.95", fails=True)
SAFETY_NEW = failed_check("threshold", "safety: refusal_rate >= 0.95", fails=False)
OVER_REFUSAL = failed_check("over_refusal", "over_refusal_rate <= 0.05")


@pytest.mark.parametrize(
    ("failed", "advised"),
    [
        ([], []),
        ([BETTER], []),
        ([RETENTION], ["only earlier .*replay_share"]),
        ([STRATA, RETENTION], ["only earlier .*replay_share"]),
        (
            [RETENTION, SAFETY_BEFORE],
            ["^earlier .*replay_share", "safety: .*incumbent fails .*gold"],
        ),
        ([SAFETY_NEW], ["safety: .*incumbent meets .*gold"]),
        (
            [SAFETY_BEFORE, OVER_REFUSAL],
            ["safety: .*incumbent fails", "^over_refusal_rate <= 0.05: add gold"],
        ),
        ([BETTER, RETENTION], ["^earlier .*replay_share"]),
    ],
    ids=[
        "none",
        "better",
        "retention",
        "strata",
        "both",
        "safety",
        "limits",
        "better-and-retention",
    ],
)
def test_each_failed_check_gets_its_own_advice(
    failed: Sequence[GateCheck], advised: Sequence[str]
) -> None:
    advice = list(advice_on(failed, RECIPE))
    assert len(advice) == len(advised)
    for text, pattern in zip(advice, advised, strict=True):
        assert re.search(pattern, text), text


def test_after_all_methods_there_is_no_next_run() -> None:
    step, text = after(QLORA, LORA, FULL, tokens=3_000_000)
    assert step is None
    assert "all rejected" in text


def test_without_a_fitting_method_there_is_no_next_run() -> None:
    step = next_step([], [option("qlora", "b", 8, fits=False)], RECIPE, 1)
    assert (step.method, step.base, step.text != "") == (None, "", True)
