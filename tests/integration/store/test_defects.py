"""A statement that the database can't understand is a defect, and is not tried again."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from monitor.errors import DatabaseUnavailableError
from monitor.store.engine import transaction


@pytest.mark.parametrize("statement", ["SELECT nope FROM nowhere", "SELEC 1"])
def test_a_defective_statement_is_no_outage(any_engine: Engine, statement: str) -> None:
    with pytest.raises(DBAPIError) as caught, transaction(any_engine) as connection:
        connection.execute(text(statement))
    assert not isinstance(caught.value, DatabaseUnavailableError)
