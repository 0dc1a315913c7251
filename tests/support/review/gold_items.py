"""Items reviewed under a taxonomy: through the workflow, or built directly."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from monitor.review.items.blind_review import REVIEWS
from monitor.review.items.verdicts import ReviewInput
from monitor.settings import Review
from monitor.store.engine import transaction
from monitor.store.review.gold_export import GoldItem
from tests.support.review.review_world import World, make_world

FIVE = {"accuracy": 5, "completeness": 5, "tone": 5, "compliance": 5}
ACCEPT = ReviewInput(verdict="accept", **FIVE)

TAXONOMY = """\
---
system_prompt: You answer {task_type} for a bank.
---

# card_lost: A card is lost

## Input types

- A card is lost.

## Correct output

Blocking comes first.

## Criteria

- Accept where blocking comes first.

## Edge cases

### Found again

```input
I found it.
```

```output
It stays blocked.
```
"""


def correct(text: str, **changes: Any) -> ReviewInput:
    return ReviewInput(
        **{"verdict": "correct", "error_kind": "knowledge", "answerable": "facts_missing"}
        | {"corrected_response": text, **FIVE}
        | changes
    )


def make_reviewed_world(
    engine: Engine, folder: Path, clock: datetime, reviews: list[ReviewInput], **options: Any
) -> World:
    """Make a world whose items have the given reviews, two each, in queue order."""
    path = folder / "taxonomy.md"
    path.write_text(TAXONOMY, encoding="utf-8")
    world = make_world(engine, clock, review=Review(taxonomy=str(path)), **options)
    for review in reviews:
        for name in ("Ada", "Ben"):
            with transaction(engine) as connection:
                item = REVIEWS.claim_next(
                    connection, world.users[name], clock, timedelta(minutes=20)
                )
                assert item is not None
                REVIEWS.submit(connection, item, world.rows[name], review, clock)
    return world


def decided(item_id: int = 1, **changes: Any) -> GoldItem:
    """Return a decided item reviewed without a taxonomy."""
    values: dict[str, Any] = {
        "exchange_id": f"x{item_id}",
        "model": "assistant",
        "task_type": "card_lost",
        "taxonomy_version": "",
        "truncated": False,
        "messages": [{"role": "user", "content": "Where is my card?"}],
        "model_response": "No idea.",
        "revision": 1,
        "batch_id": 1,
        "guidelines_since": datetime(2026, 11, 2, tzinfo=UTC),
        "window_start": datetime(2026, 10, 26, tzinfo=UTC),
        "window_end": datetime(2026, 11, 2, tzinfo=UTC),
        "slice": "control",
        "cluster": None,
        "selection_probability": 0.5,
        "control_probability": 0.02,
        "attributes": {"model_version": "v7"},
        "verdict": "correct",
        "response": "Block it first.",
        "error_kind": "knowledge",
        "answerable": "yes",
        "resolution": "agreed",
        "decided_at": datetime(2026, 11, 3, tzinfo=UTC),
        "n_reviewers": 2,
    }
    return GoldItem(item_id=item_id, **values | changes)
