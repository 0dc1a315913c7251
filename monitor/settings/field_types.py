"""Kinds of values that the sections of config.toml share."""

import re
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from monitor.settings.pattern_check import check_name, check_pattern

Probability = Annotated[float, Field(gt=0.0, le=1.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Level = Annotated[float, Field(gt=0.0, lt=1.0)]
Port = Annotated[int, Field(ge=0, le=65535)]
Days = Annotated[int, Field(ge=0, le=36500)]
PatternName = Annotated[str, AfterValidator(check_name)]
OwnPattern = Annotated[str, AfterValidator(check_pattern)]


def _check_path(path: str) -> str:
    """Check a dotted path into JSON; empty means none."""
    if path and not all(part.strip() and "=" not in part for part in path.split(".")):
        raise ValueError("a path is keys with dots between, such as input.text")
    return path


def _check_named_path(entry: str) -> str:
    name, equals, path = entry.rpartition("=")
    if not path or (equals and not name.strip()):
        raise ValueError("an entry is a path such as metrics.rating, or name=path")
    _check_path(path)
    return entry


def is_https_or_loopback(url: str) -> bool:
    """Return whether an address may be trusted with secrets: by HTTPS, or on this machine."""
    parts = urlsplit(url)
    local = parts.hostname in {"127.0.0.1", "::1", "localhost"}
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and local))


def age(text: str) -> timedelta | None:
    """Read an age such as ``180d``, ``26w`` or ``36h``; empty means none.

    Raises:
        ValueError: It isn't one.

    Example:
        >>> age("26w").days
        182
    """
    if not text:
        return None
    match = re.fullmatch(r"([1-9]\d{0,4})([hdw])", text)
    if match is None:
        raise ValueError('an age is a number and h, d or w, such as "180d"; empty: none')
    unit = {"h": "hours", "d": "days", "w": "weeks"}[match[2]]
    return timedelta(**{unit: int(match[1])})


def _check_age(text: str) -> str:
    age(text)
    return text


Age = Annotated[str, AfterValidator(_check_age)]
FieldPath = Annotated[str, AfterValidator(_check_path)]
NamedPath = Annotated[str, AfterValidator(_check_named_path)]


class Section(BaseModel):
    """A table of config.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")
