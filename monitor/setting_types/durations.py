"""Durations as text: `48h`, `90d`, `20m`, `5s`."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, GetCoreSchemaHandler, GetJsonSchemaHandler, PlainSerializer
from pydantic_core import CoreSchema, core_schema

_UNITS = {
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
_DURATION = re.compile(r"(\d{1,9})(ms|[smhdw])")
_EXPECTED = 'write a whole number and a unit (ms, s, m, h, d or w), such as "180d" or "20m"'


def parse_duration(text: str) -> timedelta:
    """Read a duration.

    Raises:
        ValueError: The text is not a whole number followed by a unit.

    Example:
        >>> parse_duration("26w").days
        182
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(_EXPECTED)
    try:
        return int(match[1]) * _UNITS[match[2]]
    except OverflowError:
        raise ValueError(f"too long; {_EXPECTED}") from None


def format_duration(duration: timedelta) -> str:
    """Return a duration in the largest unit, up to days, that divides it.

    Example:
        >>> format_duration(timedelta(hours=36)), format_duration(timedelta(weeks=2))
        ('36h', '14d')
    """
    for unit in ("d", "h", "m", "s"):
        count, rest = divmod(duration, _UNITS[unit])
        if not rest and count:
            return f"{count}{unit}"
    return f"{duration // _UNITS['ms']}ms" if duration else "0s"


def _validate(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str):
        return parse_duration(value)
    raise ValueError(_EXPECTED)


def _validate_optional(value: Any) -> timedelta | None:
    return None if value is None or value == "" else _validate(value)


@dataclass(frozen=True)
class Within:
    """The allowed range of a duration; zero alone is out of it unless ``minimum`` is "0s"."""

    minimum: str = "1ms"
    maximum: str = ""

    def check(self, duration: timedelta | None) -> timedelta | None:
        """Return the duration; ``ValueError`` out of the range."""
        if duration is None:
            return None
        if duration < parse_duration(self.minimum):
            if self.minimum == "1ms":
                raise ValueError(f"must be more than 0; {_EXPECTED}")
            raise ValueError(f"must be at least {self.minimum}")
        if self.maximum and duration > parse_duration(self.maximum):
            raise ValueError(f"must be at most {self.maximum}")
        return duration

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Check the range after the duration has been read."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Describe the range, for the reference of the settings."""
        return {
            "type": "string",
            "format": "duration",
            "minimum": "" if self.minimum == "1ms" else self.minimum,
            "maximum": self.maximum,
        }


#: A duration whose range :class:`Within` gives.
AnyDuration = Annotated[
    timedelta,
    BeforeValidator(_validate),
    PlainSerializer(format_duration, return_type=str, when_used="json"),
]
AnyOptionalDuration = Annotated[
    timedelta | None,
    BeforeValidator(_validate_optional),
    PlainSerializer(
        lambda value: "" if value is None else format_duration(value),
        return_type=str,
        when_used="json",
    ),
]
#: A duration of more than 0.
Duration = Annotated[AnyDuration, Within()]
#: A duration, or the empty text for none.
OptionalDuration = Annotated[AnyOptionalDuration, Within()]
