"""The document of an export: parts of tables and files, and what was left out."""

from typing import Any

import msgspec

from monitor.privacy.end_users.near_matches import NearMatch

#: Version of the form of the JSON document.
FORM = 1


class DocumentColumn(msgspec.Struct, frozen=True):
    """The declaration of a searched column."""

    name: str
    holds: str


class DocumentEntry(msgspec.Struct, frozen=True):
    """A row of a table, or of a file."""

    #: Primary key, or position in the file.
    key: dict[str, Any]
    #: Values of a row that is the end user's.
    values: dict[str, Any] = {}
    #: What the other rows hold of the end user, by column; the rest of them is left out.
    passages: dict[str, list[str]] = {}


class DocumentPart(msgspec.Struct, frozen=True):
    """The data of the end user in a table or a file."""

    place: str
    name: str
    purpose: str
    period: str
    readers: str
    columns: tuple[DocumentColumn, ...]
    entries: list[DocumentEntry]

    @property
    def n_own(self) -> int:
        """Return the number of rows that are the end user's; the others have parts about them."""
        return sum(bool(entry.values) for entry in self.entries)


class Omission(msgspec.Struct, frozen=True):
    """Data that is not in the export, with the reason."""

    content: str
    reason: str


class Export(msgspec.Struct, frozen=True):
    """Everything stored about an end user."""

    form: int
    created_at: str
    #: The id as given, and the forms in which it is stored.
    end_user: str
    stored_ids: tuple[str, ...]
    exchange_ids: tuple[str, ...]
    #: Ids that resemble the given one, for whoever runs the command; in no file, as they may be
    #: third parties'.
    near_matches: tuple[NearMatch, ...]
    parts: list[DocumentPart]
    #: Kinds of places without anything of the end user.
    searched_without_result: tuple[str, ...]
    left_out: tuple[Omission, ...]

    @property
    def n_entries(self) -> int:
        """Return the number of rows of tables and files."""
        return sum(len(part.entries) for part in self.parts)


def to_json(export: Export) -> str:
    """Return the export as JSON, indented."""
    document = msgspec.structs.asdict(export)
    del document["near_matches"]
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"
