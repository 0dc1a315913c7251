"""The one pass over a text finds what a search for each word finds."""

import hashlib
import random

import pytest

from bench.traffic.labelled_texts import read_json_lines
from monitor.traffic.redaction import Redactor, national_ids, passwords, security_codes
from monitor.traffic.redaction.text_scan import TextScan
from monitor.traffic.redaction.word_index import _WORDS, BLOCK_BYTES, MIN_BYTES, places_in
from tests.unit.traffic.redaction.test_redactor import LABELLED

#: Of the spans in the fixtures.
DIGEST = "af2cb1fa48f53220b57a4b13cc4e3ff10b5cbd08d89f735247186301004cba19"


def texts() -> list[str]:
    rng = random.Random(1)
    words = sorted(word.decode() for word in _WORDS)
    pieces = [*words, *map(str.upper, words), "p", "pa", "é", "密", " ", "passpasspass", "rtrt"]
    return ["".join(rng.choices(pieces, k=600)) for _ in range(20)]


@pytest.mark.parametrize("module", [passwords, security_codes, national_ids])
def test_index_finds_the_same_words_as_a_search(module) -> None:  # type: ignore[no-untyped-def]
    words = (*module.NEEDLES, *module.OTHER_NEEDLES)
    for text in (text[:end] for text in texts() for end in (None, MIN_BYTES // 4)):
        scan = TextScan(text)
        assert (len(scan.raw) < MIN_BYTES) == (len(text) == MIN_BYTES // 4)
        lower = scan.raw.lower()
        expected = [
            len(scan.raw[:place].decode())
            for place in sorted(place for word in words for place in places_in(lower, word))
        ]
        assert expected == list(scan.places_of(module.NEEDLES, module.OTHER_NEEDLES))


@pytest.mark.parametrize("place", [-3, -2, -1, 0])
def test_word_at_the_end_of_a_block_has_its_place(place: int) -> None:
    text = "x" * (BLOCK_BYTES + place) + "password" + "x" * BLOCK_BYTES

    assert [BLOCK_BYTES + place] == list(TextScan(text).places_of(passwords.NEEDLES))


def test_short_and_long_texts_give_the_same() -> None:
    redactor = Redactor()
    for text in LABELLED[::7]:
        spans = redactor.find(text)
        long = text + "\n" + " " * MIN_BYTES
        assert spans == redactor.find(long), text


@pytest.mark.parametrize(
    ("pattern", "kinds"),
    [
        (national_ids.ANY_FORM, national_ids.BY_FORM),
        (national_ids.ANY_ALPHANUMERIC, national_ids.ALPHANUMERIC),
    ],
)
def test_joined_pattern_finds_what_one_of_its_forms_finds(pattern, kinds) -> None:  # type: ignore[no-untyped-def]
    for text in LABELLED:
        each = any(kind.pattern.search(text) for kind in kinds)
        assert each == (pattern.search(text) is not None), text


@pytest.mark.slow
def test_spans_in_the_fixtures_are_unchanged() -> None:
    """A pattern that is changed on purpose changes the digest; a faster search must not."""
    redactor, digest = Redactor(), hashlib.sha256()
    strings = [*LABELLED]
    for name in ("redaction_hard.jsonl", "redaction_sealed.jsonl"):
        strings += [entry.text for entry in read_json_lines(name)]
    for text in strings:
        spans = [(span.start, span.end, span.kind) for span in redactor.find(text)]
        digest.update(repr(spans).encode())
    assert digest.hexdigest() == DIGEST


def test_iban_of_other_scripts_is_none() -> None:
    assert Redactor().redact("DE89370400440532013\u06270") == "DE89370400440532013\u06270"
    text = "DE89 3704 0044 0532 01é0 00 and more"
    assert text == Redactor().redact(text)
