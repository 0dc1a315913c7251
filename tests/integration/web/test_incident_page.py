"""The page of an incident that a look opened: its changes, examples, and what was deleted."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import Engine, delete, select

from monitor.accounts.registration import create_user
from monitor.alerts.looks import handle_look
from monitor.alerts.steps import take_step
from monitor.settings import Alerts, Secrets, Settings
from monitor.store.alerts.incidents import list_incidents
from monitor.store.engine import transaction
from monitor.store.tables import Exchange
from monitor.store.windows.looks import LookFinding, mark_look_followed_up, save_look
from monitor.web.app import create_app
from tests.support.review.review_world import PASSWORD
from tests.support.traffic.stored_traffic import store_traffic

DAY = timedelta(days=1)


@pytest.fixture
def page(engine: Engine, clock: datetime) -> Iterator[TestClient[Litestar]]:
    """Store an incident of a look with three examples; sign in as a lead."""
    store_traffic(engine, clock, 60, seed=1, days=1.0)
    with transaction(engine) as connection:
        ids = tuple(connection.execute(select(Exchange.id).limit(3)).scalars())
        finding = LookFinding(
            kind="input",
            name="",
            measure="unlike",
            reference=0.0,
            estimate=0.21,
            lower=0.17,
            upper=0.25,
            p_value=1e-9,
            since=clock,
            topic="crypto, <b>wallet",
            examples=ids,
        )
        look_id = save_look(
            connection,
            model="assistant",
            looked_until=clock + DAY,
            n_exchanges=1_012,
            n_end_users=640,
            findings=[finding],
            provenance={"baseline": "digest"},
            now=clock + DAY,
        )
        assert look_id is not None
        handle_look(connection, look_id, clock + DAY, alerts=Alerts())
        mark_look_followed_up(connection, look_id, clock + DAY)
        create_user(connection, "Lea", PASSWORD, "lead", clock)
    app = create_app(engine, Settings(), Secrets(), clock=lambda: clock + DAY)
    with TestClient(app) as client:
        token = re.search(r'csrf-token" content="([^"]+)"', client.get("/login").text)
        assert token is not None
        client.headers["x-csrftoken"] = token[1]
        assert client.post("/api/login", json={"name": "Lea", "password": PASSWORD}).is_success
        yield client


def test_incident_page_shows_changes_and_examples(
    page: TestClient[Litestar], engine: Engine
) -> None:
    with transaction(engine) as connection:
        (incident,) = list_incidents(connection)
    assert f'href="/incidents/{incident.id}"' in page.get("/incidents").text
    text = page.get(f"/incidents/{incident.id}").text
    assert "21% (17% to 25%)" in text
    assert "crypto, &lt;b&gt;wallet" in text
    assert text.count(" number ") == 3
    assert "/drift-evaluations/None" not in text
    assert "1,012 exchanges" in page.get("/drift-evaluations").text
    assert page.get("/digest").is_success


def test_incident_page_without_deleted_examples(page: TestClient[Litestar], engine: Engine) -> None:
    with transaction(engine) as connection:
        connection.execute(delete(Exchange))
    text = page.get("/incidents/1").text
    assert "21% (17% to 25%)" in text
    assert " number " not in text


def test_incident_page_of_an_unknown_incident_is_missing(page: TestClient[Litestar]) -> None:
    assert page.get("/incidents/99").status_code == 404


def test_incident_of_a_look_is_acknowledged_on_its_page(page: TestClient[Litestar]) -> None:
    assert page.post("/incidents/1/acknowledge", follow_redirects=True).is_success
    assert "Acknowledged by Lea" in page.get("/incidents/1").text


def test_incident_of_a_removed_model_is_not_resolved(
    page: TestClient[Litestar], engine: Engine, clock: datetime
) -> None:
    with transaction(engine) as connection:
        (incident,) = list_incidents(connection)
        take_step(connection, incident, "unwatched", by="driftwarden", now=clock + DAY)
    for path in ("/incidents", "/incidents/1"):
        text = page.get(path).text
        assert "Closed: no longer watched" in text
        assert "esolved" not in text
