"""Mechanical disguises of benchmark items."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.retrain.disguises import DISGUISES
from bench.retrain.leaks import measure_leaks
from retrain.data.leakage.canonical_text import clauses_of, words_of
from retrain.data.leakage.disguise_index import DisguiseIndex, is_typo

ITEMS = [
    "how do i transfer money from checking to savings",
    "what is the daily limit of my debit card",
    "i'd like to report that my wallet was stolen",
    "where's the nearest branch that is open on sunday",
    "do not let anyone take money out of my account",
    "can you tell me why my payment was declined",
    "what's my balance",
]
INDEX = DisguiseIndex(ITEMS)


@pytest.mark.parametrize("kind", DISGUISES)
def test_every_disguise_of_every_item_is_found(kind: str) -> None:
    rng = random.Random(11)
    for number, item in enumerate(ITEMS):
        for _ in range(5):
            assert INDEX.find(DISGUISES[kind](item, rng)) == number


def test_disguises_are_found_together() -> None:
    disguised = "Hi! I am NEW here... QUESTION: whats teh daily limit, of my débit card?? 🙏 Thanks"
    assert INDEX.find(disguised) == 1
    assert INDEX.find("wh\u0430t is my b\u0430lance") == 6  # two Cyrillic letters


@pytest.mark.parametrize(
    "text",
    [
        "what is the weekly limit of my debit card",
        "what is the daily limit of my credit card",
        "how do i transfer money from savings",
        "my balance",
        "",
        "?!",
    ],
)
def test_other_requests_of_the_kind_are_not_found(text: str) -> None:
    assert INDEX.find(text) is None


def test_frequent_words_and_numbers_are_no_typing_errors() -> None:
    index = DisguiseIndex(["what is the fee for a card", "move 250 euros to my savings"])
    index.count_words(["what is the fee for a cart", "a cart", "my cart", "the cart"])
    assert index.find("what is the fee for a cart") is None
    assert index.find("what is the fee for a crad") == 0
    assert index.find("move 260 euros to my savings") is None


@pytest.mark.parametrize(
    ("word", "original", "outcome"),
    [
        ("balnce", "balance", True), ("balacne", "balance", True), ("ballance", "balance", True),
        ("transferr", "transfers", True), ("bank", "bond", False), ("12", "13", False),
    ],
)  # fmt: skip
def test_typing_errors(word: str, original: str, outcome: bool) -> None:
    assert is_typo(word, original) is outcome


def test_numbers_and_other_scripts_keep_their_marks() -> None:
    assert words_of("3.50 euros, at 10:30.") == ("3", "50", "euros", "at", "10", "30")
    assert len(clauses_of("3.50 euros at 10:30")) == 1
    assert words_of("हिन्दी") == words_of("हिन्दी।")
    assert clauses_of("can't") == clauses_of("cannot") or (
        clauses_of("can't")[0].content == clauses_of("cannot")[0].content == ("can", "not")
    )


@given(st.text(max_size=60))
def test_any_text_is_found_as_itself(text: str) -> None:
    match = DisguiseIndex([text]).find(text)
    assert match == (0 if words_of(text) else None)


def test_measured_recall_and_precision_of_a_few_intents() -> None:
    queries = {"desk": ITEMS + [f"how many points are {word} worth" for word in ("my", "all")]}
    figures = measure_leaks(queries, random.Random(2))
    assert figures.recall >= 0.95
    assert figures.precision == 1
