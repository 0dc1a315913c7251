"""Search of stored exchanges: all conditions hold, the newest first, from a position on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    cast,
    column,
    exists,
    func,
    literal,
    select,
    table,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from monitor.store.rows import batches_of
from monitor.store.search.terms import metric_terms, task_type_term, version_term, wanted_words
from monitor.store.tables import (
    Exchange,
    ExchangeTerms,
    GoldExample,
    ReviewAudit,
    ReviewBatch,
    ReviewItem,
)
from monitor.store.training.versions.version_labels import version_labels

#: More exchanges with the terms are walked through by time: sorting all of them takes longer.
MAX_SORTED = 5_000
#: Candidates whose metric is compared at a time, and such steps of a page.
CANDIDATES, MAX_STEPS = 200, 20
#: Ways in which PostgreSQL may read a table, by their settings.
PLANS = ("seqscan", "bitmapscan", "indexscan")
#: Verdict of an item that has none yet.
WAITING = "waiting"

#: Time and id of an exchange.
Position = tuple[datetime, int]


@dataclass(frozen=True, kw_only=True)
class Criteria:
    """Conditions of a search; an empty value matches any exchange."""

    model: str
    text: str = ""
    task_type: str = ""
    #: As the traffic names it, or its number in the registry.
    version: str = ""
    #: Of :func:`shown_gold`; or :data:`WAITING`.
    verdict: str = ""
    metric: str = ""
    least: float = float("-inf")
    most: float = float("inf")
    #: In ``[since, until)``.
    since: datetime | None = None
    until: datetime | None = None
    #: Exchanges of a topic.
    ids: Sequence[int] | None = None


@dataclass(frozen=True)
class Found:
    """A page of exchanges."""

    #: The newest first.
    ids: list[int]
    #: Where the next page begins; ``None``: there is none.
    position: Position | None


def find_exchanges(
    connection: Connection, criteria: Criteria, *, before: Position | None, limit: int
) -> Found:
    """Return the exchanges before a position that match; ``None``: the newest.

    A page may have fewer than ``limit`` though there are more: a rare value of a metric is searched
    for among some thousand candidates.
    """
    matches: list[Position] = []
    position = before
    n_wanted = CANDIDATES if criteria.metric else limit + 1
    ids = _few_ids(connection, criteria)
    for _ in range(MAX_STEPS):
        candidates = _candidates(connection, criteria, ids, position, n_wanted)
        matches += _with_metric(connection, criteria, candidates)
        if len(matches) > limit:
            return Found([id_ for _, id_ in matches[:limit]], matches[limit - 1])
        if len(candidates) < n_wanted:
            return Found([id_ for _, id_ in matches], None)
        position = candidates[-1]
    return Found([id_ for _, id_ in matches], position)


def text_condition(connection: Connection, words: str) -> list[ColumnElement[bool]]:
    """Return the condition, or none, that indexed exchanges have all words of a text."""
    return _has_terms(connection, [[word] for word in _quoted(connection, wanted_words(words))])


def _few_ids(connection: Connection, criteria: Criteria) -> Sequence[int] | None:
    """Return the exchanges among which all are that match, where these are few."""
    if criteria.ids is not None or not criteria.verdict:
        return criteria.ids
    statement = (
        select(ReviewItem.exchange_id)
        .join(ReviewBatch, ReviewBatch.id == ReviewItem.batch_id)
        .where(ReviewBatch.model == criteria.model, _has_verdict(criteria.verdict))
        .limit(MAX_SORTED + 1)
    )
    ids = connection.execute(statement).scalars().all()
    return ids if len(ids) <= MAX_SORTED else None


def _candidates(
    connection: Connection,
    criteria: Criteria,
    ids: Sequence[int] | None,
    before: Position | None,
    limit: int,
) -> list[Position]:
    """Return exchanges before a position that match but for the value of the metric."""
    time, id_ = ExchangeTerms.occurred_at, ExchangeTerms.exchange_id
    conditions = [ExchangeTerms.model == criteria.model]
    if criteria.since is not None:
        conditions.append(time >= criteria.since)
    if criteria.until is not None:
        conditions.append(time < criteria.until)
    if before is not None:
        conditions.append(tuple_(time, id_) < tuple_(*map(literal, before)))
    if criteria.verdict:
        item = and_(ReviewItem.exchange_id == id_, _has_verdict(criteria.verdict))
        conditions.append(exists().where(item))
    has_terms = _has_terms(connection, _wanted_terms(connection, criteria))
    statement = select(time, id_).where(*conditions, *has_terms)
    newest = statement.order_by(time.desc(), id_.desc()).limit(limit)
    if ids is not None:
        matches: list[Position] = []
        for part in batches_of(ids):
            matches += _positions(connection, newest.where(id_.in_(part)))
        return sorted(matches, reverse=True)[:limit]
    if connection.dialect.name == "postgresql":
        if has_terms:
            few = statement.limit(MAX_SORTED + 1)
            matches = _positions_by(connection, "bitmapscan", few)
            if len(matches) <= MAX_SORTED:
                return sorted(matches, reverse=True)[:limit]
        return _positions_by(connection, "indexscan", newest)
    return _positions(connection, newest)


def _positions(connection: Connection, statement: Any) -> list[Position]:
    return [(row[0], row[1]) for row in connection.execute(statement)]


def _positions_by(connection: Connection, plan: str, statement: Any) -> list[Position]:
    """Let PostgreSQL use the index of terms, or walk through exchanges by time.

    Its estimate of the frequency of words is too rough for the choice. Other statements of the
    transaction choose by themselves again: without an index they would read all exchanges.
    """
    _allow(connection, (plan,))
    positions = _positions(connection, statement)
    _allow(connection, PLANS)
    return positions


def _allow(connection: Connection, plans: Sequence[str]) -> None:
    values = [
        func.set_config(f"enable_{name}", "on" if name in plans else "off", True) for name in PLANS
    ]
    connection.execute(select(*values))


def shown_gold() -> ColumnElement[bool]:
    """Return the condition of gold of an item that stands, and that nobody audits blindly now."""
    audit = and_(
        ReviewAudit.item_id == ReviewItem.id,
        ReviewAudit.revision == ReviewItem.revision,
        ReviewAudit.decided_at.is_(None),
    )
    return and_(
        GoldExample.item_id == ReviewItem.id,
        GoldExample.superseded_at.is_(None),
        ReviewItem.status == "gold",
        ~exists().where(audit),
    )


def _has_verdict(verdict: str) -> ColumnElement[bool]:
    if verdict == WAITING:
        return ReviewItem.status.in_(("queued", "disagreed", "adjudication"))
    return exists().where(shown_gold(), GoldExample.verdict == verdict)


def _wanted_terms(connection: Connection, criteria: Criteria) -> list[list[str]]:
    """Return the terms of a search, quoted: one of each list."""
    wanted = [[word] for word in _quoted(connection, wanted_words(criteria.text))]
    codes = []
    if criteria.task_type:
        codes.append([task_type_term(criteria.task_type)])
    if criteria.version:
        codes.append([version_term(name) for name in _labels(criteria)])
    if criteria.metric:
        codes.append(metric_terms(criteria.metric, criteria.least, criteria.most))
    return wanted + [_quoted(connection, dict.fromkeys(group, False)) for group in codes]


def _labels(criteria: Criteria) -> tuple[str, ...]:
    """Return the names of a version; its number in the registry stands for all of its labels."""
    name = criteria.version
    if name.isascii() and name.isdigit() and len(name) < 10 and str(int(name)) == name:
        return version_labels(criteria.model, int(name))
    return (name,)


def _quoted(connection: Connection, terms: Mapping[str, bool]) -> list[str]:
    """Quote terms, which are data: none of them is an operator."""
    if connection.dialect.name == "postgresql":
        return [f"'{term}':*" if is_begin else f"'{term}'" for term, is_begin in terms.items()]
    return [f'"{term}"*' if is_begin else f'"{term}"' for term, is_begin in terms.items()]


def _has_terms(
    connection: Connection, groups: Sequence[Sequence[str]]
) -> list[ColumnElement[bool]]:
    if not groups:
        return []
    if connection.dialect.name == "postgresql":
        query = " & ".join(f"({' | '.join(group)})" for group in groups)
        return [ExchangeTerms.terms.op("@@", is_comparison=True)(cast(query, TSQUERY))]
    index = table("fulltext_exchanges", column("rowid"))
    query = " AND ".join(f"({' OR '.join(group)})" for group in groups)
    matches = text("fulltext_exchanges MATCH :query").bindparams(query=query)
    return [ExchangeTerms.exchange_id.in_(select(index.c.rowid).where(matches))]


def _with_metric(
    connection: Connection, criteria: Criteria, candidates: list[Position]
) -> list[Position]:
    """Return the candidates whose metric is in the range."""
    if not criteria.metric:
        return candidates
    values: dict[int, Any] = {}
    for part in batches_of([id_ for _, id_ in candidates]):
        rows = connection.execute(
            select(Exchange.id, Exchange.attributes).where(Exchange.id.in_(part))
        )
        values |= {row.id: row.attributes.get(criteria.metric) for row in rows}

    def is_in_range(value: Any) -> bool:
        return isinstance(value, int | float) and criteria.least <= value <= criteria.most

    return [at for at in candidates if is_in_range(values.get(at[1]))]
