"""Refusal of unsafe cross-site requests, whatever their tokens."""

from urllib.parse import urlsplit

from litestar.datastructures import Headers
from litestar.enums import ScopeType
from litestar.exceptions import PermissionDeniedException
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class SameOrigin(ASGIMiddleware):
    """Middleware that trusts the origin headers of browsers; programs send none and pass."""

    def __init__(self, public_url: str) -> None:
        self._public = _origin(public_url)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == ScopeType.HTTP and scope["method"] not in SAFE:
            headers = Headers.from_scope(scope)
            if not self._is_own(headers):
                raise PermissionDeniedException("this request comes from another site")
        await next_app(scope, receive, send)

    def _is_own(self, headers: Headers) -> bool:
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site in {"same-origin", "none"}
        origin = headers.get("origin")
        if origin is None:
            return True
        # By host only: behind a proxy that terminates TLS the scheme is unknown.
        return _origin(origin) == self._public or urlsplit(origin).netloc == headers.get("host")


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
