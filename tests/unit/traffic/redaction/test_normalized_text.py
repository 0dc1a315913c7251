"""The search on a normalised text, and places in the original."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.traffic.redaction import Redactor
from monitor.traffic.redaction.normalized_text import NormalizedText
from monitor.traffic.redaction.text_scan import Span

REDACTOR = Redactor()
#: What normalisation removes, joins, shortens or lengthens, beside what it leaves.
PIECES = [
    "a", "@", ".", " ", "4111 1111 1111 1111", "joan@example.org", "\u200b", "\u202e", "\u00ad",
    "\ufe0f", "\\u0040", "\\\\u0040", "\\u200b", "\\x40", "&#64;", "&commat;", "&amp;", "&none;",
    "&amp;#64;", "\uff0e", "\u3002", "\uff4a", "\uff20", "e\u0301", "\ufb01", "\u2460",
    "\U0001d41a", "\U0001f600", "\u0661", "\n", "=\n", "\\n", "password: ", '"', "\\", "&",
    "\u0301", "\uff8a\uff9f", "\\ud835\\udc1a", "\\ud83d", "\\u000a", "&amp;amp;#64;",
]  # fmt: skip
MIXED = st.lists(st.sampled_from(PIECES), max_size=24).map("".join)


FORMS = [
    ("to joan@example\uff0eorg, now", "to [EMAIL], now"),
    ("joan@example\u3002org", "[EMAIL]"),
    ("\uff4a\uff4f\uff41\uff4e\uff20\uff45\uff58\uff0e\uff4f\uff52\uff47 !", "[EMAIL] !"),
    ("\U0001d423\U0001d428@example.org \U0001f600", "[EMAIL] \U0001f600"),
    ("jo\u200ban@exam\u200bple.org", "[EMAIL]"),
    ("x\u200b joan\u202e@\u2066example.org \u200by", "x\u200b [EMAIL] \u200by"),
    ("rene\u0301@example.org", "[EMAIL]"),
    ("joan\\u0040example.org", "[EMAIL]"),
    ("\\ud835\\udc23oan@example.org \\ud83d\\ude00", "[EMAIL] \\ud83d\\ude00"),
    (r'{"a": "{\"to\": \"joan\\u0040example.org\"}"}', r'{"a": "{\"to\": \"[EMAIL]\"}"}'),
    ("<joan&#64;example&period;org>", "<[EMAIL]>"),
    ("joan&amp;#x40;example.org &amp; co", "[EMAIL] &amp; co"),
    ("joan@\nexample.org", "[EMAIL]"),
    ("joan@exam=\nple.org", "[EMAIL]"),
    ("joan\n@example.org", "[EMAIL]"),
    ("joan@example.\norg", "[EMAIL]"),
    ("card 4111 1111\n1111 1111.", "card [CARD]."),
    ("card 411111111111=\r\n1111", "card [CARD]"),
    (r'{"card": "4111 1111\n1111 1111"}', '{"card": "[CARD]"}'),
    ("card 4111\u200b1111\u20601111\u00ad1111", "card [CARD]"),
    ("sk-abcd\u200befghijklmnop1234567", "[API_KEY]"),
    ('password="a b c d!"', 'password="[PASSWORD]"'),
    ('{"password": "two words 7", "x": "y z"}', '{"password": "[PASSWORD]", "x": "y z"}'),
    ("password: my dog eats 3 socks\nthanks", "password: [PASSWORD]\nthanks"),
    ("password: my dog eats 3 socks. Please help.", "password: [PASSWORD]. Please help."),
    ("passphrase: correct horse battery staple", "passphrase: [PASSWORD]"),
    ('Passwort: "Mein Hund frisst 3 Socken"', 'Passwort: "[PASSWORD]"'),
]


@pytest.mark.parametrize(("text", "redacted"), FORMS)
def test_value_in_another_form_is_masked_whole(text: str, redacted: str) -> None:
    assert redacted == REDACTOR.redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "4111\n2222\n3333\n4444",
        "2300\n2400\n2500\n2600\n2700",
        "43218765\n43218773\n43218781",
        "1111 1111\n4111 1111",
        "write to user@localhost.\nThen go on",
        "root@server\nreadme",
        "password: must be changed every 90 days",
        '"password": "Enter your password"',
        '"password_hint": "Name of first pet"',
        'password: "At least 8 characters"',
        "Passwort: mindestens 12 Zeichen mit Sonderzeichen",
        "pass: 12 of 48 tests passed today",
        "Ski pass: 3 day adult ticket",
        "AT&amp;T &copy; 2026 \\u00e9",
        "m\u00b2 \u00bd \u2026 \u2116 5",
    ],
)
def test_ordinary_line_breaks_and_remarks_stay(text: str) -> None:
    assert text == REDACTOR.redact(text)


@pytest.mark.parametrize("text", ["", "plain, 4111", "{\\n: 1}", "Fran\u00e7ais d'\u00e9t\u00e9"])
def test_plain_text_is_not_copied(text: str) -> None:
    assert NormalizedText(text).text is text


@given(MIXED)
@settings(max_examples=300, deadline=None)
def test_each_place_covers_what_its_character_means(text: str) -> None:
    normalized = NormalizedText(text)
    last = 0
    for index in range(len(normalized.text)):
        start, end = normalized.place(index, index + 1)
        assert last <= end
        assert 0 <= start < end <= len(text)
        assert normalized.text[index] in NormalizedText(text[start:end]).text
        last = end


@given(MIXED)
@settings(max_examples=300, deadline=None)
def test_text_outside_of_masks_is_that_of_before(text: str) -> None:
    spans = REDACTOR.find(text)
    parts = re.split(
        r"\[(?:EMAIL|CARD|PASSWORD|PHONE|API_KEY|[A-Z]+_[A-Z]+)\]", REDACTOR.redact(text)
    )
    edges = [0, *(place for span in spans for place in (span.start, span.end)), len(text)]
    outside = [text[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)]

    assert outside == parts


@given(st.lists(st.sampled_from([text for text, _ in FORMS]), max_size=4).map(" | ".join))
@settings(max_examples=300, deadline=None)
def test_masks_of_normalised_texts_are_stable(text: str) -> None:
    once = REDACTOR.redact(text)

    assert once == REDACTOR.redact(once)


def test_own_patterns_match_either_form() -> None:
    own = Redactor({"ORDER": r"ORD-\d{4}", "MARK": "\uff0a"})

    assert own.redact("OR\u200bD-\uff11\uff12\uff13\uff14 \uff0a") == "[ORDER] [MARK]"


def test_finder_of_names_reads_the_normalised_text() -> None:
    def names(text: str) -> list[Span]:
        return [Span(*match.span(), "PERSON") for match in re.finditer("Joan", text)]

    assert Redactor(extra_finder=names).redact("hi Jo\u200ban, bye") == "hi [PERSON], bye"
