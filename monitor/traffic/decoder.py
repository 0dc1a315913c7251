"""Decoder of records: bytes to exchanges, or errors with a stable reason."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from msgspec.structs import replace

from monitor.errors import RecordError
from monitor.settings import Traffic, format_duration
from monitor.traffic.exchange import LABELS, Exchange, Feedback, Half, Message
from monitor.traffic.feedback import BAD_FEEDBACK, check_values
from monitor.traffic.formats import read_record
from monitor.traffic.parsing.cleaning import (
    MAX_NAME_CHARACTERS,
    clean_attributes,
    clean_name,
    clean_text,
)
from monitor.traffic.parsing.payload import Payload
from monitor.traffic.parsing.raw_exchange import (
    IgnoredParts,
    RawExchange,
    RawFeedback,
    RecordPart,
    UnreadablePart,
    split_final_response,
)
from monitor.traffic.parsing.timestamps import parse_timestamp
from monitor.traffic.record import RawRecord
from monitor.traffic.sampling.observation_plan import HEADER_LABEL, header_text

#: Returns the parts of a record.
RecordReader = Callable[[Payload], Sequence[RecordPart]]

NULL_VALUE = "null_value"
#: Reasons of dead letters that decoding gives.
REASONS = (
    NULL_VALUE,
    "empty_value",
    "too_large",
    "invalid_utf8",
    "invalid_json",
    "invalid_protobuf",
    "too_deep",
    "too_many_unreadable",
    "unknown_format",
    "wrong_type",
    "missing_prompt",
    "missing_response",
    "missing_join_id",
    "bad_timestamp",
    "old_timestamp",
    "future_timestamp",
    BAD_FEEDBACK,
)
#: A record with more unreadable parts becomes one dead letter.
MAX_UNREADABLE = 1000
#: How far a timestamp may lie in the future.
MAX_AHEAD = timedelta(days=1)


@dataclass(frozen=True)
class UnreadableRecord:
    """An unreadable part of a record, as a record of its own."""

    record_index: int
    value: bytes
    error: RecordError


@dataclass(frozen=True)
class Decoded:
    """Content of a record."""

    exchanges: list[Exchange] = field(default_factory=list)
    halves: list[Half] = field(default_factory=list)
    feedback: list[Feedback] = field(default_factory=list)
    unreadable: list[UnreadableRecord] = field(default_factory=list)
    #: Parts that are no exchanges and not meant to be.
    n_ignored: int = 0

    @property
    def n_parts(self) -> int:
        """Return the number of parts that are exchanges, halves or feedback, readable or not."""
        n_readable = len(self.exchanges) + len(self.halves) + len(self.feedback)
        return n_readable + len(self.unreadable)


class Decoder:
    """Decoder configured by ``[traffic]``."""

    def __init__(
        self,
        settings: Traffic,
        *,
        default_model: str,
        requires_response: bool = True,
        read: RecordReader | None = None,
    ) -> None:
        """Configure.

        ``read`` reads a record of a file whose shape was detected; without it, the format does.
        With ``requires_response`` a prompt without a response is refused.
        """
        self._settings = settings
        self._requires_response = requires_response and not settings.prompts_only
        self._default_model = default_model
        self._read = read

    def decode(self, record: RawRecord) -> Decoded:
        """Decode a record; texts are cleaned and defaults filled in.

        Raises:
            RecordError: With one of :data:`REASONS`, if the whole record is unreadable.
        """
        value = self._check_size(record.value)
        try:
            payload = Payload(value, record.headers, self._settings.fields)
            parts = (
                self._read(payload)
                if self._read is not None
                else read_record(payload, record.format_name or self._settings.format)
            )
            return self._sort(parts, record)
        except RecursionError:
            raise RecordError("too_deep", "nesting is too deep") from None

    def _check_size(self, value: bytes | None) -> bytes:
        if value is None:
            raise RecordError(NULL_VALUE, "a tombstone: the record has no value")
        limit = self._settings.max_record_bytes
        if len(value) > limit:
            raise RecordError(
                "too_large", f"{len(value)} bytes; traffic.max_record_bytes is {limit}"
            )
        if not value.strip():
            raise RecordError("empty_value", f"{len(value)} bytes of white space")
        return value

    def _sort(self, parts: Sequence[RecordPart], record: RawRecord) -> Decoded:
        decoded = Decoded()
        n_ignored = 0
        for part in parts:
            if isinstance(part, IgnoredParts):
                n_ignored += part.count
            elif isinstance(part, UnreadablePart):
                decoded.unreadable.append(
                    UnreadableRecord(part.index, part.to_record(), part.error)
                )
            elif isinstance(part, RawFeedback):
                decoded.feedback.append(self._finish_feedback(part, record))
            else:
                self._add(decoded, part, record)
            if len(decoded.unreadable) > MAX_UNREADABLE:
                raise RecordError("too_many_unreadable", str(decoded.unreadable[0].error))
        return dataclasses.replace(decoded, n_ignored=n_ignored) if n_ignored else decoded

    def _add(self, decoded: Decoded, raw: RawExchange, record: RawRecord) -> None:
        try:
            finished = self._finish(raw, record)
        except RecordError as error:
            if raw.to_record is None:
                raise
            decoded.unreadable.append(UnreadableRecord(raw.index, raw.to_record(), error))
            return
        if isinstance(finished, Half):
            decoded.halves.append(finished)
        else:
            decoded.exchanges.append(finished)

    def _finish(self, raw: RawExchange, record: RawRecord) -> Exchange | Half:
        """Clean a raw exchange; raise a RecordError if something required is missing or invalid."""
        is_half = self._settings.join.enabled and not raw.withheld
        is_request = is_half and raw.response is None
        is_response = is_half and raw.response is not None and not raw.messages
        if not (is_response or raw.withheld):
            _require_prompt(raw)
        if is_request or is_response:
            join_id = _join_id(raw, record, self._settings.id_header)
            exchange = self._clean(raw, record, model="", exchange_id=join_id)
            return Half("request" if is_request else "response", join_id, exchange)
        if not is_half:
            # A half's request may end with a prefilled message of the assistant.
            raw = split_final_response(raw)
        position = record.position
        index = position.record_index + raw.index
        suffix = f"/{index}" if index else ""
        place = f"{position.source}/{position.partition}/{position.offset}{suffix}"
        exchange = self._clean(raw, record, model=self._default_model, exchange_id=place)
        exchange = mark_withheld(exchange, self._settings.withheld_texts)
        if self._settings.prompts_only:
            return replace(exchange, response="", has_response=False)
        if self._requires_response and not exchange.withheld:
            _require_response(raw)
        return exchange

    def _finish_feedback(self, raw: RawFeedback, record: RawRecord) -> Feedback:
        """Check feedback; one from the future is of now, so that it outlasts no later one."""
        given_at = self._occurred_at(raw, record)
        exchange_id = clean_name(raw.exchange_id)
        return Feedback(
            exchange_id=exchange_id or _record_id(record, self._settings.id_header),
            given_at=min(given_at, record.read_at or given_at),
            model=clean_name(raw.model),
            end_user=clean_name(raw.end_user),
            values=check_values(raw.values),
        )

    def _clean(
        self, raw: RawExchange, record: RawRecord, *, model: str, exchange_id: str
    ) -> Exchange:
        """Return the cleaned exchange; ``model`` and ``exchange_id`` are defaults."""
        limit = self._settings.max_text_characters
        contents = [clean_text(message.content, limit) for message in raw.messages]
        response, response_cut = clean_text(raw.response or "", limit)
        trace = {"trace_id": raw.trace_id} if raw.trace_id else {}
        attributes = clean_attributes(
            {**raw.call_metadata.attributes(), **trace, **raw.attributes}, limit
        )
        labels = {name: clean_name(getattr(raw, name)) for name in LABELS}
        task_type = attributes.get("task_type")
        if not raw.task_type and isinstance(task_type, str):
            labels["task_type"] = clean_name(task_type)
        labels["model"] = labels["model"] or model
        self._read_headers(record, labels, attributes)
        return Exchange(
            exchange_id=clean_name(raw.exchange_id) or exchange_id,
            occurred_at=self._occurred_at(raw, record),
            has_timestamp=raw.timestamp is not None,
            **labels,
            messages=tuple(
                Message(clean_name(message.role), content)
                for message, (content, _) in zip(raw.messages, contents, strict=True)
            ),
            response=response,
            has_response=_has_response(raw),
            attributes=attributes,
            truncated=raw.truncated or response_cut or any(cut for _, cut in contents),
            n_other_parts=sum(message.n_other_parts for message in raw.messages),
            record_index=raw.index,
            withheld=raw.withheld,
        )

    def _read_headers(
        self, record: RawRecord, labels: dict[str, str], attributes: dict[str, Any]
    ) -> None:
        """Take the version and the end user from the headers where the content has none."""
        settings = self._settings
        if settings.version_header:
            version = header_text(record.headers, settings.version_header)
            if version:
                attributes.setdefault(HEADER_LABEL, version)
        if settings.user_header and not labels["end_user"]:
            labels["end_user"] = header_text(record.headers, settings.user_header) or ""

    def _occurred_at(self, raw: RawExchange | RawFeedback, record: RawRecord) -> datetime:
        """Return the time of an exchange or of feedback; refuse times far from the time of reading.

        A wrong clock would open windows that span decades.
        """
        moment = record.timestamp if raw.timestamp is None else parse_timestamp(raw.timestamp)
        if record.read_at is None:
            return moment
        max_age = self._settings.max_age
        if moment > record.read_at + MAX_AHEAD:
            raise RecordError(
                "future_timestamp",
                f"{moment.isoformat()} is in the future; check the producer's clock",
            )
        if moment < record.read_at - max_age:
            raise RecordError(
                "old_timestamp",
                f"{moment.isoformat()} is older than traffic.max_age = {format_duration(max_age)}",
            )
        return moment


def mark_withheld(exchange: Exchange, texts: Sequence[str]) -> Exchange:
    """Mark an exchange as withheld if its prompt or response is one of the placeholder texts."""
    if exchange.prompt.strip() in texts or exchange.response.strip() in texts:
        return replace(exchange, withheld=True)
    return exchange


def _require_prompt(raw: RawExchange) -> None:
    if any(message.role == "user" for message in raw.messages):
        return
    if raw.response and not raw.messages:
        raise RecordError(
            "missing_prompt",
            "the record has only a response; set traffic.join.enabled = true to join requests",
        )
    raise RecordError("missing_prompt", "no message has the role `user`")


def _require_response(raw: RawExchange) -> None:
    """Refuse a prompt without a response."""
    if _has_response(raw):
        return
    raise RecordError(
        "missing_response",
        "the record has only a prompt; check the format and the name of its response, set "
        "traffic.join.enabled = true where responses are records of their own, or "
        "traffic.prompts_only = true where there are none",
    )


def _has_response(raw: RawExchange) -> bool:
    """Return whether there is a response: an empty text is one, and so is the error of a call."""
    if raw.response or (raw.response is not None and not raw.response_missing):
        return True
    return bool(raw.call_metadata.error or raw.attributes.get("error"))


def _join_id(raw: RawExchange, record: RawRecord, id_header: str) -> str:
    """Return the join id: the id header, else the format's id, else the record key."""
    value = record.header(id_header) or raw.join_id or record.key or raw.exchange_id
    if not value:
        raise RecordError(
            "missing_join_id", "a request or response without id, id header or key can't be joined"
        )
    return _id_text(value)


def _record_id(record: RawRecord, id_header: str) -> str:
    """Return the header or key, which joined halves without an id of their own have as theirs."""
    value = record.header(id_header) or record.key
    if not value:
        raise RecordError(
            "missing_join_id", "feedback without the id of its exchange, id header or key"
        )
    return _id_text(value)


def _id_text(value: bytes | str) -> str:
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value
    if len(text) > MAX_NAME_CHARACTERS:  # truncated, two ids could collide
        return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return clean_name(text)
