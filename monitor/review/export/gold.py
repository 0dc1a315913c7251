"""Gold as training examples, for the export and for retraining."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from monitor.errors import InputError
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
    """The selected gold items as examples."""

    examples: ConsistentExamples
    skipped: list[SkippedItem]

    def remarks(self) -> list[str]:
        """Return a line for each reason why items are not exported."""
        lines = [
            f"not exported: items {_list(items)}: they contradict each other: same prompt and "
            "guidelines, different responses; reopen the wrong ones"
            for items in self.examples.contradictions
        ]
        reasons: dict[str, list[int]] = {}
        for item in self.skipped:
            reasons.setdefault(item.reason, []).append(item.item_id)
        if self.examples.overruled:
            reasons["overruled by a later response to the same prompt"] = self.examples.overruled
        return lines + [
            f"not exported: item{'s' if len(items) > 1 else ''} {_list(items)}: {reason}"
            for reason, items in reasons.items()
        ]


def read_gold(
    connection: Connection,
    model: ModelSection,
    item_filter: ItemFilter,
    *,
    left_out: Collection[int] = (),
) -> Gold:
    """Render gold items as examples and separate the contradictions.

    The model's system prompt applies to items that were reviewed without a taxonomy. The items
    ``left_out`` count as if they had no gold.

    Raises:
        InputError: An item that is left out has no gold; the message names it.
    """
    taxonomies = TaxonomyVersions(connection, model.system_prompt)
    examples: list[TrainingExample] = []
    skipped: list[SkippedItem] = []
    items = gold_items(connection, item_filter)
    refuse_unknown(left_out, {item.item_id for item in items})
    for item in items:
        if item.item_id in left_out:
            continue
        outcome = render(item, taxonomies)
        if isinstance(outcome, SkippedItem):
            skipped.append(outcome)
        else:
            examples.append(outcome)
    return Gold(resolve_contradictions(examples), skipped)


def refuse_unknown(left_out: Collection[int], known: Collection[int]) -> None:
    """Refuse to leave out items that have no gold; ``InputError`` names them."""
    unknown = set(left_out).difference(known)
    if unknown:
        raise InputError(
            f"items without gold here can't be left out: {_list([*unknown])}; remove the numbers",
            code="unknown_items",
        )


def sft_rows(gold: Gold, model: ModelSection, *, bare: bool = False) -> list[Row]:
    """Return conversations for training, one for each prompt; ``bare`` omits their provenance."""
    rows = []
    for group in gold.examples.groups:
        first = group[0]
        row: Row = {"messages": [*first.prompt, {"role": "assistant", "content": first.response}]}
        if not bare:
            merged = sorted(example.item.item_id for example in group[1:])
            row["metadata"] = provenance(first.item, model.version_field) | {"merged_items": merged}
        rows.append(row)
    return rows


def _list(items: Sequence[int]) -> str:
    return ", ".join(map(str, sorted(items)))
