"""Secrets from files: every secret, every unusable file, and no value in a message."""

import ast
import os
import re
import stat
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monitor.errors import ConfigurationError
from monitor.settings import Configuration, Secrets, all_sections, default_configuration
from monitor.settings.secrets import (
    channel_secret,
    is_secret_variable,
    load_secrets,
    probe_key,
    secret_variables,
)
from monitor.settings.secrets.files import MAX_BYTES, read_variable, secret_files
from tests.support.refusals import refusal

ROOT = Path(__file__).resolve().parents[4]
SECRET = "s3cret-never-shown"
#: Modules that read the environment, and what for: none of it a secret, but in `files.py`.
READERS_OF_THE_ENVIRONMENT = {
    "monitor/bench/workers.py": "threads of libraries",
    "monitor/cli/shared/temporary_folder.py": "TMPDIR",
    "monitor/cli/shared/access.py": "SUDO_USER",
    "monitor/daemon/readiness/encryption.py": "PGSSLMODE",
    "monitor/daemon/readiness/file_modes.py": "KUBERNETES_SERVICE_HOST",
    "monitor/daemon/readiness/temporary_files.py": "TMPDIR",
    "monitor/demo/end_to_end.py": "verbosity of libraries",
    "monitor/demo/warm_children.py": "what a child inherits",
    "monitor/embedding/device.py": "CUDA_VISIBLE_DEVICES, OMP_NUM_THREADS",
    "monitor/settings/loading.py": "names of variables of earlier versions",
    "monitor/settings/secrets/database_url.py": "PGHOST",
    "monitor/settings/secrets/files.py": "all secrets",
    "monitor/settings/secrets/variables.py": "the names of variables, in capitals",
    "monitor/windows/report/evidently.py": "DO_NOT_TRACK",
    "monitor/windows/report/evidently_snapshot.py": "DO_NOT_TRACK",
    "retrain/evaluation/child.py": "the key of its responses, which the parent makes",
    "retrain/jobs/child_environment.py": "what a child inherits",
    "retrain/jobs/child_process.py": "options of libraries",
    "retrain/jobs/kubernetes/api_server.py": "the address of the API server",
    "retrain/training/trackers.py": "options of trackers",
}
#: Settings that sound like secrets.
NO_SECRETS = {
    "retrain.kubernetes.environment_secrets": "names of Kubernetes' Secrets",
    "retrain.kubernetes.image_pull_secret": "the name of a Secret",
    "web.passwords": "whether users sign in by password",
}


@pytest.fixture(autouse=True)
def without_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Ignore the developer's secrets."""
    for name in list(os.environ):
        if is_secret_variable(name):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    """Return a file with a secret and a line break, which only its owner can read."""
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o400)
    return path


@pytest.fixture
def other_user() -> Iterator[None]:
    """Act as a user who may not read the files of the test's."""
    if os.geteuid() == 0:
        os.seteuid(65_534)
        yield
        os.seteuid(0)
    else:
        yield


def plain(value: Any) -> str:
    return value if isinstance(value, str) else value.get_secret_value()


@pytest.mark.parametrize("field", Secrets.model_fields)
def test_every_secret_is_read_from_its_file(
    field: str, secret_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{field.upper()}_FILE", str(secret_file))
    secrets = load_secrets()
    assert plain(getattr(secrets, field)) == SECRET
    assert is_secret_variable(f"{field.upper()}_FILE")


def test_secrets_of_channels_models_and_database_come_from_files(
    secret_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ALERTS_ONCALL_SECRET", "PROBES_ROUTER_V2_API_KEY", "DRIFTWARDEN_DATABASE__URL"):
        monkeypatch.setenv(f"{name}_FILE", str(secret_file))
        assert is_secret_variable(name)
    assert SECRET == channel_secret("oncall") == probe_key("router-v2")
    assert default_configuration().database.url == SECRET


def test_secret_variables_name_those_of_channels_and_models() -> None:
    configuration = Configuration(
        models={"router-v2": {}},
        alerts={"channels": {"oncall": {"kind": "pagerduty"}}},
    )
    names = set(secret_variables(configuration))
    assert {"ALERTS_ONCALL_SECRET", "PROBES_ROUTER_V2_API_KEY", "DRIFTWARDEN_DATABASE__URL"} < names
    assert {name.upper() for name in Secrets.model_fields} < names


def test_nothing_else_reads_secrets_from_the_environment() -> None:
    reading = set()
    for folder in ("driftwarden", "monitor", "retrain"):
        for path in (ROOT / folder).rglob("*.py"):
            source = path.read_text("utf-8")
            if "environ" not in source and "getenv" not in source:
                continue
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.ImportFrom) and node.module == "os":
                    assert not {"environ", "getenv"} & {name.name for name in node.names}
                is_read = isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
                if is_read and ast.unparse(node.value) == "os":
                    reading.add(path.relative_to(ROOT).as_posix())
    assert reading == set(READERS_OF_THE_ENVIRONMENT)


def test_no_setting_of_the_file_is_a_secret() -> None:
    sounding = re.compile("secret|token(?!s)|password|api_key|credential")
    named = {
        f"{name}.{key}"
        for name, section in all_sections().items()
        for key in section.model_fields
        if sounding.search(key)
    }
    assert named == set(NO_SECRETS)


@pytest.mark.parametrize("content", [SECRET, f"{SECRET}\n", f"{SECRET}\r\n", f"\ufeff{SECRET}\n"])
def test_line_break_and_byte_order_mark_are_not_the_secret(content: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(content)
    assert read_variable("X", {"X_FILE": str(tmp_path / "secret")}) == SECRET


def test_spaces_belong_to_the_secret(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(" two words \n")
    assert read_variable("X", {"X_FILE": str(tmp_path / "secret")}) == " two words "


def test_empty_variables_count_as_unset(secret_file: Path) -> None:
    assert read_variable("X", {"X": "", "X_FILE": ""}) == ""
    assert read_variable("X", {"X": "", "X_FILE": str(secret_file)}) == SECRET
    assert read_variable("X", {"X": SECRET, "X_FILE": ""}) == SECRET


def test_variable_and_file_together_are_refused(secret_file: Path) -> None:
    with refusal("secret_set_twice", ConfigurationError):
        read_variable("X", {"X": SECRET, "X_FILE": str(secret_file)})


@pytest.mark.parametrize(
    ("code", "content"),
    [
        ("secret_file_empty", b""),
        ("secret_file_empty", b" \n"),
        ("secret_file_too_large", SECRET.encode() * MAX_BYTES),
        ("secret_file_not_text", SECRET.encode() + b"\xff\xfe"),
        ("secret_file_not_text", f"{SECRET}\nsecond".encode()),
        ("secret_file_not_text", f"{SECRET}\0".encode()),
    ],
)
def test_unusable_file_is_refused_without_its_content(
    code: str, content: bytes, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(content)
    with refusal(code, ConfigurationError) as caught:
        read_variable("X", {"X_FILE": str(tmp_path / "file")})
    texts = "".join(traceback.format_exception(caught.value))
    assert SECRET not in texts
    assert "X_FILE" in str(caught.value)
    assert str(tmp_path / "file") in str(caught.value)


def test_missing_file_folder_and_pipe_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, code in (
        ("none", "secret_file_missing"),
        (".", "secret_not_a_file"),
        ("pipe", "secret_not_a_file"),
        ("secret\0", "secret_file_unreadable"),
    ):
        with refusal(code, ConfigurationError):
            read_variable("X", {"X_FILE": f"{tmp_path}/{name}"})


def test_file_of_another_user_is_refused(secret_file: Path, other_user: None) -> None:
    if os.geteuid() != 65_534:
        secret_file.chmod(0)
    with refusal("secret_file_unreadable", ConfigurationError):
        read_variable("X", {"X_FILE": str(secret_file)})


def test_file_readable_by_all_is_noted(secret_file: Path) -> None:
    environment = {"X_FILE": str(secret_file), "Y_FILE": "/nowhere"}
    first, missing = secret_files(iter("XYZ"), environment)
    assert not first.is_readable_by_all
    assert not missing.is_readable_by_all
    secret_file.chmod(stat.S_IRUSR | stat.S_IROTH)
    assert first.is_readable_by_all


def test_secrets_are_in_no_representation(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, field in Secrets.model_fields.items():
        if field.annotation is not str:
            monkeypatch.setenv(name.upper(), SECRET)
    monkeypatch.setenv("DRIFTWARDEN_DATABASE__URL", "postgresql+psycopg2://me@db/x")
    secrets, configuration = load_secrets(), default_configuration()
    assert f"me:{SECRET.replace('-', '%2D')}@db" in configuration.database.url
    for texts in (repr(secrets), str(secrets), repr(configuration), repr(configuration.by_model)):
        assert "s3cret" not in texts
