"""Strict JSON parser with stable error reasons."""

import json
import re
from typing import Any

import msgspec

from monitor.errors import RecordError

#: As a value of an object or array.
_CONSTANT = re.compile(r"[:\[,]\s*(-?Infinity|NaN)\s*[,}\]]")


def parse_json(text: bytes | str) -> Any:
    """Parse JSON strictly; lone surrogates, which the standard allows, are accepted.

    Of a repeated key the last value counts.

    Raises:
        RecordError: ``invalid_utf8``, ``invalid_json`` or ``too_deep``.
    """
    try:
        return msgspec.json.decode(text)
    except UnicodeDecodeError as error:
        raise _invalid_utf8(text, error) from None
    except RecursionError:
        raise RecordError("too_deep", "nesting is too deep for the parser") from None
    except (msgspec.MsgspecError, ValueError, OverflowError) as error:
        if isinstance(text, str) or b"\\u" in text:
            return _parse_with_surrogates(text, str(error))
        raise _malformed(text, str(error)) from None


def json_kind(value: Any) -> str:
    """Return the JSON type of a value, as "a list" or "null"."""
    if value is None:
        return "null"
    kinds = {bool: "a boolean", str: "a text", list: "a list", dict: "an object"}
    return kinds.get(type(value), "a number")


def _invalid_utf8(text: bytes | str, error: UnicodeDecodeError) -> RecordError:
    """Return the error with the place in all of the text: msgspec counts from its string on."""
    if isinstance(text, bytes):
        try:
            text.decode("utf-8")
        except UnicodeDecodeError as of_all:
            error = of_all
    return RecordError("invalid_utf8", f"at byte {error.start}: {error.reason}")


def _malformed(text: bytes | str, complaint: str) -> RecordError:
    """Return the error; for Python's ``NaN`` and ``Infinity``, it says what to write instead.

    Bytes that are no UTF-8, such as UTF-16, are no JSON wherever the parser stopped.
    """
    try:
        excerpt = text if isinstance(text, str) else text.decode("utf-8")
    except UnicodeDecodeError as error:
        return _invalid_utf8(text, error)
    constant = _CONSTANT.search(excerpt)
    if constant is not None:
        complaint += f"; {constant[1]} is no JSON: leave its key out, or write null"
    return RecordError("invalid_json", complaint)


def _parse_with_surrogates(text: bytes | str, complaint: str) -> Any:
    try:
        decoded = text if isinstance(text, str) else text.decode("utf-8")
        return json.loads(decoded, parse_constant=_refuse_constant, parse_float=_parse_float)
    except UnicodeDecodeError as error:
        raise _invalid_utf8(text, error) from None
    except RecursionError:
        raise RecordError("too_deep", "nesting is too deep for the parser") from None
    except ValueError:
        raise _malformed(text, complaint) from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _parse_float(text: str) -> float:
    number = float(text)
    if number in {float("inf"), float("-inf")}:
        raise ValueError(f"{text[:40]} is out of range")
    return number
