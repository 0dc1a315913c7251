"""Audit of the pins, with the real pip-audit and a database on this machine."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from scripts.audit_dependencies import CONTROL, main
from tests.services.http_server import serving


@contextmanager
def database(*vulnerable: str) -> Iterator[str]:
    """Serve a database in which some versions are vulnerable; yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["content-length"])))
            name, version = query["package"]["name"].lower(), query["version"]
            matches = []
            if f"{name}=={version}" in vulnerable:
                affected = {
                    "package": {"name": name, "ecosystem": "PyPI"},
                    "ranges": [
                        {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.0"}]}
                    ],
                }
                matches = [{"id": f"TEST-{name}", "aliases": ["CVE-1"], "affected": [affected],
                          "summary": "x", "modified": "2026-01-01T00:00:00Z"}]  # fmt: skip
            body = json.dumps({"vulns": matches} if matches else {}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with serving(Handler) as url:
        yield f"{url}/v1/query"


@pytest.fixture
def pins(tmp_path: Path) -> Path:
    (tmp_path / "pins.txt").write_text("jinja2==3.1.6\nrequests==2.30.0\n")
    return tmp_path / "pins.txt"


@pytest.mark.slow
def test_vulnerable_pin_is_found(pins: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with database(CONTROL, "requests==2.30.0") as url:
        assert main(["--pins", str(pins), "--osv-url", url]) == 1
    output = capsys.readouterr().out
    assert "requests 2.30.0: CVE-1, TEST-requests; fixed in 99.0" in output
    assert "no known vulnerability" not in output


@pytest.mark.slow
def test_empty_database_is_never_no_vulnerability(
    pins: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with database() as url:
        assert main(["--pins", str(pins), "--osv-url", url]) == 75
    assert "no known vulnerability" not in capsys.readouterr().out


@pytest.mark.drill
def test_unreachable_database_is_never_no_vulnerability(
    pins: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--pins", str(pins), "--osv-url", "http://127.0.0.1:1/v1/query"]) == 75
    assert "no known vulnerability" not in capsys.readouterr().out


@pytest.mark.drill
def test_clean_pins_pass(pins: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with database(CONTROL) as url:
        assert main(["--pins", str(pins), "--osv-url", url]) == 0
    assert "no known vulnerability" in capsys.readouterr().out
