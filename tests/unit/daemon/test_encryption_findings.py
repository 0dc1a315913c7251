"""What `driftwarden check` says of unencrypted passwords and of exposed files."""

from pathlib import Path

import pytest

from monitor.daemon.readiness.encryption import (
    broker_encryption_finding,
    database_encryption_finding,
    secret_files_finding,
)
from monitor.settings import Settings

REMOTE = "postgresql+psycopg2://u:never-shown@db.example/x"


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("sqlite:///driftwarden.db", "ok"),
        ("postgresql+psycopg2://u:p@127.0.0.1/x", "ok"),
        ("postgresql+psycopg2://u:p@[::1]/x", "ok"),
        ("postgresql+psycopg2://u@/x?host=/run/postgresql", "ok"),
        (REMOTE, "note"),
        (f"{REMOTE}?sslmode=require", "note"),
        (f"{REMOTE}?sslmode=verify-ca", "note"),
        (f"{REMOTE}?sslmode=verify-full", "ok"),
        ("postgresql+psycopg2://u@/x?host=127.0.0.1,db.example", "note"),
        ("postgresql+psycopg2://u@127.0.0.1.example/x", "note"),
    ],
)
def test_unverified_database_elsewhere_is_noted(
    url: str, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGSSLMODE", raising=False)
    finding = database_encryption_finding(Settings(database={"url": url}))
    assert status == finding.status
    assert "never-shown" not in finding.message


def test_variable_of_libpq_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    assert "ok" == database_encryption_finding(Settings(database={"url": REMOTE})).status


@pytest.mark.parametrize(
    ("kafka", "status"),
    [
        ({"security_protocol": "SASL_PLAINTEXT"}, "note"),
        ({"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "SCRAM-SHA-512"}, "note"),
        ({"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "OAUTHBEARER"}, "note"),
        ({"security_protocol": "SASL_SSL"}, "ok"),
        ({"security_protocol": "SSL"}, "ok"),
        ({"security_protocol": "PLAINTEXT"}, "ok"),
    ],
)
def test_password_without_tls_to_brokers_elsewhere_is_noted(
    kafka: dict[str, str], status: str
) -> None:
    for servers in ("kafka.example:9092", "127.0.0.1:9092, kafka.example:9092"):
        settings = Settings(kafka={"bootstrap_servers": servers, **kafka})
        assert status == broker_encryption_finding(settings).status
    here = Settings(kafka={"bootstrap_servers": "localhost:9092,[::1]:9092", **kafka})
    assert "ok" == broker_encryption_finding(here).status


def test_exposed_file_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "token"
    path.write_text("never-shown")
    monkeypatch.setenv("SLACK_BOT_TOKEN_FILE", str(path))
    path.chmod(0o440)
    assert "ok" == secret_files_finding(Settings()).status
    path.chmod(0o444)
    finding = secret_files_finding(Settings())
    assert "note" == finding.status
    assert str(path) in finding.message
    assert "never-shown" not in finding.message
