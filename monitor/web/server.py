"""Serves the application in a thread of this process."""

import socket
import threading
import time
from collections.abc import Callable, Sequence

import uvicorn
from litestar import Litestar

from monitor.errors import ConfigurationError

#: Time that open requests get to finish.
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
    """Serve until ``stop`` is set. No signal handlers are installed.

    Args:
        app: The application.
        host: Address to listen on.
        port: Port to listen on; 0 picks a free one.
        stop: Ends the server.
        trusted_proxies: Addresses and networks whose word is taken for where a request comes from.
        on_bound: Called with the port as soon as connections are accepted by the system.

    Raises:
        ConfigurationError: The address can't be listened on.
    """
    listening = _listen(host, port)
    if on_bound is not None:
        on_bound(int(listening.getsockname()[1]))
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="on",
        server_header=False,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=list(trusted_proxies),
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listening]}, name="uvicorn", daemon=True
    )
    thread.start()
    while not stop.wait(0.2) and thread.is_alive():
        pass
    server.should_exit = True
    thread.join(SHUTDOWN_SECONDS + 5)
    listening.close()


class BackgroundServer:
    """A server in the background, for the demo and for tests; a context manager.

    Attributes:
        url: Where it is, once entered.
    """

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
        """The address to open, without a slash at its end."""
        return f"http://{self._host}:{self._port}"

    def __enter__(self) -> "BackgroundServer":
        self._thread.start()
        if not self._bound.wait(30):
            raise ConfigurationError(f"{self._host}:{self._port} can't be listened on")
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self._thread.is_alive():
            with socket.socket() as probe:
                probe.settimeout(1)
                if probe.connect_ex((self._host, self._port)) == 0:
                    return self
            time.sleep(0.05)
        raise ConfigurationError(f"{self.url} doesn't answer")

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(SHUTDOWN_SECONDS + 10)

    def _note_port(self, port: int) -> None:
        self._port = port
        self._bound.set()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        raise ConfigurationError(
            f"web.host = {host!r}, web.port = {port}: can't listen there: {error.strerror or error}"
        ) from None
    listening.set_inheritable(False)
    return listening
