"""The words of an erased exchange are gone from the full-text index, to the bytes."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, text

from monitor.privacy.end_users.end_user import ErasureRequest
from monitor.privacy.erasure.forget import forget
from monitor.privacy.retention.application import apply_retention
from monitor.settings import Retention, Settings
from monitor.store.engine import transaction
from monitor.store.tables import ExchangeTerms
from tests.support.search.indexed import index, store

#: A word that only the erased exchange has.
WORD = "qwyzzelwort"


def index_bytes(engine: Engine) -> bytes:
    """Return the files of the index; of SQLite, those of the whole database."""
    if engine.dialect.name == "sqlite":
        path = str(engine.url.database)
        engine.dispose()  # the last connection writes the log back into the file
        return b"".join(
            file.read_bytes() for end in ("", "-wal") if (file := Path(path + end)).exists()
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CHECKPOINT"))
        path = "pg_relation_filepath('fulltext_exchange_terms')"
        content = connection.execute(text(f"SELECT pg_read_binary_file({path})")).scalar_one()
        return bytes(content)


@pytest.fixture
def indexed(any_engine: Engine, clock: datetime) -> Engine:
    """Return a database with an exchange of Ann among others, in several segments."""
    rows = [{"prompt": f"words of others number{n}", "end_user": "bob"} for n in range(8)]
    rows[3] = {"prompt": f"my {WORD} is lost", "end_user": "ann"}
    for number, row in enumerate(rows):
        store(any_engine, [row], clock, first=number)
        index(any_engine, clock)
    assert WORD.encode() in index_bytes(any_engine)
    return any_engine


def test_words_of_erased_exchange_are_gone_to_the_bytes(indexed: Engine, clock: datetime) -> None:
    report = forget(indexed, Settings(), ErasureRequest("ann"), clock)
    assert report.n_left == 0
    assert not report.findings
    content = index_bytes(indexed)
    assert WORD.encode() not in content
    assert b"number4" in content or b"umber" in content  # terms share their beginnings
    with transaction(indexed) as connection:
        assert connection.execute(select(func.count()).select_from(ExchangeTerms)).scalar() == 7


def test_words_leave_the_index_by_retention(indexed: Engine, clock: datetime) -> None:
    month = timedelta(days=30)
    apply_retention(indexed, Retention(exchanges=month), clock + 2 * month)
    with transaction(indexed) as connection:
        assert connection.execute(select(func.count()).select_from(ExchangeTerms)).scalar() == 0
    if indexed.dialect.name == "sqlite":
        assert WORD.encode() not in index_bytes(indexed)
