"""Redacted and unredacted parts of texts."""

import random
import re
import sys
from collections.abc import Callable
from itertools import pairwise
from types import FrameType
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bench.traffic.labelled_texts import read_labelled
from monitor.settings import Redaction
from monitor.traffic.redaction import (
    Redactor,
    account_numbers,
    bank_numbers,
    birth_dates,
    build_redactor,
    emails,
    national_ids,
    normalized_text,
    number_runs,
    passwords,
    phone_numbers,
    pseudonym_of,
    redactor,
    secrets,
    security_codes,
)
from monitor.traffic.redaction.any_case import AnyCase
from monitor.traffic.redaction.text_scan import Span, has_any
from tests.support.hot_paths.counted_work import Calls
from tests.support.hot_paths.scanned_text import ScannedText
from tests.support.traffic.regex_steps import StepCounter

REDACTOR = Redactor()


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("mail ann.o+x@mail.example.co.uk now", "mail [EMAIL] now"),
        ("card 4111 1111 1111 1111 please", "card [CARD] please"),
        ("card 4111111111111111.", "card [CARD]."),
        ("card 4111 1111 1111 1111 12/27 123", "card [CARD] 12/27 123"),
        ("amex 3782-822463-10005", "amex [CARD]"),
        ("IBAN DE89 3704 0044 0532 0130 00 THANK YOU", "IBAN [IBAN] THANK YOU"),
        ("to GB29NWBK60161331926819, today", "to [IBAN], today"),
        ("ssn 078-05-1120 ok", "ssn [SSN] ok"),
        ("call +1 (555) 010-4477", "call [PHONE]"),
        ("call (555) 010-4477 or 555-210-4477", "call [PHONE] or [PHONE]"),
        ("ring +44 20 7946 0958.", "ring [PHONE]."),
        ("ring 030/1234567", "ring [PHONE]"),
        ("أرقامي +٩٦٦ ٥٠ ١٢٣ ٤٥٦٧", "أرقامي [PHONE]"),  # noqa: RUF001
        ("key sk-proj-abcdefghijklmnop1234", "key [API_KEY]"),
        ("key ghp_abcdefghijklmnopqrstuvwxyz0123456789", "key [API_KEY]"),
        ("id AKIAIOSFODNN7EXAMPLE", "id [API_KEY]"),
        (
            "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N",
            "Bearer [API_KEY]",
        ),
        (
            "x -----BEGIN PRIVATE KEY-----\nMHcCAQEEIIGlRFzQ8vLk2w==\n-----END PRIVATE KEY----- y",
            "x [API_KEY] y",
        ),
        ("postgres://app:pw@db.example.com/prod", "postgres://app:[API_KEY]@db.example.com/prod"),
        ("é password: hunter2x é", "é password: [PASSWORD] é"),
        ("my password is Sommerregen!", "my password is [PASSWORD]"),
        ("Passwort: Sommerregen", "Passwort: [PASSWORD]"),
        (r'{"a": "{\"password\": \"Regen;Bogen\"}"}', r'{"a": "{\"password\": \"[PASSWORD]\"}"}'),
        ("card ４１１１ １１１１ １１１１ １１１１", "card [CARD]"),  # noqa: RUF001
        ("card 4111\u20111111\u20111111\u20111111", "card [CARD]"),
        ("cvv: 123, PIN is 4711", "cvv: [SECURITY_CODE], PIN is [SECURITY_CODE]"),
        (
            "cvv 123, PIN: 4921, one-time code 883201",
            "cvv [SECURITY_CODE], PIN: [SECURITY_CODE], one-time code [SECURITY_CODE]",
        ),
        (
            "PIN: 4921, CVV: 123, TAN 445566",
            "PIN: [SECURITY_CODE], CVV: [SECURITY_CODE], TAN [SECURITY_CODE]",
        ),
        ("die TAN lautet 493175", "die TAN lautet [SECURITY_CODE]"),
        ("sort code 20-00-00, acct 55779911", "sort code [BANK_ACCOUNT], acct [BANK_ACCOUNT]"),
        ("routing number 111000025", "routing number [BANK_ACCOUNT]"),
        ("PESEL 44051401359", "PESEL [NATIONAL_ID]"),
        ("DNI 12345678Z", "DNI [NATIONAL_ID]"),
        ("RSSMRA85T10A562S", "[NATIONAL_ID]"),
        ("BSN 111222333", "BSN [NATIONAL_ID]"),
        ("passport no. C01X00T47", "passport no. [NATIONAL_ID]"),
        ("born 12/03/1984", "born [BIRTH_DATE]"),
        ("write to ann%40example.org&x=1", "write to [EMAIL]&x=1"),
        ("%62ob@corp.com", "[EMAIL]"),
        ("to %62ob%40corp.com&x=1", "to [EMAIL]&x=1"),
        ("b\u200bob@corp.com", "[EMAIL]"),
        ("hi b\u200bo\u00adb@corp.com", "hi [EMAIL]"),
        ("hi \u200bbob@corp.com", "hi \u200b[EMAIL]"),
        (
            'password="my dog sk-proj-abcdefghijklmnop1234 horse"',
            'password="[PASSWORD][API_KEY][PASSWORD]"',
        ),
        ('password="sk-proj-abcdefghijklmnop1234 my horse"', 'password="[API_KEY][PASSWORD]"'),
        ("verification code is 731 604, valid", "verification code is [SECURITY_CODE], valid"),
        ("Code de confirmation : 48 31 96", "Code de confirmation : [SECURITY_CODE]"),
        ("my sec code 338", "my sec code [SECURITY_CODE]"),
        ("3 digit number on the back: 719", "3 digit number on the back: [SECURITY_CODE]"),
        ("a six-digit code so I said 552019", "a six-digit code so I said [SECURITY_CODE]"),
        ("PUK code: 4821 9931", "PUK code: [SECURITY_CODE]"),
        ("am 12. Mai 1964 in Bremen geboren", "am [BIRTH_DATE] in Bremen geboren"),
        ("D.O.B.: 04-Jul-1999", "D.O.B.: [BIRTH_DATE]"),
        ("Syntynyt 3.2.1951", "Syntynyt [BIRTH_DATE]"),
        ("født 07.05.1980", "født [BIRTH_DATE]"),
        ("mot de passe c'est Merle!2044", "mot de passe c'est [PASSWORD]"),
        ("passphrase is walnut ferry candle eleven", "passphrase is [PASSWORD]"),
    ],
)  # fmt: skip
def test_personal_data_is_replaced_by_its_kind(text: str, redacted: str) -> None:
    assert redacted == REDACTOR.redact(text)


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
        "my password is wrong",
        "password: required",
        'password = os.environ["PW"]',
        "Das Passwort ist abgelaufen.",
        "PIN code 110001, Delhi",
        "order 111222333",  # the check digits of a Dutch number, without its name
        "DNI 12345678A",  # the check character is wrong
        "There are 6 digit codes in 4500 shops",
        "Die Bank wurde am 3.4.1975 in Ulm eröffnet",
        "le mot de passe, c'est important",
        "the passphrase is stored in the safe of the office",
        "",
    ],
)
def test_text_that_resembles_personal_data_stays(text: str) -> None:
    assert text == REDACTOR.redact(text)


def test_more_certain_of_two_overlapping_spans_wins() -> None:
    text = "mail https://bob:pa55@git.example.org, my order ORD-4111111111111111"
    own = Redactor({"ORDER": r"ORD-\d{16}"})

    assert own.redact(text) == "mail https://bob:[API_KEY]@git.example.org, my order [ORDER]"
    assert [Span(17, 21, "API_KEY"), Span(48, 68, "ORDER")] == own.find(text)


def test_own_patterns_add_kinds_and_forms() -> None:
    own = Redactor({"ORDER": r"ORD-\d{8}", "PHONE": r"\bext\. \d{3}\b"})

    assert own.redact("ORD-12345678, ext. 123, a@example.org") == "[ORDER], [PHONE], [EMAIL]"


def test_a_further_finder_is_believed_last() -> None:
    def names(text: str) -> list[Span]:
        return [Span(*m.span(), "PERSON") for m in re.finditer(r"Ann\S*", text)]

    own = Redactor(extra_finder=names)

    assert own.redact("Ann wrote from Ann@example.org") == "[PERSON] wrote from [EMAIL]"


def test_redaction_can_be_turned_off() -> None:
    assert build_redactor(Redaction(enabled=False)) is None
    assert isinstance(build_redactor(Redaction()), Redactor)


LABELLED = [entry.text for entry in read_labelled()]


@given(
    st.lists(st.sampled_from(LABELLED), min_size=1, max_size=4), st.sampled_from([" ", "\n", ", "])
)
@example(["Nummer +31 20 123 4567", "1234 5678 9012 3456"], " ")
@example(["saya 0812-3456-7890", "6011 0009 9013 9424 is a card"], " ")
@example(["pw: Qwertz123", "stripe sk_live_4eC39HqLyjWDarjtT1zdp7dc"], " ")
@example(["the driver's number was 404 555 0119", "The part 555-123-4567-B"], "\n")
@settings(max_examples=100, deadline=None, derandomize=True)
def test_redaction_is_done_once(parts: list[str], joint: str) -> None:
    once = REDACTOR.redact(joint.join(parts))

    assert once == REDACTOR.redact(once)


@pytest.mark.drill
@given(st.lists(st.sampled_from(LABELLED), max_size=4), st.sampled_from([" ", "\n", ", "]))
@settings(max_examples=5_000, deadline=None)
def test_redaction_of_random_texts_is_done_once(parts: list[str], joint: str) -> None:
    once = REDACTOR.redact(joint.join(parts))

    assert once == REDACTOR.redact(once)


@given(st.text(max_size=200) | st.text("0123456789 +-./()@aA:=_", max_size=80))
@settings(max_examples=150, deadline=None)
def test_any_text_is_taken_and_spans_are_in_order(text: str) -> None:
    spans = REDACTOR.find(text)

    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    assert all(span.end <= two.start for span, two in pairwise(spans))


def test_an_address_as_user_id_gets_a_stable_pseudonym() -> None:
    ann, bob = REDACTOR.pseudonym("ann@example.org"), REDACTOR.pseudonym("bob@example.org")

    assert ann == REDACTOR.pseudonym("ann@example.org") == pseudonym_of("ann@example.org")
    assert ann != bob
    assert "example" not in ann
    assert REDACTOR.pseudonym("u-17") == "u-17"
    assert REDACTOR.pseudonym("") == ""


def test_every_user_gets_a_pseudonym_with_a_name_finder() -> None:
    """An id that Presidio doesn't recognise as a name would be stored in clear."""
    assert pseudonym_of("Ann Smith") == Redactor(extra_finder=lambda _: []).pseudonym("Ann Smith")


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("since 2026-11-24 at", "since 2026-11-24 at"),
        ("24.11.2026", "24.11.2026"),
        ("call +2026-11-24", "call [PHONE]"),
        ("sort code 20-11-24 20261124", "sort code [BANK_ACCOUNT]"),
        ("KİMLİK NO: 10000000146", "KİMLİK NO: [NATIONAL_ID]"),
        ("tckn" + " " * 80 + "10000000146", "tckn" + " " * 80 + "10000000146"),
        (
            "name;tckn\n" + "ann;" * 40 + "10000000146",
            "name;tckn\n" + "ann;" * 40 + "[NATIONAL_ID]",
        ),
        ("bob AB 12 34 56 C", "bob [NATIONAL_ID]"),
        ("bob 718556639605143305", "bob [NATIONAL_ID]"),  # of a province without counties
        (
            "hooks.example.com/services/T0/B0/aB3dE5gH7jK9mN1pQ",
            "hooks.example.com/services/[API_KEY]",
        ),
    ],
)
def test_number_is_read_with_what_stands_around_it(text: str, redacted: str) -> None:
    assert redacted == REDACTOR.redact(text)


def test_remembered_text_has_no_spans_and_no_personal_data() -> None:
    redactor = Redactor()
    redactor.find("qa").append(Span(0, 2, "EMAIL"))

    assert redactor.find("qa") == []
    assert redactor.redact("ann@example.org") == redactor.redact("ann@example.org") == "[EMAIL]"
    assert redactor._clean == {"qa"}


@pytest.mark.parametrize(
    ("pattern", "needed"),
    [
        (phone_numbers.PHONE_CONTEXT, phone_numbers.OF_PHONES),
        (phone_numbers.OTHER_NUMBER_CONTEXT, phone_numbers.OF_OTHERS),
        *((words, needed) for needed, words, _ in security_codes.KINDS),
    ],
)
@settings(max_examples=300)
@given(data=st.data())
def test_match_of_a_slow_pattern_has_a_needed_word(
    pattern: AnyCase, needed: tuple[str, ...], data: st.DataObject
) -> None:
    text = data.draw(st.from_regex(pattern.pattern))
    assert has_any(normalized_text.NormalizedText(text).text, needed)


#: Each is what some pattern likes, repeated or cut short.
HOSTILE = [
    "1",
    "1-",
    "1 ",
    "@",
    "123456789,",
    "4111 1111 1111 1111 ",
    "nif tin 123456789,",
    "+1 ",
    "(1",
    "a@",
    "a.",
    "a.@",
    "a@b.",
    "AB12 ",
    "DE89",
    "sk-a1",
    "eyJaaaaaaaa.",
    "token",
    "token=",
    "token is ",
    "password a ",
    "password: a1",
    "my password for a ",
    "12-34-56 ",
    "sort code ",
    "pin 1",
    "code ",
    "born 1 ",
    "passport a1 ",
    "AB123456",
    "-----BEGIN PRIVATE KEY-----\n",
    "://a:",
    "://a:b",
    "110201543:",
    "Bearer ",
    "\\u0040",
    "\\\\",
    "&amp;",
    "\u200b",
    "e\u0301",
    "\uff11\uff0e",
    "1111 1111\n",
    "a@b=\n",
    "a\n@",
    "password: a b 1 ",
    'password: "a b',
    "phone 12 34 ",
    "é1a@",
]


N_HOSTILE = 8_000
#: Times that patterns read each character at most.
MAX_READ = 15
#: What the candidates of each detector are made of.
ALPHABETS = [
    "0123456789",
    "0123456789 .-/()",
    "01 ",
    "1)",
    "AB12 ",
    "0123456789abcdef-",
    "ab@.",
    "a@.\n=",
    'pas :="a1',
    "://@a1",
    "ABCDabcd0123_-+/=",
    '{}[]":,\\a1',
    "\\ux041&#;",
    "pin 1:",
    "né1 .",
    "密码: 1",
]
#: Patterns that only ever see some dozen characters: a number, or what stands before it.
OF_SHORT_TEXTS = {
    "SAID_PHONE", "SAID_OTHER", "SSN_NAMED", "NATIONAL", "DATE", "INTERNET", "NO_VALUE",
    "NO_PASSWORD", "INFLECTED", "OWNED", "YEAR", "CARD_NAMED", "COLUMN_AFTER", "COLUMN_BEFORE",
    "GROUPS", "OF_FORMS", "REMARK",
}  # fmt: skip


#: Patterns that are matched once after a word that announces something. Each repetition in them has
#: a limit, so that a word costs a constant.
AFTER_WORDS = {
    "ACCOUNT", "ASSIGNED", "BANK", "BARE", "BREAK_BEFORE", "BROKEN", "BROKEN_DOMAIN", "CARD_VALUE",
    "DIRECT", "DOCUMENT_NUMBER", "MONTH_FIRST",
    "ONE_TIME_VALUE", "PART", "PHRASE", "PIN_LAST", "PIN_VALUE", "QUOTED", "STATED", "VALUE",
}  # fmt: skip


def patterns() -> list[Any]:
    modules = (
        account_numbers,
        bank_numbers,
        birth_dates,
        emails,
        national_ids,
        normalized_text,
        number_runs,
        passwords,
        phone_numbers,
        redactor,
        secrets,
        security_codes,
    )
    return [
        pytest.param(pattern, id=f"{module.__name__.rpartition('.')[2]}.{name}")
        for module in modules
        for name, pattern in vars(module).items()
        if isinstance(pattern, re.Pattern) and name not in OF_SHORT_TEXTS | AFTER_WORDS
    ]


@pytest.mark.slow
@pytest.mark.parametrize("pattern", patterns())
def test_the_steps_of_a_pattern_grow_with_the_text(pattern: re.Pattern[str]) -> None:
    """Twice the text needs twice the steps, never four times.

    The steps of a repetition with a limit of 64 grow quadratically in texts of about that length;
    there a longer text decides. Quadratic steps fail at both lengths, from 0.015 steps per pair of
    characters.
    """
    for piece in HOSTILE:
        short = [steps_of(pattern, piece, length) for length in (100, 200)]
        if short[1] > 2.3 * short[0] + 250:
            long = [steps_of(pattern, piece, length) for length in (200, 400)]
            assert long[1] <= 2.3 * long[0] + 1_000, f"{piece!r}: {short}, {long}"


def steps_of(pattern: re.Pattern[str], piece: str, length: int) -> int:
    counter = StepCounter(pattern)
    counter.find_all((piece * length)[:length])
    return counter.steps


@pytest.mark.parametrize("piece", HOSTILE)
def test_the_work_around_the_patterns_grows_with_the_text(piece: str) -> None:
    """The same for the executed lines of the calling Python code."""
    steps = [lines_run(lambda n=n: REDACTOR.redact((piece * n)[:n])) for n in (4_000, 8_000)]

    assert steps[1] <= 2.3 * steps[0] + 500


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_characters_that_patterns_read_grow_with_the_text(
    alphabet: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(alphabet)
    text = "".join(rng.choices(alphabet, k=N_HOSTILE))
    scanned, counts = ScannedText(monkeypatch), [0]
    for n_times in (1, 2):
        Redactor().redact(n_times * text)
        counts.append(scanned.n_characters - counts[-1])

    assert counts[2] <= 2.2 * counts[1]
    assert counts[1] <= MAX_READ * N_HOSTILE


#: Personal data of every kind, which keeps every detector at work.
ALL_REAL = "".join(f"{text} " for text in LABELLED if len(REDACTOR.find(text)) > 1)


@pytest.mark.parametrize("alphabet", [*ALPHABETS, pytest.param(ALL_REAL, id="all real")])
def test_calls_grow_with_the_length_of_the_text(alphabet: str) -> None:
    """Twice the length needs at most 2.2 times the calls."""
    rng = random.Random(alphabet)
    text = alphabet if alphabet is ALL_REAL else "".join(rng.choices(alphabet, k=N_HOSTILE))
    with Calls() as calls:
        counts = [calls.of(lambda n=n: REDACTOR.redact(n * text)) for n in (1, 2, 4)]

    assert counts[1] <= 2.2 * counts[0]
    assert counts[2] <= 2.2 * counts[1]


def test_place_within_a_span_that_stays_is_left_out() -> None:
    ranked = [(1, Span(10, 20, "CARD")), (0, Span(5, 11, "EMAIL")), (2, Span(30, 40, "PHONE"))]
    places = [(4, 6), (5, 11), (12, 20), (30, 40), (31, 39), (35, 41), (50, 51)]

    assert redactor._outside(places, ranked) == [(4, 6), (12, 20), (35, 41), (50, 51)]
    assert places == redactor._outside(places, [])


@pytest.mark.slow
def test_a_hostile_text_of_maximum_length_is_redacted() -> None:
    for piece in HOSTILE:
        text = (piece * 100_000)[:99_980] + " ann@example.org end"
        assert REDACTOR.redact(text).endswith("[EMAIL] end"), piece


def test_the_counter_of_steps_sees_a_pattern_that_squares() -> None:
    """Test of the counter: ``a+b`` on many a needs quadratic steps."""
    for lengths in ((100, 200), (200, 400)):
        steps = []
        for n in lengths:
            counter = StepCounter(re.compile("a+b"))
            assert counter.find_all("a" * n) == 0
            steps.append(counter.steps)
        assert steps[1] > 3.5 * steps[0]


@pytest.mark.parametrize(
    "pattern", [account_numbers.SSN, phone_numbers.START, phone_numbers.CANDIDATE, emails.DOMAIN]
)
def test_the_counter_of_steps_finds_what_re_finds(pattern: re.Pattern[str]) -> None:
    for text in LABELLED[::5]:
        assert len(pattern.findall(text)) == StepCounter(pattern).find_all(text), text


def lines_run(call: Callable[[], object]) -> int:
    count = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count
