"""Short constructors of training rows."""

from collections import Counter
from typing import Any

from retrain.data import TrainingSet

Row = dict[str, Any]


def row(
    question: str, response: str, task_type: str = "", system: str = "", **metadata: Any
) -> Row:
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": response}]
    if system:
        messages.insert(0, {"role": "system", "content": system})
    if task_type:
        metadata["task_type"] = task_type
    return {"messages": messages, "metadata": metadata}


def gold(n: int) -> list[Row]:
    return [row(f"move {i} bitcoin", "queue: crypto", "crypto") for i in range(n)]


def original(**counts: int) -> list[Row]:
    return [
        row(f"{name} question {i}", f"queue: {name}", name)
        for name, n in counts.items()
        for i in range(n)
    ]


def questions(rows: list[Row]) -> list[str]:
    return [row["messages"][-2]["content"] for row in rows]


def sources(rows: list[Row]) -> Counter[str]:
    return Counter(row["metadata"]["source"] for row in rows)


def both_sides(made: TrainingSet) -> list[Row]:
    return [*made.rows, *made.validation]
