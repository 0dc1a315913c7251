"""Conditions that `driftwarden check --now` reads, as the leader does."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, update

from monitor.alerts.causes import CAUSES
from monitor.daemon.conditions.of_models import OF_MODELS
from monitor.daemon.conditions.of_the_daemon import OF_THE_DAEMON
from monitor.daemon.readiness import incidents
from monitor.daemon.readiness.incidents import condition_findings
from monitor.daemon.signals.counting import count_signals
from monitor.settings import Configuration
from monitor.store.engine import transaction
from monitor.store.leadership import take_lease
from monitor.store.tables.leadership import Leadership
from retrain.rollout.jobs.conditions import OF_ROLLOUTS
from tests.support.present import utc_now
from tests.support.traffic.stored_traffic import store_traffic
from tests.support.windows.assessments import make_assessment, store_evaluation

NOW = utc_now()
DAY = timedelta(days=1)


@pytest.fixture
def settings(any_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Configuration:
    """Return the settings of a site that was led, whose last weeks are not evaluated."""
    monkeypatch.setattr("monitor.store.migrations.require_current", lambda _: None)
    store_traffic(any_engine, NOW - 40 * DAY, 30, seed=1, days=30)
    with transaction(any_engine) as connection:
        take_lease(connection, "host:1:abc", timedelta(hours=1))
        connection.execute(update(Leadership).values(acquired_at=NOW - 10 * DAY))
        store_evaluation(connection, make_assessment(), NOW - 40 * DAY)
    count_signals(any_engine, NOW, NOW)
    url = any_engine.url.render_as_string(hide_password=False)
    return Configuration(models={"assistant": {}}, database={"url": url})


def test_each_condition_is_read_without_a_change(
    settings: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    of_condition = incidents._condition_finding

    def note(cause: str, model: str, result: object) -> object:
        checked.append(cause)
        return of_condition(cause, model, result)

    monkeypatch.setattr(incidents, "_condition_finding", note)
    findings = list(condition_findings(settings))

    assert set(checked) == {*OF_MODELS, *OF_ROLLOUTS, *OF_THE_DAEMON}
    titles = [finding.message.partition(",")[0] for finding in findings]
    assert CAUSES["evaluation_overdue"].title in titles
    assert CAUSES["consumer_stalled"].title in titles
    assert all(finding.command for finding in findings)


def test_a_site_that_was_never_led_has_no_conditions(
    settings: Configuration, any_engine: Engine
) -> None:
    with transaction(any_engine) as connection:
        connection.execute(Leadership.__table__.delete())  # type: ignore[attr-defined]
    assert not list(condition_findings(settings))
