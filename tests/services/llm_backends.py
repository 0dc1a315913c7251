"""HTTP servers that respond as the versions of a model."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.services.http_server import serving


@dataclass
class Version:
    """A version's server: its name is every response."""

    name: str
    url: str = ""
    #: Status of every response.
    status: int = 200
    requests: int = 0
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])


class _Handler(BaseHTTPRequestHandler):
    version: Version
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet

    def do_GET(self) -> None:
        version = self.version
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        version.requests += 1
        version.headers = {name.lower(): value for name, value in self.headers.items()}
        # A server that quotes what it was sent, as some do in their errors.
        text = (
            version.name if version.status == 200 else f"refused: {self.headers['Authorization']}"
        )
        self.send_response(version.status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def running_version(name: str, port: int = 0) -> Iterator[Version]:
    """Run the server of a version, on a free port or a given one."""
    version = Version(name)
    with serving(type("Handler", (_Handler,), {"version": version}), port) as version.url:
        yield version
