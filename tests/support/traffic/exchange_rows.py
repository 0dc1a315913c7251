"""Rows of exchanges for tests, with default values."""

from typing import Any


def exchange_row(source: str, offset: int, **values: Any) -> dict[str, Any]:
    """Return a row for :meth:`monitor.store.traffic.exchange_columns.Exchanges.from_rows`.

    Args:
        source: Topic or file.
        offset: Position in its first partition.
        values: Other columns; ``occurred_at`` and ``prompt`` are required.
    """
    return {
        "source": source,
        "partition": 0,
        "offset": offset,
        "exchange_id": f"x{offset}",
        "received_at": values["occurred_at"],
        "model": "assistant",
        "task_type": "",
        "end_user": "",
        "messages": [{"role": "user", "content": values["prompt"]}],
        "response": "",
        "attributes": {},
        "inclusion_probability": 1.0,
    } | values
