"""Types of Arrow columns: which can be JSON, and as what."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa
from pyarrow import types

from monitor.errors import InputError

_READABLE = (
    types.is_string,
    types.is_large_string,
    types.is_string_view,
    types.is_boolean,
    types.is_integer,
    types.is_floating,
    types.is_decimal,
    types.is_date,
    types.is_time,
    types.is_timestamp,
    types.is_duration,
    types.is_null,
)
#: Types that Python's own hold only in part, with those to cast to.
_CASTS: Sequence[tuple[Callable[[Any], Any], Callable[[Any], Any]]] = (
    (types.is_timestamp, lambda kind: pa.timestamp("us", kind.tz)),
    (types.is_duration, lambda _: pa.duration("us")),
    (types.is_time, lambda _: pa.time64("us")),
    (types.is_float16, lambda _: pa.float32()),
    (types.is_dictionary, lambda kind: json_type(kind.value_type)),
    (types.is_struct, lambda kind: pa.struct([_json_field(part) for part in kind])),
)


def check_columns(schema: Any, label: str) -> None:
    """Require that every column can be JSON, and no two have one name; else ``InputError``."""
    names = schema.names
    repeated = [name for place, name in enumerate(names) if name in names[:place]]
    if repeated:
        raise InputError(
            f"{label}: two columns are named {repeated[0]!r}; rename one", code="same_name"
        )
    problems = [
        f"{path!r} ({kind})" for field in schema for path, kind in _unreadable(field.name, field)
    ]
    if problems:
        raise InputError(
            f"{label}: can't be JSON: {', '.join(problems)}; leave the columns out, or convert "
            "them to texts",
            code="not_json",
        )


def json_schema(schema: Any) -> Any:
    """Return the schema to cast to, so that Python's own types hold every value."""
    return pa.schema([_json_field(field) for field in schema])


def json_type(kind: Any) -> Any:
    """Return the type to cast a column to."""
    for is_kind, cast in _CASTS:
        if is_kind(kind):
            return cast(kind)
    if is_list(kind):
        return pa.list_(_json_field(kind.value_field))
    return getattr(kind, "storage_type", kind)


def has_numbers(kind: Any) -> bool:
    """Return whether a type has floating point numbers or durations."""
    if types.is_struct(kind):
        return any(has_numbers(part.type) for part in kind)
    if is_list(kind):
        return has_numbers(kind.value_type)
    return bool(types.is_floating(kind) or types.is_duration(kind))


def is_list(kind: Any) -> bool:
    """Return whether a type is a list of any layout."""
    return bool(
        types.is_list(kind)
        or types.is_large_list(kind)
        or types.is_fixed_size_list(kind)
        or types.is_list_view(kind)
        or types.is_large_list_view(kind)
    )


def _json_field(field: Any) -> Any:
    return field.with_type(json_type(field.type))


def _unreadable(path: str, field: Any) -> Iterator[tuple[str, str]]:
    """Yield the paths and types of a column's parts that can't be JSON."""
    kind = getattr(field.type, "storage_type", field.type)
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_struct(kind):
        for part in kind:
            yield from _unreadable(f"{path}.{part.name}", part)
    elif is_list(kind):
        yield from _unreadable(path, kind.value_field)
    elif not any(is_kind(kind) for is_kind in _READABLE):
        yield path, str(kind)
