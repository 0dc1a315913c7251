"""The finding about the folder for temporary files."""

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from monitor.daemon.readiness import temporary_files
from monitor.daemon.readiness.disk_space import export_disk_space
from monitor.daemon.readiness.temporary_files import (
    temporary_files_finding,
    warn_of_ignored_folder,
)
from monitor.settings import load_configuration
from monitor.telemetry import DISK_FREE, REGISTRY

#: Fill the folder that TMPDIR names, and print the finding, its log line and its free share.
FULL = """
import os, tempfile
from contextlib import suppress
from pathlib import Path
from monitor.daemon.readiness.disk_space import export_disk_space
from monitor.daemon.readiness.temporary_files import *
from monitor.settings import load_configuration
from monitor.telemetry import REGISTRY, configure_logging
with suppress(OSError), Path(os.environ["TMPDIR"], "filling").open("wb", buffering=0) as file:
    while file.write(bytes(4096)):
        pass
finding = temporary_files_finding()
export_disk_space(load_configuration())
free = REGISTRY.get_sample_value("driftwarden_disk_free_ratio", {"folder": "tmpdir"})
print(finding.status, tempfile.gettempdir() == os.environ["TMPDIR"], free)
print(finding.message)
configure_logging(json=True)
warn_of_ignored_folder()
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the process use a folder that no variable names."""
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_folder_with_space_is_ready(folder: Path) -> None:
    finding = temporary_files_finding()

    assert finding.status == "ok"
    assert str(folder) in finding.message
    with capture_logs() as lines:
        warn_of_ignored_folder()
    assert not lines


def test_an_ignored_tmpdir_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "/missing")

    finding = temporary_files_finding()

    assert finding.status == "note"
    assert "/missing" in finding.message
    assert "does not exist" in finding.message
    assert str(folder) in finding.message


@pytest.mark.parametrize(
    ("number", "status", "words"),
    [
        (errno.ENOSPC, "fail", "is full"),
        (errno.EDQUOT, "fail", "quota"),
        (errno.EROFS, "note", "read-only"),
        (errno.EACCES, "note", "right"),
        (errno.EIO, "note", "Input/output"),
    ],
)
def test_the_reason_of_an_ignored_tmpdir_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, status: str, words: str
) -> None:
    named = tmp_path / "named"
    named.mkdir()
    monkeypatch.setenv("TMPDIR", str(named))
    monkeypatch.setattr(
        temporary_files, "write_problem", lambda _: OSError(number, os.strerror(number))
    )

    finding = temporary_files_finding()

    assert finding.status == status
    assert words in finding.message
    with capture_logs() as lines:
        warn_of_ignored_folder()
    assert [(line["event"], line["tmpdir"]) for line in lines] == [("tmpdir_not_used", str(named))]
    export_disk_space(load_configuration())
    assert REGISTRY.get_sample_value("driftwarden_disk_free_ratio", {"folder": "tmpdir"})
    DISK_FREE.clear()


def test_a_used_folder_that_can_not_be_written_fails(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporary_files, "write_problem", lambda _: OSError(errno.EROFS, "no"))

    finding = temporary_files_finding()

    assert finding.status == "fail"
    assert str(folder) in finding.message


@pytest.mark.slow
def test_a_full_tmpdir_is_no_forbidden_one(tmp_path: Path) -> None:
    """A disk of 64 KB in a mount namespace of its own."""
    mount = 'mount -t tmpfs -o size=64k none "$TMPDIR" && exec "$@"'
    user = () if os.geteuid() == 0 else ("--map-root-user",)
    prefix = ["unshare", *user, "--mount", "sh", "-c", mount, "sh"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*prefix, *command], env=environment, capture_output=True, text=True, check=False
        )

    probe = run("true")
    if probe.returncode != 0:
        pytest.skip(f"mount namespaces are not allowed here: {probe.stderr.strip()}")

    done = run(sys.executable, "-c", FULL)

    assert done.returncode == 0, done.stderr
    first, message = done.stdout.splitlines()
    assert first == "fail False 0.0"
    assert "is full" in message
    assert "right" not in message
    assert '"problem": "is full"' in done.stderr


def test_a_full_folder_is_noted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporary_files, "MIN_FREE_BYTES", 1 + shutil.disk_usage(folder).total)

    assert temporary_files_finding().status == "note"
