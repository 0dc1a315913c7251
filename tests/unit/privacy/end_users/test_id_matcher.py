"""Search for an id in texts and undecoded bytes."""

import json

import pytest

from monitor.privacy.end_users.id_matcher import IdMatcher


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("ann@example.org", "from ANN@example.org to you"),
        ("customer-00765", "customer-00765"),
        ("customer-00765", "(customer-00765)"),
        ("a.b+c(d)*", "id a.b+c(d)* ok"),
        ("jürgen", "frag Jürgen!"),
        ("17", '{"user": "17"}'),
        ("17", "user='17'"),
    ],
)
def test_whole_id_matches(subject: str, text: str) -> None:
    assert IdMatcher(subject).in_text(text)
    assert IdMatcher(subject).in_bytes(text.encode()) or not subject.isascii()


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("ann@example.org", "joann@example.org"),
        ("ann@example.org", "ann@example.organic"),
        ("customer-00765", "customer-007651"),
        ("customer", "customers"),
        ("17", "17 times, 1793, x17"),
        ("a.b.c.d", "aXbXcXd"),
    ],
)
def test_part_of_a_longer_word_does_not_match(subject: str, text: str) -> None:
    assert not IdMatcher(subject).in_text(text)
    assert not IdMatcher(subject).in_bytes(text.encode())


@pytest.mark.parametrize(
    "subject", ["ann@example.org", "jürgen", "李小龙李小龙", "me😀you1", 'a"b\\c/d']
)
def test_every_json_spelling_matches(subject: str) -> None:
    mention = IdMatcher(subject)
    in_ascii = json.dumps({"user": subject}).encode()
    in_utf8 = json.dumps({"user": subject}, ensure_ascii=False).encode()
    slashes = in_ascii.replace(b"/", b"\\/")
    escaped = "".join(f"\\u{ord(c):04X}" if ord(c) < 0x10000 else c for c in subject).encode()

    assert all(mention.in_bytes(raw) for raw in (in_ascii, in_utf8, slashes, b'"' + escaped + b'"'))
    assert mention.in_bytes(b"\xff\x00" + in_utf8[:-1])  # cut short, and no UTF-8 before it
