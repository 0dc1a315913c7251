"""Input of formats: the bytes, headers and parsed JSON of a record."""

from typing import Any

from monitor.errors import RecordError
from monitor.settings import TrafficFields
from monitor.traffic.parsing.json_text import parse_json

NO_FIELDS = TrafficFields()


class Payload:
    """A record's value and Kafka headers, and ``[traffic.fields]`` for the format ``mapped``."""

    __slots__ = ("content", "fields", "headers", "object", "parse_error", "value")

    def __init__(
        self,
        value: bytes,
        headers: tuple[tuple[str, bytes | None], ...] = (),
        fields: TrafficFields = NO_FIELDS,
    ) -> None:
        self.value = value
        self.headers = headers
        self.fields = fields
        #: Why the record is not JSON; ``None`` if it is.
        self.parse_error: RecordError | None = None
        content = None
        try:
            content = parse_json(value)
        except RecordError as error:
            self.parse_error = error
        self._set(content)

    @classmethod
    def of(cls, content: dict[str, Any]) -> "Payload":
        """Return the payload of an object that is parsed already; its bytes are not kept."""
        payload = cls(b"{}")
        payload._set(content)
        return payload

    def _set(self, content: Any) -> None:
        #: The parsed JSON; ``None`` if the record is not JSON.
        self.content = content
        #: The JSON object; empty if the record is something else.
        self.object: dict[str, Any] = content if isinstance(content, dict) else {}
