"""Gold as training examples: what the export writes and what retraining reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from monitor.review.export.contradictions import ConsistentExamples, resolve_contradictions
from monitor.review.export.training_examples import (
    SkippedItem,
    TaxonomyVersions,
    TrainingExample,
    provenance,
    render,
)
from monitor.settings import ModelSection
from monitor.store.review.gold_export import ItemFilter, gold_items

Row = dict[str, Any]


@dataclass(frozen=True)
class Gold:
    """The decided items that were asked for."""

    examples: ConsistentExamples
    skipped: list[SkippedItem]

    def remarks(self) -> list[str]:
        """Return what a person should know of what isn't exported, one line each."""
        lines = [
            f"left out: items {_list(items)} answer the same prompt differently under the same "
            "guide; a lead reopens those that are wrong"
            for items in self.examples.contradictions
        ]
        reasons: dict[str, list[int]] = {}
        for one in self.skipped:
            reasons.setdefault(one.reason, []).append(one.item_id)
        if self.examples.overruled:
            reasons["a later answer to the same prompt overrules it"] = self.examples.overruled
        return lines + [
            f"left out: item{'s' if len(items) > 1 else ''} {_list(items)}: {reason}"
            for reason, items in reasons.items()
        ]


def read_gold(connection: Connection, model: ModelSection, item_filter: ItemFilter) -> Gold:
    """Render the gold that stands, and set aside what contradicts itself.

    Args:
        connection: Inside the caller's transaction.
        model: Its system prompt is for items that were reviewed without a taxonomy.
        item_filter: Selects the items.
    """
    taxonomies = TaxonomyVersions(connection, model.system_prompt)
    examples: list[TrainingExample] = []
    skipped: list[SkippedItem] = []
    for item in gold_items(connection, item_filter):
        outcome = render(item, taxonomies)
        if isinstance(outcome, SkippedItem):
            skipped.append(outcome)
        else:
            examples.append(outcome)
    return Gold(resolve_contradictions(examples), skipped)


def sft_rows(gold: Gold, model: ModelSection, *, bare: bool = False) -> list[Row]:
    """Return conversations to train on, one for each prompt; ``bare`` without their provenance."""
    rows = []
    for group in gold.examples.groups:
        first = group[0]
        row: Row = {"messages": [*first.prompt, {"role": "assistant", "content": first.response}]}
        if not bare:
            merged = sorted(one.item.item_id for one in group[1:])
            row["metadata"] = provenance(first.item, model.version_field) | {"merged_items": merged}
        rows.append(row)
    return rows


def _list(items: Sequence[int]) -> str:
    return ", ".join(map(str, sorted(items)))
