"""The first page and the switch of models: order, addresses, names of any form."""

import html
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from litestar.testing import TestClient
from sqlalchemy import Connection, Engine, delete, insert, update

from monitor.accounts.registration import create_user
from monitor.alerts.channels import only
from monitor.alerts.incidents import report
from monitor.alerts.outbox import deliver_due
from monitor.errors import ChannelMisconfiguredError
from monitor.settings import Alerts, Configuration, Secrets
from monitor.settings.monitoring import Monitoring
from monitor.store.alerts.incidents import insert_incident, update_incident
from monitor.store.engine import transaction
from monitor.store.leadership import take_lease
from monitor.store.tables import DriftEvaluation, Rollout, SourceOffset
from monitor.store.traffic.daily_counts import ModelDay, SampledCount
from monitor.store.traffic.dead_letters import DeadLetterRow, insert_dead_letters
from monitor.store.traffic.offsets import claim, record_caught_up
from monitor.store.traffic.position import Position
from monitor.store.traffic.unlisted import add_unlisted
from monitor.web.security import local_path
from retrain.rollout.rows.events import add_event
from tests.integration.alerts.outbox_messages import add_messages
from tests.support.alerts.senders import MemorySender
from tests.support.review.review_world import PASSWORD
from tests.support.traffic.stored_traffic import store_traffic
from tests.support.web.apps import create_app
from tests.support.web.hostile_texts import markup_in
from tests.support.web.rollout_world import add_rollout
from tests.support.web.route_table import Visitor

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
TODAY = NOW.replace(hour=0)
NAMES = (
    "org/contract-analyst", "a.b..c", "50% off", "UPPER", "x" * 200, "<script>canary()</script>",
    "a&b=c#d+e", "ü 模型", "..", "a/../b",
)  # fmt: skip
Open = Callable[..., Visitor]


@pytest.fixture
def visit(engine: Engine) -> Iterator[Open]:
    """Return a function that opens a browser of a user, on a configuration of some models."""
    with transaction(engine) as connection:
        create_user(connection, "Lea", PASSWORD, "lead", NOW)
        create_user(connection, "Rex", PASSWORD, "reviewer", NOW, models=["quiet", "silent"])
    with ExitStack() as stack:

        def start(name: str, models: Sequence[str], **options: Any) -> Visitor:
            tables = {model: {} for model in models}
            aliases = options.pop("aliases", {})
            configuration = Configuration(
                models=tables | {model: {"aliases": names} for model, names in aliases.items()},
                **options,
            )
            app = create_app(engine, configuration, Secrets(), clock=lambda: NOW)
            visitor = Visitor(stack.enter_context(TestClient(app)))
            if name:
                assert visitor.sign_in(name).status_code == 200
            return visitor

        yield start


def add_window(
    connection: Connection,
    model: str,
    verdict: str | None,
    status: str = "done",
    sizes: tuple[int, int] | None = None,
    end: datetime = NOW,
    *lacks: str,
) -> None:
    """Store a window; ``sizes`` are its exchanges and those of the baseline."""
    assessment = None if sizes is None else {"n_current": sizes[0], "n_reference": sizes[1]}
    if assessment is not None and lacks:
        assessment["fallen_coverage"] = [{"name": name} for name in lacks]
    connection.execute(
        insert(DriftEvaluation).values(
            model=model, window_start=end - timedelta(days=7), window_end=end, status=status,
            verdict=verdict, seed=1, provenance={"drift": {"min_samples": 100}}, started_at=NOW,
            claimed_until=NOW, assessment=assessment,
        )
    )  # fmt: skip


@pytest.fixture
def fleet(engine: Engine) -> tuple[str, ...]:
    """Return models in another order than that in which they need someone."""
    store_traffic(engine, NOW - timedelta(days=30), 3, seed=1, model="silent")
    topic = Configuration().kafka.topic
    with transaction(engine) as connection:
        claim(connection, topic, 0, first=0, now=NOW)
        record_caught_up(connection, topic, {0: NOW - timedelta(hours=3)})
        for model in ("quiet", "silent", "alarmed", "retired"):
            add_window(connection, model, "no_drift")
        add_window(connection, "broken", None, "failed")
        insert_incident(
            connection, model="alarmed", status="open", fingerprint=frozenset({"input"}),
            severity=0.3, opened_at=NOW,
        )  # fmt: skip
    return ("quiet", "new", "silent", "broken", "alarmed")


@pytest.mark.parametrize(
    ("cause", "status", "state"),
    [
        ("queue_not_worked", "open", "Incident open"),
        ("no_traffic", "snoozed", "Incident snoozed"),
        ("no_traffic", "acknowledged", "Incident acknowledged"),
    ],
)
def test_state_follows_the_most_urgent_incident(
    visit: Open, engine: Engine, cause: str, status: str, state: str
) -> None:
    with transaction(engine) as connection:
        incident = report(connection, cause, "a", NOW, text="x", alerts=Alerts())
        update_incident(connection, incident, status=status)
    page = visit("Lea", ("a", "b"))
    assert dict(rows_of(page.get("/overview").text))["a"] == state
    assert 'badge warn"' in page.get("/overview").text
    with transaction(engine) as connection:
        report(connection, "evaluation_failed", "a", NOW, text="x", alerts=Alerts())
    text = page.get("/overview").text
    assert dict(rows_of(text))["a"] == "Incident open"
    assert "Drift evaluation failed: open" in text


@pytest.mark.parametrize(
    ("status", "events", "state"),
    [
        ("holding", ["held"], "Rollout held"),
        ("holding", ["held", "asked"], "Rollout asks for a decision"),
        ("holding", ["held", "asked", "continued", "held"], "Rollout held"),
        ("holdback", ["took_over", "asked"], "Rollout asks for a decision"),
        ("paused", ["held", "asked", "paused"], "No window yet"),
    ],
)
def test_state_shows_a_rollout_that_asks(
    visit: Open, engine: Engine, status: str, events: list[str], state: str
) -> None:
    rollout = add_rollout(engine, NOW, model="b", status=status)
    with transaction(engine) as connection:
        for event in (*events, "confirmed"):
            add_event(
                connection, rollout_id=rollout, event=event, from_status=None, to_status=status,
                weight_percent=5, by="driftwarden", at=NOW, reason="x", details=None,
            )  # fmt: skip
    page = visit("Lea", ("a", "b")).get("/overview").text
    assert dict(rows_of(page))["b"] == state
    assert ("a lead is asked at 5%" in page) == state.endswith("decision")
    if state != "No window yet":
        assert rows_of(page)[0][0] == "b"
        assert re.search(rf'<a class="badge [a-z]+" href="/rollouts/{rollout}">{state}<', page)


def test_an_experiment_is_no_rollout(visit: Open, engine: Engine) -> None:
    rollout = add_rollout(engine, NOW, model="b")
    with transaction(engine) as connection:
        connection.execute(update(Rollout).where(Rollout.id == rollout).values(kind="experiment"))
    assert "experiment of version 2 at 5%" in visit("Lea", ("a", "b")).get("/overview").text


def rows_of(page: str) -> list[tuple[str, str]]:
    """Return model and state of each row."""
    row = r'<th scope="row"><a [^>]*>(.*?)</a>.*?<a class="badge[^>]*>(.*?)</a>'
    matches = re.findall(row, page, re.DOTALL)
    return [(html.unescape(model), state) for model, state in matches]


def test_models_that_need_attention_come_first(visit: Open, fleet: tuple[str, ...]) -> None:
    assert rows_of(visit("Lea", fleet).get("/overview").text) == [
        ("alarmed", "Incident open"),
        ("broken", "Evaluation failed"),
        ("silent", "No traffic"),
        ("new", "No window yet"),
        ("quiet", "No drift"),
        ("retired", "No longer watched"),
    ]


def test_each_reason_for_little_data_is_reported(
    visit: Open, fleet: tuple[str, ...], engine: Engine
) -> None:
    little = "not_enough_data"
    with transaction(engine) as connection:
        add_window(connection, "idle", little, sizes=(0, 500))
        add_window(connection, "bare", little, sizes=(300, 0))
        add_window(connection, "small", little, sizes=(80, 500))
        add_window(connection, "cut", little, "done", (300, 500), NOW, "resolved", "csat")
        # The verdict of a window is shown while the next is evaluated.
        add_window(connection, "busy", "no_drift", end=NOW - timedelta(days=7))
        add_window(connection, "busy", None, "running")
        add_window(connection, "first", None, "running")
    page = visit("Lea", ["idle", "bare", "small", "cut", "busy", "first"]).get("/overview").text
    remark = r'<th scope="row"><a [^>]*>(\w+)</a>.*?class="badge[^>]*>(.*?)</a><small[^>]*>(.*?)<'
    assert {model: texts for model, *texts in re.findall(remark, page, re.DOTALL)} == {
        "idle": ["No traffic", "never"],
        "bare": ["Not enough data", "no baseline"],
        "small": ["Not enough data", "80 of 100 exchanges"],
        "cut": ["Not comparable", "lacks resolved"],
        "busy": ["No drift", "evaluating"],
        "first": ["No window yet", "no traffic yet, evaluating"],
    }
    assert rows_of(page)[0] == ("idle", "No traffic")


def test_lag_is_reported_and_unknown_lag_is_no_silence(
    visit: Open, fleet: tuple[str, ...], engine: Engine
) -> None:
    lea = visit("Lea", fleet)
    assert "3 h behind" in lea.get("/overview").text
    with transaction(engine) as connection:
        connection.execute(delete(SourceOffset))
    assert ("silent", "No drift") in rows_of(lea.get("/overview").text)


def test_reviewers_get_their_queue_and_models(visit: Open, fleet: tuple[str, ...]) -> None:
    rex, lea = visit("Rex", fleet), visit("Lea", fleet)
    assert rex.get("/").headers["location"] == "/review"
    assert lea.get("/").headers["location"] == "/overview"
    assert [model for model, _ in rows_of(rex.get("/overview").text)] == ["silent", "quiet"]
    page = rex.get("/drift-evaluations").text
    assert not re.search("alarmed|broken|retired", page)


def test_the_daemons_own_is_shown_to_leads(visit: Open, engine: Engine) -> None:
    with transaction(engine) as connection:
        create_user(connection, "Max", PASSWORD, "lead", NOW, models=["quiet"])
        add_unlisted(connection, {ModelDay("t", "shadow", TODAY): SampledCount(3, 60.0)})
        insert_dead_letters(
            connection,
            [DeadLetterRow(Position("t", 0, 1, 0), None, b"x", "not_json", "", 1.0, NOW)],
        )
        report(connection, "messages_undelivered", "", NOW, text="refused", alerts=Alerts())
    page = visit("Lea", ["quiet", "silent"]).get("/overview").text
    assert "shadow" in page
    assert "1 not json" in page
    assert re.search(r'href="/incidents/\d+">Messages not delivered</a>', page)
    # Who leads one model learns no names of others.
    own = visit("Max", ["quiet", "silent"]).get("/overview").text
    assert "1 not json" in own
    assert "shadow" not in own
    assert "dead-letters" not in visit("Rex", ["quiet", "silent"]).get("/overview").text


def links_of(page: str) -> list[str]:
    return [html.unescape(link) for link in re.findall(r'href="(/[^"]*)"', page)]


def test_one_model_needs_no_name_in_an_address(visit: Open) -> None:
    lea = visit("Lea", ["assistant"])
    for path in ("/overview", "/digest", "/incidents", "/progress", "/review"):
        page = lea.get(path)
        assert page.status_code == 200
        assert "model=" not in str(links_of(page.text))
        assert "switch" not in re.findall(r'class="(\w+)"', page.text)


def test_any_name_is_chosen_by_its_link(visit: Open) -> None:
    lea = visit("Lea", ["assistant", *NAMES])
    page = lea.get("/incidents").text
    assert not markup_in(page)
    links = {
        html.unescape(text).strip(): html.unescape(link)
        for link, text in re.findall(r'<li><a href="([^"]*model=[^"]*)"[^>]*>([^<]*)', page)
    }
    for name in NAMES:
        assert chosen(lea.get(links[name]).text) == name
        assert local_path(links[name]) == links[name]
    # Each link of the navigation leads to the same model.
    for name in ("org/contract-analyst", "a&b=c#d+e"):
        shared = lea.get(links[name]).text
        for path in ("/drift-evaluations", "/digest", "/models", "/review"):
            target = next(item for item in links_of(shared) if item.startswith(f"{path}?"))
            assert chosen(lea.get(target).text) == name, path


def chosen(page: str) -> str:
    """Return the model that the switch of a page shows."""
    summary = re.search(r'class="model">(.*?)</span>', page)
    assert summary is not None
    return html.unescape(summary[1])


def test_a_heading_names_the_only_model(
    visit: Open, fleet: tuple[str, ...], engine: Engine
) -> None:
    with transaction(engine) as connection:
        create_user(connection, "Max", PASSWORD, "lead", NOW, models=["quiet"])
    of_one = "<h1>Incidents: quiet</h1>"
    max_, lea, alone = visit("Max", fleet), visit("Lea", fleet), visit("Max", ["quiet"])
    for path in ("drift-evaluations", "decisions", "runs", "candidate-evaluations", "progress"):
        assert re.search(r"<h1>[\w ]+: quiet</h1>", max_.get(f"/{path}").text), path
    assert of_one in max_.get("/incidents").text
    assert of_one in lea.get("/incidents?model=quiet").text
    assert "<h1>Incidents</h1>" in lea.get("/incidents").text
    assert "<title>Incidents" in lea.get("/incidents").text
    assert "<h1>Incidents</h1>" in alone.get("/incidents").text


def test_pages_of_one_model_redirect_to_its_address(visit: Open, fleet: tuple[str, ...]) -> None:
    lea = visit("Lea", fleet)
    assert lea.get("/digest").headers["location"] == "/digest?model=quiet"
    with_model = lea.get("/digest?model=silent")
    assert with_model.status_code == 200


def test_unlisted_models_are_chosen_and_marked(visit: Open, fleet: tuple[str, ...]) -> None:
    page = visit("Lea", fleet).get("/incidents?model=retired").text
    assert "no longer watched" in page
    watched = visit("Lea", fleet, monitoring=Monitoring(unlisted_models="watch"))
    assert "not listed" in watched.get("/incidents?model=retired").text
    assert watched.get("/incidents?model=never-seen").status_code == 404


def test_a_removed_model_stays_readable_to_its_lead(
    visit: Open, fleet: tuple[str, ...], engine: Engine
) -> None:
    with transaction(engine) as connection:
        create_user(connection, "Max", PASSWORD, "lead", NOW, models=["retired"])
    max_ = visit("Max", fleet)
    assert rows_of(max_.get("/overview").text) == [("retired", "No longer watched")]
    for path in ("/drift-evaluations", "/progress", "/runs", "/digest?model=retired"):
        assert max_.get(path).status_code == 200


def test_a_former_name_leads_to_the_model(visit: Open) -> None:
    lea = visit("Lea", ["other"], aliases={"new-name": ["old-name", "v-*"]})
    for name in ("old-name", "v-7"):
        assert chosen(lea.get(f"/incidents?model={name}").text) == "new-name"


def test_a_shared_address_survives_the_sign_in(visit: Open, fleet: tuple[str, ...]) -> None:
    refused = visit("", fleet).get("/incidents?model=a%2Fb%20c")
    assert refused.headers["location"] == "/login?next=/incidents%3Fmodel%3Da%252Fb%2520c"


def test_leads_see_the_leader(engine: Engine, visit: Open) -> None:
    lea = visit("Lea", ["desk"])
    assert "driftwarden run" in lea.send("GET", "/overview").text
    with transaction(engine) as connection:
        take_lease(connection, "host:1:abc", timedelta(minutes=1))
    assert "host:1:abc, since" in lea.send("GET", "/overview").text


def test_overview_names_a_channel_that_takes_no_messages(engine: Engine, visit: Open) -> None:
    names = ["quiet"]
    sender = MemorySender()
    sender.errors = [ChannelMisconfiguredError("<b>not_in_channel</b>")]
    add_messages(engine, 1, NOW - timedelta(hours=1))
    lea = visit("Lea", names, alerts={"channel": "C1"})
    assert "takes none" not in lea.get("/overview").text
    deliver_due(engine, only(sender), NOW - timedelta(hours=1))
    page = lea.get("/overview").text
    assert "slack takes none" in page
    assert "&lt;b&gt;not_in_channel" in page
    deliver_due(engine, only(sender), NOW)
    assert "takes none" not in lea.get("/overview").text
