"""`make setup` with an index of its own for torch, on a small project of the same form."""

import base64
import hashlib
import os
import shutil
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VERSION = "2.8.0+cpu"
PROJECT = """
[project]
name = "driftwarden"
version = "1"
[project.optional-dependencies]
dev = ["torch>=2.8"]
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[tool.hatch.build.targets.wheel]
bypass-selection = true
"""


def write_wheel(folder: Path) -> str:
    """Write a package `torch` without content; return the name of its file."""
    info = f"torch-{VERSION}.dist-info"
    files = {
        "torch.py": b"BUILD = 'cpu'\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: torch\nVersion: {VERSION}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
        b"Tag: py3-none-any\n",
    }
    record = "".join(
        f"{name},sha256="
        f"{base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},"
        f"{len(data)}\n"
        for name, data in files.items()
    )
    name = f"torch-{VERSION}-py3-none-any.whl"
    with zipfile.ZipFile(folder / name, "w") as archive:
        for path, data in files.items():
            archive.writestr(path, data)
        archive.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")
    return name


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """Serve an index with one package; yield its address."""
    pages = tmp_path / "index" / "torch"
    pages.mkdir(parents=True)
    name = write_wheel(pages)
    (pages / "index.html").write_text(f'<a href="{name.replace("+", "%2B")}">{name}</a>')

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_words: object) -> None:
            """Write nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(pages.parent)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_torch_comes_from_the_named_index(index: str, tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "scripts").mkdir(parents=True)
    shutil.copy(ROOT / "scripts" / "make-venv.sh", project / "scripts")
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    builders = [pin for pin in pins if pin.startswith(("uv==", "hatchling=="))]
    (project / "constraints.txt").write_text("\n".join([*builders, "torch==2.8.0", ""]))
    (project / "requirements-models.txt").write_text("# none\n")
    (project / "pyproject.toml").write_text(PROJECT)

    done = subprocess.run(
        [project / "scripts" / "make-venv.sh"],
        env={**os.environ, "TORCH_INDEX_URL": index},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    printed = subprocess.run(
        [project / ".venv" / "bin" / "python", "-c", "import torch; print(torch.BUILD)"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert printed.stdout == "cpu\n"
    assert "CUDA" not in done.stdout
