"""Snapshots of data cards, as the Markdown page beside a run's data."""

import msgspec
import pytest
from syrupy.assertion import SnapshotAssertion

from retrain.data.data_card import Card, SelfGenerated, Tokens
from retrain.data.data_card_page import data_card
from retrain.data.duplicates.exact import CONTRADICTIONS
from retrain.data.duplicates.near import DIFFERS_FROM_GOLD, SAME
from retrain.data.self_generated import CUT_OFF, LOOP, TOO_LONG

SMALL = Card(
    digest=f"sha256:{'a' * 64}", n_examples=20, n_gold=20, n_replay=0, replay_share=0.0,
    by_task_type={"crypto": 20}, by_source={"gold": 20},
)  # fmt: skip
WAITING = SelfGenerated(wanted_training=27, wanted_validation=3, n_prompts=38, max_new_tokens=512)

CARDS = {
    "gold_alone": SMALL,
    "every_section": Card(
        digest=f"sha256:{'a' * 64}", n_examples=90, n_gold=63, n_replay=27, replay_share=0.3,
        by_task_type={"": 1, "cards": 26, "crypto": 63}, by_source={"gold": 63, "replay": 27},
        by_guidelines={"": 3, "b" * 64: 60}, by_resolution={"adjudicated": 8, "agreed": 55},
        validation_digest=f"sha256:{'c' * 64}", n_validation=10,
        validation_by_task_type={"crypto": 10}, n_groups=95,
        tokens=Tokens(
            training=900, validation=100, median=9, p90=20, p99=60, longest=64,
            longest_example="item 7",
        ),
        agreement={
            "n_items": 60, "raw": 0.9, "alpha": 0.71, "alpha_lower": 0.5, "alpha_upper": 0.9,
            "ac1": 0.85, "ac1_lower": None, "ac1_upper": None,
        },
        dropped={CONTRADICTIONS: 2, SAME.format("gold"): 4, DIFFERS_FROM_GOLD: 1},
        dropped_examples={CONTRADICTIONS: ("a", "b")}, leaked={"acceptance": 3},
        differing_gold=("b and item 7",), inputs={"gold": f"sha256:{'d' * 64}"},
        near_duplicates="cosine of 0.9 or more by minilm", removed=({"n_rows": 3, "why": "why"},),
        remarks=("a remark",),
    ),
    "awaits_responses": msgspec.structs.replace(SMALL, self_generated=WAITING),
    "has_responses": msgspec.structs.replace(
        SMALL,
        self_generated=msgspec.structs.replace(
            WAITING, base="served", adapter="runs/1/adapter", n_usable=30,
            unusable={CUT_OFF: 4, LOOP: 1, TOO_LONG: 3},
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CARDS)
def test_data_card_snapshot(case: str, snapshot: SnapshotAssertion) -> None:
    assert data_card(CARDS[case]) == snapshot
