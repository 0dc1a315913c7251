"""Removal of quotes of exchanges and baselines from assessments and messages."""

import pytest
from msgspec.structs import replace

from monitor.privacy.erasure.quotes import Quotes
from monitor.rendering.excerpts import excerpt
from monitor.store.windows.assessment import (
    Assessment,
    Example,
    Explanation,
    Quote,
    ShareEstimate,
)
from monitor.traffic.redaction import Redactor
from tests.support.windows.assessment_cases import with_findings
from tests.support.windows.assessments import (
    estimated,
    make_assessment,
    make_examples,
    make_family,
    make_pair,
    make_topic,
)

CHANGED = Example(
    prompt="Is my card insured?",
    response="No.",
    baseline=Quote(prompt="Is my card covered?", response="Yes."),
)


def assessment() -> Assessment:
    return make_assessment(
        0.2,
        input=make_family(
            topics=(make_topic(),), outliers=make_examples("What is a swallow?", "Hi")
        ),
        output=make_family(
            "output", topics=(make_topic(examples=(CHANGED,)),), outliers=(CHANGED,)
        ),
    )


def quotes_of(prompt: str, response: str) -> Quotes:
    return Quotes.of_exchanges([(prompt, response)], [], [Redactor()])


def test_prompt_is_removed_wherever_it_is_quoted() -> None:
    cleaned, n = quotes_of("What is a swallow?", "A bird.").remove_from(assessment())
    assert n == 1
    assert cleaned.input.outliers == make_examples("Hi")
    assert cleaned.input.topics == assessment().input.topics


def test_name_of_an_erased_prompt_leaves_headline_and_findings() -> None:
    prompt = "Do I pay a fee if I go to see my aunt in Riga by car?"
    name = excerpt(prompt, 40)
    family = make_family(
        verdict="drift",
        alarm=True,
        drifted_share=estimated(0.2),
        topics=(make_topic(name=name), make_topic(index=1)),
    )
    whole = with_findings(make_assessment(0.2, input=family))
    assert "a fee if" in " ".join(whole.findings)
    cleaned, n = quotes_of(prompt, "").remove_from(whole)
    assert n
    texts = " ".join([cleaned.headline, *cleaned.findings])
    assert "a fee if" not in texts
    assert "Do I pay" not in texts
    assert "“crypto, wallet, transfer”" in texts
    message = [f"• {finding}" for finding in whole.findings]
    assert "a fee if" not in " ".join(quotes_of(prompt, "").remove_from_payload(message)[0])


def test_baseline_exchange_is_removed_and_the_example_stays() -> None:
    cleaned, n = quotes_of("Is my card covered?", "Yes.").remove_from(assessment())
    assert n == 2
    unpaired = replace(CHANGED, baseline=None)
    assert cleaned.output.topics[0].examples == (unpaired,)
    assert cleaned.output.outliers == (unpaired,)


def test_changed_response_is_removed_with_its_baseline_example() -> None:
    cleaned, n = quotes_of("Is my card insured?", "No.").remove_from(assessment())
    assert n == 2
    assert cleaned.output.topics[0].examples == ()
    assert cleaned.output.outliers == ()


@pytest.mark.parametrize(
    ("prompt", "response"), [("Is my card insured?", "No."), ("Is my card covered?", "Yes.")]
)
def test_pair_is_removed_with_either_of_its_exchanges(prompt: str, response: str) -> None:
    output = make_family("output", pairs=(make_pair(example=CHANGED),))
    cleaned, n = quotes_of(prompt, response).remove_from(make_assessment(output=output))
    assert (n, cleaned.output.pairs) == (1, ())
    for quotes in (Quotes.of_assessment, Quotes.of_baseline):
        whole = make_assessment(output=output)
        assert quotes(whole).remove_from(whole)[0].output.pairs == ()


def test_different_response_to_the_same_prompt_stays() -> None:
    assert quotes_of("Is my card insured?", "Yes.").remove_from(assessment()) == (assessment(), 0)


def test_message_is_cleaned_of_the_quotes_of_an_assessment() -> None:
    payload = {"text": "t", "blocks": ["> Is my card insured? → No.\n> Hi\n> Somebody else"]}
    cleaned, n = Quotes.of_assessment(assessment()).remove_from_payload(payload)
    assert n == 2
    assert cleaned["blocks"] == ["> (removed)\n> (removed)\n> Somebody else"]


def test_quotes_of_the_baseline_alone_are_removed() -> None:
    cleaned, n = Quotes.of_baseline(assessment()).remove_from(assessment())
    assert n == 2
    assert cleaned.output.topics[0].examples == (replace(CHANGED, baseline=None),)
    assert cleaned.input == assessment().input


HEADER = "Sent by Ann Smith from the app:"
NONE = ShareEstimate(estimate=0.0, lower=0.0, upper=0.01)
ALL = ShareEstimate(estimate=1.0, lower=0.99, upper=1.0)


def explained() -> Assessment:
    return make_assessment(
        headline=f"Every prompt now begins with “{HEADER}”; 5% are “Spanish”.",
        findings=(f"All prompts begin with “{HEADER[:20]}…”.", "Another topic: “Sent by post”."),
        remarks=(f"A remark on “{HEADER}”.",),
        input=make_family(
            explanations=(
                Explanation(
                    kind="prefix",
                    side="prompt",
                    text=f"{HEADER} …",
                    before="Hi,",
                    reference=NONE,
                    current=ALL,
                ),
                Explanation(
                    kind="language", side="prompt", text="Spanish", reference=NONE, current=ALL
                ),
            )
        ),
    )


def test_explanation_is_removed_with_its_sentences() -> None:
    cleaned, n = quotes_of(f"{HEADER} where is my card?", "Here.").remove_from(explained())
    prefix, language = cleaned.input.explanations
    assert (prefix.text, prefix.before) == ("(removed)", "Hi,")
    assert language.text == "Spanish"
    assert n == 2
    assert cleaned.headline == "Every prompt now begins with “(removed)”; 5% are “Spanish”."
    assert cleaned.findings[0] == "All prompts begin with “(removed)”."
    assert cleaned.findings[1] == "Another topic: “Sent by post”."
    assert cleaned.remarks == ("A remark on “(removed)”.",)


def test_explanation_of_other_texts_stays() -> None:
    assert quotes_of("Sent by somebody else", "Hi").remove_from(explained()) == (explained(), 0)


def test_explanations_are_quotes_of_assessment_and_baseline() -> None:
    whole = explained()
    cleaned, _ = Quotes.of_assessment(whole).remove_from(whole)
    assert [own.text for own in cleaned.input.explanations] == ["(removed)", "Spanish"]
    cleaned, _ = Quotes.of_baseline(whole).remove_from(whole)
    assert [own.before for own in cleaned.input.explanations] == ["(removed)", ""]


def test_message_is_cleaned_of_passages_of_explanations() -> None:
    payload = {"text": f"Every prompt begins with “{HEADER}”."}
    cleaned, n = quotes_of(f"{HEADER} where?", "Here.").remove_from_payload(payload)
    assert (cleaned["text"], n) == ("Every prompt begins with “(removed)”.", 1)
