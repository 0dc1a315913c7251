"""Tables of the full-text index of stored exchanges."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from monitor.table_types import contents
from monitor.table_types.base import Base, BigId, add_statements
from monitor.table_types.terms import Terms

#: How the names of what the declared tables can't say begin: FTS5's tables, and the GIN index.
FULL_TEXT = "fulltext_"


def is_declared(name: str | None, _kind: str = "", _parents: object = None) -> bool:
    """Return whether a table or an index is a declared one; an ``include_name`` of alembic."""
    return not (name or "").startswith(FULL_TEXT)


class ExchangeTerms(Base):
    """The terms of an exchange of the traffic: words of its texts, and codes of its facts."""

    __tablename__ = "exchange_terms"
    __table_args__ = (
        Index("ix_exchange_terms_age", "model", "occurred_at", "exchange_id"),
        contents.table(
            "search stored exchanges",
            contents.OPERATOR,
            period="parent",
            access=contents.Access(schedule="rad", web="r"),
        ),
    )

    exchange_id: Mapped[int] = mapped_column(BigId, ForeignKey("exchanges.id"), primary_key=True)
    model: Mapped[str] = mapped_column(info=contents.NAME)
    occurred_at: Mapped[datetime]
    #: See :mod:`monitor.store.search.terms`.
    terms: Mapped[str] = mapped_column(Terms, info=contents.END_USER_TEXT)


class SearchProgress(Base):
    """How far exchanges are indexed."""

    __tablename__ = "search_progress"
    __table_args__ = contents.table(
        "index each exchange once",
        contents.OPERATOR,
        no_period=contents.ONE_ROW,
        access=contents.Access(schedule="raw", web="r"),
    )

    #: Always 1.
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    #: All exchanges up to this id are indexed, and none of them is still to be stored.
    settled_id: Mapped[int] = mapped_column(BigId)
    #: The highest id at ``next_at``: it is settled when no transaction that began before is open.
    next_id: Mapped[int] = mapped_column(BigId)
    next_at: Mapped[datetime]


add_statements(
    ExchangeTerms.metadata.tables[ExchangeTerms.__tablename__],
    create={
        # The terms are split already: only the spaces between them separate.
        "sqlite": (
            """CREATE VIRTUAL TABLE fulltext_exchanges
    USING fts5(terms, content='exchange_terms', content_rowid='exchange_id',
    detail='none', columnsize=0, tokenize="ascii tokenchars '=+-.'")""",
            """CREATE TRIGGER fulltext_exchanges_insert AFTER INSERT ON exchange_terms
    BEGIN INSERT INTO fulltext_exchanges (rowid, terms) VALUES (NEW.exchange_id, NEW.terms); END""",
            """CREATE TRIGGER fulltext_exchanges_delete AFTER DELETE ON exchange_terms
    BEGIN INSERT INTO fulltext_exchanges (fulltext_exchanges, rowid, terms)
    VALUES ('delete', OLD.exchange_id, OLD.terms); END""",
        ),
        # Without a list of pending entries, which each search would read.
        "postgresql": (
            """CREATE INDEX fulltext_exchange_terms ON exchange_terms
    USING gin (terms) WITH (fastupdate = off)""",
        ),
    },
    drop={"sqlite": ("DROP TABLE fulltext_exchanges",), "postgresql": ()},
)
