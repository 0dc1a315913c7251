"""Facts that each column and table declares of itself in ``info``: personal data, readers, access.

:mod:`monitor.store.tables.facts` collects them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal


class Content(StrEnum):
    """Kinds of content of a column."""

    END_USER_ID = "identifier of an end user"
    END_USER_TEXT = "text of an end user, or text or vectors made of it"
    STAFF_WORDS = "words that staff or programs write, which may name an end user"
    STAFF_ACCOUNT = "account of staff"
    FIGURE = "derived figure"
    NONE = "no personal data"


class Erasure(StrEnum):
    """How `driftwarden forget` reaches what a column holds of an end user."""

    DELETED = "deleted with the exchange of the end user"
    MASKED = "masked in place; the rest of the text stays"
    EXAMINED = "examined by prompts and id, and removed"
    UNCHANGED = "not changed"


#: Who reads a table: on the page by role, or in the database only.
Reader = Literal["reviewer", "adjudicator", "lead", "admin", "operator"]
#: Parts of the daemon with a role of their own in the database.
Part = Literal["ingest", "schedule", "web"]


@dataclass(frozen=True)
class PersonalColumn:
    """The content of a column, and its erasure."""

    content: Content
    erasure: Erasure
    #: Why the column is not changed; empty where it is.
    reason: str = ""
    #: A key of ``[retention]`` of its own; empty: that of the table.
    period: str = ""


@dataclass(frozen=True)
class Access:
    """The privileges of each part on a table: r(ead), a(ppend), w(rite over), d(elete).

    The codes are those of PostgreSQL.
    """

    ingest: str = ""
    schedule: str = ""
    web: str = ""
    #: Columns that a part reads; by default all.
    columns: Mapping[Part, tuple[str, ...]] = field(default_factory=dict)

    def of(self, part: Part) -> str:
        """Return the codes of a part."""
        codes: str = getattr(self, part)
        return codes


@dataclass(frozen=True)
class TableFacts:
    """Purpose, period and readers of the rows of a table."""

    purpose: str
    readers: tuple[Reader, ...]
    #: A key of ``[retention]``; ``parent``: as long as the row that it refers to; empty: none but
    #: those of columns.
    period: str = ""
    #: Why there is no period; empty where there is one.
    no_period: str = ""
    access: Access = Access()


#: Key of both in ``info``.
FACTS = "facts"


def table(
    purpose: str,
    readers: tuple[Reader, ...],
    *,
    period: str = "",
    no_period: str = "",
    access: Access = Access(),
) -> dict[str, Any]:
    """Return the table argument that declares the facts of a table; see :class:`TableFacts`."""
    return {"info": {FACTS: TableFacts(purpose, readers, period, no_period, access)}}


def column(
    content: Content, erasure: Erasure, reason: str = "", period: str = ""
) -> dict[str, Any]:
    """Return the ``info`` of a column; see :class:`PersonalColumn`."""
    return {FACTS: PersonalColumn(content, erasure, reason, period)}


def unchanged(reason: str, content: Content = Content.NONE) -> dict[str, Any]:
    """Return the ``info`` of a column that no erasure changes."""
    return column(content, Erasure.UNCHANGED, reason)


# Columns of an end user.
END_USER_ID = column(Content.END_USER_ID, Erasure.DELETED)
END_USER_TEXT = column(Content.END_USER_TEXT, Erasure.DELETED)
ID_EXAMINED = column(Content.END_USER_ID, Erasure.EXAMINED)
TEXT_EXAMINED = column(Content.END_USER_TEXT, Erasure.EXAMINED)
TEXT_MASKED = column(Content.END_USER_TEXT, Erasure.MASKED)
# Columns of words.
WORDS = column(Content.STAFF_WORDS, Erasure.MASKED)
QUOTES = column(Content.END_USER_TEXT, Erasure.EXAMINED, period="exchanges")
MASKED_QUOTES = column(Content.END_USER_TEXT, Erasure.MASKED, period="exchanges")
EVALUATED_TEXT = column(Content.END_USER_TEXT, Erasure.EXAMINED, period="human_evaluations")
ERROR = column(Content.STAFF_WORDS, Erasure.MASKED, period="errors")
REASON = column(Content.STAFF_WORDS, Erasure.MASKED, period="reasons")
NOTE = column(Content.STAFF_WORDS, Erasure.MASKED, period="incidents")
# Columns of staff.
ACCOUNT = unchanged("staff, who use the product, are not its end users", Content.STAFF_ACCOUNT)
# Other columns.
CODE = unchanged("a word of a fixed list")
NAME = unchanged("a name that the settings, a command or a benchmark gives")
DIGEST = unchanged("a digest from which no text can be derived")
PATH = unchanged("a path that this program chose")
KEY = unchanged("a key that this program builds of codes, names and numbers")
SETTINGS = unchanged("settings and versions of programs")
FIGURES = unchanged("figures over many exchanges", Content.FIGURE)
CREDENTIAL = unchanged("a digest or a random secret", Content.STAFF_ACCOUNT)

STAFF: tuple[Reader, ...] = ("reviewer", "adjudicator", "lead", "admin")
LEADS: tuple[Reader, ...] = ("lead", "admin")
OPERATOR: tuple[Reader, ...] = ("operator",)

HISTORY = "the history of a model: what was decided, when, by whom and why"
ONE_ROW = "overwritten in place; as many rows as there are sources, models or holders"
COUNTS = "counts that name no exchange"

#: Ingest gets the number of a row that it inserts, and reads nothing else.
ID_ONLY: Mapping[Part, tuple[str, ...]] = {"ingest": ("id",)}
#: What finds the dead letter of a record.
POSITION: Mapping[Part, tuple[str, ...]] = {
    "ingest": ("id", "source", "partition", "offset", "record_index")
}
