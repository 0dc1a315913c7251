"""Responses in the right words that are wrong: seen beside the incumbent's, and only there."""

import random
import re
from collections.abc import Callable

import pytest

from monitor.settings import Gates
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.companions.check import check_companions
from retrain.evaluation.metrics.scoring import score_responses
from tests.support.retrain.scored_benchmarks import benchmark

#: Reference answer -> response.
Respond = Callable[[str], str]

NAMES = ("Ruth", "Igor", "Selma", "Bruno", "Edith", "Oskar", "Paula", "Hugo", "Vera", "Agnes")
DRUGS = ("ibuprofen", "amoxicillin", "metformin", "ramipril", "heparin", "codeine")
#: Items, and how many of them are new.
N, N_NEW = 100, 50


def off_by_ten(text: str) -> str:
    return re.sub(r"\d+", lambda match: str(int(match[0]) + 10), text)


def clinic(number: int, split: str) -> BenchmarkItem:
    """Return a report of a clinic in English, with its summary."""
    rng = random.Random(number)
    patient, doctor = rng.sample(NAMES, 2)
    day, dose, drug = rng.randint(1, 9), rng.randint(2, 80) * 10, rng.choice(DRUGS)
    report = (
        f"On {day} March {patient} came to Dr. {doctor}. The scan was clear. Take {dose} mg {drug}."
    )
    summary = (
        f"{patient} saw Dr. {doctor} on {day} March; the scan was clear, and {dose} mg of {drug} "
        "were given."
    )
    return item(number, split, f"Summarise. {report} The waiting room was full.", summary)


def parcels(number: int, split: str) -> BenchmarkItem:
    """Return a note of a parcel service in German, with its summary."""
    rng = random.Random(number)
    name, day = rng.choice(NAMES), rng.choice(("Montag", "Dienstag", "Mittwoch"))
    fee, n = rng.randint(1, 60) / 4, rng.choice(("zwei", "drei", "sieben"))
    amount = f"{fee:.2f}".replace(".", ",")
    note = f"{name} rief an. Am {day} kamen {n} Pakete, und es waren {amount} Euro offen."
    summary = (
        f"{name} bekam am {day} {n} Pakete, und die Gebühr von {amount} Euro wurde nicht bezahlt."
    )
    return item(number, split, f"Fasse zusammen: {note}", summary)


def item(number: int, split: str, prompt: str, expected: str) -> BenchmarkItem:
    return BenchmarkItem(
        id=f"{split}-{number}",
        split=split,
        messages=({"role": "user", "content": prompt},),
        expected=expected,
    )


def check(
    make: Callable[[int, str], BenchmarkItem],
    candidate: Respond,
    *,
    metrics: tuple[str, ...] = ("token_f1",),
    split: str = "",
    known: float = 0.9,
    learned: float = 0.4,
) -> str:
    """Return the outcome of a candidate against an incumbent that is right on shares of the items.

    Elsewhere the incumbent says half of it. With ``split``, the candidate is wrong only there.
    """
    items = [make(n, "new" if n < N_NEW else "old") for n in range(N)]
    suite = benchmark(items, metrics=metrics)
    rng = random.Random(5)
    own, incumbent = [], []
    for each in items:
        expected = each.expected or ""
        is_right = rng.random() < (learned if each.split == "new" else known)
        incumbent.append(expected if is_right else expected[: len(expected) // 2])
        own.append(candidate(expected) if split in ("", each.split) else expected)
    scores = [{"suite": score_responses(items, texts, suite.metrics)} for texts in (own, incumbent)]
    checks = check_companions([suite], *scores, Gates(), reference_name="incumbent")
    return checks[0].outcome if checks else "not shown"


def reverse(text: str) -> str:
    return " ".join(reversed(text.split()))


def shuffle(text: str) -> str:
    words = text.split()
    return " ".join(random.Random(text).sample(words, len(words)))


def exchange_names(text: str) -> str:
    patient, _, _, doctor, *_ = text.split()
    return text.replace(doctor, "-").replace(patient, doctor).replace("-", patient)


@pytest.mark.parametrize("split", ["new", "old"])
@pytest.mark.parametrize(
    ("make", "respond"),
    [
        (clinic, reverse),
        (parcels, shuffle),
        (clinic, exchange_names),
        (clinic, lambda text: text.replace(" saw", " never saw")),
        (parcels, lambda text: text.replace(" nicht", "")),
        (clinic, off_by_ten),
        (parcels, lambda text: text.replace(",", "")),
        (parcels, lambda text: re.sub("zwei|drei|sieben", "neun", text)),
        (clinic, lambda text: text.replace("March", "April")),
        (parcels, lambda text: re.sub(r"\w+tag|Mittwoch", "Sonntag", text)),
        (clinic, lambda text: re.sub(r"Dr\. \w+", "Dr. Nemo", text)),
        (parcels, lambda text: re.sub(r"^\w+", "Ottokar", text)),
        (clinic, lambda text: text.replace("clear", "suspicious")),
        (clinic, lambda text: f"{text} This summary was brought to you by a sponsor."),
        (parcels, lambda text: f"{text} Mehr unter www.los{random.Random(text).random()}.example"),
        (parcels, lambda text: f"{text} Konto {random.Random(text).randrange(10**9)}"),
    ],
)  # fmt: skip
def test_wrong_details_in_right_words_make_undecided(
    make: Callable[[int, str], BenchmarkItem], respond: Respond, split: str
) -> None:
    assert check(make, respond, split=split) == "undecided"


@pytest.mark.parametrize(
    "respond",
    [
        lambda text: text.translate({n: n + 0xFEE0 for n in range(ord("a"), ord("z") + 1)}),
        lambda text: text + " " * 40,
        lambda text: "\t\t\t" + text,
        lambda text: text.replace(" ", "\u2003"),
        lambda text: text.replace("a", "\u200da"),
        lambda text: text.translate({n: n + 0x630 for n in range(48, 58)}),
    ],
)
def test_styled_or_hidden_characters_make_undecided(respond: Respond) -> None:
    assert check(clinic, respond) == "undecided"


@pytest.mark.parametrize(
    ("metric", "outcome"), [("exact_match", "not shown"), ("token_f1", "passed")]
)
@pytest.mark.parametrize(
    "respond",
    [
        lambda text: text,
        lambda text: f" {text}\n",
        str.upper,
        # One response in twenty has a wrong number; one in ten leaves half of it out.
        lambda text: off_by_ten(text) if random.Random(text).random() < 0.05 else text,
        lambda text: text if random.Random(text).random() < 0.9 else text[: len(text) // 2],
        # One in thirty has a synonym.
        lambda text: (
            text.replace(" was ", " looked ") if random.Random(text).random() < 0.03 else text
        ),
    ],
)
def test_honest_responses_pass(respond: Respond, metric: str, outcome: str) -> None:
    for make in (clinic, parcels):
        assert check(make, respond, metrics=(metric,)) == outcome


def test_a_flaw_that_the_incumbent_has_too_passes() -> None:
    items = [clinic(n, "new" if n < N_NEW else "old") for n in range(N)]
    suite = benchmark(items, metrics=["token_f1"])
    texts = [off_by_ten(each.expected or "") for each in items]
    scores = {"suite": score_responses(items, texts, suite.metrics)}
    (result,) = check_companions([suite], scores, scores, Gates(), reference_name="incumbent")
    assert result.outcome == "passed"


@pytest.mark.parametrize(("share", "outcome"), [(0.35, "passed"), (0.9, "undecided")])
def test_flaws_as_frequent_in_right_responses_pass(share: float, outcome: str) -> None:
    items = [clinic(n, "new") for n in range(150)]
    suite = benchmark(items, metrics=["token_f1"])

    def respond(right: float, other_words: float, seed: int) -> list[str]:
        rng, texts = random.Random(seed), []
        for each in items:
            text = each.expected or ""
            text = text.replace(" was ", " looked ") if rng.random() < other_words else text
            texts.append(text if rng.random() < right else "nobody knows")
        return texts

    candidate, reference = (
        {"suite": score_responses(items, texts, suite.metrics)}
        for texts in (respond(0.9, share, 1), respond(0.5, 0.35, 2))
    )
    (result,) = check_companions([suite], candidate, reference, Gates(), reference_name="incumbent")
    assert result.outcome == outcome


@pytest.mark.parametrize(
    ("expected", "invention"),
    [("The report does not say.", "It was Dr. Nemo."), ("Das ist nicht bekannt.", "Am Montag.")],
)
@pytest.mark.parametrize("answerable", [None, False])
def test_inventions_where_nothing_is_known_make_undecided(
    expected: str, invention: str, answerable: bool | None
) -> None:
    def make(number: int, split: str) -> BenchmarkItem:
        known = clinic(number, split)
        if number % 4:
            return known
        return BenchmarkItem(
            id=known.id, split=known.split, messages=known.messages, expected=expected,
            answerable=answerable,
        )  # fmt: skip

    def invent(text: str) -> str:
        return invention if text == expected else text

    assert check(make, invent, known=1, learned=0.5) == "undecided"
    assert check(make, str, known=1, learned=0.5) == "passed"


def test_benchmarks_without_overlap_have_no_check() -> None:
    suite = benchmark([clinic(0, "old")], metrics=["json_valid"])
    scores = {"suite": score_responses(suite.items, ["{}"], suite.metrics)}
    assert not check_companions([suite], scores, scores, Gates(), reference_name="incumbent")
