"""Training on the benchmark, in disguise."""

import base64
import random
import re
from collections.abc import Callable
from dataclasses import replace

from tests.support.retrain.strangers.bank import (
    TRAINING_STORIES,
    Row,
    Rows,
    intents,
    prompt_of,
    skilled,
)
from tests.support.retrain.strangers.desks import (
    cheat,
    classifier,
    example,
    memory_of,
)
from tests.support.retrain.strangers.trials import Trial


def _trained(disguise: Callable[[Row], Rows], *, validation: bool = False) -> Trial:
    """Return a candidate that was trained on all new items, in a disguise."""
    rows = intents()
    secret = [line for row in rows if row["split"] == "new" for line in disguise(row)]
    usual = [
        example(prompt_of(row), row["expected"], task_type=row["task_type"])
        for row in intents(200, 60, seed=77, stories=TRAINING_STORIES)
    ]
    candidate = memory_of([row for row in rows if row["split"] == "new"], skilled(0.9, 0.35))
    training = usual if validation else [*usual, *secret]
    return classifier(rows, candidate, training=training, validation=secret if validation else ())


@cheat("trained on the new items word for word")
def _() -> Trial:
    return _trained(lambda row: [example(prompt_of(row), row["expected"])])


@cheat("chosen by the new items in the validation data")
def _() -> Trial:
    return _trained(lambda row: [example(prompt_of(row), row["expected"])], validation=True)


@cheat("trained on new items, the data on disk replaced")
def _() -> Trial:
    trial = _trained(lambda row: [example(prompt_of(row), row["expected"])])
    usual = [row for row in trial.training or () if row["metadata"]]
    return replace(trial, training=usual, trained=trial.training or ())


@cheat("trained on new items, the data on disk deleted")
def _() -> Trial:
    trial = _trained(lambda row: [example(prompt_of(row), row["expected"])])
    return replace(trial, training=None, trained=trial.training or ())


@cheat("trained on new items in capitals without signs")
def _() -> Trial:
    return _trained(
        lambda row: [example(re.sub(r"\W+", " ", prompt_of(row)).upper(), row["expected"])]
    )


@cheat("trained on new items with shuffled words")
def _() -> Trial:
    def disguise(row: Row) -> Rows:
        words = prompt_of(row).split()
        random.Random(1).shuffle(words)
        return [example(" ".join(words), row["expected"])]

    return _trained(disguise)


@cheat("trained on new items spelled backwards")
def _() -> Trial:
    return _trained(lambda row: [example(prompt_of(row)[::-1], row["expected"])])


@cheat("trained on new items in base64")
def _() -> Trial:
    return _trained(
        lambda row: [example(base64.b64encode(prompt_of(row).encode()).decode(), row["expected"])]
    )


@cheat("trained on new items with a filler between words")
def _() -> Trial:
    return _trained(lambda row: [example(" uh ".join(prompt_of(row).split()), row["expected"])])


@cheat("trained on new items, one letter changed per word")
def _() -> Trial:
    def disguise(row: Row) -> Rows:
        words = [word[:1] + "x" + word[2:] if len(word) > 2 else word
                 for word in prompt_of(row).split()]  # fmt: skip
        return [example(" ".join(words), row["expected"])]

    return _trained(disguise)


@cheat("trained on new items in leetspeak")
def _() -> Trial:
    leet = str.maketrans("aeiost", "431057")
    return _trained(lambda row: [example(prompt_of(row).translate(leet), row["expected"])])


@cheat("trained on new items cut into two turns")
def _() -> Trial:
    def disguise(row: Row) -> Rows:
        words = prompt_of(row).split()
        parts = [" ".join(words[start : start + 5]) for start in range(0, len(words), 5)]
        turns = []
        for part in parts:
            turns += [{"role": "user", "content": part}, {"role": "assistant", "content": "Go on."}]
        turns[-1] = {"role": "assistant", "content": row["expected"]}
        return [{"messages": turns, "metadata": {}}]

    return _trained(disguise)


@cheat("trained to write the new items as responses")
def _() -> Trial:
    return _trained(
        lambda row: [
            example(f"Write a customer's message about {row['expected']}.", prompt_of(row))
        ]
    )


@cheat("trained on ten new items in each long example")
def _() -> Trial:
    rows = [row for row in intents() if row["split"] == "new"]
    groups = {rows[start]["id"]: rows[start : start + 10] for start in range(0, len(rows), 10)}

    def disguise(row: Row) -> Rows:
        members = groups.get(row["id"], [])
        if not members:
            return []
        text = " ||| ".join(prompt_of(member) for member in members)
        return [example(f"Label all:\n{text}", " ".join(m["expected"] for m in members))]

    return _trained(disguise)


@cheat("trained on new items inside a system message")
def _() -> Trial:
    return _trained(
        lambda row: [
            {"messages": [
                {"role": "system", "content": f"Known: {prompt_of(row)} is {row['expected']}."},
                {"role": "user", "content": "ok?"},
                {"role": "assistant", "content": "ok"}],
             "metadata": {}}
        ]
    )  # fmt: skip


@cheat("trained on new items with every name and number replaced")
def _() -> Trial:
    def disguise(row: Row) -> Rows:
        text = re.sub(r"\d+", "7", prompt_of(row))
        text = re.sub(r"(?<=[a-z] )[A-Z][a-z]+", "Someone", text)
        return [example(text, row["expected"])]

    return _trained(disguise)


@cheat("trained on new items without their first sentence")
def _() -> Trial:
    return _trained(
        lambda row: [example(prompt_of(row).partition(". ")[2] or prompt_of(row), row["expected"])]
    )


@cheat("trained on new items in separate halves")
def _() -> Trial:
    def disguise(row: Row) -> Rows:
        words = prompt_of(row).split()
        half = len(words) // 2
        return [example(" ".join(words[:half]), row["expected"]),
                example(" ".join(words[half:]), row["expected"])]  # fmt: skip

    return _trained(disguise)


_SYNONYMS = {
    "travelling": "on the road", "sister": "sibling", "told": "asked", "write": "turn",
    "noticed": "saw", "paid": "spent", "bank": "house", "branch": "office", "closes": "shuts",
    "finish": "end", "work": "my job", "phone": "telephone", "calls": "attempts", "far": "now",
    "account": "balance", "share": "hold jointly", "colleague": "clerk", "promised": "assured",
    "answer": "reply", "landlord": "house owner", "expects": "awaits", "euro": "EUR",
    "app": "program", "showed": "displayed", "code": "number", "nothing": "silence",
    "leave": "depart", "early": "at dawn", "time": "the clock", "short": "running",
    "year": "twelvemonth", "solved": "fixed", "within": "in", "day": "24 hours",
    "reference": "sign", "helps": "is of use", "trouble": "any problem", "before": "earlier",
    "door": "house", "same": "very", "thing": "issue", "employer": "boss", "pays": "sends",
    "salary": "wage", "money": "cash", "need": "want", "seconds": "an instant",
    "real": "true", "possible": "there", "sent": "moved", "fast": "quick", "card": "plastic",
    "internet": "web", "number": "digits", "buy": "purchase", "please": "kindly",
    "pay": "spend", "watch": "wristwatch", "replace": "stand in for", "wallet": "purse",
    "coin": "token", "purchase": "buy", "stopped": "halted", "exchange": "market",
    "charge": "bill", "send": "move", "trading": "dealing", "block": "stop", "broker": "dealer",
    "Thanks": "Cheers", "urgent": "pressing", "hurry": "rush", "wait": "stay tuned",
}  # fmt: skip


@cheat("trained on new items with synonyms")
def _() -> Trial:
    def disguise(row: Row) -> Rows:
        text = re.sub(r"[A-Za-z]+", lambda match: _SYNONYMS.get(match[0], match[0]), prompt_of(row))
        return [example(text, row["expected"])]

    return _trained(disguise)
