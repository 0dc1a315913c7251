"""Input of formats: the bytes, headers and parsed JSON of a record."""

from typing import Any

from monitor.errors import RecordError
from monitor.settings import TrafficFields
from monitor.traffic.parsing.json_text import parse_json

NO_FIELDS = TrafficFields()


class Payload:
    """A record's value and Kafka headers, and ``[traffic.fields]`` for the format ``mapped``."""

    __slots__ = ("_content", "_is_parsed", "_parse_error", "fields", "headers", "value")

    def __init__(
        self,
        value: bytes,
        headers: tuple[tuple[str, bytes | None], ...] = (),
        fields: TrafficFields = NO_FIELDS,
    ) -> None:
        self.value = value
        self.headers = headers
        self.fields = fields
        self._is_parsed = False
        self._content: Any = None
        self._parse_error: RecordError | None = None

    @classmethod
    def of(cls, content: dict[str, Any]) -> "Payload":
        """Return the payload of an object that is parsed already; it has no bytes."""
        payload = cls(b"")
        payload._is_parsed, payload._content = True, content
        return payload

    @property
    def content(self) -> Any:
        """The parsed JSON; ``None`` if the record is not JSON."""
        if not self._is_parsed:
            self._is_parsed = True
            try:
                self._content = parse_json(self.value)
            except RecordError as error:
                self._parse_error = error
        return self._content

    @property
    def parse_error(self) -> RecordError | None:
        """Why the record is not JSON; ``None`` if it is."""
        return self._parse_error if self.content is None else None

    @property
    def object(self) -> dict[str, Any]:
        """The JSON object; empty if the record is something else."""
        content = self.content
        return content if isinstance(content, dict) else {}
