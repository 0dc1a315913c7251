"""Bytes to exchanges, or one error with a stable reason; nothing else ever comes out."""

import json
from typing import Any

import msgspec

from monitor.errors import RecordError
from monitor.settings import Traffic
from monitor.traffic.exchange import Exchange, Message
from monitor.traffic.formats import read_drafts
from monitor.traffic.formats.draft import Draft
from monitor.traffic.record import RawRecord
from monitor.traffic.sanitising import clean_attributes, clean_name, clean_text
from monitor.traffic.timestamps import parse_timestamp

#: Every reason that a dead letter may carry from here.
REASONS = (
    "null_value",
    "empty_value",
    "too_large",
    "invalid_utf8",
    "invalid_json",
    "too_deep",
    "wrong_type",
    "missing_prompt",
    "bad_timestamp",
)


class Decoder:
    """Decodes records as ``[traffic]`` says."""

    def __init__(self, settings: Traffic, *, default_model: str) -> None:
        self._settings = settings
        self._default_model = default_model

    def decode(self, record: RawRecord) -> list[Exchange]:
        """Return the exchanges of a record, cleaned, with every field filled in.

        Raises:
            RecordError: With one of :data:`REASONS`.
        """
        value = record.value
        if value is None:
            raise RecordError("null_value", "a tombstone: the record has no value")
        limit = self._settings.max_record_bytes
        if len(value) > limit:
            raise RecordError(
                "too_large", f"{len(value)} bytes; traffic.max_record_bytes is {limit}"
            )
        if not value.strip():
            raise RecordError("empty_value", f"{len(value)} bytes of white space")
        drafts = read_drafts(parse_json(value), self._settings.format)
        return [self._finish(draft, record, index) for index, draft in enumerate(drafts)]

    def _finish(self, draft: Draft, record: RawRecord, index: int) -> Exchange:
        if not any(message.role == "user" for message in draft.messages):
            raise RecordError("missing_prompt", "no message has the role `user`")
        limit = self._settings.max_text_characters
        contents = [clean_text(message.content, limit) for message in draft.messages]
        response, response_cut = clean_text(draft.response, limit)
        return Exchange(
            exchange_id=clean_name(draft.exchange_id) or _position_id(record, index),
            occurred_at=(
                record.timestamp if draft.timestamp is None else parse_timestamp(draft.timestamp)
            ),
            model=clean_name(draft.model) or self._default_model,
            task_type=clean_name(draft.task_type),
            user=clean_name(draft.user),
            messages=tuple(
                Message(clean_name(message.role), content)
                for message, (content, _) in zip(draft.messages, contents, strict=True)
            ),
            response=response,
            attributes=clean_attributes(draft.attributes, limit),
            truncated=response_cut or any(cut for _, cut in contents),
        )


def parse_json(value: bytes) -> Any:
    """Parse JSON strictly; only lone surrogates, which the standard allows, are let through.

    Raises:
        RecordError: ``invalid_utf8``, ``invalid_json`` or ``too_deep``.
    """
    try:
        return msgspec.json.decode(value)
    except UnicodeDecodeError as error:
        raise RecordError("invalid_utf8", f"at byte {error.start}: {error.reason}") from None
    except RecursionError:
        raise RecordError("too_deep", "nested deeper than the parser goes") from None
    except (msgspec.MsgspecError, ValueError, OverflowError) as error:
        if b"\\u" in value:
            return _parse_with_surrogates(value, str(error))
        raise RecordError("invalid_json", str(error)) from None


def _parse_with_surrogates(value: bytes, complaint: str) -> Any:
    try:
        return json.loads(value.decode("utf-8"), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise RecordError("invalid_utf8", f"at byte {error.start}: {error.reason}") from None
    except RecursionError:
        raise RecordError("too_deep", "nested deeper than the parser goes") from None
    except ValueError:
        raise RecordError("invalid_json", complaint) from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _position_id(record: RawRecord, index: int) -> str:
    position = record.position
    suffix = f"/{index}" if index else ""
    return f"{position.source}/{position.partition}/{position.offset}{suffix}"
