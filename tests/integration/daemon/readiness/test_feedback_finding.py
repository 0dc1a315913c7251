"""Finding of `driftwarden check` on late feedback: its exchanges, names and directions."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update

from monitor.daemon.readiness.feedback import feedback_finding
from monitor.settings import Settings
from monitor.store.engine import make_engine, transaction
from monitor.store.tables import Feedback, RolloutObservation
from retrain.rollout.rows.feedback import count_feedback
from tests.support.migrated_copy import migrate
from tests.support.present import utc_now
from tests.support.traffic.feedback import rating
from tests.support.traffic.observed_traffic import (
    Message,
    ingest,
    messages,
    open_rollout,
    read_plan,
)

NOW = utc_now().replace(microsecond=0)
WEEK = timedelta(days=7)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Engine, Settings]]:
    """Return a migrated database with the settings that name it."""
    url = f"sqlite:///{tmp_path / 'site.db'}"
    engine = make_engine(url)
    migrate(engine)
    yield engine, Settings(database={"url": url}, monitoring={"sample_rate": 1.0})
    engine.dispose()


def exchanges(n: int) -> list[Message]:
    return [
        (
            b"r%d" % number,
            (),
            json.dumps({"id": f"r{number}", "prompt": "q", "response": "a"}).encode(),
        )
        for number in range(n)
    ]


def test_feedback_on_stored_exchanges_is_in_order(site: tuple[Engine, Settings]) -> None:
    engine, settings = site
    assert (
        feedback_finding(settings).status,
        feedback_finding(settings).message,
    ) == ("ok", "none in 7 days")
    sent = [rating(f"r{number}", feedback={"thumbs_up": True, "rating": 4}) for number in range(8)]
    ingest(engine, settings, [*exchanges(6), *sent], NOW)
    finding = feedback_finding(settings)
    assert finding.status == "ok"
    assert finding.message == "16 values in 7 days, 75% on stored exchanges: rating, thumbs_up"


@pytest.mark.parametrize("wrong", ["id", "model"])
def test_feedback_on_no_exchange_is_noted(site: tuple[Engine, Settings], wrong: str) -> None:
    engine, settings = site
    watched = settings.monitoring.model_copy(update={"unlisted_models": "watch"})
    settings = settings.model_copy(update={"monitoring": watched})
    name = "call-{}" if wrong == "id" else "r{}"
    record = {"model": "other"} if wrong == "model" else {}
    sent = [rating(name.format(number), **record) for number in range(20)]
    ingest(engine, settings, [*exchanges(20), *sent], NOW)
    finding = feedback_finding(settings)
    assert finding.status == "note"
    assert "20 values in 7 days, 0% on stored exchanges" in finding.message
    assert "the id and the key" in finding.message


def test_names_without_a_direction_are_noted(site: tuple[Engine, Settings]) -> None:
    engine, settings = site
    sent = [rating("r0", feedback={"thumbs_up": True, "mood": 3, "n_tokens": 4})]
    ingest(engine, settings, [*exchanges(1), *sent], NOW)
    finding = feedback_finding(settings)
    assert (finding.status, "no direction is known: mood;" in finding.message) == ("note", True)
    known = settings.model_copy(
        update={"drift": settings.drift.model_copy(update={"higher_is_better": ("mood",)})}
    )
    assert feedback_finding(known).status == "ok"


def test_observed_exchanges_count_and_older_feedback_does_not(any_engine: Engine) -> None:
    open_rollout(any_engine, NOW - timedelta(hours=1))
    settings = Settings(monitoring={"sample_rate": 0.01})
    sent = messages(200, NOW - timedelta(minutes=30), seconds=1.0)
    rated = [rating(f"r{number}") for number in range(40)]
    plan = read_plan(any_engine, settings)
    ingest(any_engine, settings, [*sent, *rated], NOW, plan)
    with transaction(any_engine) as connection:
        observed = set(connection.execute(select(RolloutObservation.exchange_id)).scalars())
        n_observed = len(observed & {f"r{number}" for number in range(40)})
        (count,) = count_feedback(connection, NOW - WEEK, 1000)
        (newest,) = count_feedback(connection, NOW - WEEK, 10)
        assert (40, n_observed) == (count.n, count.n_on_exchanges)
        assert 0 < n_observed < 40
        assert newest.n == 10
        connection.execute(update(Feedback).values(received_at=NOW - 2 * WEEK))
        assert count_feedback(connection, NOW - WEEK, 1000) == []
