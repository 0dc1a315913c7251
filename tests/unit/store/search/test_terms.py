"""Terms of the full-text index: words in several scripts, beginnings, and ranges of metrics."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.store.search.terms import (
    MAX_BYTES,
    metric_terms,
    terms_of,
    wanted_words,
    words_of,
)

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The CARD, twice!", {"the", "card", "twice"}),
        ("ERR_4031-b", {"err", "4031", "b"}),
        ("Zürich, café", {"zurich", "cafe"}),
        ("银行卡", {"银行", "行卡", "卡"}),
        ("GPT模型", {"gpt", "模型", "型"}),
        ("บัตร", {"บั", "ัต", "ตร", "ร"}),
        ("हिन्दी में", {"हिन्दी", "में"}),
        ("\x00 \ud800 '; DROP", {"drop"}),
    ],
)
def test_words_of_text_in_each_script(text: str, words: set[str]) -> None:
    assert set(words_of(text)) == words


@pytest.mark.parametrize(
    ("search", "wanted"),
    [
        ("refund* now", {"refund": True, "now": False}),
        ("r* x", {"r": False, "x": False}),
        ("行", {"行": True}),
        ("银行卡", {"银行": False, "行卡": False}),
        ("?!, '", {}),
    ],
)
def test_search_needs_words_and_their_beginnings(search: str, wanted: dict[str, bool]) -> None:
    assert wanted_words(search) == wanted


@given(NUMBERS, NUMBERS, NUMBERS)
def test_range_of_metric_has_a_term_of_each_value(first: float, last: float, value: float) -> None:
    low, high = min(first, last), max(first, last)
    inside = min(max(value, low), high)
    terms = set(terms_of((), "", "", {"score": inside}).split())
    assert terms & set(metric_terms("score", low, high))


def test_range_of_metric_leaves_out_distant_values() -> None:
    terms = set(terms_of((), "", "", {"score": 3.0, "is_new": True}).split())
    assert not terms & set(metric_terms("score", 4.0, 1e9))
    assert not terms & set(metric_terms("score", -9.0, 2.0))
    assert not terms & set(metric_terms("other", 3.0, 3.0))
    assert terms & set(metric_terms("is_new", 1.0, 1.0))


def test_terms_of_endless_text_are_limited() -> None:
    terms = terms_of((" ".join(f"word{n}" for n in range(90_000)),), "", "", {})
    assert MAX_BYTES < len(terms) < MAX_BYTES + 100
