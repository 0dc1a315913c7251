"""HTTP server in a thread of this process."""

import socket
import threading
import time
from collections.abc import Callable, Sequence

import uvicorn
from litestar import Litestar

from monitor.errors import ConfigurationError
from monitor.web.access.peer import KeepPeer

#: Larger headers of a request are refused.
MAX_HEADER_BYTES = 65_536
#: Time for open requests to finish.
SHUTDOWN_SECONDS = 10


def serve(
    app: Litestar,
    host: str,
    port: int,
    stop: threading.Event,
    *,
    trusted_proxies: Sequence[str] = (),
    on_bound: Callable[[int], None] | None = None,
) -> None:
    """Serve until ``stop`` is set, without installing signal handlers.

    Port 0 picks a free one; ``on_bound`` is called with the port once the socket accepts
    connections. The X-Forwarded-For header of ``trusted_proxies`` is trusted.

    Raises:
        ConfigurationError: Listening on the address fails.
    """
    listener = _listen(host, port)
    if on_bound is not None:
        on_bound(int(listener.getsockname()[1]))
    config = uvicorn.Config(
        KeepPeer(app, list(trusted_proxies)),
        log_config=None,
        access_log=False,
        lifespan="on",
        server_header=False,
        # The other parser, which uvicorn prefers where it is installed, has no limit.
        http="h11",
        h11_max_incomplete_event_size=MAX_HEADER_BYTES,
        proxy_headers=False,  # read by KeepPeer
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listener]}, name="uvicorn", daemon=True
    )
    thread.start()
    while not stop.wait(0.2) and thread.is_alive():
        pass
    server.should_exit = True
    thread.join(SHUTDOWN_SECONDS + 5)
    listener.close()


class BackgroundServer:
    """A server in a background thread, for demo and tests; once entered, ``url`` is its URL."""

    def __init__(
        self,
        app: Litestar,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        trusted_proxies: Sequence[str] = (),
    ) -> None:
        self._stop = threading.Event()
        self._bound = threading.Event()
        self._host = host
        self._port = port
        self._thread = threading.Thread(
            target=serve,
            args=(app, host, port, self._stop),
            kwargs={"on_bound": self._note_port, "trusted_proxies": trusted_proxies},
            name="web",
            daemon=True,
        )

    @property
    def url(self) -> str:
        """The URL without a trailing slash."""
        return f"http://{self._host}:{self._port}"

    def __enter__(self) -> "BackgroundServer":
        self._thread.start()
        if not self._bound.wait(30):
            raise ConfigurationError(f"can't listen on {self._host}:{self._port}")
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self._thread.is_alive():
            with socket.socket() as probe:
                probe.settimeout(1)
                if probe.connect_ex((self._host, self._port)) == 0:
                    return self
            time.sleep(0.05)
        raise ConfigurationError(f"{self.url} does not respond")

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(SHUTDOWN_SECONDS + 10)

    def _note_port(self, port: int) -> None:
        self._port = port
        self._bound.set()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        raise ConfigurationError(
            f"can't listen on web.host = {host!r}, web.port = {port}: {error.strerror or error}"
        ) from None
    listener.set_inheritable(False)
    return listener
