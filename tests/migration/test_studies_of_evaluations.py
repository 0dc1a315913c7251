"""Studies that were kept by version get their evaluation, with everything that refers to them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, MetaData, insert, select

from monitor.store.engine import transaction
from monitor.store.human_evaluation.human_evaluations import StudyRow, items_of, list_studies
from tests.migration.test_schema import (  # noqa: F401 - fixtures
    alembic_command,
    empty_engine,
    empty_postgres,
)

BEFORE = "5b7c20e91fd4"
OPENED = datetime(2026, 11, 2, tzinfo=UTC)
WAITING = ("awaiting_ratings", {"decision": "promote"})
RATED = ("succeeded", {"decision": "promote", "study": {"id": 1}})
NOT_RATED = ("succeeded", {"decision": "undecided"})
CANCELLED_WHILE_RATED = ("cancelled", {"decision": "promote"})
CANCELLED_WHILE_RUNNING = ("cancelled", None)

Evaluation = tuple[str, dict[str, Any] | None]


def insert_old(
    connection: Connection, versions: list[tuple[str, list[Evaluation], list[Evaluation]]]
) -> None:
    """Insert a version each with a study, and its evaluations from before and after it opened."""
    old = MetaData()
    old.reflect(connection)
    tables = old.tables
    for number, (status, before, after) in enumerate(versions, start=1):
        connection.execute(
            insert(tables["model_versions"]).values(
                id=number, model="desk", version=number, stage="candidate", adapter_path="",
                adapter_digest="", lineage={}, created_at=OPENED - timedelta(days=9),
            )
        )  # fmt: skip
        for hours, evaluations in ((-9, before), (1, after)):
            for later, (stands, verdict) in enumerate(evaluations):
                at = OPENED + timedelta(hours=hours + later)
                ended = None if stands == "awaiting_ratings" else at + timedelta(days=1)
                connection.execute(
                    insert(tables["candidate_evaluations"]).values(
                        version_id=number, status=stands, launcher="local", work_dir="",
                        request={}, file_digest="", attempts=1, next_attempt_at=at,
                        verdict=verdict, planned_by="test", created_at=at, finished_at=ended,
                    )
                )  # fmt: skip
        connection.execute(
            insert(tables["human_evaluations"]).values(
                id=number, version_id=number, status=status, sample_size=1, n_available=1,
                reviewers=1, scale_min=1, scale_max=5, dimensions=["tone"],
                secret=bytes(32), opened_at=OPENED,
            )
        )  # fmt: skip
        connection.execute(
            insert(tables["human_evaluation_items"]).values(
                study_id=number, number=1, benchmark="b", item_id="q", task_type="", messages=[]
            )
        )


def studies(engine: Engine) -> list[StudyRow]:
    with transaction(engine) as connection:
        found = list_studies(connection)
        assert all(len(items_of(connection, one.id)) == 1 for one in found)
    return sorted(found, key=lambda one: one.id)


@pytest.mark.parametrize(
    ("status", "before", "after", "evaluation", "becomes"),
    [
        ("open", [NOT_RATED, WAITING], [], 2, "open"),
        ("locked", [RATED], [NOT_RATED], 1, "locked"),
        # What its version's next evaluation waits for is people's view of that one's answers.
        ("locked", [RATED], [WAITING], 1, "locked"),
        ("open", [CANCELLED_WHILE_RUNNING, CANCELLED_WHILE_RATED], [], 2, "cancelled"),
        ("locked", [CANCELLED_WHILE_RATED], [], 1, "locked"),
        ("open", [CANCELLED_WHILE_RUNNING, NOT_RATED], [], None, "open"),
    ],
)
def test_a_study_gets_the_evaluation_that_waited_for_it(
    empty_engine: Engine,  # noqa: F811
    status: str,
    before: list[Evaluation],
    after: list[Evaluation],
    evaluation: int | None,
    becomes: str,
) -> None:
    alembic_command(empty_engine, "upgrade", BEFORE)
    with transaction(empty_engine) as connection:
        insert_old(connection, [(status, before, after)])
    alembic_command(empty_engine, "upgrade", "head")
    (found,) = studies(empty_engine)
    assert (found.evaluation_id, found.status) == (evaluation, becomes)
    assert (found.cancelled_at is not None) == (becomes == "cancelled")


def test_studies_and_their_items_outlive_the_way_up_and_down(
    empty_engine: Engine,  # noqa: F811
) -> None:
    alembic_command(empty_engine, "upgrade", BEFORE)
    with transaction(empty_engine) as connection:
        insert_old(connection, [("open", [WAITING], []), ("locked", [RATED], [])])
    alembic_command(empty_engine, "upgrade", "head")
    first = studies(empty_engine)
    assert [(one.evaluation_id, one.dimensions) for one in first] == [(1, ["tone"]), (2, ["tone"])]
    alembic_command(empty_engine, "downgrade", BEFORE)
    with transaction(empty_engine) as connection:
        old = MetaData()
        old.reflect(connection)
        secrets = (
            connection.execute(select(old.tables["human_evaluations"].c.secret)).scalars().all()
        )
    assert [bytes(one) for one in secrets] == [bytes(32)] * 2
    alembic_command(empty_engine, "upgrade", "head")
    assert studies(empty_engine) == first
