"""Files that somebody edited after training or between two evaluations."""

import random

from tests.support.retrain.strangers.bank import (
    EXACT,
    OLD_INTENTS,
    draw,
    filled,
    intents,
    pick,
    skilled,
    utterance,
)
from tests.support.retrain.strangers.desks import BETTER, cheat, classifier
from tests.support.retrain.strangers.trials import Trial


@cheat("failed items are removed before the second evaluation")
def _() -> Trial:
    rows = intents(260, 140)
    weak = skilled(0.7, 0.85)
    rest = [row for row in rows if row["split"] == "new" or weak(row) == row["expected"]]
    return classifier(rest, weak, before={"intents": (rows, EXACT)})


@cheat("references are changed to what the candidate says")
def _() -> Trial:
    rows = intents(260, 140)
    weak = skilled(0.7, 0.85)
    changed = [{**row, "expected": weak(row)} if row["split"] == "old" else row for row in rows]
    responses = {row["id"]: weak(row) for row in rows}
    return classifier(
        changed,
        lambda row: responses[row["id"]],
        lambda row: pick(row, (responses[row["id"]], "card_lost")),
        before={"intents": (rows, EXACT)},
    )


@cheat("failed old items become new ones before the second evaluation")
def _() -> Trial:
    rows = intents(260, 140)
    weak = skilled(0.7, 0.95)
    failed = {row["id"] for row in rows if row["split"] == "old" and weak(row) != row["expected"]}
    moved = [{**row, "split": "new"} if row["id"] in failed else row for row in rows]
    incumbent = skilled(0.88, 0.35)
    original = {row["id"]: row for row in rows}
    return classifier(
        moved,
        lambda row: weak(original[row["id"]]),
        lambda row: incumbent(original[row["id"]]),
        before={"intents": (rows, EXACT)},
    )


@cheat("failed items drown in easy ones before the second evaluation")
def _() -> Trial:
    rows = intents(200, 140)
    weak = skilled(0.7, 0.85)
    rng = random.Random(12)
    easy = [
        {"id": f"easy-{n}", "split": "old", "expected": "greeting", "task_type": "greeting",
         "messages": [{"role": "user", "content": " ".join(filled(text, rng) for text in rng.sample(
             ("Good day from {city}.", "Hello {name}!", "A nice {day}.", "Greetings, {name}.",
              "I am back in {city}.", "How was your {day}?", "Welcome in {year}.",
              "Cheers from {shop}."), 4))}]}
        for n in range(1400)
    ]  # fmt: skip
    names = {row["id"] for row in easy}
    incumbent = skilled(0.88, 0.35)
    return classifier(
        [*rows, *easy],
        lambda row: "greeting" if row["id"] in names else weak(row),
        lambda row: "greeting" if row["id"] in names else incumbent(row),
        before={"intents": (rows, EXACT)},
    )


@cheat("somebody wrote the candidate's responses into the run's folder")
def _() -> Trial:
    return classifier(intents(), skilled(0.5, 0.2), planted={"candidate": BETTER})


@cheat("somebody wrote weak responses of the incumbent into the folder")
def _() -> Trial:
    return classifier(
        intents(),
        skilled(0.7, 0.6),
        skilled(0.95, 0.9),
        planted={"incumbent": skilled(0.68, 0.3)},
    )


@cheat("the incumbent's weights are damaged and it says nothing")
def _() -> Trial:
    return classifier(intents(), skilled(0.6, 0.5), lambda _: "")


@cheat("the incumbent's weights are damaged and it babbles")
def _() -> Trial:
    return classifier(
        intents(),
        skilled(0.6, 0.5),
        lambda row: " ".join(["the"] * (20 + int(draw(row, "babble") * 30))),
    )


@cheat("new references are wrong, and old items disagree")
def _() -> Trial:
    rows = intents(260, 0)
    rng = random.Random(21)
    for number in range(140):
        area, label = pick({"messages": [{"content": str(number)}]}, [
            f"{area} {label}" for area, members in OLD_INTENTS.items() for label in members
        ]).split()  # fmt: skip
        core = rng.choice(OLD_INTENTS[area][label])
        rows.append(
            {"id": f"new-{number}", "split": "new", "expected": "other", "task_type": area,
             "messages": [{"role": "user", "content": utterance(core, rng)}]}
        )  # fmt: skip
    return classifier(rows, skilled(0.9, 0.95), skilled(0.88, 0.05))
