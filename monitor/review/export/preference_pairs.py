"""Gold as preference pairs: the agreed answer over what the model said."""

from monitor.review.export.gold import Gold, Row
from monitor.review.export.training_examples import provenance
from monitor.review.items.verdicts import normalise
from monitor.settings import ModelSection


def preference_rows(gold: Gold, model: ModelSection, *, bare: bool = False) -> list[Row]:
    """Return ``prompt``, ``chosen`` and ``rejected`` as conversations, where the two differ.

    Several answers of the model to one prompt give several pairs with one ``chosen``; equal pairs
    are one.
    """
    rows = []
    for group in gold.examples.groups:
        seen: set[str] = set()
        for one in sorted(group, key=lambda one: one.item.item_id):
            rejected = normalise(one.item.model_response)
            if rejected in {"", normalise(one.response)} or rejected in seen:
                continue
            seen.add(rejected)
            row: Row = {
                "prompt": one.prompt,
                "chosen": [{"role": "assistant", "content": one.response}],
                "rejected": [{"role": "assistant", "content": one.item.model_response.strip()}],
            }
            if not bare:
                row["metadata"] = provenance(one.item, model.version_field)
            rows.append(row)
    return rows
