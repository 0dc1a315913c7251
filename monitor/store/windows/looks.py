"""Queries of looks: searches of the last 24 hours for a large change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from monitor.errors import NotFoundError
from monitor.store.rows import columns_of, update_row
from monitor.store.tables import Exchange, Incident, Look
from monitor.store.windows.assessment import EVENT_KINDS
from monitor.table_types.documents import read_document

#: Looks without an alarm are kept as long.
KEPT = timedelta(days=35)


class LookFinding(msgspec.Struct, frozen=True, kw_only=True):
    """A large change of one quantity. It quotes nothing."""

    #: ``input``: prompts; ``output``: responses; ``metric``: a metric, or faults of responses.
    kind: Literal["input", "output", "metric"]
    #: A metric or descriptor; empty where the embeddings changed.
    name: str
    #: ``unlike``: drifted share; ``rate``: mean of a metric of 0 and 1; ``above``, ``below``: share
    #: of values beyond a quartile of the baseline.
    measure: Literal["unlike", "rate", "above", "below"]
    #: The quartile; ``None`` for other measures.
    threshold: float | None = None
    #: In the baseline; 0 for a drifted share.
    reference: float
    #: In the 24 hours, with its 95% interval.
    estimate: float
    lower: float
    upper: float
    p_value: float
    #: The level that it is compared with.
    level: float
    #: When it most likely began, within the 24 hours.
    since: datetime | None = None
    #: When it began by the first look of its incident that found it, and the end of that look;
    #: ``None``: this is the first.
    first_since: datetime | None = None
    first_looked_until: datetime | None = None
    #: Words that distinguish the new prompts; empty where they have none.
    topic: str = ""
    #: ``exchanges.id`` of the strongest examples.
    examples: tuple[int, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Return the name of the change in an incident's fingerprint, as a window names it."""
        if self.kind != "metric":
            return self.kind
        event = EVENT_KINDS.get(self.name)
        return f"metric:{self.name}" if event is None else f"event:{event}"

    @property
    def severity(self) -> float:
        """Return the severity in [0, 1]: the drifted share, or the relative loss of a metric."""
        if self.measure == "rate" and self.reference > 0.0:
            return min(1.0, abs(self.estimate - self.reference) / self.reference)
        return min(1.0, abs(self.estimate - self.reference))


@dataclass(frozen=True)
class LookRow:
    """A look of one model."""

    id: int
    model: str
    looked_until: datetime
    #: ``done``, ``skipped`` or ``failed``.
    status: str
    alarm: bool
    n_exchanges: int
    n_end_users: int
    provenance: dict[str, Any]
    findings: tuple[LookFinding, ...]
    created_at: datetime
    followed_up_at: datetime | None

    @property
    def fingerprint(self) -> frozenset[str]:
        """Return what alarms, as in the fingerprint of an incident."""
        return frozenset(finding.fingerprint for finding in self.findings)

    @property
    def severity(self) -> float:
        """Return the largest severity of its findings, in [0, 1]."""
        return max((finding.severity for finding in self.findings), default=0.0)

    def onset(self, finding: LookFinding) -> tuple[datetime, datetime] | None:
        """Return when a change began by the first look of its incident, and the end of that look.

        ``None`` where times are unknown.
        """
        if finding.first_since is not None and finding.first_looked_until is not None:
            return finding.first_since, finding.first_looked_until
        return None if finding.since is None else (finding.since, self.looked_until)


def anonymize_looks(connection: Connection, before: datetime) -> int:
    """Remove words and examples of exchanges from the findings of old looks; return their number.

    Figures stay.
    """
    statement = select(Look.id, Look.findings).where(Look.looked_until < before)
    n_changed = 0
    for look_id, findings in connection.execute(statement).all():
        clean = [{**finding, "topic": "", "examples": []} for finding in findings]
        if any(finding.get("topic") or finding.get("examples") for finding in findings):
            update_row(connection, Look, look_id, findings=clean)
            n_changed += 1
    return n_changed


def save_look(
    connection: Connection,
    *,
    model: str,
    looked_until: datetime,
    n_exchanges: int,
    n_end_users: int,
    findings: Sequence[LookFinding] | None,
    provenance: dict[str, Any],
    now: datetime,
    error: str = "",
) -> int | None:
    """Write a look, and delete old ones without an alarm; ``None`` where it was written before.

    The 24 hours end before ``looked_until``. ``n_exchanges`` are the sampled ones that were
    compared, or counted where the look was skipped. The findings are the large changes, the
    clearest first; ``None``: it was skipped, or failed. The error is why it failed; it is not
    repeated, as the next one covers most of its time.
    """
    unfinished = "failed" if error else "skipped"
    values = {
        "model": model,
        "looked_until": looked_until,
        "status": unfinished if findings is None else "done",
        "alarm": bool(findings),
        "n_exchanges": n_exchanges,
        "n_end_users": n_end_users,
        "provenance": {**provenance, "error": error} if error else provenance,
        "findings": msgspec.to_builtins(list(findings or ())),
        "created_at": now,
        # Only an alarm is followed up.
        "followed_up_at": None if findings else now,
    }
    try:
        with connection.begin_nested():
            look_id = connection.execute(insert(Look).values(**values).returning(Look.id))
            written = look_id.scalar_one()
    except IntegrityError:  # another process was faster
        return None
    connection.execute(
        delete(Look).where(
            Look.model == model, Look.alarm.is_(False), Look.looked_until < looked_until - KEPT
        )
    )
    return int(written)


def last_look_at(connection: Connection, model: str, *, only_done: bool = False) -> datetime | None:
    """Return the end of the newest look of a model; ``None`` where there is none."""
    statement = select(func.max(Look.looked_until)).where(Look.model == model)
    if only_done:
        statement = statement.where(Look.status == "done")
    return connection.execute(statement).scalar_one()


def last_look_failed_at(connection: Connection, model: str) -> datetime | None:
    """Return when the newest look of a model failed; ``None`` where it did not."""
    row = connection.execute(
        select(Look.status, Look.created_at)
        .where(Look.model == model)
        .order_by(Look.looked_until.desc())
        .limit(1)
    ).one_or_none()
    return row.created_at if row is not None and row.status == "failed" else None


def look_by_id(connection: Connection, look_id: int) -> LookRow:
    """Return a look, or ``NotFoundError``."""
    row = connection.execute(_ROWS.where(Look.id == look_id)).one_or_none()
    if row is None:
        raise NotFoundError(f"unknown look: {look_id}")
    return _row(row)


def newest_look(connection: Connection, model: str) -> LookRow | None:
    """Return the newest look of a model that wasn't skipped."""
    row = connection.execute(
        _ROWS.where(Look.model == model, Look.status == "done")
        .order_by(Look.looked_until.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else _row(row)


def looks_of_incident(connection: Connection, incident_id: int) -> list[LookRow]:
    """Return the looks that opened an incident and that alarmed last, the oldest first."""
    ids = connection.execute(
        select(Incident.opening_look_id, Incident.last_look_id).where(Incident.id == incident_id)
    ).one()
    statement = _ROWS.where(Look.id.in_([id_ for id_ in ids if id_ is not None]))
    return [_row(row) for row in connection.execute(statement.order_by(Look.looked_until))]


def pending_looks(connection: Connection, model: str) -> list[int]:
    """Return the looks with an alarm whose incident isn't written yet, the oldest first."""
    statement = (
        select(Look.id)
        .where(Look.model == model, Look.followed_up_at.is_(None))
        .order_by(Look.looked_until, Look.id)
    )
    return list(connection.execute(statement).scalars())


def set_findings(connection: Connection, look_id: int, findings: Sequence[LookFinding]) -> None:
    """Replace the findings of a look."""
    values = msgspec.to_builtins(list(findings))
    update_row(connection, Look, look_id, findings=values)


def mark_look_followed_up(connection: Connection, look_id: int, now: datetime) -> None:
    """Record that the incident of a look is written."""
    update_row(connection, Look, look_id, followed_up_at=now)


def count_traffic(
    connection: Connection, model: str, start: datetime, end: datetime
) -> tuple[int, int]:
    """Return the exchanges of a model in ``[start, end)`` and their end users.

    An exchange without an end user counts as one.
    """
    known = func.nullif(Exchange.end_user, "")
    row = connection.execute(
        select(func.count(), func.count(known), func.count(known.distinct())).where(
            Exchange.model == model,
            Exchange.occurred_at >= start,
            Exchange.occurred_at < end,
            Exchange.baseline_id.is_(None),
        )
    ).one()
    return int(row[0]), int(row[2] + row[0] - row[1])


@dataclass(frozen=True)
class LookExample:
    """An exchange that a look names as an example."""

    occurred_at: datetime
    prompt: str
    response: str
    task_type: str = ""
    #: Metrics and labels of the exchange.
    attributes: Mapping[str, Any] = field(default_factory=dict)


def load_examples(connection: Connection, look: LookRow) -> dict[int, LookExample]:
    """Return the examples of a look that still exist, by their ids.

    Ids of deleted exchanges may be reused, so only exchanges of the 24 hours count.
    """
    ids = [id_ for finding in look.findings for id_ in finding.examples]
    columns = columns_of(LookExample, Exchange)
    statement = select(Exchange.id, *columns).where(
        Exchange.id.in_(ids),
        Exchange.model == look.model,
        Exchange.baseline_id.is_(None),
        Exchange.occurred_at >= look.looked_until - timedelta(days=1),
        Exchange.occurred_at < look.looked_until,
    )
    return {
        int(row.id): LookExample(
            row.occurred_at, row.prompt, row.response, row.task_type, row.attributes
        )
        for row in connection.execute(statement)
    }


_ROWS = select(*columns_of(LookRow, Look))


def _row(row: Any) -> LookRow:
    values = row._asdict()
    values["findings"] = tuple(read_document(values["findings"], list[LookFinding]))
    return LookRow(**values)
