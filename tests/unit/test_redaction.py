"""What is taken out of texts before they are stored, and what stays."""

import time

import pytest

from monitor.traffic.redaction import pseudonym, redact


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("mail ann.o+x@mail.example.co.uk now", "mail [EMAIL] now"),
        ("card 4111 1111 1111 1111 please", "card [CARD] please"),
        ("card 4111111111111111.", "card [CARD]."),
        ("amex 3782-822463-10005", "amex [CARD]"),
        ("IBAN DE89 3704 0044 0532 0130 00 THANK YOU", "IBAN [IBAN] THANK YOU"),
        ("to GB29NWBK60161331926819, today", "to [IBAN], today"),
        ("ssn 078-05-1120 ok", "ssn [SSN] ok"),
        ("call +1 (555) 010-4477", "call [PHONE]"),
        ("call (555) 010-4477 or 555-010-4477", "call [PHONE] or [PHONE]"),
        ("ring +44 20 7946 0958.", "ring [PHONE]."),
        ("ring 030/1234567", "ring [PHONE]"),
        ("key sk-proj-abcdefghijklmnop1234", "key [API_KEY]"),
        ("key ghp_abcdefghijklmnopqrstuvwxyz0123456789", "key [API_KEY]"),
        ("id AKIAIOSFODNN7EXAMPLE", "id [API_KEY]"),
        (
            "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N",
            "Bearer [API_KEY]",
        ),
    ],
)  # fmt: skip
def test_personal_data_is_replaced_by_its_kind(text: str, redacted: str) -> None:
    assert redacted == redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "The meeting is on 2026-11-24 at 10:15.",
        "Version 3.0.12 of 2024.10.15 runs on 192.168.100.200.",
        "order 4111111111111112 failed",  # Luhn's sum is wrong
        "0000 0000 0000 0000",
        "pi is 3.141592653589793238",
        "GB00NWBK60161331926819",  # the checksum is wrong
        "We sold 1,250,000 pieces for 12.50 each.",
        "user@localhost",
        "1793347200000",
        "sk-short",
        "",
    ],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert text == redact(text)


def test_redaction_is_done_once() -> None:
    once = redact("ann@example.org, +44 20 7946 0958, 4111 1111 1111 1111")

    assert once == redact(once)


@pytest.mark.parametrize(
    "text",
    [
        "1" * 100_000,
        "a@" * 50_000,
        "1-" * 50_000,
        "+1 " * 33_000,
        "a." * 50_000 + "@",
        "AB12 " * 20_000,
        "0" * 99_999 + "x",
    ],
    ids=lambda text: text[:6],
)
def test_no_text_takes_long(text: str) -> None:
    """No pattern may need time that grows with the square of a hostile text's length."""
    start = time.perf_counter()
    redact(text)

    assert time.perf_counter() - start < 2.0


def test_a_user_named_by_an_address_gets_a_stable_name_of_its_own() -> None:
    ann, bob = pseudonym("ann@example.org"), pseudonym("bob@example.org")

    assert ann == pseudonym("ann@example.org")
    assert ann != bob
    assert "example" not in ann
    assert "u-17" == pseudonym("u-17")
