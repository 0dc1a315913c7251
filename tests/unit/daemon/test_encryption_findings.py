"""Findings of `driftwarden check` on unencrypted passwords and exposed files."""

import json
from pathlib import Path

import pytest

from monitor.daemon.readiness.encryption import (
    addresses_finding,
    broker_encryption_finding,
    database_encryption_finding,
    secret_files_finding,
    visitors_finding,
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
    assert database_encryption_finding(Settings(database={"url": REMOTE})).status == "ok"


@pytest.mark.parametrize(
    ("kafka", "status"),
    [
        ({"security_protocol": "SASL_PLAINTEXT"}, "note"),
        ({"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "SCRAM-SHA-512"}, "note"),
        ({"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "OAUTHBEARER"}, "note"),
        ({"security_protocol": "SASL_SSL"}, "ok"),
        ({"security_protocol": "SSL"}, "ok"),
        ({"security_protocol": "PLAINTEXT"}, "note"),
    ],
)
def test_texts_without_tls_from_brokers_elsewhere_are_noted(
    kafka: dict[str, str], status: str
) -> None:
    for servers in ("kafka.example:9092", "127.0.0.1:9092, kafka.example:9092"):
        settings = Settings(kafka={"bootstrap_servers": servers, **kafka})
        assert status == broker_encryption_finding(settings).status
    here = Settings(kafka={"bootstrap_servers": "localhost:9092,[::1]:9092", **kafka})
    assert broker_encryption_finding(here).status == "ok"


def test_exposed_file_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "token"
    path.write_text("never-shown")
    monkeypatch.setenv("SLACK_BOT_TOKEN_FILE", str(path))
    path.chmod(0o440)
    assert secret_files_finding(Settings()).status == "ok"
    path.chmod(0o444)
    finding = secret_files_finding(Settings())
    assert finding.status == "note"
    assert str(path) in finding.message
    assert "never-shown" not in finding.message


ELSEWHERE, HERE = "http://other.example:9093", "http://127.0.0.1:9093"


@pytest.mark.parametrize(
    "sections",
    [
        {"alerts": {"public_url": "{}"}},
        {"alerts": {"channels": {"duty": {"kind": "alertmanager", "url": "{}"}}}},
        {"alerts": {"channels": {"duty": {"kind": "pagerduty", "url": "{}"}}}},
        {"probes": {"url": "{}", "model": "m"}},
        {"retrain": {"judge": {"url": "{}", "model": "m"}}},
        {"retrain": {"previous": {"url": "{}", "model": "m"}}},
        {"retrain": {"mlflow": {"tracking_url": "{}"}}},
        {"rollout": {"gateway": "litellm", "litellm": {"url": "{}"}}},
    ],
    ids=lambda sections: "/".join(_keys(sections)),
)
def test_texts_over_http_to_elsewhere_are_noted(sections: dict) -> None:
    for address, status in (
        (ELSEWHERE, "note"), (HERE, "ok"), (ELSEWHERE.replace("http", "https"), "ok"),
    ):  # fmt: skip
        filled = json.loads(json.dumps(sections).replace("{}", address))
        finding = addresses_finding(Settings(**filled))
        assert status == finding.status, address
    assert (
        _keys(sections)[-1]
        in addresses_finding(
            Settings(**json.loads(json.dumps(sections).replace("{}", ELSEWHERE)))
        ).message
    )


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("json://never-shown@hooks.example/x", "note"),
        ("jsons://never-shown@hooks.example/x", "ok"),
        ("json://localhost/never-shown", "ok"),
        ("", "ok"),
    ],
)
def test_webhook_of_apprise_over_http_is_noted(
    address: str, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALERTS_TEAM_SECRET", address)
    settings = Settings(alerts={"channels": {"team": {"kind": "apprise"}}})
    finding = addresses_finding(settings)
    assert status == finding.status
    assert "never-shown" not in finding.message


@pytest.mark.parametrize(
    ("web", "status"),
    [
        ({}, "ok"),
        ({"host": "::1"}, "ok"),
        ({"host": "0.0.0.0"}, "note"),
        ({"host": "::"}, "note"),
        ({"host": "0.0.0.0", "trusted_proxies": ["10.0.0.0/8"]}, "ok"),
    ],
)
def test_public_page_without_a_proxys_address_is_noted(web: dict, status: str) -> None:
    assert status == visitors_finding(Settings(web=web)).status


def _keys(section: dict) -> list[str]:
    key, value = next(reversed(section.items())) if "model" not in section else ("url", "")
    return [key, *(_keys(value) if isinstance(value, dict) else [])]
