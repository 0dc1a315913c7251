"""Explanations of planted changes: kind, shares, order, and nothing beside them."""

import base64
import random
from collections.abc import Callable

import pytest

from monitor.explanations import FoundExplanation, TextSide, find_explanations
from tests.unit.explanations.natural_prompts import make_prompts

N = 600
BASELINE, WINDOW = make_prompts(N, 1), make_prompts(N, 2)


def explain(current: list[str], reference: list[str] = BASELINE) -> tuple[FoundExplanation, ...]:
    return find_explanations(TextSide(texts=reference), TextSide(texts=current))


def change_share(change: Callable[[str], str], share: float) -> list[str]:
    rng = random.Random(3)
    return [change(prompt) if rng.random() < share else prompt for prompt in WINDOW]


def kinds(explanations: tuple[FoundExplanation, ...]) -> list[str]:
    return [explanation.kind for explanation in explanations]


def to_spanish(prompt: str) -> str:
    return f"quiero saber cuánto cuesta esto por favor {len(prompt)} ahora mismo"


PLANTED: dict[str, tuple[Callable[[str], str], list[str], str]] = {
    "header": (lambda text: f"[web widget, phone] {text}", ["prefix"], "[web widget, phone]"),
    "words": (lambda text: f"answer this for me {text}", ["prefix"], "answer this for me"),
    "capitals": (lambda text: f"CUSTOMER SAYS: {text}", ["prefix"], "CUSTOMER SAYS:"),
    "date": (
        lambda text: f"[2026-11-{len(text):02} 12:01] {text}",
        ["prefix"],
        "[…-…-… …:…]",
    ),
    "footer": (
        lambda text: f"{text}\n\n--\nSent from my phone",
        ["suffix"],
        "--\nSent from my phone",
    ),
    "slot": (
        lambda text: f"Answer the question: {text}\nBe brief.",
        ["prefix"],
        "Answer the question: … Be brief.",
    ),
    "shouting": (str.upper, ["letter_case"], "all in capitals"),
    "signs": (lambda text: f"{text}!!", ["punctuation"], "“!!” at the end"),
    "bullets": (lambda text: "- " + text.replace(" ", "\n- ", 1), ["markup"], "bullet lists"),
    "HTML": (
        lambda text: " <b>".join(text.split(" ", 1)) + "</b>",
        ["markup"],
        "HTML",
    ),
    "base64": (
        lambda text: base64.b64encode(text.encode()).decode(),
        ["encoding"],
        "base64",
    ),
    "entities": (lambda text: text.replace(" ", "&nbsp;"), ["encoding"], "HTML entities"),
    "invisible": (lambda text: f"\u200b{text}", ["encoding"], "invisible characters"),
    "broken": (
        lambda text: " crème ".join(text.split(" ", 1)).encode().decode("latin-1"),
        ["encoding"],
        "UTF-8 read as Latin-1",
    ),
    "copies": (lambda _: "what does the fox say", ["copies"], "what does the fox say"),
}


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.05, pytest.param(1.0, marks=pytest.mark.drill)])
@pytest.mark.parametrize("name", PLANTED)
def test_planted_change_is_the_one_explanation(name: str, share: float) -> None:
    change, expected, text = PLANTED[name]
    current = change_share(change, share)
    explanations = explain(current)
    assert kinds(explanations) == expected
    assert explanations[0].text == text
    truth = sum(after != before for after, before in zip(current, WINDOW, strict=True)) / N
    assert explanations[0].current.lower <= truth <= explanations[0].current.upper
    assert explanations[0].reference.mean == 0.0
    assert explanations[0].difference.lower > 0.0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_drift_free_texts_have_no_explanation(seed: int) -> None:
    assert explain(make_prompts(N, 100 + seed), make_prompts(N, 200 + seed)) == ()
