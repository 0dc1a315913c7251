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
        "<ann@example.org>",
        "Ann Miller <ann@example.org>",
        "Miller, Ann < ann@example.org >",
        '"Miller, Ann" <ann@example.org>',
        '"ann@example.org" <Ann@example.org>',
        "Ann<ann@example.org>",
        '"ann@example.org"',
        "'ann@example.org'",
        "\u201cann@example.org\u201d",
        "mailto:ann@example.org?subject=x",
        "MAILTO:ann%40example.org",
        "mailto:%61nn@example.org",
        "<mailto:ann@example.org>",
        "Ann <mailto:ann%40example.org?subject=a%20b>",
        "ann%40example.org",
        "%61nn%40example%2Eorg",
        "sip:ann@example.org",
        "sips:ann@example.org:5061;transport=tls",
        "Ann <sip:ann@example.org>",
        "ann @ example.org",
        "ann@ example.org",
        "\uff1cann@example.org\uff1e",
    ],
)
def test_spellings_of_an_address_are_equal(spelling: str) -> None:
    assert normalize(spelling) == "ann@example.org"


@pytest.mark.parametrize(
    "spelling",
    ["+49 30 901820", "0049 (30) 90-1820", "tel:+4930901820", "+49\u201130\u2011901820"],
)
def test_spellings_of_a_number_with_country_code_are_equal(spelling: str) -> None:
    assert normalize(spelling) == "+4930901820"


def test_a_national_number_needs_the_region() -> None:
    assert normalize("030 901820") == "030 901820"
    assert normalize("030 901820", phone_region="DE") == "+4930901820"
    assert normalize("030 901820", phone_region="US") == "030 901820"


@pytest.mark.parametrize(
    "dash",
    ["\u2010", "\u2011", "\u2012", "\u2013", "\u2014", "\u2015", "\u2212", "\ufe63", "\uff0d"],
)
def test_hyphens_of_any_kind_are_equal(dash: str) -> None:
    assert normalize(f"Customer{dash}00765") == "customer-00765"
    assert normalize(f"ann{dash}lee@example{dash}shop.org") == "ann-lee@example-shop.org"
    assert normalize(f"A{dash}1", ignore_case=False) == "A-1"


@pytest.mark.parametrize(
    "text",
    [
        "ann@example.org, bob@example.org",
        "ann@example.org,bob@example.org",
        "<ann@example.org>, <bob@example.org>",
        "Ann <ann@example.org>, Bob <bob@example.org>",
        "bob@example.org <ann@example.org>",
        "mailto:ann@example.org?cc=bob@example.org",
        "mailto:ann@example.org?cc=bob%40example.org",
        "mailto:ann@example.org,bob@example.org",
        "ann%40example.org%2Cbob%40example.org",
        "ann%40example.org@relay.example",
        "ann%2540example.org",
        "<ann@example.org> bob",
        "case 7 of ann@example.org",
        '"ann@example.org" "bob@example.org"',
        "sip:ann:secret@example.org",
        "ann@example.org/7",
        "ann@@example.org",
        "team:ann@example.org",
        "ann@example.org%FF",
        "mailto:ann%FF@example.org",
        "customer00765",
        "customer--00765",
        "customer_00765",
        "ann-miller@example.org",
        "a-nn@example.org",
    ],
)
def test_more_than_one_address_and_other_ids_stay_apart(text: str) -> None:
    once = normalize(text)
    assert once not in {"ann@example.org", "bob@example.org", "customer-00765"}
    assert normalize(once) == once


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Ann <ann+bank@example.org>", "ann@example.org"),
        ("mailto:a.nn%40gmail.com", "ann@gmail.com"),
        ("mailto:ann%2Bbank@example.org", "ann@example.org"),
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


def test_domains_and_combined_accents_are_equal() -> None:
    assert normalize("ann@b\u00fccher.example") == normalize("ann@xn--bcher-kva.example")
    assert normalize("e\u0301va") == normalize("\u00c9va")


def test_case_distinguishes_ids_if_configured() -> None:
    assert normalize("aB3xYz") == normalize("Ab3XyZ")
    assert normalize("aB3xYz", ignore_case=False) != normalize("Ab3XyZ", ignore_case=False)
    assert normalize("Ann@Example.org", ignore_case=False) == "ann@example.org"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "\u200b",
        "\ud800",
        "@",
        "a@b@c",
        "+",
        "0" * 300,
        "(((",
        "<@>",
        '"@"',
        "%40",
        "%",
        "mailto:",
        "mailto:%40",
        "<<a@b>>",
        "'" * 9,
        "a" + " @" * 90,
        "<" * 256,
    ],
)
def test_strange_ids_are_normalized_once(text: str) -> None:
    once = normalize(text)
    assert normalize(once) == once
