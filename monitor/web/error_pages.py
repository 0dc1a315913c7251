"""Errors as people and programs see them: what happened, and what to do; never a traceback."""

from typing import Any
from urllib.parse import quote

from litestar import MediaType, Request
from litestar.exceptions import HTTPException
from litestar.response import Redirect, Response, Template
from litestar.types import ExceptionHandlersMap

from monitor.errors import DriftwardenError, NotFoundError, TransientError, WorkflowError
from monitor.telemetry import get_logger

log = get_logger(__name__)

#: What Litestar says where the browser left before its request was read: nobody waits for it.
GONE = "client disconnected prematurely"
TITLES = {
    400: "That request doesn't make sense",
    403: "This isn't for you",
    404: "Nothing here",
    405: "That can't be done here",
    409: "That's no longer possible",
    429: "Slow down a little",
    500: "Something broke on our side",
    503: "The database is away for a moment",
}
WORDS = {
    403: "Your role doesn't include this page, or the page had been open for too long. "
    "Go back, reload, and try again.",
    404: "The item may have been taken by others, or the address is mistyped.",
    500: "It has been written to the log. What you typed is kept as a draft.",
    503: "Your work is kept. Try again in a minute.",
}


def on_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """Answer an error that Litestar or a handler raised; who isn't signed in signs in first."""
    if error.status_code == 401 and not _wants_json(request):
        target = request.url.path if request.method == "GET" else "/"
        return Redirect(f"/login?next={quote(target)}", status_code=303)
    if error.status_code >= 500 and error.detail != GONE:
        return on_unexpected_error(request, error)
    return _answer(request, error.status_code, error.detail, error.headers, error.extra)


def on_driftwarden_error(request: Request[Any, Any, Any], error: DriftwardenError) -> Response[Any]:
    """Answer an error of ours."""
    if isinstance(error, NotFoundError):
        return _answer(request, 404, "not found")
    if isinstance(error, WorkflowError):
        return _answer(request, 409, str(error))
    if isinstance(error, TransientError):
        log.warning("request refused", path=request.url.path, reason=str(error))
        return _answer(request, 503, "the database is away")
    return on_unexpected_error(request, error)


def on_overflow(request: Request[Any, Any, Any], _error: OverflowError) -> Response[Any]:
    """Answer an id that no column can hold: there is no such thing."""
    return _answer(request, 404, "not found")


def on_unexpected_error(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Log what nobody expected, and tell nothing of it."""
    log.error("request failed", path=request.url.path, exc_info=error)
    return _answer(request, 500, "internal error")


def _answer(
    request: Request[Any, Any, Any],
    status: int,
    detail: str,
    headers: dict[str, str] | None = None,
    extra: Any = None,
) -> Response[Any]:
    if _wants_json(request):
        body: dict[str, Any] = {"status_code": status, "detail": detail}
        if extra:
            body["extra"] = extra
        return Response(body, status_code=status, media_type=MediaType.JSON, headers=headers or {})
    context = {
        "user": request.state.get("visitor"),
        "status": status,
        "title": TITLES.get(status, "That didn't work"),
        "words": WORDS.get(status) or f"{detail[:1].upper()}{detail[1:]}.",
    }
    return Template("error.html", context=context, status_code=status, headers=headers or {})


def _wants_json(request: Request[Any, Any, Any]) -> bool:
    return request.url.path.startswith("/api/")


HANDLERS: ExceptionHandlersMap = {
    HTTPException: on_http_error,
    DriftwardenError: on_driftwarden_error,
    OverflowError: on_overflow,
    Exception: on_unexpected_error,
}
