"""Age of the serving version: one Slack message, and a note for users."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from monitor.cli.app import app
from monitor.daemon.follow_up import watch_age
from monitor.daemon.readiness.retraining import live_model_finding
from monitor.settings import Alerts, ModelSection, Retrain, Settings
from monitor.store.alerts.outbox import list_messages
from monitor.store.engine import make_engine, transaction
from monitor.store.training.model_age import production_age
from retrain.registry.stages import promote, register_version
from tests.support.migrated_copy import migrate
from tests.support.present import utc_now

DAY = timedelta(days=1)
SETTINGS = Settings(
    model=ModelSection(name="desk"), alerts=Alerts(public_url="https://drift.example/")
)


def serving(engine: Engine, now: datetime, model: str = "desk") -> int:
    with transaction(engine) as connection:
        version = register_version(
            connection, model=model, adapter_path="a", adapter_digest="d", lineage={}, now=now
        )
        promote(connection, version, changed_by="lea", reason="better", now=now)
    return version


def messages(engine: Engine) -> list[str]:
    with transaction(engine) as connection:
        return [
            str(list_message.payload["text"])
            for list_message in reversed(list_messages(connection))
        ]


def test_slack_hears_once_a_version_that_a_refresh_is_suggested(
    any_engine: Engine, clock: datetime
) -> None:
    watch_age(any_engine, SETTINGS, clock)  # nothing serves
    serving(any_engine, clock)
    watch_age(any_engine, SETTINGS, clock + 180 * DAY - timedelta(seconds=1))
    assert messages(any_engine) == []
    for days in (180, 181, 250):
        watch_age(any_engine, SETTINGS, clock + days * DAY)
    (text,) = messages(any_engine)
    for figure in (
        "desk",
        "Version 1 ",
        "2026-11-02",
        "180 days ago",
        "retrain.max_age (180 days)",
    ):
        assert figure in text
    with transaction(any_engine) as connection:
        (message,) = list_messages(connection)
    assert "https://drift.example/models" in json.dumps(message.payload)
    serving(any_engine, clock + 260 * DAY)
    watch_age(any_engine, SETTINGS, clock + 300 * DAY)
    assert len(messages(any_engine)) == 1
    watch_age(any_engine, SETTINGS, clock + 440 * DAY)
    (second,) = messages(any_engine)[1:]
    assert "Version 2 " in second


@pytest.mark.parametrize(("days", "age"), [(0, "less than a day"), (1, "1 day"), (2, "2 days")])
def test_age_of_a_day_is_in_the_singular(
    engine: Engine, clock: datetime, days: int, age: str
) -> None:
    serving(engine, clock)
    with transaction(engine) as connection:
        row = production_age(connection, "desk", clock + days * DAY)
    assert row is not None
    assert row.description.endswith(f", {age} ago")


def test_no_model_is_too_old_without_max_age(engine: Engine, clock: datetime) -> None:
    serving(engine, clock)
    settings = SETTINGS.model_copy(update={"retrain": Retrain(max_age="")})
    watch_age(engine, settings, clock + 9999 * DAY)
    assert messages(engine) == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("180d", 180 * DAY), ("26w", 182 * DAY), ("36h", timedelta(hours=36)), ("", None)],
)
def test_an_age_is_a_number_and_a_unit(text: str, wanted: timedelta | None) -> None:
    assert Retrain(max_age=text).max_age == wanted


@pytest.mark.parametrize("text", ["180", "0d", "six months", "-1d", "1.5d", "180 d"])
def test_invalid_age_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match='such as "180d"'):
        Retrain(max_age=text)


def test_check_and_digest_name_an_old_model(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'desk.db'}"
    engine = make_engine(url)
    migrate(engine)
    config = tmp_path / "config.toml"
    config.write_text(f"[models.desk]\n[database]\nurl = '{url}'\n", encoding="utf-8")
    settings = SETTINGS.model_copy(
        update={"database": SETTINGS.database.model_copy(update={"url": url})}
    )

    def finding() -> tuple[str, str]:
        live_model = live_model_finding(settings)
        return live_model.status, live_model.message

    def digest(*arguments: str) -> str:
        page = CliRunner().invoke(app, ["digest", "--config", str(config), *arguments])
        assert page.exit_code == 0, page.output
        return " ".join(page.stdout.split())

    assert finding()[0] == "ok"
    made = utc_now() - 200 * DAY
    serving(engine, made)
    status, message = finding()
    assert status == "note"
    assert f"created on {made:%Y-%m-%d}, 200 days ago" in message
    assert "suggested" in digest()
    assert json.loads(digest("--json"))["production"] == {"version": 1, "age_days": 200}
    serving(engine, utc_now() - DAY)
    assert finding()[0] == "ok"
    assert "Version 2 " in digest()
    assert "suggested" not in digest()
    engine.dispose()
