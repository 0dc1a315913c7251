"""Gold as training examples."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from monitor.store.reviews import GoldRow, gold_of_batches


def gold_examples(
    connection: Connection, batch_ids: Sequence[int] | None = None, *, system_prompt: str = ""
) -> list[dict[str, Any]]:
    """Return gold as SFT rows ``{"messages", "metadata"}``, one row an item.

    Rejected items for which nobody wrote the right response teach nothing and are left out.

    Args:
        connection: Inside the caller's transaction.
        batch_ids: The batches; ``None`` for all.
        system_prompt: Production's system prompt, for conversations that carry none.
    """
    rows = gold_of_batches(connection, batch_ids)
    return [_example(row, system_prompt) for row in rows if row.response.strip()]


def _example(row: GoldRow, system_prompt: str) -> dict[str, Any]:
    messages = [{"role": turn["role"], "content": turn["content"]} for turn in row.messages]
    if system_prompt and not any(turn["role"] == "system" for turn in messages):
        messages.insert(0, {"role": "system", "content": system_prompt})
    messages.append({"role": "assistant", "content": row.response})
    return {
        "messages": messages,
        "metadata": {
            "item_id": row.item_id,
            "batch_id": row.batch_id,
            "exchange_id": row.exchange_id,
            "model": row.model,
            "task_type": row.task_type,
            "slice": row.slice,
            "cluster": row.cluster,
            "selection_probability": row.selection_probability,
            "control_probability": row.control_probability,
            "verdict": row.verdict,
            "error_kind": row.error_kind,
            "resolution": row.resolution,
            "decided_at": row.decided_at.isoformat(),
        },
    }
