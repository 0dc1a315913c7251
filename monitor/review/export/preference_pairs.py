"""Gold as preference pairs: the agreed response over the model's response."""

from monitor.review.export.gold import Gold, Row
from monitor.review.export.training_examples import provenance
from monitor.review.items.verdicts import normalise
from monitor.settings import ModelSection


def preference_rows(gold: Gold, model: ModelSection, *, bare: bool = False) -> list[Row]:
    """Return ``prompt``, ``chosen`` and ``rejected`` as conversations, where the two differ.

    Several responses of the model to one prompt give several pairs with the same ``chosen``; equal
    pairs are one.
    """
    rows = []
    for group in gold.examples.groups:
        seen: set[str] = set()
        for example in sorted(group, key=lambda example: example.item.item_id):
            rejected = normalise(example.item.model_response)
            if rejected in {"", normalise(example.response)} or rejected in seen:
                continue
            seen.add(rejected)
            row: Row = {
                "prompt": example.prompt,
                "chosen": [{"role": "assistant", "content": example.response}],
                "rejected": [{"role": "assistant", "content": example.item.model_response.strip()}],
            }
            if not bare:
                row["metadata"] = provenance(example.item, model.version_field)
            rows.append(row)
    return rows
