"""Error responses: a page for browsers and JSON for programs, never a traceback."""

from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from litestar import MediaType, Request
from litestar.exceptions import HTTPException
from litestar.response import Redirect, Response, Template
from litestar.types import ExceptionHandlersMap

from monitor.errors import (
    DriftwardenError,
    NewerDraftError,
    NotFoundError,
    TransientError,
    WorkflowError,
)
from monitor.telemetry import get_logger
from monitor.web.blindness import FindingsWithheldException, may_be_blind
from monitor.web.filters import sentence
from monitor.web.security import local_path

log = get_logger(__name__)

#: Litestar's message if the browser disconnected before its request was read.
CLIENT_DISCONNECTED = "client disconnected prematurely"
#: Litestar's message where a form has no valid token any more.
OLD_FORM = "CSRF token verification failed"
#: Stands for a 404 of a review item or a rating.
NO_ITEM = "no item"
TITLES = {
    400: "Invalid request",
    403: "Access denied",
    404: "Page not found",
    405: "Method not allowed",
    409: "No longer possible",
    429: "Too many requests",
    500: "Internal error",
    503: "Database unavailable",
}
EXPLANATIONS: dict[int | str, str] = {
    OLD_FORM: "The page was open for too long. Go back, reload it, and try again.",
    404: "The address is wrong, or it is of a model that you have no role on.",
    NO_ITEM: "The address is wrong, or it is of a model that you have no role on. An item is shown "
    "to those only to whom it is assigned: other reviewers may have taken it, you may have "
    "declined it, or it is still to come in your queue.",
    500: "The error has been logged. Your draft is saved.",
    503: "driftwarden can't reach its database, so it can't show this page. Your work is saved.",
}
#: Seconds after which a browser asks again for a page that the database kept from it.
RETRY_SECONDS = 15


def on_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """Respond to an HTTP error; a visitor who isn't signed in is redirected to sign in."""
    if error.status_code == 401 and not _wants_json(request):
        target = _address(request) if request.method == "GET" else "/"
        return Redirect(f"/login?next={quote(target)}", status_code=303)
    if error.status_code >= 500 and error.detail != CLIENT_DISCONNECTED:
        return on_unexpected_error(request, error)
    context = _of_withheld(error) if isinstance(error, FindingsWithheldException) else {}
    return _respond(request, error.status_code, error.detail, error.headers, error.extra, **context)


def on_driftwarden_error(request: Request[Any, Any, Any], error: DriftwardenError) -> Response[Any]:
    """Respond to an error of driftwarden's own."""
    if isinstance(error, NotFoundError):
        return _respond(request, 404, "not found")
    if isinstance(error, NewerDraftError):
        return _respond(request, 409, str(error), extra={"newer_draft": error.draft})
    if isinstance(error, WorkflowError):
        return _respond(request, 409, str(error), page=error.page)
    if isinstance(error, TransientError):
        log.warning("request_refused", path=_route(request), reason=str(error))
        headers = {"Retry-After": str(RETRY_SECONDS)}
        return _respond(request, 503, "the database is unavailable", headers)
    return on_unexpected_error(request, error)


def on_overflow(request: Request[Any, Any, Any], _error: OverflowError) -> Response[Any]:
    """Respond with status 404 to an id that is too large for any column."""
    return _respond(request, 404, "not found")


def on_deep_nesting(request: Request[Any, Any, Any], error: RecursionError) -> Response[Any]:
    """Respond with status 400 to a body nested more deeply than JSON is read or written."""
    log.warning("request_refused", path=_route(request), reason=str(error))
    return _respond(request, 400, "the request is nested too deeply")


def on_unexpected_error(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Log an unexpected error and respond without its details."""
    log.error("request_failed", path=_route(request), exc_info=error)
    return _respond(request, 500, "internal error")


def _route(request: Request[Any, Any, Any]) -> str:
    """Return the route of a request, as its path may hold the token of a one-time link."""
    return request.scope.get("path_template", "")


def _of_withheld(error: FindingsWithheldException) -> dict[str, Any]:
    """Return what the page has of findings that are withheld from a reviewer."""
    queue = "/review"
    if error.model is not None and len(error.choices) > 1:
        queue += f"?{urlencode({'model': error.model})}"
    return {
        "title": "Shown after the reviews",
        "choices": error.choices,
        "model": error.model,
        "queue": queue,
    }


def _respond(
    request: Request[Any, Any, Any],
    status: int,
    detail: str,
    headers: dict[str, str] | None = None,
    extra: Any = None,
    **more: Any,
) -> Response[Any]:
    request.state.is_refusal = True
    if _wants_json(request):
        body: dict[str, Any] = {"status_code": status, "detail": detail}
        if extra:
            body["extra"] = extra
        return Response(body, status_code=status, media_type=MediaType.JSON, headers=headers or {})
    cause: int | str = OLD_FORM if detail == OLD_FORM else status
    if status == 404 and request.url.path.startswith(("/review/", "/human-evaluations/")):
        cause = NO_ITEM
    context = {
        "user": request.state.get("visitor"),
        "is_blind": _is_blind(request, status),
        "status": status,
        "title": TITLES.get(status, "Request failed"),
        "queue": "",
        "page": "",
        "explanation": EXPLANATIONS.get(cause) or sentence(detail),
        "form_page": _form_page(request),
        "address": _address(request) if request.method == "GET" else "",
        "retry_seconds": RETRY_SECONDS,
        "reason": request.state.get("reason", ""),
        **more,
    }
    return Template("error.html", context=context, status_code=status, headers=headers or {})


def _is_blind(request: Request[Any, Any, Any], status: int) -> bool:
    """Return whether the navigation leaves out pages of findings: also where it isn't known."""
    visit = request.state.get("visit")
    if visit is None or not may_be_blind(visit.user):
        return False
    try:
        # Without a database the answer would take long.
        return status >= 500 or visit.is_blind
    except DriftwardenError:
        return True


def _form_page(request: Request[Any, Any, Any]) -> str:
    """Return the address of the page whose form was sent; empty where it isn't known."""
    if request.method != "POST":
        return ""
    try:
        referer = urlsplit(request.headers.get("referer", ""))
    except ValueError:
        return ""
    if not referer.netloc or referer.netloc != request.headers.get("host"):
        return ""
    address = f"{referer.path}?{referer.query}" if referer.query else referer.path
    local = local_path(address)
    return local if local != "/" else ""


def _address(request: Request[Any, Any, Any]) -> str:
    """Return the path with its query, which names the model."""
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path


def _wants_json(request: Request[Any, Any, Any]) -> bool:
    return request.url.path.startswith("/api/")


HANDLERS: ExceptionHandlersMap = {
    HTTPException: on_http_error,
    DriftwardenError: on_driftwarden_error,
    OverflowError: on_overflow,
    RecursionError: on_deep_nesting,
    Exception: on_unexpected_error,
}
