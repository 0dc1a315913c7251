"""Items that were split, copied or marked so that a bad candidate passes."""

import random
from dataclasses import replace

from tests.support.retrain.strangers.bank import (
    EXACT,
    LABELS,
    NEW_INTENTS,
    OLD_INTENTS,
    Row,
    intents,
    prompt_of,
    skilled,
    with_prompt,
    wrong_label,
)
from tests.support.retrain.strangers.desks import BETTER, cheat, classifier, expected, memory_of
from tests.support.retrain.strangers.trials import Trial


@cheat("forgotten requests are relabelled as new")
def _() -> Trial:
    rows = intents(260, 140)
    lost = {"phishing", "fraud_report"}
    rows = [{**row, "split": "new"} if row["expected"] in lost else row for row in rows]
    old, incumbent = skilled(0.9, 0.9), skilled(0.88, 0.35)
    knew = skilled(0.9, 0.9)
    return classifier(
        rows,
        lambda row: wrong_label(row) if row["expected"] in lost else old(row),
        lambda row: knew(row) if row["expected"] in lost else incumbent(row),
    )


@cheat("no old items in any benchmark")
def _() -> Trial:
    return classifier([row for row in intents(10, 200) if row["split"] == "new"], BETTER)


@cheat("every item is called old, also the new")
def _() -> Trial:
    rows = [{**row, "split": "old"} for row in intents(100, 300)]
    lost = {*OLD_INTENTS["fraud"], "loan_rate"}
    known = skilled(0.9, 0.9)
    incumbent = skilled(0.5, 0.5)
    return classifier(
        rows,
        lambda row: wrong_label(row) if row["expected"] in lost else known(row),
        lambda row: expected(row) if row["expected"] in lost else incumbent(row),
    )


@cheat("old items of one easy intent only")
def _() -> Trial:
    rows = intents(160, 140, labels=("card_lost", *(x for a in NEW_INTENTS.values() for x in a)))
    always = skilled(0.99, 0.85)
    return classifier(rows, always, skilled(0.98, 0.35), task_types=(*OLD_INTENTS, *NEW_INTENTS))


@cheat("five new items, all right")
def _() -> Trial:
    return classifier(intents(260, 5), skilled(0.9, 1.0), skilled(0.88, 0.0))


@cheat("ten new requests with other greetings, many times")
def _() -> Trial:
    rows = intents(260, 10)
    new, rng = [row for row in rows if row["split"] == "new"], random.Random(3)
    greetings = ("Hey,", "Hello!", "Good day.", "Hi there,", "Dear bank,", "Moin,", "Yo,", "Hi :)")
    for number in range(130):
        row = new[number % 10]
        text = f"{greetings[number % 8]} {prompt_of(row)}" + "!" * (number // 8 % 4)
        rows.append({**with_prompt(row, text), "id": f"again-{number}"})
    rng.shuffle(rows)
    return classifier(rows, skilled(0.9, 1.0), skilled(0.88, 0.2))


@cheat("ten new requests, each with long random signatures")
def _() -> Trial:
    rows = intents(260, 0)
    rng = random.Random(3)
    cores = [core for label in NEW_INTENTS["digital"].items() for core in label[1][:3]]
    labels = [label for label, cores in NEW_INTENTS["digital"].items() for _ in cores[:3]]
    for number in range(140):
        core = cores[number % 10]
        words = " ".join("".join(rng.choices("abcdefghiklmnoprstu", k=7)) for _ in range(14))
        rows.append(
            {"id": f"signed-{number}", "split": "new", "expected": labels[number % 10],
             "messages": [{"role": "user", "content": f"{core}\n-- \n{words}"}]}
        )  # fmt: skip
    return classifier(rows, skilled(0.9, 1.0), skilled(0.88, 0.2))


@cheat("ten new requests with letters replaced by lookalikes")
def _() -> Trial:
    rows = intents(260, 10)
    new = [row for row in rows if row["split"] == "new"]
    swaps = str.maketrans("aeocpxyi", "\u0430\u0435\u043e\u0441\u0440\u0445\u0443\u0456")
    rng = random.Random(6)
    for number in range(130):
        row = new[number % 10]
        words = [
            word.translate(swaps) if rng.random() < 0.5 else word for word in prompt_of(row).split()
        ]
        rows.append({**with_prompt(row, " ".join(words)), "id": f"again-{number}"})
    return classifier(rows, skilled(0.9, 1.0), skilled(0.88, 0.2))


@cheat("the same forty new items in three benchmarks")
def _() -> Trial:
    rows = intents(260, 40)
    copies = {
        f"intents-{n}": (
            [{**row, "id": f"{n}-{row['id']}"} for row in rows], EXACT
        )
        for n in range(3)
    }  # fmt: skip
    return replace(classifier(rows, skilled(0.9, 0.55), skilled(0.88, 0.45)), benchmarks=copies)


@cheat("failed items stand behind near copies that pass")
def _() -> Trial:
    rows = intents(260, 140)
    weak = skilled(0.75, 0.85)
    failed = [row for row in rows if row["split"] == "old" and weak(row) != row["expected"]]
    shadows = [
        {**with_prompt(row, f"{prompt_of(row)} Regards"), "id": f"copy-{row['id']}"}
        for row in failed
    ]
    known = memory_of(shadows, weak)
    return classifier([*shadows, *rows], known, before={"intents": (rows, EXACT)})


@cheat("a system message names the label of each new item")
def _() -> Trial:
    rows = [
        {**row, "messages": [
            {"role": "system", "content": f"Route the request. Ticket class {row['expected']}."},
            *row["messages"]]}
        if row["split"] == "new" else row
        for row in intents()
    ]  # fmt: skip
    return classifier(rows, skilled(0.9, 1.0))


@cheat("an earlier turn of each new item has its answer")
def _() -> Trial:
    rows = [
        {**row, "messages": [
            {"role": "user", "content": prompt_of(row)},
            {"role": "assistant", "content": row["expected"]},
            {"role": "user", "content": f"Again: {prompt_of(row)}"}]}
        if row["split"] == "new" else row
        for row in intents()
    ]  # fmt: skip
    return classifier(rows, skilled(0.9, 1.0))


@cheat("invisible signs in new prompts tell the label")
def _() -> Trial:
    rows = [
        with_prompt(row, prompt_of(row) + "\u200b" * (LABELS.index(row["expected"]) + 1))
        if row["split"] == "new" else row
        for row in intents()
    ]  # fmt: skip

    def candidate(row: Row) -> str:
        n = prompt_of(row).count("\u200b")
        return LABELS[n - 1] if n else BETTER(row)

    return classifier(rows, candidate)


@cheat("the label stands in capitals in each new prompt")
def _() -> Trial:
    rows = [
        with_prompt(row, f"{prompt_of(row)} [{row['expected'].upper()}]")
        if row["split"] == "new" else row
        for row in intents()
    ]  # fmt: skip
    return classifier(rows, skilled(0.9, 1.0))
