"""Sentences of a text, found again after something in it was erased."""

import time

import pytest

from monitor.privacy.requests.sentences import (
    around,
    digest_of,
    moved,
    sentence_with,
    sentences,
    without_sentence,
)


def split(text: str) -> list[str]:
    return [text[first:last] for first, last in sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("  one  ", ["one"]),
        ("Up 3.5 points. Write to a@b.org! Done", ["Up 3.5 points.", "Write to a@b.org!", "Done"]),
        ("He said “no.” She left…\r\n\r\n- gone", ["He said “no.”", "She left…", "- gone"]),
        ("她打了电话。她很生气。再见", ["她打了电话。", "她很生气。", "再见"]),
    ],
)
def test_text_is_split_at_marks_and_line_breaks(text: str, expected: list[str]) -> None:
    assert split(text) == expected


def test_erased_sentence_leaves_its_neighbours_to_the_byte() -> None:
    text = "  A is kind.  Ann is rude!\n\tShe (Ann) left. Ann is rude!"

    erased = without_sentence(text, digest_of("Ann is rude!"))

    assert erased == "  A is kind.  [erased]!\n\tShe (Ann) left. [erased]!"
    assert without_sentence(erased, digest_of("She (Ann) left.")) == (
        "  A is kind.  [erased]!\n\t[erased]. [erased]!"
    )


def test_paragraph_of_a_sentence_ends_at_blank_lines() -> None:
    text = "Far. No.\n\nOne.\nTwo. Three.\n\nFar."

    assert around(text, (text.index("Two"), text.index(" Three"))) == ("One.\n", " Three.")
    assert around("Alone.", (0, 6)) == ("", "")


def test_sentence_is_found_after_parts_were_erased() -> None:
    text = "Call ann@x. She is rude. He said: a b c. d e f, twice."
    spans = [(5, 10), (text.index("a b"), text.index(", twice"))]
    after = "Call [erased]. She is rude. He said: [erased], twice."

    digests = moved(text, spans, after)

    places = {before: sentence_with(after, digests[digest_of(before)]) for before in split(text)}
    after_erasure = {before: after[slice(*place)] for before, place in places.items() if place}
    assert after_erasure == {
        "Call ann@x.": "Call [erased].",
        "She is rude.": "She is rude.",
        "He said: a b c.": "He said: [erased], twice.",
        "d e f, twice.": "He said: [erased], twice.",
    }


@pytest.mark.parametrize("unit", [".", " ", ". ", "\n", "a", ".”x"])
def test_long_text_is_split_in_linear_time(unit: str) -> None:
    text = unit * 100_000 + "x"
    began = time.perf_counter()

    split(text)

    assert time.perf_counter() - began < 2
