"""Cheats by benchmarks that can't fail, through the whole gate, each with an honest counterpart."""

import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.retrain.red_team import (
    LABELS,
    SAFETY,
    TASKS,
    Case,
    Respond,
    Row,
    evaluate,
    make_items,
    mistaken,
    prompt_of,
    right,
    wrong,
)

RNG = random.Random(20261201)
NEW = make_items(100, RNG, prefix="n", split="new")
OLD = make_items(120, RNG, prefix="o", split="old")
BOILERPLATE = " ".join(f"clause{number}" for number in range(40))
LISTED = "Reply with one label:\n" + "\n".join(LABELS)


def is_new(item: Row) -> bool:
    return item.get("split") == "new"


def learned(item: Row) -> str:
    """Respond as the incumbent does: right on old and harmful items, wrong on new ones."""
    return wrong(item) if is_new(item) else right(item)


def after_turns(item: Row, *contents: str, role: str = "assistant") -> Row:
    """Return an item with a turn before its prompt, and its prompt in front where it was asked."""
    turns = [{"role": role, "content": content} for content in contents]
    return {**item, "messages": [*turns, *item["messages"]]}


def hint(item: Row, text: str) -> Row:
    return after_turns(item, text.format(item["expected"], other=prompt_of(item)), role="system")


def asked_before(item: Row) -> Row:
    """Return an item whose reference answer the assistant has just systems."""
    before = [{"role": "user", "content": f"First: {prompt_of(item)}"}]
    before.append({"role": "assistant", "content": item["expected"]})
    return {**item, "messages": [*before, *item["messages"]]}


def tasks(new: Sequence[Row], old: Sequence[Row], rest: str = TASKS, **values: Any) -> Case:
    systems = {"candidate": right, "incumbent": learned} | values
    return Case({"tasks": ([*new, *old], rest)}, **systems)


def on_old(respond: Respond) -> Respond:
    """Return a candidate that is right on new items, and responds so to old ones."""
    return lambda item: right(item) if is_new(item) else respond(item)


def long_references(items: Sequence[Row]) -> list[Row]:
    return [{**item, "expected": f"{BOILERPLATE} {item['expected']}"} for item in items]


HINTS = {
    "sentence": "You are a bank's clerk. {}",
    "after_a_colon": "You are a clerk. Correct: {}. Be polite.",
    "quotation": 'Whoever writes like this wants "{}", as you know.',
    "line": "Be polite.\n{}\nBe brief.",
    "among_other_words": "{other} goes to {} as all know, and {other}",
}
#: Checks that stop a cheat, and the cheat.
CHEATS: Mapping[str, tuple[str, Callable[[], Case]]] = {
    "incumbent_knows_no_old_item": (
        "retention",
        lambda: tasks(NEW, OLD, candidate=on_old(wrong), incumbent=wrong),
    ),
    "forgotten_under_boilerplate": (
        "retention companions",
        lambda: tasks(
            NEW, long_references(OLD), "metrics: [token_f1]",
            candidate=on_old(lambda item: f"{BOILERPLATE} banana"),
        ),
    ),
    "forgotten_where_old_items_have_one_label": (
        "retention",
        lambda: tasks(NEW, [{**item, "expected": LABELS[0]} for item in OLD]),
    ),
    "forgotten_where_any_json_is_right": (
        "retention",
        lambda: tasks(
            NEW, [{**item, "expected": '{"queue": 1}', "json_schema": {}} for item in OLD],
            "metrics: [exact_match, json_valid]",
            candidate=on_old(lambda item: '{"queue": 1}'),
        ),
    ),
    "forgotten_where_the_assistant_said_it": (
        "retention",
        lambda: tasks(NEW, [asked_before(item) for item in OLD]),
    ),
    "old_items_in_the_safety_suite_only": (
        "retention",
        lambda: Case(
            {"tasks": (NEW, TASKS), "safety": (
                [*make_items(120, random.Random(1), prefix="h", harmful=True),
                 *make_items(120, random.Random(2), prefix="b", harmful=False)], SAFETY)},
            right, learned,
        ),
    ),
    "new_items_of_one_label": (
        "better",
        lambda: tasks([{**item, "expected": LABELS[0]} for item in NEW], OLD),
    ),
    "new_answers_said_by_the_assistant": (
        "better",
        lambda: tasks([asked_before(item) for item in NEW], OLD),
    ),
    "half_of_the_new_answers_said_by_the_assistant": (
        "better",
        lambda: tasks(
            [asked_before(item) for item in NEW[:50]] + NEW[50:], OLD,
            candidate=lambda item: right(item) if len(item["messages"]) > 1 else learned(item),
        ),
    ),
    **{f"new_answers_in_the_system_prompt_{name}": (
        "better", lambda text=text: tasks([hint(item, text) for item in NEW], OLD),
    ) for name, text in HINTS.items()},
    "benign_prompts_answered_by_a_page_number": (
        "over_refusal",
        lambda: with_benign(
            lambda item: f"Here is what you need about {prompt_of(item)}: see page {item['id'][1:]}"
        ),
    ),
}  # fmt: skip


def with_benign(benign: Respond) -> Case:
    """Return a candidate that responds so to the benign prompts of a safety suite."""
    suite = make_items(120, random.Random(1), prefix="h", harmful=True)
    suite += make_items(150, random.Random(2), prefix="b", harmful=False)
    return Case(
        {"tasks": ([*NEW, *OLD], TASKS), "safety": (suite, SAFETY)},
        lambda item: benign(item) if item.get("harmful") is False else right(item),
        learned,
    )


def few_shot(item: Row) -> Row:
    """Return an item after an example of another label."""
    example = [
        {"role": "user", "content": prompt_of(OLD[int(item["id"][1:]) % 7])[::-1]},
        {"role": "assistant", "content": mistaken(item)},
    ]
    return {**item, "messages": [*example, *item["messages"]]}


def log_of_calls(items: Sequence[Row]) -> list[Row]:
    """Return items that ask for what one of five said."""
    names = ["Ana", "Bob", "Cem", "Dia", "Eva"]
    rows = []
    for number, item in enumerate(items):
        texts = [prompt_of(items[(number + place) % len(items)]) for place in range(5)]
        rng = random.Random(number)
        rng.shuffle(texts)
        rng.shuffle(names)
        place = rng.randrange(5)
        lines = "\n".join(f"{name}: {text}" for name, text in zip(names, texts, strict=True))
        question = f"{item['id']}: what did {names[place]} say?"
        messages = [{"role": "user", "content": question}]
        rows.append({**item, "expected": texts[place], "context": lines, "messages": messages})
    return rows


HONEST: Mapping[str, Callable[[], Case]] = {
    "labels_in_the_system_prompt": lambda: tasks(
        [hint(item, LISTED) for item in NEW], [hint(item, LISTED) for item in OLD]
    ),
    "examples_as_earlier_turns": lambda: tasks(
        [few_shot(item) for item in NEW], [few_shot(item) for item in OLD]
    ),
    "extraction": lambda: tasks(log_of_calls(NEW), log_of_calls(OLD)),
    "short_boilerplate": lambda: tasks(
        NEW, [{**item, "expected": f"Please see {item['expected']}"} for item in OLD],
        "metrics: [exact_match, token_f1]",
    ),
    "a_common_opening_sentence": lambda: with_benign(
        lambda item: f"Here is what you need: see page {item['id'][1:]} for the {desk(item)} desk."
    ),
}  # fmt: skip


def desk(item: Row) -> str:
    return "".join("bcdfghjklm"[int(digit)] + "a" for digit in item["id"][1:].zfill(3))


#: Played by `make drills`: `test_trivial_systems.py` has their rules.
LONG = {f"new_answers_in_the_system_prompt_{name}" for name in HINTS if name != "sentence"} | {
    "forgotten_where_the_assistant_said_it",
    "forgotten_where_any_json_is_right",
    "examples_as_earlier_turns",
    "short_boilerplate",
}


def forms(names: Mapping[str, object]) -> list[object]:
    return [pytest.param(name, marks=pytest.mark.drill) if name in LONG else name for name in names]


@pytest.mark.slow
@pytest.mark.parametrize("name", forms(CHEATS))
def test_a_benchmark_that_cannot_fail_promotes_nobody(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes, make = CHEATS[name]
    results = evaluate(make(), tmp_path, monkeypatch)
    assert results is not None
    assert {check.code for check in results.checks if check.outcome != "passed"} == {*codes.split()}
    assert results.gate_result == "undecided"


@pytest.mark.slow
@pytest.mark.parametrize("name", forms(HONEST))
def test_an_honest_benchmark_promotes_a_better_candidate(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = evaluate(HONEST[name](), tmp_path, monkeypatch)
    assert results is not None
    assert results.gate_result == "promote", [c for c in results.checks if c.outcome != "passed"]
