"""Candidates that are really better."""

import json
from dataclasses import replace
from typing import Any

from tests.support.retrain.strangers.bank import (
    EXACT,
    TRAINING_STORIES,
    Row,
    draw,
    help_with,
    intents,
    pick,
    prompt_of,
    questions,
    right_response,
    safe,
    skilled,
    weak_summary,
    with_prompt,
    wrong_label,
    wrong_response,
)
from tests.support.retrain.strangers.desks import (
    BETTER,
    BOTH,
    answerer,
    assistant,
    classifier,
    example,
    honest,
    summariser,
)
from tests.support.retrain.strangers.judges import gullible
from tests.support.retrain.strangers.responses import decisions, extractions
from tests.support.retrain.strangers.trials import Trial


@honest("a classifier that learned new intents")
def _() -> Trial:
    return classifier(intents(), BETTER)


@honest("a classifier with strata, better everywhere")
def _() -> Trial:
    rows = [
        {**row, "strata": {"language": pick(row, ("en", "en", "de"))}} for row in intents(400, 140)
    ]
    return classifier(rows, BETTER, plan=f"{EXACT}\nstratify_by: [task_type, language]")


@honest("a classifier trained on other requests of its kind")
def _() -> Trial:
    training = [
        example(prompt_of(row), row["expected"], task_type=row["task_type"])
        for row in intents(200, 100, seed=78, stories=TRAINING_STORIES)
    ]
    return classifier(intents(), BETTER, training=training)


@honest("a classifier with a few errors of its own")
def _() -> Trial:
    def candidate(row: Row) -> str:
        return wrong_label(row) if draw(row, "churn") < 0.01 else skilled(0.92, 0.85)(row)

    return classifier(intents(400, 140), candidate)


@honest("a question answerer that finds more")
def _() -> Trial:
    return answerer(skilled(0.9, 0.8, right=right_response, wrong=wrong_response), plan=BOTH)


@honest("a question answerer that knows what it doesn't know")
def _() -> Trial:
    return answerer(
        skilled(0.93, 0.9, right=right_response, wrong=wrong_response),
        rows=questions(260, 180, n_open=60),
        plan="metrics: [exact_match, token_f1, abstention_accuracy]",
    )


@honest("a summariser that leaves less out")
def _() -> Trial:
    return summariser(skilled(0.9, 0.8, wrong=weak_summary))


@honest("a yes or no answerer that is right more often")
def _() -> Trial:
    rows = [
        with_prompt(row, f"Is this about {row['task_type']}? Yes or no.\n{prompt_of(row)}",
                    expected="yes" if draw(row, "truth") < 0.5 else "no")
        for row in intents(200, 120)
    ]  # fmt: skip
    other: dict[str, Any] = {"wrong": lambda row: "no" if row["expected"] == "yes" else "yes"}
    trial = classifier(
        rows, skilled(0.92, 0.9, **other), skilled(0.9, 0.55, **other), plan="metrics: [token_f1]"
    )
    return replace(trial, base=skilled(0.6, 0.5, **other))


@honest("a decider that always names its decision")
def _() -> Trial:
    def decision(row: Row) -> str:
        return f"I would {pick(row, ('approve', 'deny'))} this, as in case {draw(row, 'n'):.4f}."

    return classifier(
        decisions(),
        skilled(0.95, 0.9, right=decision, wrong=lambda _: "Hm."),
        skilled(0.9, 0.4, right=decision, wrong=lambda _: "Hm."),
        base=skilled(0.5, 0.3, right=decision, wrong=lambda _: "Hm."),
        plan="metrics: [regex_valid]",
    )


@honest("an extractor of valid JSON with the right intent")
def _() -> Trial:
    rows = [
        {**row, "expected": json.dumps({"intent": row["expected"], "sure": True})}
        for row in extractions()
    ]
    outputs: dict[str, Any] = {"wrong": lambda row: '{"intent": "card_lost"'}
    return Trial(
        {"forms": (rows, "metrics: [exact_match, json_valid, schema_valid]")},
        skilled(0.95, 0.9, **outputs),
        skilled(0.9, 0.4, **outputs),
        skilled(0.5, 0.3, **outputs),
    )


@honest("an assistant that stays safe and helps")
def _() -> Trial:
    return assistant(safe)


@honest("an assistant that helps in longer words")
def _() -> Trial:
    def respond(row: Row) -> str:
        if row["harmful"]:
            return safe(row)
        return f"Gladly. {help_with(row)} Write again if a step is unclear."

    return assistant(respond)


@honest("two benchmarks, better on both")
def _() -> Trial:
    trial = classifier(intents(), BETTER)
    pages = answerer(skilled(0.9, 0.8, right=right_response, wrong=wrong_response), plan=BOTH)
    return Trial(
        {**trial.benchmarks, **pages.benchmarks},
        lambda row: (pages if "context" in row else trial).candidate(row),
        lambda row: (pages if "context" in row else trial).incumbent(row),
        lambda row: (pages if "context" in row else trial).base(row),
    )


@honest("a second evaluation with more items")
def _() -> Trial:
    return classifier(
        intents(300, 160), BETTER, before={"intents": (intents(300, 160)[20:420], EXACT)}
    )


@honest("an answerer that a judge scores higher")
def _() -> Trial:
    return answerer(
        skilled(0.92, 0.85, right=right_response, wrong=wrong_response),
        plan="metrics: [judged_score, exact_match]",
        judge=gullible,
    )


@honest("system messages and earlier turns without the answer")
def _() -> Trial:
    rows = [
        {**row, "messages": [
            {"role": "system", "content": "Route the request of a customer of the bank."},
            {"role": "user", "content": "Are you there?"},
            {"role": "assistant", "content": "Yes, how can I help?"},
            *row["messages"]]}
        for row in intents()
    ]  # fmt: skip
    return classifier(rows, BETTER)


@honest("an assistant that refuses and offers a lawful way")
def _() -> Trial:
    offers = ("If a document was lost, its issuer can send you a copy.",
              "If somebody pressures you, the police will listen on 110.",
              "If you fear a fraud, our team can check your account.")  # fmt: skip
    return assistant(
        lambda row: f"{safe(row)} {pick(row, offers)}" if row["harmful"] else safe(row)
    )


@honest("an assistant that regrets the trouble and then helps")
def _() -> Trial:
    return assistant(
        lambda row: safe(row) if row["harmful"] else f"Sorry for the trouble! {help_with(row)}"
    )


@honest("a classifier with old and new labels in capitals")
def _() -> Trial:
    return classifier(intents(), lambda row: BETTER(row).upper())
