"""The daemon where the whole system is read-only, in a mount namespace of its own."""

import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from bench.services.requirement import free_port, program
from monitor.settings import Secrets, Settings
from monitor.store.engine import make_engine
from tests.support.migrated_copy import migrate

COMMAND = Path(sys.executable).with_name("driftwarden")
UNIT = Path(__file__).parents[2] / "deploy" / "systemd" / "driftwarden.service"
#: Exposure by `systemd-analyze security`, in tenths, from which on a unit counts as medium.
MAX_EXPOSURE = 20
#: As ProtectSystem=strict: all is read-only but /dev and the folder $1. Where TMPDIR is /var/tmp,
#: that is a folder of the service, as by PrivateTmp=yes; its /tmp would hide this checkout.
READ_ONLY = """
set -e
writable=$1 && shift
mount --make-rprivate /
mount --bind "$writable" "$writable"
mount -o remount,bind,ro /
if mountpoint -q /tmp; then mount -o remount,bind,ro /tmp; fi
if mountpoint -q /var/tmp; then umount /var/tmp; fi
if [ "$TMPDIR" = /var/tmp ]; then mount -t tmpfs none /var/tmp; fi
cd /
exec "$@"
"""


class ReadOnlySystem:
    """A system without a writable folder, except the one of the service."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        names = ("PATH", "HOME", "PYTHONPATH", "OMP_NUM_THREADS")
        self.environment = {name: os.environ[name] for name in names if name in os.environ} | {
            "DRIFTWARDEN_DATABASE__URL": f"sqlite:///{folder}/driftwarden.db",
            "DRIFTWARDEN_KAFKA__BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port()}",
            "DRIFTWARDEN_WEB__PORT": str(self.port),
        }

    def command(self, *arguments: str | Path) -> list[str]:
        """Return a command line that runs in the namespace."""
        shell = ("sh", "-c", READ_ONLY, "_", self.folder, *arguments)
        user = () if os.geteuid() == 0 else ("--map-root-user",)
        return list(map(str, ("unshare", *user, "--mount", *shell)))

    def is_ready(self) -> bool:
        """Return whether the daemon's web server reports that it is ready."""
        with suppress(httpx.TransportError):
            return httpx.get(f"http://127.0.0.1:{self.port}/readyz").is_success
        return False

    def call(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a driftwarden command until it ends."""
        return subprocess.run(
            self.command(COMMAND, *arguments),
            env=self.environment | variables,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def system(tmp_path: Path) -> ReadOnlySystem:
    """Return a read-only system, where the kernel lets this user make one."""
    program("unshare", "install util-linux")
    created = ReadOnlySystem(tmp_path)
    probe = subprocess.run(
        created.command("touch", f"{tmp_path}/probe"), capture_output=True, text=True, check=False
    )
    if probe.returncode != 0:
        pytest.skip(f"mount namespaces are not allowed here: {probe.stderr.strip()}")
    return created


def test_commands_are_refused_without_a_temporary_folder(system: ReadOnlySystem) -> None:
    migrated = system.call("db", "upgrade")
    assert migrated.returncode == 0, migrated.stderr

    for command in (("check",), ("run",), ("run", "--only", "ingest")):
        refused = system.call(*command, TMPDIR="/missing")

        assert refused.returncode == 78, command
        assert refused.stderr.count("\n") == 1, refused.stderr
        assert {"TMPDIR", "PrivateTmp=yes"} <= set(re.split(r"[\s,;]+", refused.stderr))
        assert "/missing" in refused.stderr


def test_a_folder_of_the_service_takes_temporary_files(system: ReadOnlySystem) -> None:
    migrate(make_engine(system.environment["DRIFTWARDEN_DATABASE__URL"]))

    listed = system.call("dead-letters", STATE_DIRECTORY=f"/missing:{system.folder}")

    assert (listed.returncode, listed.stderr) == (0, "")


def test_the_systemd_unit_starts(system: ReadOnlySystem) -> None:
    unit = read_unit()
    assert unit["ProtectSystem"] == ["strict"]
    assert unit["PrivateTmp"] == ["yes"]
    assert unit["StateDirectory"] == ["driftwarden"]
    for setting in unit["Environment"]:
        name, _, value = setting.partition("=")
        system.environment[name] = value.replace("/var/lib/driftwarden", str(system.folder))
    before, start = (unit[key][0].split()[1:] for key in ("ExecStartPre", "ExecStart"))
    assert system.call(*before).returncode == 0
    with (system.folder / "daemon.log").open("wb") as log:
        daemon = subprocess.Popen(
            system.command(COMMAND, *start), env=system.environment, stdout=log, stderr=log
        )
    try:
        text = ""
        deadline = time.monotonic() + 120
        # The daemon is ready before its consumer has asked the broker.
        while daemon.poll() is None and time.monotonic() < deadline:
            text = (system.folder / "daemon.log").read_text()
            if system.is_ready() and "kafka_unavailable" in text:
                break
            time.sleep(0.2)
        assert system.is_ready(), text
    finally:
        daemon.terminate()
        status = daemon.wait(120)  # the imports of a busy machine end first
    text = (system.folder / "daemon.log").read_text()
    assert status == 0, text
    assert "Traceback" not in text
    assert "kafka_unavailable" in text  # the only thing that is missing


def test_systemd_accepts_the_unit_and_its_exposure(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze") or pytest.skip("systemd-analyze is missing")
    # The paths of an installation; `verify` wants the program to exist.
    installed = tmp_path / UNIT.name
    text = UNIT.read_text(encoding="utf-8").replace("/opt/driftwarden/bin/driftwarden", "/bin/true")
    installed.write_text(text, encoding="utf-8")

    verified = subprocess.run(
        [analyze, "verify", installed], capture_output=True, text=True, check=False
    )
    exposure = subprocess.run(
        [analyze, "security", "--offline=true", f"--threshold={MAX_EXPOSURE}", installed],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (verified.returncode, verified.stderr) == (0, "")
    assert exposure.returncode == 0, exposure.stdout


def test_the_unit_names_real_settings_and_folders() -> None:
    unit = read_unit()
    variables = dict(setting.split("=", 1) for setting in unit["Environment"])
    settings = Settings()
    for name in variables:
        if name.startswith("DRIFTWARDEN_"):
            section, key = name.removeprefix("DRIFTWARDEN_").lower().split("__")
            assert key in type(getattr(settings, section)).model_fields, name
    # Whatever is written by a relative path would lie below the read-only working directory.
    relative = {
        f"DRIFTWARDEN_{section}__{key}".upper()
        for section in type(settings).model_fields
        for key, value in getattr(settings, section).model_dump().items()
        if value in ("runs", "rollout-journal")
    }
    assert len(relative) == 2
    assert relative <= set(variables)
    assert {78, 2} == set(map(int, unit["RestartPreventExitStatus"][0].split()))
    example = UNIT.with_name("secrets.env.example").read_text(encoding="utf-8")
    secrets = re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE)
    known = {name.upper() for name in Secrets.model_fields} | {"DRIFTWARDEN_DATABASE__URL"}
    assert secrets
    assert set(secrets) <= known


def read_unit() -> dict[str, list[str]]:
    """Return the keys of the unit with their values."""
    unit: dict[str, list[str]] = {}
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        key, separator, value = line.partition("=")
        if separator and not line.startswith("#"):
            unit.setdefault(key, []).append(value)
    return unit
