"""ROUGE against rouge-score and F1 against SQuAD's, and where they differ on purpose."""

import re
import string
from collections import Counter
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrain.evaluation.metrics.overlap import rouge, token_f1
from retrain.evaluation.metrics.tokens import alphanumeric_tokens
from tests.support.lazy_modules import LazyModule

VARIANTS = ("rouge1", "rouge2", "rougeL")
rouge_scorer: Any = LazyModule("rouge_score.rouge_scorer")
ascii_texts = st.text(st.sampled_from("abcAB12 _-.,:'/$\n"), max_size=30)
#: Words and punctuation that begins or ends a word: no sign within a word but the apostrophe.
words = st.lists(st.sampled_from(
    ["The", "a", "card", "card,", "(blocked)", "don't", "7", "fee.", "An", '"EUR"', "!"]
), max_size=8).map(" ".join)  # fmt: skip


@cache
def reference_scorer() -> Any:
    return rouge_scorer.RougeScorer(VARIANTS)


def squad_tokens(text: str) -> list[str]:
    """Normalise as SQuAD: lower case, no punctuation, no English articles, single spaces."""
    bare = "".join(sign for sign in text.lower() if sign not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", bare).split()


def squad_f1(expected: str, response: str) -> float:
    """Return SQuAD's F1 of bags of tokens."""
    wanted, values = Counter(squad_tokens(expected)), Counter(squad_tokens(response))
    if not wanted or not values:
        return float(wanted == values)
    shared = (wanted & values).total()
    return 2 * shared / (wanted.total() + values.total())


@given(ascii_texts, ascii_texts)
def test_rouge_on_ascii_equals_rouge_score(expected: str, response: str) -> None:
    same = alphanumeric_tokens(expected) == alphanumeric_tokens(response)
    reference = reference_scorer().score(expected, response)
    for variant in VARIANTS:
        value = rouge(variant, expected, response)
        assert same or value == pytest.approx(reference[variant].fmeasure)


def test_rouge_of_underscored_labels_is_a_third() -> None:
    assert rouge("rouge1", "card_arrival", "lost_or_stolen_card") == pytest.approx(1 / 3)


def test_equal_short_texts_score_one_unlike_rouge_score() -> None:
    assert reference_scorer().score("yes", "Yes.")["rouge2"].fmeasure == 0.0
    assert rouge("rouge2", "yes", "Yes.") == 1.0
    assert rouge("rouge1", "+", "-") == 0.0


@given(words, words)
def test_f1_equals_squad(expected: str, response: str) -> None:
    empty = not squad_tokens(expected) or not squad_tokens(response)
    assert empty or token_f1(expected, response) == pytest.approx(squad_f1(expected, response))


@pytest.mark.parametrize(
    ("expected", "response"),
    [
        ("Заблокируйте мою карту", "мою карту, пожалуйста"),
        ("Κλείδωσε την κάρτα", "η κάρτα!"),
        ("मेरा कार्ड बंद करें", "मेरा खाता बंद"),
        ("카드를 정지해 주세요", "카드를 찾아 주세요."),
        ("חסום את הכרטיס", "הכרטיס שלי"),
        ("Größe prüfen", "größe ändern"),
    ],
)
def test_f1_equals_squad_in_other_scripts(expected: str, response: str) -> None:
    assert 0 < token_f1(expected, response) == pytest.approx(squad_f1(expected, response))


@pytest.mark.parametrize(
    ("expected", "response", "squad", "value"),
    [
        ("3.5", "35", 1.0, 0.0),
        ("card_arrival", "card", 0.0, 2 / 3),
        ("カード", "カード停止", 0.0, 0.75),
        ("الف‌ب", "الفب", 0.0, 1.0),
        ("the", "an", 1.0, 0.0),
    ],
)
def test_differences_from_squad(expected: str, response: str, squad: float, value: float) -> None:
    """Numbers stay whole, signs separate words, unspaced scripts are compared by character."""
    assert squad_f1(expected, response) == squad
    assert token_f1(expected, response) == pytest.approx(value)
