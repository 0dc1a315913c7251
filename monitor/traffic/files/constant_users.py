"""End users of a file in which all exchanges name one."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from monitor.errors import RecordError
from monitor.traffic.exchange import Exchange
from monitor.traffic.files.shapes.column_names import USERS, normalize
from monitor.traffic.files.shapes.columns import is_id_number
from monitor.traffic.parsing.cleaning import clean_name
from monitor.traffic.parsing.json_text import parse_json
from monitor.traffic.parsing.raw_exchange import to_text
from monitor.traffic.record import RawRecord

#: Exchanges from which on one user of all is none; with fewer, nothing is tested.
MIN_CONSTANT = 20


class ConstantUser:
    """The only end user so far, and what the exchanges have under the other names of one.

    Nothing is kept any more once a second end user comes.
    """

    def __init__(self) -> None:
        self._user: str | None = None
        self._is_constant = True
        self._others: list[dict[str, str]] = []

    def add(self, record: RawRecord, exchanges: Sequence[Exchange]) -> None:
        """Take the exchanges of a record."""
        if not self._is_constant or not exchanges:
            return
        self._user = exchanges[0].end_user if self._user is None else self._user
        self._is_constant = all(exchange.end_user == self._user for exchange in exchanges)
        if not (self._is_constant and self._user):
            self._is_constant, self._others = False, []
            return
        names = dict(_names(record))
        self._others += [names for _ in exchanges]

    def replace(self, exchanges: Sequence[Exchange]) -> tuple[list[Exchange], str]:
        """Return the exchanges with the next candidate's users, or none, and a remark.

        Where the user is not constant, they are unchanged, and the remark is empty.
        """
        n = len(exchanges)
        if not self._is_constant or n < MIN_CONSTANT or len(self._others) != n:
            return list(exchanges), ""
        columns = sorted(
            {name for names in self._others for name in names},
            key=lambda name: USERS.index(normalize(name.rpartition(".")[2])),
        )
        chosen = next((name for name in columns if self._differs(name)), "")
        users = [names.get(chosen, "") for names in self._others]
        rest = f"{chosen!r} is read as the user" if chosen else "each counts as one of its own"
        return [
            replace(exchange, end_user=user)
            for exchange, user in zip(exchanges, users, strict=True)
        ], f"all {n:,} exchanges have one user, which is no end user, so {rest}"

    def _differs(self, name: str) -> bool:
        return len({names.get(name, "") for names in self._others} - {""}) > 1


def _names(record: RawRecord) -> Iterator[tuple[str, str]]:
    """Yield the columns that are named like a user, also those of the metadata, with their ids."""
    try:
        content = parse_json(record.value or b"null")
    except RecordError:
        return
    if not isinstance(content, dict):
        return
    content = content.get("standard_logging_object", content)  # LiteLLM's
    metadata = content.get("metadata") if isinstance(content, Mapping) else None
    for prefix, columns in (("", content), ("metadata.", metadata)):
        for name, value in columns.items() if isinstance(columns, Mapping) else ():
            if normalize(name) in USERS and (user := _user(value)):
                yield f"{prefix}{name}", user


def _user(value: Any) -> str:
    if isinstance(value, float) and is_id_number(value):
        value = int(value)
    is_name = isinstance(value, str) or is_id_number(value)
    return clean_name(to_text(value)) if is_name else ""
