"""HTTP server of a test, in a thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

#: The default, half a second, is what each test would wait at its end.
POLL_SECONDS = 0.01


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler], port: int = 0) -> Iterator[str]:
    """Serve on this machine, at a free port by default; yield the URL without a trailing slash."""
    # Or else a body that follows its headers waits 40 ms for the client's acknowledgement of these.
    handler.disable_nagle_algorithm = True
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    thread = threading.Thread(target=server.serve_forever, args=(POLL_SECONDS,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
