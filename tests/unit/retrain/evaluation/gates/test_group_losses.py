"""Losses in groups that no field names: seen where they gather, and not where they are spread."""

import dataclasses
import random
from collections.abc import Callable, Collection, Sequence

import numpy as np
import pytest
from msgspec.structs import replace

from monitor.settings import Gates
from monitor.store.training.candidate_results import GateCheck
from retrain.data.benchmarks.groups import find_groups
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.gates.group_losses import check_groups
from tests.support.encoders.word_encoder import WordEncoder
from tests.support.retrain.scored_benchmarks import benchmark, scored

N = 300
_DEVICES = ("printer", "laptop", "monitor", "phone", "scanner", "router", "projector", "badge")
_ROOMS = ("on the third floor", "in the workshop", "at the reception", "next to the lifts")
_TROUBLE = ("makes a noise", "does not start", "lost its settings", "shows a red lamp")
_ENDS = ("since this morning", "again", "after the update", "as it did before the holidays")


def tickets() -> list[BenchmarkItem]:
    """Return requests to a help desk."""
    rng = random.Random(3)
    parts = (_DEVICES, _ROOMS, _TROUBLE, _ENDS)
    return [
        BenchmarkItem(
            id=f"t{row}",
            messages=(
                {"role": "user", "content": "The {} {} {} {}.".format(*map(rng.choice, parts))},
            ),
            expected=rng.choice(("hardware", "network", "account")),
        )
        for row in range(N)
    ]


def check(
    items: Sequence[BenchmarkItem],
    lost: Collection[int],
    gained: Collection[int] = (),
    *,
    stratify_by: Sequence[str] = (),
    base_right: Collection[int] | None = None,
) -> list[GateCheck]:
    """Check a candidate that scores as the incumbent, but for some rows."""
    suite = dataclasses.replace(
        benchmark(items, metrics=["exact_match"], stratify_by=stratify_by),
        groups=find_groups(items, WordEncoder()),
    )
    rows = range(len(items))
    after = [float(row not in lost) for row in rows]
    before = [float(row not in gained) for row in rows]
    base = None
    if base_right is not None:
        base = {"suite": scored(items, exact_match=[float(row in base_right) for row in rows])}
    candidate, incumbent = ({"suite": scored(items, exact_match=c)} for c in (after, before))
    rng = np.random.default_rng(0)
    return check_groups(
        [suite], candidate, incumbent, Gates(), rng, reference_name="incumbent", base=base
    )


def reworded(item: BenchmarkItem, words: Callable[[str], str]) -> BenchmarkItem:
    return replace(
        item, messages=({"role": "user", "content": words(item.messages[-1]["content"])},)
    )


#: A group of tickets -> how one of them differs.
DIFFERENCES: dict[str, Callable[[BenchmarkItem], BenchmarkItem]] = {
    "prompt's language=fr": lambda item: reworded(
        item, lambda text: f"Bonjour, le matériel ne marche plus depuis hier soir : {text[4:12]}"
    ),
    "prompt's language=ru": lambda item: reworded(
        item, lambda text: f"Здравствуйте, наше устройство не работает уже неделю {text[4:9]}"
    ),
    "code in the prompt=yes": lambda item: reworded(
        item, lambda text: f"{text}\n```\nERROR in boot()\n```"
    ),
    "prompt's length=lowest 5%": lambda item: reworded(item, lambda text: f"{text[4:14]} broken"),
    "prompt's length=highest 5%": lambda item: reworded(
        item, lambda text: f"{text} I have tried all cables and asked every colleague nearby."
    ),
    "numbers in the prompt=yes": lambda item: reworded(item, lambda text: f"{text} Code 4711"),
    "region=islands": lambda item: replace(item, strata={"region": "islands"}),
    "difficulty=expert": lambda item: replace(item, difficulty="expert"),
    "reference answer=telephone": lambda item: replace(item, expected="telephone"),
    "earlier turns=yes": lambda item: replace(
        item,
        messages=(
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "How can I help?"},
            *item.messages,
        ),
    ),
}


@pytest.mark.parametrize("name", DIFFERENCES)
def test_a_lost_group_within_the_margin_is_undecided(name: str) -> None:
    chosen = range(0, N, 25)
    items = [
        DIFFERENCES[name](item) if row in chosen else item for row, item in enumerate(tickets())
    ]
    (lost,) = check(items, chosen, gained=set(range(1, N, 12)) - set(chosen))
    assert (lost.code, lost.outcome) == ("groups", "undecided")
    assert f"{name}, old items: " in lost.observed
    assert "12 of the 12 losses (t0, t25, t50" in lost.observed
    (gained,) = check(items, range(1, N, 30), gained=chosen)
    assert gained.outcome == "passed"


def test_a_lost_topic_is_undecided() -> None:
    chosen = range(0, N, 20)
    doors = ("gate", "turnstile", "barrier", "entrance")
    items = [
        reworded(item, lambda text: f"My badge opens no {doors[len(text) % 4]} to the {text[4:18]}")
        if row in chosen
        else item
        for row, item in enumerate(tickets())
    ]
    (lost,) = check(items, chosen, gained=set(range(1, N, 14)) - set(chosen))
    assert lost.outcome == "undecided"
    assert "opens, badge, " in lost.observed


def test_lost_items_that_the_base_finds_hard_are_undecided() -> None:
    hard = range(0, N, 10)
    arguments = (tickets(), range(0, N, 20), range(1, N, 15))
    (lost,) = check(*arguments, base_right=set(range(N)) - set(hard))
    assert lost.outcome == "undecided"
    assert "base model's exact_match=0" in lost.observed
    (unknown,) = check(*arguments)
    assert unknown.outcome == "passed"


@pytest.mark.parametrize(("n_lost", "outcome"), [(6, "undecided"), (4, "passed")])
def test_six_losses_without_a_gain_are_undecided(n_lost: int, outcome: str) -> None:
    chosen = range(0, N, N // n_lost)
    items = [
        DIFFERENCES["region=islands"](item) if row in chosen else item
        for row, item in enumerate(tickets())
    ]
    (lost,) = check(items, chosen)
    assert lost.outcome == outcome


def test_spread_losses_pass() -> None:
    (honest,) = check(tickets(), random.Random(1).sample(range(N), 14), gained=range(3, N, 20))
    assert honest.outcome == "passed"


def test_named_fields_and_missing_groups_have_no_check() -> None:
    items = [
        replace(item, task_type="it" if row % 2 else "hr") for row, item in enumerate(tickets())
    ]
    (named,) = check(items, range(0, N, 2), stratify_by=["task_type"])
    assert "task_type" not in named.observed
    assert check(items[:2], []) == []
