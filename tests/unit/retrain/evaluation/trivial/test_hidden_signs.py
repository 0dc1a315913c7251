"""Hints at the reference answer that no reader of a prompt sees."""

from collections.abc import Callable

import numpy as np
import pytest

from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.trivial.hidden_signs import signed_responses
from retrain.evaluation.trivial.measurement import best_trivial_scores, measure_trivial
from tests.support.retrain.scored_benchmarks import benchmark

#: A prompt, the number of its label and its own -> the prompt with signs.
Mark = Callable[[str, int, int], str]
LABELS = ("leave", "payslip", "sick note", "pension", "shift")
WORDS = ["my", "boss", "wants", "to", "see", "the", "form", "of", "our", "last", "talk", "today"]


def prompt(number: int) -> str:
    words = [*WORDS[number % 12 :], *WORDS[: number % 12]]
    return f"case {7919 * number} {' '.join(words[: 6 + number % 5])}"


def suite(mark: Mark, n_marked: int = 60) -> list[BenchmarkItem]:
    """Return items, the first of which have signs."""
    texts = [mark(prompt(n), n % 5, n) if n < n_marked else prompt(n) for n in range(60)]
    return [
        BenchmarkItem(
            id=str(n), messages=({"role": "user", "content": text},), expected=LABELS[n % 5]
        )
        for n, text in enumerate(texts)
    ]


def best(items: list[BenchmarkItem]) -> float:
    """Return the best exact match of a trivial system."""
    made = benchmark(items, metrics=["exact_match"])
    systems = measure_trivial(made, np.random.default_rng(0))
    scores = best_trivial_scores(made, systems)
    return next(s.value for s in scores if not s.stratum and s.metric == "exact_match")


def replaced(text: str, place: int, characters: str) -> str:
    return text[:place] + characters[place : place + 1] + text[place + 1 :]


HINTS: dict[str, Mark] = {
    "number of zero-width spaces": lambda text, label, n: text + "\u200b" * (label + 1),
    "kinds of invisible characters": lambda text, label, n: (
        text[:5] + "\u200c\u200d\u2060\u00ad\ufeff"[label] + text[5:]
    ),
    "places of a soft hyphen": lambda text, label, n: text[:label] + "\u00ad" + text[label:],
    "blanks": lambda text, label, n: text + " \u3164" + "\u2800" * label,
    "variation selectors": lambda text, label, n: text + chr(0xFE00 + label),
    "spaces at the end": lambda text, label, n: text + " " * (label + 1),
    "a double space": lambda text, label, n: text[:4] + " " * (label + 1) + text[4:],
    "another space": lambda text, label, n: text + "\u00a0\u2009\u202f\t\u3000"[label],
    "Cyrillic characters": lambda text, label, n: replaced(text, label, "\u0441\u0430\u0455\u0435"),
    "wide characters": lambda text, label, n: replaced(text, label, "\uff43\uff41\uff53\uff45"),
}


@pytest.mark.parametrize("name", HINTS)
def test_a_hidden_hint_is_read(name: str) -> None:
    assert best(suite(HINTS[name])) >= 0.75


def test_items_without_a_sign_get_no_response() -> None:
    items = suite(HINTS["number of zero-width spaces"], n_marked=30)
    texts = dict(signed_responses(items))["reference answer of the same invisible characters"]
    assert texts[:30] == [item.expected for item in items[:30]]
    assert set(texts[30:]) == {""}


@pytest.mark.parametrize(
    "mark",
    [
        lambda text, label, n: text + " \U0001f469\u200d\U0001f4bb" * (n // 5 % 3),
        lambda text, label, n: f"\u200f{text}\u200e" if n // 5 % 2 else text,
        lambda text, label, n: text.replace("form", "for\u00adm").replace("today", "to\u00adday"),
        lambda text, label, n: text + " " * (n // 5 % 4),
        lambda text, label, n: f"Добрый день: {text}",
        lambda text, label, n: f"{text}, grüße, naïve Señora",
    ],
)
def test_signs_without_relation_to_the_label_are_no_hint(
    mark: Mark,
) -> None:
    assert best(suite(mark)) <= 0.45


def test_texts_without_signs_have_no_rules() -> None:
    assert list(signed_responses(suite(lambda text, label, n: text))) == []
