"""Comparisons of a rollout's responses given the prompts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from monitor.store.rows import columns_of, read_row, read_rows
from monitor.store.tables import RolloutComparison, RolloutObservation
from retrain.rollout.rows.measured_hours import TextRow


@dataclass(frozen=True)
class ComparisonRow:
    """The newest comparison of a rollout. See the table ``rollout_comparisons``."""

    hour: datetime
    n_canary: int
    n_stable: int
    result: dict[str, Any]
    compared_at: datetime


@dataclass(frozen=True)
class ExamplePair:
    """Responses of both versions to prompts that are alike."""

    canary: TextRow
    stable: TextRow
    novelty: float
    prompt_similarity: float


def save_comparison(
    connection: Connection,
    rollout_id: int,
    *,
    hour: datetime,
    n_canary: int,
    n_stable: int,
    result: dict[str, Any],
    now: datetime,
) -> None:
    """Replace the comparison of a rollout."""
    connection.execute(delete(RolloutComparison).where(RolloutComparison.rollout_id == rollout_id))
    connection.execute(
        insert(RolloutComparison).values(
            rollout_id=rollout_id,
            hour=hour,
            n_canary=n_canary,
            n_stable=n_stable,
            result=result,
            compared_at=now,
        )
    )


def comparison_of(connection: Connection, rollout_id: int) -> ComparisonRow | None:
    """Return the newest comparison of a rollout."""
    columns = columns_of(ComparisonRow, RolloutComparison)
    statement = select(*columns).where(RolloutComparison.rollout_id == rollout_id)
    return read_row(connection, ComparisonRow, statement)


def example_pairs(connection: Connection, comparison: ComparisonRow) -> list[ExamplePair]:
    """Return the strongest differences with their texts; those of erased observations are gone."""
    examples = comparison.result.get("examples", [])
    ids = {example[arm] for example in examples for arm in ("canary", "stable")}
    columns = columns_of(TextRow, RolloutObservation)
    statement = select(*columns).where(RolloutObservation.id.in_(ids))
    rows = {row.id: row for row in read_rows(connection, TextRow, statement)}
    return [
        ExamplePair(
            rows[example["canary"]],
            rows[example["stable"]],
            example["novelty"],
            example["prompt_similarity"],
        )
        for example in examples
        if example["canary"] in rows and example["stable"] in rows
    ]
