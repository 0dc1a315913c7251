"""The address of a connection's other end, kept beside the one that a proxy names."""

from litestar.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

#: Key of the scope.
PEER = "driftwarden.peer"


class KeepPeer:
    """Application that notes the peer before the headers of trusted proxies replace it."""

    def __init__(self, app: ASGIApp, trusted_proxies: list[str]) -> None:
        self._app = ProxyHeadersMiddleware(app, trusted_hosts=trusted_proxies)  # type: ignore[arg-type]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note the peer in the scope."""
        client = scope.get("client")
        scope[PEER] = client[0] if client else ""  # type: ignore[literal-required]
        await self._app(scope, receive, send)  # type: ignore[arg-type]
