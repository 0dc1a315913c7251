"""``python -m bench.review.page_server [URL]``: the review page on a database, or a bare route.

Listens on a free port, prints it, and serves until standard input is closed.
"""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from litestar import Litestar, route

from monitor.daemon.web_app import create_app
from monitor.settings import Secrets, Settings
from monitor.store.engine import make_engine
from monitor.web.server import serve

ROOT = Path(__file__).resolve().parents[2]


@route("/", http_method=["GET", "POST"], sync_to_thread=False, status_code=200)
def bare() -> dict[str, str]:
    """Return a minimal response."""
    return {"status": "ok"}


@dataclass(frozen=True)
class Served:
    """A server that is up."""

    url: str
    process_id: int


@contextmanager
def server_process(url: str = "") -> Iterator[Served]:
    """Serve in a process of its own.

    Raises:
        RuntimeError: It didn't come up.
    """
    command = [sys.executable, "-m", "bench.review.page_server", *([url] if url else [])]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        port = process.stdout.readline().strip() if process.stdout else ""
        if not port:
            raise RuntimeError("the server didn't start")
        try:
            yield Served(f"http://127.0.0.1:{port}", process.pid)
        finally:
            if process.stdin:
                process.stdin.close()
            process.wait(30)


def main(url: str) -> None:
    """Serve until told to stop."""
    stop = threading.Event()
    app = create_app(make_engine(url), Settings(), Secrets()) if url else Litestar([bare])

    def wait_for_the_end() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    serve(app, "127.0.0.1", 0, stop, on_bound=lambda port: print(port, flush=True))


if __name__ == "__main__":
    main(*sys.argv[1:] or [""])
