"""One form of an end user's id."""

import pytest

from monitor.traffic.end_users.normalization import normalize


@pytest.mark.parametrize(
    "spelling",
    [
        "ann@example.org",
        "ANN@Example.ORG",
        "  ann@example.org\n",
        "mailto:Ann@example.org",
        "\uff41\uff4e\uff4e\uff20example.org",
        "ann\u200b@example.org",
        "ann@example.org.",
    ],
)
def test_spellings_of_an_address_are_one(spelling: str) -> None:
    assert normalize(spelling) == "ann@example.org"


@pytest.mark.parametrize(
    "spelling",
    ["+49 30 901820", "0049 (30) 90-1820", "tel:+4930901820", "+49\u201130\u2011901820"],
)
def test_spellings_of_a_number_with_country_code_are_one(spelling: str) -> None:
    assert normalize(spelling) == "+4930901820"


def test_a_national_number_needs_the_region() -> None:
    assert normalize("030 901820") == "030 901820"
    assert normalize("030 901820", phone_region="DE") == "+4930901820"
    assert normalize("030 901820", phone_region="US") == "030 901820"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("ann@example.org", "ann@example.com"),
        ("a.nn@gmail.com", "ann@gmail.com"),
        ("ann+bank@example.org", "ann@example.org"),
        ("007", "7"),
        ("customer-1", "customer-2"),
        ("+4930901820", "+4930901821"),
        ("12345678", "+12345678"),
    ],
)
def test_other_ids_stay_apart(first: str, second: str) -> None:
    assert normalize(first) != normalize(second)


def test_domains_and_combined_accents_are_one() -> None:
    assert normalize("ann@b\u00fccher.example") == normalize("ann@xn--bcher-kva.example")
    assert normalize("e\u0301va") == normalize("\u00c9va")


def test_case_tells_ids_apart_where_the_settings_say_so() -> None:
    assert normalize("aB3xYz") == normalize("Ab3XyZ")
    assert normalize("aB3xYz", ignore_case=False) != normalize("Ab3XyZ", ignore_case=False)
    assert normalize("Ann@Example.org", ignore_case=False) == "ann@example.org"


@pytest.mark.parametrize(
    "text", ["", "   ", "\u200b", "\ud800", "@", "a@b@c", "+", "0" * 300, "((("]
)
def test_strange_ids_are_normalized_once(text: str) -> None:
    once = normalize(text)
    assert normalize(once) == once
