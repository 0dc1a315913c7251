"""The command `driftwarden` in the process of the tests, which has loaded the libraries already."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from monitor.cli import main

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Return a function like `subprocess.run`; the folder of the test is the current one."""

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = ["driftwarden", *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", command)
        umask = os.umask(0)
        os.umask(umask)
        try:
            with pytest.raises(SystemExit) as ended:
                main()
        finally:
            os.umask(umask)  # the command has its own
        return subprocess.CompletedProcess(command, ended.value.code or 0, *capsys.readouterr())

    monkeypatch.chdir(tmp_path)
    return run
