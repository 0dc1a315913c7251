"""Content of a response, independent of the API."""

from typing import Any

import msgspec

from monitor.traffic.parsing.raw_exchange import NO_CALL_METADATA, CallMetadata


class ResponseContent(msgspec.Struct, frozen=True, kw_only=True):
    """Content of a response."""

    text: str = ""
    #: There was no response. An empty text is one.
    missing: bool = False
    id: str = ""
    model: str = ""
    created: str | float | None = None
    call_metadata: CallMetadata = NO_CALL_METADATA


def read_error(error: Any) -> str | None:
    """Return the kind of an error: its code, type or message."""
    if isinstance(error, dict):
        kinds = (error.get(key) for key in ("code", "type", "message"))
        return next((str(kind)[:200] for kind in kinds if isinstance(kind, str | int)), "error")
    return error[:200] if isinstance(error, str) and error else None
