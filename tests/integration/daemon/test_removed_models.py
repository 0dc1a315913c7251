"""Models that are removed from the configuration: what ends, what stays, and their return."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, func, insert, select

from monitor.alerts.channels import Channels
from monitor.alerts.channels.alertmanager import AlertmanagerSender
from monitor.alerts.drift_incidents import handle_evaluation
from monitor.alerts.incidents import report
from monitor.alerts.messages.removed_models import InFlight, describe_removed
from monitor.alerts.outbox import deliver_due
from monitor.alerts.routes import Routes
from monitor.daemon.cycle import Cycle
from monitor.daemon.retraining import Retraining
from monitor.settings import Alerts, ChannelSettings, Configuration, Retrain, Secrets
from monitor.store.alerts.incidents import list_incidents
from monitor.store.engine import transaction
from monitor.store.model_history import carry_over, watched_models
from monitor.store.tables import (
    AuditEntry,
    BaselinePlan,
    Decision,
    DriftEvaluation,
    Exchange,
    Incident,
    Look,
    ModelVersion,
    OutboxMessage,
    ReviewBatch,
    TrainingRun,
    WatchPause,
)
from monitor.store.traffic.offsets import claim
from monitor.store.training.registry import version_by_id
from monitor.store.training.runs import list_runs, mark_running
from retrain.recipes.recipe import Recipe
from retrain.registry.stages import promote, register_version
from retrain.rollout.rows.rollouts import rollout_by_id
from retrain.rollout.transitions.start import start_rollout
from retrain.training.runs import plan_run
from tests.services.webhooks import Webhooks, webhooks  # noqa: F401 - a fixture
from tests.support.alerts.senders import MemorySender
from tests.support.present import utc_now
from tests.support.retrain.candidates import evaluated
from tests.support.retrain.fake_launcher import FakeLauncher
from tests.support.retrain.weights import record_without_files
from tests.support.traffic.stored_traffic import store_traffic
from tests.support.windows.assessments import make_assessment, store_evaluation
from tests.support.windows.ownership import mixed_rows

WEEK, DAY = timedelta(days=7), timedelta(days=1)
LATE = timedelta(minutes=30)


def fleet(*models: str, **sections: Any) -> Configuration:
    return Configuration(models={model: {} for model in models}, **sections)


def cycle_of(engine: Engine, configuration: Configuration, now: datetime) -> Cycle:
    cycle = Cycle.build(engine, configuration, Secrets(), now)
    retraining = Retraining(engine, configuration, lambda _: FakeLauncher())
    return replace(cycle, retraining=retraining)


def alarm(engine: Engine, model: str, start: datetime) -> None:
    """Store a window with drift, its incident and messages."""
    with transaction(engine) as connection:
        evaluation = store_evaluation(connection, make_assessment(0.3, model=model), start)
        handle_evaluation(connection, evaluation, start + WEEK, alerts=Alerts())


def step(cycle: Cycle, now: datetime) -> None:
    cycle.evaluate(now)
    cycle.look(now)
    cycle.advance(now)


def messages(engine: Engine, model: str) -> list[tuple[str, str | None]]:
    with transaction(engine) as connection:
        rows = connection.execute(
            select(OutboxMessage.dedupe_key, OutboxMessage.error)
            .where(OutboxMessage.model == model)
            .order_by(OutboxMessage.id)
        )
        return [(key, error) for key, error in rows]


def test_removed_model_ends_once_and_keeps_its_history(any_engine: Engine, clock: datetime) -> None:
    for model in ("gone", "stays"):
        alarm(any_engine, model, clock)
    now = clock + WEEK + LATE
    cycle = cycle_of(any_engine, fleet("stays"), now)
    for minutes in (0, 1):
        step(cycle, now + timedelta(minutes=minutes))
    with transaction(any_engine) as connection:
        incidents = {row.model: row.status for row in list_incidents(connection)}
        actions = connection.execute(
            select(AuditEntry.action, AuditEntry.subject).order_by(AuditEntry.id)
        ).all()
        assert watched_models(connection) == {"gone", "stays"}
    assert incidents == {"gone": "closed", "stays": "open"}
    assert {error for _, error in messages(any_engine, "gone")} == {
        "the model was removed from config.toml"
    }
    assert {error for _, error in messages(any_engine, "stays")} == {None}
    ((key, error),) = messages(any_engine, "")
    assert key.startswith("removed:")
    assert error is None
    assert [tuple(entry) for entry in actions].count(("removed", "model:gone")) == 1


def test_removal_is_reported_where_the_incident_is_known(
    engine: Engine,
    clock: datetime,
    webhooks: Webhooks,  # noqa: F811
) -> None:
    alarm(engine, "gone", clock)
    now = clock + WEEK
    known = AlertmanagerSender(webhooks.url, "", "https://drift.example")
    channel = ChannelSettings(kind="alertmanager", url=webhooks.url)
    deliver_due(engine, Channels(Routes({"am": channel}, ()), {"am": known}), now)
    cycle = cycle_of(engine, fleet("stays"), now)
    step(cycle, now + LATE)
    later = MemorySender()
    both = Channels(Routes({"am": channel, "new": channel}, ()), {"am": known, "new": later})
    deliver_due(engine, both, now + LATE)
    alerts = [body[0] for _, body in webhooks.accepted]
    assert [alert["annotations"]["status"] for alert in alerts] == ["open", "closed"]
    assert alerts[0]["labels"] == alerts[1]["labels"]
    assert datetime.fromisoformat(alerts[1]["endsAt"]) <= utc_now()
    (notice,) = later.sent
    assert "No longer watched: gone" in notice[1]


def test_removed_model_has_no_jobs(engine: Engine, clock: datetime, tmp_path: Path) -> None:
    alarm(engine, "gone", clock)
    store_traffic(engine, clock + WEEK, 200, seed=1, model="gone")
    with transaction(engine) as connection:
        serving, canary = (
            register_version(
                connection,
                model="gone",
                adapter_path="a",
                adapter_digest="d",
                lineage={},
                now=clock,
                identity=record_without_files(clock),
            )
            for _ in range(2)
        )
        promote(connection, serving, changed_by="lea", reason="first", now=clock)
        evaluated(connection, canary, clock)
        rollout = start_rollout(
            connection, canary, fleet("gone").settings_of("gone"), clock, by="lea"
        )
        batch = connection.execute(
            insert(ReviewBatch)
            .values(evaluation_id=1, model="gone", created_at=clock)
            .returning(ReviewBatch.id)
        ).scalar_one()
        decision = connection.execute(
            insert(Decision)
            .values(
                batch_id=batch, model="gone", recommendation="retrain", inputs={}, decided_at=clock
            )
            .returning(Decision.id)
        ).scalar_one()
        recipe = Recipe(base=str(tmp_path))
        planned = plan_run(
            connection, model="gone", recipe=recipe, work_dir=tmp_path, now=clock,
            decision_id=decision,
        )  # fmt: skip
        running = plan_run(connection, model="gone", recipe=recipe, work_dir=tmp_path, now=clock)
        mark_running(connection, running, {"number": 1}, clock)
    before = counts(engine)
    now = clock + 60 * WEEK
    configuration = fleet("stays", retrain=Retrain(max_age="1d", work_dir=str(tmp_path)))
    cycle = cycle_of(engine, configuration, now)
    for hours in (0, 1, 100):
        step(cycle, now + timedelta(hours=hours))
    assert mixed_rows(engine) == {}
    with transaction(engine) as connection:
        carry_over(connection, "gone", "renamed", now)
    assert mixed_rows(engine) == {}
    with transaction(engine) as connection:
        carry_over(connection, "renamed", "gone", now)
    after = counts(engine)
    assert after.pop("outbox") == before.pop("outbox") + 1
    assert after.pop("watch_pauses") == before.pop("watch_pauses") + 1
    assert after == before
    with transaction(engine) as connection:
        statuses = {run.id: run.status for run in list_runs(connection)}
        assert statuses[planned] == "planned"
        assert rollout_by_id(connection, rollout.id).weight_percent == 5
        assert version_by_id(connection, canary).stage == "canary"
        payload = connection.execute(
            select(OutboxMessage.payload).where(OutboxMessage.model == "")
        ).scalar_one()
    text = str(payload)
    assert f"retrain cancel {running}" in text
    assert "version 2 stays at 5%" in text


def counts(engine: Engine) -> dict[str, int]:
    tables = (
        BaselinePlan, Decision, DriftEvaluation, Exchange, Incident, Look, ModelVersion,
        OutboxMessage, ReviewBatch, TrainingRun, WatchPause,
    )  # fmt: skip
    with transaction(engine) as connection:
        return {
            table.__tablename__: connection.execute(
                select(func.count()).select_from(table)
            ).scalar_one()
            for table in tables
        }


def test_returned_model_goes_on_without_its_pause(any_engine: Engine, clock: datetime) -> None:
    store_traffic(any_engine, clock, 30, seed=1, model="gone")
    cycle_of(any_engine, fleet("gone"), clock).evaluate(clock + WEEK + LATE)
    removed = clock + WEEK + 2 * DAY
    for times in (removed, removed + 3 * WEEK):
        cycle_of(any_engine, fleet("stays"), times).evaluate(times)
    back = clock + 5 * WEEK + DAY
    store_traffic(any_engine, clock + 5 * WEEK + 2 * DAY, 30, seed=2, model="gone", days=1.0)
    cycle_of(any_engine, fleet("gone"), back).evaluate(back)
    now = clock + 6 * WEEK + LATE
    cycle_of(any_engine, fleet("gone"), now).evaluate(now)
    with transaction(any_engine) as connection:
        windows = list(
            connection.execute(
                select(DriftEvaluation.window_start).order_by(DriftEvaluation.window_start)
            ).scalars()
        )
        pauses = connection.execute(select(WatchPause.ended_at, WatchPause.resumed_at)).all()
    assert windows == [clock, clock + 5 * WEEK]
    assert [tuple(pause) for pause in pauses] == [(removed, back)]


def test_watched_unlisted_models_are_not_removed(engine: Engine, clock: datetime) -> None:
    alarm(engine, "unlisted", clock)
    configuration = fleet("stays", monitoring={"unlisted_models": "watch"})
    cycle_of(engine, configuration, clock).evaluate(clock + DAY)
    with transaction(engine) as connection:
        assert [row.status for row in list_incidents(connection)] == ["open"]
    assert messages(engine, "") == []


@pytest.mark.parametrize(
    ("ended", "parts"),
    [
        (InFlight("a", (), 0, (), ()), ["a."]),
        (InFlight("a", (3,), 1, (4,), ((2, 25),)), ["incident 3", "1 message", "run 4", "25%"]),
    ],
)
def test_description_names_what_ends(ended: InFlight, parts: list[str]) -> None:
    assert all(part in describe_removed(ended) for part in parts)


def test_all_incidents_of_a_removed_model_are_closed(engine: Engine, clock: datetime) -> None:
    """Also of one without an evaluation; those of the daemon and of other models stay."""
    with transaction(engine) as connection:
        claim(connection, "file:1", 0, first=0, now=clock)  # something was read
        for model in ("a", "b", ""):
            for cause in ("no_traffic", "training_failed"):
                report(connection, cause, model, clock, text=cause, alerts=Alerts())
    cycle_of(engine, fleet("a"), clock).evaluate(clock + DAY)
    with transaction(engine) as connection:
        states = {(row.model, row.status) for row in list_incidents(connection)}
    assert states == {("a", "open"), ("b", "closed"), ("", "open")}
    cycle_of(engine, fleet("a"), clock).watch(clock + 2 * DAY)
    with transaction(engine) as connection:
        assert len(list_incidents(connection)) == 6


def test_a_model_listed_after_the_start_was_never_removed(
    any_engine: Engine, clock: datetime
) -> None:
    """Its baseline, evaluation and incident came by a newer config.toml."""
    old = cycle_of(any_engine, fleet("stays"), clock)
    new = cycle_of(any_engine, fleet("stays", "bot5"), clock + DAY)
    store_traffic(any_engine, clock, 30, seed=1, model="bot5", baseline=True)
    with transaction(any_engine) as connection:
        register_version(
            connection,
            model="bot5",
            adapter_path="a",
            adapter_digest="d",
            lineage={},
            now=clock - DAY,
            identity=record_without_files(clock),
        )
    alarm(any_engine, "bot5", clock)
    for hours in range(4):  # the lease passes from one to the other
        step((old, new)[hours % 2], clock + WEEK + timedelta(hours=hours))
    assert messages(any_engine, "") == []
    with transaction(any_engine) as connection:
        assert [row.status for row in list_incidents(connection)] == ["open"]
        assert pauses(connection) == []


def test_an_older_configuration_does_not_resume_a_model(
    any_engine: Engine, clock: datetime
) -> None:
    alarm(any_engine, "gone", clock - WEEK)
    old = cycle_of(any_engine, fleet("stays", "gone"), clock)
    new = cycle_of(any_engine, fleet("stays"), clock + DAY)
    for hours in range(1, 5):
        (old, new)[hours % 2].evaluate(clock + DAY + timedelta(hours=hours))
    assert len(messages(any_engine, "")) == 1
    with transaction(any_engine) as connection:
        assert pauses(connection) == [None]
    cycle_of(any_engine, fleet("stays", "gone"), clock + 2 * DAY).evaluate(clock + 2 * DAY)
    with transaction(any_engine) as connection:
        assert pauses(connection) == [clock + 2 * DAY]


def pauses(connection: Connection) -> list[datetime | None]:
    """Return the end of each pause."""
    return list(connection.execute(select(WatchPause.resumed_at)).scalars())
