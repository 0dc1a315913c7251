"""Every place that shows a rate names the version that it is of, and marks closed decisions."""

import html
import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import Engine

from monitor.alerts.drift_incidents import handle_evaluation
from monitor.alerts.messages.decision import announce_decisions, decision_message
from monitor.alerts.sending.notices import present_notice
from monitor.daemon.weekly_digest import announce_due, summarize_week
from monitor.rendering.mrkdwn import render_text
from monitor.review.decision.decisions import decide
from monitor.settings import Alerts, Configuration, Review, Secrets, Settings
from monitor.store.alerts.delivery import DueMessage
from monitor.store.alerts.outbox import list_messages
from monitor.store.engine import make_engine, transaction
from monitor.store.review.decisions import DecisionRow
from monitor.store.review.items import batch_by_id
from tests.support.command import Run, run_command  # noqa: F401
from tests.support.migrated_copy import migrate
from tests.support.review.review_world import World, make_world
from tests.support.review.two_versions import MODEL, register, two_weeks
from tests.support.web.apps import create_app
from tests.support.web.sign_in import sign_in

SMALL = Review(min_drifted_gold=1)
DAY = timedelta(days=1)
ALERTS = Alerts(public_url="https://drift.example")


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """Return an empty database, with the settings of the command beside it."""
    address = f"sqlite:///{tmp_path / 'driftwarden.db'}"
    made = make_engine(address)
    migrate(made)
    (tmp_path / "config.toml").write_text(
        f'models.{MODEL}.aliases = []\ndatabase.url = "{address}"\n'
    )
    return made


@pytest.fixture
def weeks(engine: Engine, clock: datetime) -> tuple[World, World]:
    return two_weeks(engine, clock)


@pytest.fixture
def decided(engine: Engine, weeks: tuple[World, World], clock: datetime) -> list[DecisionRow]:
    """Decide on version 1 by both weeks, then on version 2, which follows it."""
    old, new = weeks
    with transaction(engine) as connection:
        handle_evaluation(connection, old.evaluation_id, clock, alerts=ALERTS)
        first = [decide(connection, world.batch_id, SMALL, clock) for world in weeks]
        register(connection, clock + DAY)
        return [*first, decide(connection, new.batch_id, SMALL, clock + DAY)]


@pytest.fixture
def client(engine: Engine, weeks: tuple[World, World]) -> Iterator[TestClient[Litestar]]:
    with TestClient(create_app(engine, Settings(model={"name": MODEL}), Secrets())) as made:
        sign_in(made, "Lea")
        yield made


def words(page: str) -> str:
    """Return the text of a page, its titles and labels, on one line."""
    named = re.sub(r'<[^>]*?aria-label="([^"]*)"[^>]*>', r" \1 ", page)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", named)).split())


def test_each_page_names_the_version_of_a_rate(
    client: TestClient[Litestar], decided: list[DecisionRow], weeks: tuple[World, World]
) -> None:
    old, new = weeks
    first, second, third = (row.id for row in decided)
    closed = "Closed: version 1 left production"
    expected = {
        "/decisions": (
            f"version 1 Retrain {closed}", "version 2 Keep the model 5.0%", "30.0%", "40.0%",
        ),
        f"/decisions/{first}": (closed, "Error rate of version 1", "30.0%", "version 2 serves"),
        f"/decisions/{second}": (
            closed, "Error rate of version 1", "Control slice 40.0%", "At launch of version 1 5.0%",
            "20 of version 2",
        ),
        f"/decisions/{third}": (
            "Error rate of version 2", "Control slice 5.0%", "At launch of version 2 30.0%",
        ),
        f"/progress?batch={new.batch_id}": (
            "control slice, version 2 5.0%", "30.0% at launch", "version 1, closed",
        ),
        f"/progress?batch={old.batch_id}": (closed, "control slice, version 1 30.0%"),
        f"/drift-evaluations/{old.evaluation_id}": (
            "this window, version 1 30.0%", "At launch, version 1 5.0%",
            f"retrain, of version 1. {closed}",
        ),
        f"/drift-evaluations/{new.evaluation_id}": (
            "this window, version 1 60.0%", "At launch, version 1 5.0%",
            "this window, version 2 5.0%", "At launch, version 2 30.0%",
            "error rate of version 1 60.0%", "error rate of version 2 5.0%",
        ),
        "/digest": (
            "error rate of version 1 60.0%", "error rate of version 2 5.0%",
            "error rate at launch of version 1, version 2",
        ),
        "/incidents": ("It is about version 1, which left production",),
        "/incidents/1": (
            "It is about version 1, which left production", "retrain, of version 1", closed,
        ),
        "/models/versions/1": ("40.0% wrong responses", "60 decided control items"),
        "/models": ("version 1, in production before it",),
    }  # fmt: skip
    for address, texts in expected.items():
        reply = client.get(address)
        assert reply.status_code == 200, address
        page = words(reply.text)
        for text in texts:
            assert text in page, (address, text)


def test_a_closed_decision_offers_no_button(
    client: TestClient[Litestar], decided: list[DecisionRow]
) -> None:
    second = decided[1].id
    for address in (f"/decisions/{second}", "/overview", "/runs", "/progress"):
        page = client.get(address).text
        assert f"/decisions/{second}/start" not in page, address
        assert "Retraining to confirm" not in page, address
    start = client.get(f"/decisions/{second}/start")
    assert f"/decisions/{second}/confirm" not in start.text
    assert "left production" in start.text
    replayed = client.post(f"/decisions/{second}/confirm", data={})
    assert replayed.status_code == 409


def test_commands_name_the_version_of_a_decision(
    decided: list[DecisionRow],
    run_command: Run,  # noqa: F811
) -> None:
    queue = run_command("review", "queue").stdout
    assert "keep of version 2:" in queue
    assert "retrain of version 1:" in queue
    assert queue.count("Closed: version 1 left production") == 1
    document = json.loads(run_command("incidents", "show", "1", "--json").stdout)
    (following,) = document["consequences"]["decisions"]
    assert (following["state"]["kind"], following["state"]["version"]) == ("closed", "1")
    text = run_command("incidents", "show", "1").stdout
    assert "retrain of version 1. Closed:" in text
    assert "It is about version 1, which left production" in text
    refused = run_command("review", "confirm", str(decided[0].id), "--as", "Lea")
    assert refused.returncode != 0
    assert "is closed" in refused.stderr


def test_messages_name_the_version_and_skip_closed_decisions(
    engine: Engine, decided: list[DecisionRow], clock: datetime
) -> None:
    third = decided[2]
    configuration = Configuration(models={MODEL: {}}, alerts=ALERTS)
    with transaction(engine) as connection:
        message = decision_message(third, batch_by_id(connection, third.batch_id), ALERTS)
        text = render_text(message["blocks"])
        assert announce_decisions(connection, MODEL, clock + DAY, ALERTS) == 1
        late = DueMessage(
            id=1, dedupe_key=f"decision:{decided[1].id}:retrain", channel="slack", model=MODEL,
            subject="decision", kind="post", payload=message, attempts=0, created_at=clock,
            attempted_at=None, evaluation_id=None, incident=None, thread=None,
        )  # fmt: skip
        assert present_notice(connection, late, configuration, clock + DAY) is None
    assert "Figures of version 2" in text
    assert "5.0% (" in text
    assert "30.0% (" in text
    assert "evaluation of version 2" in text


def test_the_weekly_digest_names_version_and_departure(engine: Engine, clock: datetime) -> None:
    world = make_world(engine, clock, versions=("1",))
    configuration = Configuration(models={MODEL: {}}, alerts=ALERTS)
    with transaction(engine) as connection:
        register(connection, clock - 9 * DAY)
        handle_evaluation(connection, world.evaluation_id, clock, alerts=ALERTS)
        week = summarize_week(connection, MODEL)
        assert week is not None
        assert week.text.endswith("Responses of version 1.")
        register(connection, clock)
    assert announce_due(engine, configuration.by_model, clock + 7.5 * DAY, configuration)
    with transaction(engine) as connection:
        (digest,) = (m for m in list_messages(connection) if m.dedupe_key.startswith("digest"))
    text = render_text(digest.payload["blocks"])
    assert "about version 1, which left production" in text
    assert "version 2 serves now" in text
