"""What a format is given to read: the bytes of a record, its headers, its JSON parsed once."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from monitor.errors import RecordError
from monitor.settings import TrafficFields
from monitor.traffic.json_text import parse_json

NO_FIELDS = TrafficFields()


@dataclass(frozen=True)
class Payload:
    """The value of a record."""

    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()
    #: ``[traffic.fields]``, for the format ``mapped``.
    fields: TrafficFields = NO_FIELDS

    @cached_property
    def _parsed(self) -> tuple[Any, RecordError | None]:
        try:
            return parse_json(self.value), None
        except RecordError as error:
            return None, error

    @property
    def content(self) -> Any:
        """What the JSON holds; ``None`` where the record is not JSON."""
        return self._parsed[0]

    @property
    def complaint(self) -> RecordError | None:
        """Why the record is not JSON; ``None`` where it is."""
        return self._parsed[1]

    @property
    def object(self) -> dict[str, Any]:
        """The JSON object; empty where the record is something else, so that no key is found."""
        return self.content if isinstance(self.content, dict) else {}
