"""Column type of the terms of a full-text index."""

import re
from typing import Any

from sqlalchemy import Dialect, Text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.types import TypeDecorator

_LEXEME = re.compile(r"'((?:[^']|'')*)'")


class Terms(TypeDecorator[str]):
    """Distinct terms, in their order, with spaces between: a ``tsvector`` of PostgreSQL."""

    impl = Text
    cache_ok = True

    @property
    def python_type(self) -> type[str]:
        """The type of the terms."""
        return str

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """Return the type of a database."""
        return dialect.type_descriptor(TSVECTOR() if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Return the terms as the database takes them."""
        if value is None:
            return None
        terms = sorted(set(value.split()))
        if dialect.name != "postgresql":
            return " ".join(terms)
        quoted = (term.replace("\\", "\\\\").replace("'", "''") for term in terms)
        return " ".join(f"'{term}'" for term in quoted)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Return the terms, in the same order from both databases."""
        if value is None or dialect.name != "postgresql":
            return value
        terms = (term.replace("''", "'").replace("\\\\", "\\") for term in _LEXEME.findall(value))
        return " ".join(sorted(terms))
