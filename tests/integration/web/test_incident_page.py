"""The page of an incident that a look opened: its changes, examples, and what was deleted."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import Engine, delete, select, update

from monitor.accounts.registration import create_user
from monitor.alerts.drift_incidents import handle_evaluation
from monitor.alerts.incidents import acknowledge, report, take_over
from monitor.alerts.looks import handle_look
from monitor.alerts.steps import take_step
from monitor.settings import Alerts, Secrets, Settings
from monitor.store.alerts.incident_events import list_events
from monitor.store.alerts.incidents import incident_by_id, list_incidents
from monitor.store.engine import transaction
from monitor.store.tables import Exchange, Look, OutboxMessage
from monitor.store.windows.looks import (
    LookFinding,
    look_by_id,
    mark_look_followed_up,
    save_look,
    set_findings,
)
from retrain.rollout.rows.rollouts import rollout_by_id
from tests.support.review.review_world import PASSWORD
from tests.support.traffic.stored_traffic import store_traffic
from tests.support.web.apps import create_app
from tests.support.web.rollout_world import add_rollout
from tests.support.web.route_table import Visitor
from tests.support.windows.assessments import make_assessment, store_evaluation

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
            level=1e-6,
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


def test_examples_of_a_metric_show_its_value(page: TestClient[Litestar], engine: Engine) -> None:
    with transaction(engine) as connection:
        (look_id,) = connection.execute(select(Look.id)).scalars()
        (finding,) = look_by_id(connection, look_id).findings
        changed = msgspec.structs.replace(finding, kind="metric", name="resolved", measure="rate")
        set_findings(connection, look_id, [changed])
        connection.execute(update(Exchange).values(attributes={"resolved": False, "other": 7}))
    text = page.get("/incidents/1").text
    assert text.count('<td data-label="resolved">False</td>') == 3
    assert "other" not in re.sub(r"another|otherwise", "", text)
    with transaction(engine) as connection:
        connection.execute(update(Exchange).values(attributes={}))
    assert page.get("/incidents/1").text.count('<td data-label="resolved"></td>') == 3


def test_incident_page_without_deleted_examples(page: TestClient[Litestar], engine: Engine) -> None:
    with transaction(engine) as connection:
        connection.execute(delete(Exchange))
    text = page.get("/incidents/1").text
    assert "21% (17% to 25%)" in text
    assert " number " not in text


def test_steps_of_a_revert_are_a_list_with_links(
    page: TestClient[Litestar], engine: Engine, clock: datetime
) -> None:
    rollout = add_rollout(engine, clock, status="reverted")
    keys = [f"rollout {rollout}", "rollout 99"]  # the second one is unknown
    with transaction(engine) as connection:
        text = "Version 2 was reverted."
        row = report(
            connection, "rollout_reverted", "assistant", clock, text=text, keys=keys,
            alerts=Alerts(),
        )  # fmt: skip
        version = rollout_by_id(connection, rollout).version_id
    text = page.get(f"/incidents/{row}").text
    steps = re.findall("<li>(.*?)</li>", text.partition('aria-label="Next steps"')[2])
    assert len(steps) >= 3
    assert "<code>driftwarden rollout status --model assistant</code>" in steps[0]
    for path in (f"/rollouts/{rollout}", f"/models/versions/{version}"):
        assert f'href="{path}"' in text


def test_incident_of_a_window_links_report_and_queue(
    page: TestClient[Litestar], engine: Engine, clock: datetime
) -> None:
    with transaction(engine) as connection:
        evaluation = store_evaluation(connection, make_assessment(0.4), clock)
        handle_evaluation(connection, evaluation, clock + 7 * DAY, alerts=Alerts())
    card = page.get("/incidents/1").text.partition("</section>")[0]
    for path in (f"/drift-evaluations/{evaluation}", "/review", "/runbooks/drift"):
        assert f'href="{path}' in card


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
        assert "badge resolved" not in text
        assert "Resolved" not in text


def act(page: TestClient[Litestar], action: str, **fields: str) -> int:
    token = page.headers["x-csrftoken"]
    return page.post(
        f"/incidents/1/{action}", data={"_csrf_token": token, **fields}, follow_redirects=False
    ).status_code


def test_incident_page_has_the_changes_of_its_status(
    page: TestClient[Litestar], engine: Engine
) -> None:
    assert act(page, "snooze", until="4h") == 303
    text = page.get("/incidents/1").text
    assert "Snoozed until 3 Nov 2026, 04:00 UTC by Lea" in text
    assert "/incidents/1/acknowledge" in text
    assert act(page, "note", text="looked at <b>release</b>") == 303
    assert act(page, "resolve", reason="rolled back") == 303
    text = page.get("/incidents/1").text
    assert "looked at &lt;b&gt;release&lt;/b&gt;" in text
    assert "Resolved by Lea: rolled back" in text
    for action in ("acknowledge", "snooze", "resolve"):
        assert f"/incidents/1/{action}" not in text
    assert "/incidents/1/note" in text
    with transaction(engine) as connection:
        events = [(event.event, event.by) for event in list_events(connection, 1)]
    names = ["snoozed", "noted", "resolved"]
    assert events == [("opened", "driftwarden"), *((name, "Lea") for name in names)]


def test_an_incident_of_another_lead_is_taken_over(
    page: TestClient[Litestar], engine: Engine, clock: datetime
) -> None:
    with transaction(engine) as connection:
        acknowledge(connection, 1, "Kim", clock, alerts=Alerts())
    assert "/incidents/1/take-over" in page.get("/incidents/1").text
    assert act(page, "take-over") == 303
    assert "/incidents/1/take-over" not in page.get("/incidents/1").text
    assert act(page, "take-over") == 409
    with transaction(engine) as connection:
        assert incident_by_id(connection, 1).acknowledged_by == "Lea"


@pytest.mark.parametrize(
    ("action", "fields", "status"),
    [
        ("snooze", {"until": "soon"}, 400),
        ("snooze", {"until": "31d"}, 400),
        ("snooze", {}, 400),
        ("resolve", {"reason": " "}, 400),
        ("note", {}, 400),
    ],
)
def test_changes_without_their_values_are_refused(
    page: TestClient[Litestar], engine: Engine, action: str, fields: dict[str, str], status: int
) -> None:
    assert act(page, action, **fields) == status
    with transaction(engine) as connection:
        assert [event.event for event in list_events(connection, 1)] == ["opened"]


def test_second_acknowledgement_says_who_was_first(
    page: TestClient[Litestar], engine: Engine, clock: datetime
) -> None:
    path = "/incidents/1/acknowledge"
    assert act(page, "acknowledge") == 303
    assert act(page, "note", text="seen") == 303
    assert "acknowledged by you, " in page.post(path).text
    with transaction(engine) as connection:
        take_over(connection, 1, "Kim", clock, alerts=Alerts())
    assert "acknowledged by Kim, " in page.post(path).text


def test_second_resolution_is_refused(page: TestClient[Litestar]) -> None:
    assert act(page, "resolve", reason="once") == 303
    assert act(page, "resolve", reason="twice") == 409
    assert act(page, "acknowledge") == 409


def test_list_of_incidents_is_filtered(
    page: TestClient[Litestar], engine: Engine, clock: datetime
) -> None:
    with transaction(engine) as connection:
        report(connection, "no_traffic", "assistant", clock, text="`topic` silent", alerts=Alerts())
        report(connection, "records_lost", "", clock, text="gone", alerts=Alerts())
    act(page, "resolve", reason="once")

    def listed(query: str) -> list[str]:
        return re.findall(
            r'<td class="id"><a href="/incidents/(\d+)"', page.get(f"/incidents{query}").text
        )

    assert listed("") == ["3", "2", "1"]
    assert "<code>topic</code> silent" in page.get("/incidents").text
    assert listed("?status=unresolved") == ["3", "2"]
    assert listed("?cause=no_traffic&status=unresolved") == ["2"]
    assert listed("?cause=unknown") == ["3", "2", "1"]
    assert listed("?cause=training_failed") == []
    assert "Records lost" in page.get("/incidents/3").text


def test_messages_are_shown_with_their_delivery(
    page: TestClient[Litestar], engine: Engine, clock: datetime
) -> None:
    states = {
        "sent": {"sent_at": clock},
        "refused": {"failed_at": clock, "error": "too <long>", "attempts": 1},
        "waiting": {"error": "not_in_channel"},
    }
    for label, values in states.items():
        with transaction(engine) as connection:
            blank = {"sent_at": None, "failed_at": None, "error": None}
            connection.execute(update(OutboxMessage).values(blank | values))
        text = page.get("/incidents/1").text
        assert f">{label}</span>" in text
        assert "too <long>" not in text


def test_incidents_of_the_daemon_are_for_leads_of_all_models(
    engine: Engine, clock: datetime
) -> None:
    with transaction(engine) as connection:
        report(connection, "records_lost", "", clock, text="gone", alerts=Alerts())
        create_user(connection, "Lea", PASSWORD, "lead", clock, models=["assistant"])
        create_user(connection, "Ada", PASSWORD, "reviewer", clock)
    app = create_app(engine, Settings(), Secrets(), clock=lambda: clock)
    for name, seen, changed in (("Lea", 404, 404), ("Ada", 200, 403)):
        with TestClient(app) as client:
            visitor = Visitor(client)
            visitor.sign_in(name)
            assert visitor.get("/incidents/1").status_code == seen
            assert ("gone" in visitor.get("/incidents").text) == (seen == 200)
            assert visitor.post("/incidents/1/resolve", {"reason": "r"}).status_code == changed
