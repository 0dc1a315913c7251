"""Data card: every count, as JSON and as a page."""

import json
from pathlib import Path

from retrain.data import build_training_set
from retrain.data.data_card_page import data_card
from retrain.data.training_set import read_card, write_card
from retrain.models.source import Source
from retrain.run_folder import RunFolder
from tests.support.retrain.training_rows import Row, gold, original, row

SERVING = Source(base="base")
AGREEMENT = {
    "n_items": 20, "raw": 0.9, "alpha": 0.71, "alpha_lower": 0.5, "alpha_upper": 0.9, "ac1": 0.85,
    "ac1_lower": None, "ac1_upper": None,
}  # fmt: skip


def reviewed(n: int) -> list[Row]:
    return [
        {
            **first,
            "metadata": {
                **first["metadata"], "item_id": i, "taxonomy_version": "a" * 64 if i % 2 else "",
                "resolution": "agreed" if i % 4 else "adjudicated",
            },
        }
        for i, first in enumerate(gold(n))
    ]  # fmt: skip


def test_the_card_counts_what_is_trained_on(tmp_path: Path) -> None:
    long = row("a long one " * 30, "queue: cards", "cards", id="long-one")
    made = build_training_set(
        reviewed(30), [*original(cards=5), long], replay_share=0.2, seed=1
    ).with_base(
        lambda many: [sum(len(m["content"].split()) for m in entry) for entry in many], SERVING
    )
    card = made.with_agreement(AGREEMENT).card
    assert card.by_guidelines == {"": 15, "a" * 64: 15}
    assert card.by_resolution == {"adjudicated": 8, "agreed": 22}
    assert card.by_source == {"gold": 30, "replay": 6}
    assert card.tokens is not None
    assert card.tokens.training == sum(
        len(m["content"].split()) for row in made.rows for m in row["messages"]
    )
    assert (card.tokens.median, card.tokens.validation) == (5, 0)
    assert (card.tokens.longest, card.tokens.longest_example) == (92, "long-one")

    folder = RunFolder(tmp_path)
    made.with_agreement(AGREEMENT).write(folder)
    assert read_card(folder) == card
    page = folder.data_card.read_text(encoding="utf-8")
    for figure in (
        "36 examples: 30 gold, 6 replayed (17%)",
        "| crypto | 30 | 0 |",
        "| aaaaaaaaaaaa | 15 |",
        "| (no guidelines) | 15 |",
        "| adjudicated | 8 |",
        "20 items",
        "90.0%",
        "0.710 [0.500, 0.900]",
        "0.850",
        "5 (median)",
        f"`{card.digest}`",
    ):
        assert figure in page


def test_reasons_come_with_examples_by_name() -> None:
    again = [row(f" move  {i} bitcoin", "queue: crypto", id=f"again-{i:02}") for i in range(25)]
    made = build_training_set([*gold(30), *again], [], replay_share=0, seed=1)
    (names,) = made.card.dropped_examples.values()
    assert made.card.dropped == {"duplicate in gold": 25}
    assert len(names) == 20
    assert f"| duplicate in gold | 25 | {', '.join(names)} |" in data_card(made.card)


def test_no_name_of_an_exchange_is_in_a_card() -> None:
    """The card is stored longer than an end user's exchanges."""
    rows = [
        {**first, "metadata": {**first["metadata"], "exchange_id": f"ann-{i}"}}
        for i, first in enumerate(gold(20) + gold(20))
    ]
    made = build_training_set(rows, [], replay_share=0, seed=1)
    made = made.with_base(lambda many: [1] * len(many), SERVING)
    assert "ann" not in data_card(made.card)


def test_the_inputs_are_named_by_their_content_alone() -> None:
    made = build_training_set(gold(20), original(cards=30), replay_share=0.3, seed=1)
    again = build_training_set(gold(20)[::-1], original(cards=30)[::-1], replay_share=0.3, seed=2)
    assert made.card.inputs == again.card.inputs
    assert set(made.card.inputs) == {"gold", "original"}


def test_later_removals_stay_in_the_card(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    made = build_training_set(gold(20), [], replay_share=0, seed=1)
    made.write(folder)
    content = json.loads(folder.card.read_text())
    content["removed"] = [{"n_rows": 3, "why": "erasure"}]
    folder.card.write_text(json.dumps(content))
    card = read_card(folder)
    assert card is not None
    write_card(folder, card)
    assert "- 3: erasure" in folder.data_card.read_text()
    assert json.loads(folder.card.read_text())["removed"] == content["removed"]
