"""Queries of rendered reports."""

import gzip
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from monitor.store.tables import Report


def save_report(
    connection: Connection, evaluation_id: int, kind: str, html: str, now: datetime
) -> None:
    """Store a rendered report, in place of an earlier one of its kind."""
    connection.execute(
        delete(Report).where(Report.evaluation_id == evaluation_id, Report.kind == kind)
    )
    connection.execute(
        insert(Report).values(
            evaluation_id=evaluation_id,
            kind=kind,
            content=gzip.compress(html.encode("utf-8", "replace"), mtime=0),
            created_at=now,
        )
    )


def load_report(connection: Connection, evaluation_id: int, kind: str) -> str | None:
    """Return a stored report as HTML; ``None`` where there is none."""
    content = connection.execute(
        select(Report.content).where(Report.evaluation_id == evaluation_id, Report.kind == kind)
    ).scalar_one_or_none()
    return None if content is None else gzip.decompress(content).decode()


def report_kinds(connection: Connection, evaluation_id: int) -> set[str]:
    """Return the kinds of reports of an evaluation."""
    return set(
        connection.execute(
            select(Report.kind).where(Report.evaluation_id == evaluation_id)
        ).scalars()
    )
