"""`driftwarden check`: one line per check, with advice if it fails."""

import sys
from pathlib import Path

import pytest

from bench.services.requirement import free_port
from tests.services.slack import CHANNEL, TOKEN, FakeSlack, slack  # noqa: F401 - a fixture
from tests.services.webhooks import Webhooks, webhooks  # noqa: F401 - a fixture
from tests.support.command import Run, run_command  # noqa: F401


def test_missing_parts_are_named_with_the_next_step(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    run_command: Run,  # noqa: F811
) -> None:
    for name, value in {
        "DATABASE__URL": f"sqlite:///{tmp_path / 'driftwarden.db'}",
        "KAFKA__BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port()}",
        "RETRAIN__TRAINING_DATA": "missing.jsonl",
        "WEB__HOST": "0.0.0.0",
    }.items():
        monkeypatch.setenv(f"DRIFTWARDEN_{name}", value)
    assert run_command("db", "upgrade").returncode == 0

    checked = run_command("check")

    assert checked.returncode == 1
    lines = {line[5:19].strip(): line for line in checked.stdout.splitlines()}
    states = {name: line[:4].strip() for name, line in lines.items()}
    assert {
        "configuration": "ok",
        "database": "ok",
        "leader": "ok",
        "baseline": "FAIL",
        "windows": "ok",
        "broker": "FAIL",
        "encoder": "ok",
        "alerts": "note",
        "reviewers": "note",
        "sign-in": "ok",
        "training data": "FAIL",
        "launcher": "ok",
        "live model": "ok",
        "weights": "ok",
        "gateway": "ok",
        "mlflow": "ok",
        "web": "FAIL",
    }.items() <= states.items()
    assert "driftwarden baseline import" in lines["baseline"]
    assert sys.executable in lines["launcher"]
    assert "resume: yes." in lines["launcher"]
    assert "127.0.0.1" in lines["broker"]
    assert "secure_cookies" in lines["web"]


def test_test_messages_are_sent_and_taken_back(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    run_command: Run,  # noqa: F811
    slack: FakeSlack,  # noqa: F811
    webhooks: Webhooks,  # noqa: F811
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        f"""
        database.url = "sqlite:///{tmp_path / "driftwarden.db"}"
        kafka.bootstrap_servers = "127.0.0.1:{free_port()}"
        [alerts]
        channel = "{CHANNEL}"
        [alerts.channels.pager]
        kind = "pagerduty"
        url = "{webhooks.url}"
        [alerts.channels.mail]
        kind = "apprise"
        """
    )
    monkeypatch.setenv("SLACK_BOT_TOKEN", TOKEN)
    monkeypatch.setenv("SLACK_API_URL", slack.url)
    monkeypatch.setenv("ALERTS_PAGER_SECRET", "routing-key")
    assert run_command("db", "upgrade", "--config", str(config)).returncode == 0

    checked = run_command("check", "--send", "--config", str(config))

    lines = [line for line in checked.stdout.splitlines() if line[5:].startswith("alerts")]
    states = [line[:4].strip() for line in lines]
    assert states == ["ok", "ok", "ok", "ok", "note", "note"]  # no secret, no fallback
    assert slack.messages == {}
    assert [body["event_action"] for _, body in webhooks.accepted] == ["trigger", "resolve"]
    assert "ALERTS_MAIL_SECRET" in lines[4]
    assert "routing-key" not in checked.stdout
