"""Types of values that several sections of config.toml share."""

import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)

from monitor.setting_types.pattern_check import check_name, check_pattern

Probability = Annotated[float, Field(gt=0.0, le=1.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Level = Annotated[float, Field(gt=0.0, lt=1.0)]
Port = Annotated[int, Field(ge=0, le=65535)]
PatternName = Annotated[str, AfterValidator(check_name)]
OwnPattern = Annotated[str, AfterValidator(check_pattern)]


def _check_path(path: str) -> str:
    """Check a dotted path into JSON; the empty path means none."""
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
    """Return whether secrets may be sent to an address: by HTTPS, or on this machine."""
    parts = urlsplit(url)
    local = parts.hostname in {"127.0.0.1", "::1", "localhost"}
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and local))


def _parse_percent(value: Any) -> Any:
    match = re.fullmatch(r"(\d{1,3}) ?%", value) if isinstance(value, str) else None
    if match is None and not isinstance(value, int):
        raise ValueError('write whole percent, such as "1%"')
    return int(match[1]) if match else value


#: A small share in whole percent, written as "1%".
SmallPercent = Annotated[
    int,
    BeforeValidator(_parse_percent),
    Field(ge=0, le=20),
    PlainSerializer(lambda value: f"{value}%", return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "percent", "minimum": "0%", "maximum": "20%"}),
]
FieldPath = Annotated[str, AfterValidator(_check_path)]
NamedPath = Annotated[str, AfterValidator(_check_named_path)]


class Section(BaseModel):
    """A table of config.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")
