"""Rows of queries, read by the names of their fields."""

from dataclasses import dataclass

import pytest
from sqlalchemy import select

from monitor.store.rows import columns_of
from monitor.store.tables import Review, ReviewItem, User


@dataclass(frozen=True)
class ReviewerRow:
    id: int
    task_type: str
    verdict: str
    reviewer: str


def test_fields_are_columns_of_the_first_table_that_has_them() -> None:
    columns = columns_of(ReviewerRow, ReviewItem, Review, reviewer=User.name)

    assert list(select(*columns).selected_columns.keys()) == [
        "id",
        "task_type",
        "verdict",
        "reviewer",
    ]
    tables = [column.table.name for column in columns[:3]]
    assert [ReviewItem.__tablename__, ReviewItem.__tablename__, Review.__tablename__] == tables


def test_a_field_without_a_column_is_refused() -> None:
    with pytest.raises(AttributeError, match="verdict"):
        columns_of(ReviewerRow, ReviewItem, reviewer=User.name)
