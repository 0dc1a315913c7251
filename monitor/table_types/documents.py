"""Documents of the database, which a newer release may have written."""

from functools import cache, reduce
from operator import or_
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec

Document = TypeVar("Document")


def read_document(content: Any, kind: type[Document]) -> Document:
    """Return stored JSON as a struct, or a list of structs.

    During an upgrade the release before reads what the new one writes: where a word of a fixed list
    is none of this release's, it is left as it is.

    Raises:
        ValidationError: The content isn't of this kind.
    """
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError:
        opened: Any = kind
        document: Document = msgspec.convert(content, _open(opened))
        return document


@cache
def _open(kind: Any) -> Any:
    """Return a type that takes any word for one of a fixed list."""
    if get_origin(kind) is Literal:
        return str if all(isinstance(word, str) for word in get_args(kind)) else kind
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        fields = [_open_field(field) for field in msgspec.structs.fields(kind)]
        return msgspec.defstruct(kind.__name__, fields, bases=(kind,), kw_only=True)
    arguments = tuple(map(_open, get_args(kind)))
    if not arguments:
        return kind
    origin = get_origin(kind)
    return reduce(or_, arguments) if origin in {Union, UnionType} else origin[arguments]


def _open_field(field: msgspec.structs.FieldInfo) -> tuple[str, Any, Any]:
    default = (
        msgspec.field(default=field.default)
        if field.default_factory is msgspec.NODEFAULT
        else msgspec.field(default_factory=field.default_factory)
    )
    return field.name, _open(field.type), default
