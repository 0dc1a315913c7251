"""How a study ends: locked and then measured, or cancelled with its evaluation."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from monitor.store.tables import HumanStudy, StudyItem


def lock_items(connection: Connection, study_id: int) -> None:
    """Wait for whoever is writing to a study's items, and keep others away until commit."""
    statement = select(StudyItem.id).where(StudyItem.study_id == study_id).order_by(StudyItem.id)
    connection.execute(statement.with_for_update()).all()


def set_locked(connection: Connection, study_id: int, person_id: int, now: datetime) -> bool:
    """Lock an open study; return whether it was open."""
    statement = (
        update(HumanStudy)
        .where(HumanStudy.id == study_id, HumanStudy.status == "open")
        .values(status="locked", locked_by=person_id, locked_at=now)
    )
    return connection.execute(statement).rowcount == 1


def cancel_study_of(connection: Connection, evaluation_id: int, now: datetime) -> int | None:
    """Cancel an evaluation's study that is open, and return its id; its ratings are kept.

    Call it before an entry of the audit log is made: it waits for whoever is submitting.
    """
    theirs = select(HumanStudy.id).where(
        HumanStudy.evaluation_id == evaluation_id, HumanStudy.status == "open"
    )
    study_id = connection.execute(theirs.with_for_update()).scalar_one_or_none()
    if study_id is None:
        return None
    lock_items(connection, study_id)
    connection.execute(
        update(HumanStudy)
        .where(HumanStudy.id == study_id)
        .values(status="cancelled", cancelled_at=now)
    )
    return study_id


def set_results(
    connection: Connection, study_id: int, results: dict[str, Any], now: datetime
) -> None:
    """Keep the figures of a locked study."""
    connection.execute(
        update(HumanStudy)
        .where(HumanStudy.id == study_id, HumanStudy.status == "locked")
        .values(results=results, measured_at=now)
    )
