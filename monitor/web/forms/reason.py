"""The reason that a form asks for."""

from collections.abc import Mapping
from typing import Any

from litestar import Request
from litestar.exceptions import ValidationException

from monitor.web.forms.fields import text_of

MAX_CHARACTERS = 2_000


def require_reason(request: Request[Any, Any, Any], data: Mapping[str, Any]) -> str:
    """Return the reason of a form; where the request is refused, the error page repeats it.

    Raises:
        ValidationException: It is missing or too long.
    """
    reason = text_of(data, "reason").strip()
    request.state.reason = reason
    if not reason or len(reason) > MAX_CHARACTERS:
        raise ValidationException(f"say why, in at most {MAX_CHARACTERS:,} characters")
    return reason
