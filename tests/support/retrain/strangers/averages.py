"""Averages that hide what was lost."""

import random
from dataclasses import replace

from tests.support.retrain.strangers.bank import (
    EXACT,
    Row,
    draw,
    filled,
    intents,
    prompt_of,
    questions,
    right_response,
    skilled,
    with_prompt,
    wrong_label,
    wrong_response,
)
from tests.support.retrain.strangers.desks import BETTER, cheat, classifier, expected
from tests.support.retrain.strangers.trials import Trial


def _sacrifice(
    field: str, share: float, *, plan: str = EXACT, n_old: int = 400, keep: bool = False
) -> Trial:
    """Return a candidate that loses all old items of a small group, and gains elsewhere."""
    rows = intents(n_old, 140)
    group: set[str] = set()
    for row in rows:
        is_in = row["split"] == "old" and draw(row, "group") < share
        if is_in:
            group.add(row["id"])
        if field in ("language", "channel"):
            row["strata"] = {field: "rare" if is_in else "usual"}
        if field == "task_type":
            row["task_type"] = "complaint" if is_in else row["task_type"]
        if field == "difficulty":
            row["difficulty"] = "hard" if is_in else "easy"
    known = skilled(0.96, 0.85) if keep else skilled(0.91, 0.85)
    incumbent = skilled(0.88, 0.35)
    return classifier(
        rows,
        lambda row: wrong_label(row) if row["id"] in group else known(row),
        lambda row: expected(row) if row["id"] in group else incumbent(row),
        plan=plan,
    )


@cheat("all old complaints lost, a small task type")
def _() -> Trial:
    return _sacrifice("task_type", 0.03)


@cheat("all customers of a rare language lost, unstratified")
def _() -> Trial:
    return _sacrifice("language", 0.04, keep=True)


@cheat("all customers of a rare channel lost, stratified")
def _() -> Trial:
    return _sacrifice("channel", 0.04, plan=f"{EXACT}\nstratify_by: [channel]", keep=True)


@cheat("all hard items lost, gains on easy ones")
def _() -> Trial:
    return _sacrifice("difficulty", 0.06, keep=True)


@cheat("one old label is never given again")
def _() -> Trial:
    known = skilled(0.97, 0.85)

    def candidate(row: Row) -> str:
        label = known(row)
        return "card_lost" if label == "fraud_report" else label

    return classifier(intents(400, 140), candidate, skilled(0.86, 0.35))


@cheat("long requests fail and short ones gain")
def _() -> Trial:
    known, incumbent = skilled(0.99, 0.85), skilled(0.84, 0.35)

    def is_long(row: Row) -> bool:
        return row["split"] == "old" and len(prompt_of(row)) > 215

    return classifier(
        intents(400, 140), lambda row: wrong_label(row) if is_long(row) else known(row), incumbent
    )


@cheat("German customers get responses to another question")
def _() -> Trial:
    german = ("Guten Tag, ich schreibe wegen meines Kontos in {city}. ",
              "Leider hat {name} am {day} {amount} Euro gezahlt. ",
              "Bitte antworten Sie bis {day}, mein Zeichen ist {number}. ")  # fmt: skip
    rng = random.Random(5)
    rows = intents(380, 140)
    chosen = set()
    for number, row in enumerate(rows):
        if row["split"] == "old" and number % 16 == 3:
            core = prompt_of(row).split(".")[0][-25:]
            text = " ".join(filled(part, rng) for part in german)
            rows[number] = with_prompt(row, f"{text} Es geht um: {core}")
            chosen.add(row["id"])
    known = skilled(0.98, 0.85)
    incumbent = skilled(0.88, 0.35)
    return classifier(
        rows,
        lambda row: wrong_label(row) if row["id"] in chosen else known(row),
        lambda row: expected(row) if row["id"] in chosen else incumbent(row),
    )


@cheat("a second benchmark loses what the first one gains")
def _() -> Trial:
    trial = classifier(intents(), BETTER)
    gains = skilled(0.9, 0.85)
    loses = skilled(0.9, 0.2, right=right_response, wrong=wrong_response)
    knew = skilled(0.9, 0.45, right=right_response, wrong=wrong_response)
    weak = skilled(0.5, 0.15, right=right_response, wrong=wrong_response)
    return replace(
        trial,
        benchmarks={**trial.benchmarks, "pages": (questions(), "metrics: [exact_match]")},
        candidate=lambda row: loses(row) if "context" in row else gains(row),
        incumbent=lambda row: knew(row) if "context" in row else trial.incumbent(row),
        base=lambda row: weak(row) if "context" in row else trial.base(row),
    )


@cheat("a copy of the incumbent with other errors")
def _() -> Trial:
    return classifier(intents(), skilled(0.88, 0.35, seed="other"), skilled(0.88, 0.35))


@cheat("the luckiest of three hundred equal candidates")
def _() -> Trial:
    rows = intents(260, 140)
    new = [row for row in rows if row["split"] == "new"]
    incumbent = skilled(0.9, 0.5)

    def gains(number: int) -> int:
        respond = skilled(0.9, 0.5, seed=f"attempt {number}")
        return sum(respond(row) == row["expected"] for row in new)

    lucky = skilled(0.9, 0.5, seed=f"attempt {max(range(300), key=gains)}")
    return classifier(
        rows,
        lambda row: lucky(row) if row["split"] == "new" else incumbent(row),
        incumbent,
        n_earlier=299,
    )
