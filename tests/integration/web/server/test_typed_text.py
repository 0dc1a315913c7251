"""Personal data in what staff type: replaced at every form and route, and summary."""

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import Engine, update

from monitor.accounts.registration import create_user
from monitor.alerts.steps import take_step
from monitor.settings import Redaction, Secrets, Settings
from monitor.store.audit_log import SYSTEM
from monitor.store.engine import transaction
from monitor.store.tables import Exchange
from monitor.web.templates import page_folders
from monitor.web.typed_text import HEADER, UNREAD, TypedTextRequest
from retrain.recipes.recipe_form import FIELDS
from tests.support.places import misdeclared
from tests.support.review.human_evaluation import make_human_evaluation
from tests.support.review.review_world import PASSWORD, World, make_world
from tests.support.web.apps import create_app
from tests.support.web.rollout_world import add_rollout
from tests.support.web.route_table import SAFE, Visitor, unsafe_routes

MAIL = "zebrafish@example.org"
TEXT = f"write to {MAIL}"
STORED = "write to [EMAIL]"
SCORES = {"accuracy": 5, "completeness": 5, "tone": 5, "compliance": 5}
WRONG = {
    "verdict": "correct", "error_kind": "other", "answerable": "yes",
    "corrected_response": f"{TEXT} soon", "comment": TEXT,
}  # fmt: skip
#: Fields of a plan of a training run, which are numbers.
PLAN = {*FIELDS, "left_out", "raise_to", "seen"}
#: Fields that are no texts, of accounts.
ACCOUNTS = {
    "/login": {"name", "password", "next"},
    "/api/login": {"name", "password"},
    "/welcome/{token:str}": {"username", "password", "repeated"},
    "/account/password": {"username", "old_password", "password", "repeated"},
    "/users": {"name", "email"},
    "/users/{user_id:int}/slack": {"slack_user_id"},
    "/progress/batches/{batch_id:int}/give": {"reviewer", "task_type", "days"},
    "/guidelines": {"base", "step"},
    "/drift-evaluations/{evaluation_id:int}/batch": {"items", "choice", "topic", "task_type"},
    "/exchanges/batch": {"row", "take", "items", "reviewer"},
    "/runs/plan": PLAN,
    "/runs/{run_id:int}/plan": PLAN,
    "/decisions/{decision_id:int}/plan": PLAN,
}


@pytest.fixture
def world(engine: Engine, clock: datetime) -> World:
    world = make_world(engine, clock, n=12)
    add_rollout(engine, clock)
    with transaction(engine) as connection:
        take_step(
            connection, None, "opened", by=SYSTEM, now=clock, model="assistant", reason="",
            summary="drift", fingerprint=frozenset(), severity=0.3,
            evaluation_id=world.evaluation_id,
        )  # fmt: skip
    make_human_evaluation(engine, clock)
    return world


def app_of(world: World, clock: datetime, **settings: Any) -> Litestar:
    return create_app(world.engine, Settings(**settings), Secrets(), clock=lambda: clock)


@pytest.fixture
def app(world: World, clock: datetime) -> Litestar:
    return app_of(world, clock)


@pytest.fixture
def client(app: Litestar) -> Iterator[TestClient[Litestar]]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def sign_in(client: TestClient[Litestar], name: str, password: str = PASSWORD) -> Visitor:
    client.cookies.clear()
    visitor = Visitor(client)  # type: ignore[arg-type]
    assert visitor.sign_in(name, password).is_success
    visitor.renew_token()
    return visitor


def dump(engine: Engine) -> str:
    """Return every value of the database."""
    raw = engine.raw_connection()
    try:
        connection = raw.driver_connection
        assert isinstance(connection, sqlite3.Connection)
        return "\n".join(connection.iterdump())
    finally:
        raw.close()


def test_every_request_body_passes_typed_text_decoding(app: Litestar) -> None:
    unread: dict[str, set[str]] = {}
    n_bodies = 0
    for route in app.routes:
        for method, (handler, _) in getattr(route, "route_handler_map", {}).items():
            if method in SAFE:
                continue
            assert TypedTextRequest is handler.resolve_request_class()
            parameters = handler.parsed_fn_signature.parameters
            assert not {"body", "stream", "socket"} & set(parameters), route.path
            n_bodies += "data" in parameters
            if UNREAD in handler.opt:
                unread[route.path] = set(handler.opt[UNREAD])
    assert n_bodies > 20
    assert unread == ACCOUNTS


def form_fields() -> set[str]:
    """Return the names of all fields of all forms."""
    templates = [
        path.read_text() for folder in page_folders("templates") for path in folder.glob("*.html")
    ]
    names = {name for text in templates for name in re.findall(r'\bname="(\w+)"', text)}
    return names - set().union(*ACCOUNTS.values()) - {"viewport", "_csrf_token"}


def test_no_route_stores_unencodable_text(
    client: TestClient[Litestar], app: Litestar, world: World
) -> None:
    fields = form_fields()
    assert {"text", "reason", "comment", "corrected_response"} <= fields
    form = dict.fromkeys(fields, TEXT)
    texts = {**WRONG, "reason": TEXT, "text": TEXT}
    documents: list[Mapping[str, Any]] = [
        {"text": TEXT}, {"reason": TEXT}, WRONG, {**WRONG, **SCORES}, {TEXT: [texts]},
        {**WRONG, "cause": "ambiguous"}, {"ratings": [SCORES], "comment": TEXT},
    ]  # fmt: skip
    lea = sign_in(client, "Lea")
    walked = [route for route in unsafe_routes(app) if route.path not in {*ACCOUNTS, "/logout"}]
    assert len(walked) > 30
    for route in walked:
        for document in documents if route.is_api else documents[:1]:
            lea.send(route.method, route.fill(), json=document)
        if not route.is_api:
            lea.send(route.method, route.fill(), data=form)
    raw = json.dumps(texts).encode()
    for path in ("/api/items/1/draft", "/incidents/1/note"):
        for content_type in ("", "text/plain", "multipart/form-data; boundary=x"):
            method = "PUT" if path.endswith("draft") else "POST"
            for content in (raw, b"text=" + MAIL.encode()):
                lea.send(method, path, content=content, headers={"content-type": content_type})
    stored = dump(world.engine)
    assert MAIL not in stored
    assert "zebrafish" not in stored
    assert stored.count("[EMAIL]") > 10
    assert misdeclared(world.engine, "[EMAIL]") == []


def test_each_step_of_a_review_is_redacted_with_notice(
    client: TestClient[Litestar], world: World
) -> None:
    def call(name: str, method: str, path: str, body: Mapping[str, Any]) -> Any:
        reply = sign_in(client, name).send(method, f"/api/items/{path}", json=dict(body))
        assert reply.is_success, (path, reply.text)
        return reply.json()

    def fields_of(content: Any) -> set[str]:
        assert all(entry["kinds"] == {"EMAIL": 1} for entry in content["redacted"])
        assert all(entry["stored"].startswith(STORED) for entry in content["redacted"])
        return {entry["field"] for entry in content["redacted"]}

    both = {"corrected_response", "comment"}
    item = call("Ada", "POST", "claim", {})["item"]
    assert item == call("Ben", "POST", "claim", {})["item"]
    assert both == fields_of(call("Ada", "PUT", f"{item}/draft", {**WRONG, "edited_at": 1}))
    assert both == fields_of(call("Ada", "POST", f"{item}/review", {**WRONG, **SCORES}))
    plain = call("Ben", "POST", f"{item}/review", {**SCORES, "verdict": "accept"})
    assert plain == {"status": "submitted"}
    assert {"text"} == fields_of(call("Ada", "POST", f"{item}/messages", {"text": TEXT}))
    assert both == fields_of(call("Ben", "POST", f"{item}/resolution", WRONG))
    call("Ada", "POST", f"{item}/escalation", {})
    assert both == fields_of(
        call("Cleo", "POST", f"{item}/adjudication", {**WRONG, "cause": "ambiguous"})
    )
    other = call("Ada", "POST", "claim", {})["item"]
    assert {"reason"} == fields_of(call("Ada", "POST", f"{other}/decline", {"reason": TEXT}))
    stored = dump(world.engine)
    assert MAIL not in stored
    assert stored.count(STORED) >= 8


def test_page_names_the_redactions_of_a_form(client: TestClient[Litestar], world: World) -> None:
    lea = sign_in(client, "Lea")

    reply = lea.post("/incidents/1/note", {"text": f"{TEXT}, {MAIL}"})

    assert (reply.status_code, reply.headers[HEADER]) == (303, "EMAIL.2")
    page = lea.get(reply.headers["location"]).text
    assert "2 × [EMAIL]" in page  # noqa: RUF001
    assert f"{STORED}, [EMAIL]" in page
    assert MAIL not in dump(world.engine)
    quiet = lea.post("/incidents/1/note", {"text": "calm"})
    assert HEADER not in quiet.headers
    assert quiet.headers["location"].endswith("/incidents/1")


def test_link_with_other_kinds_shows_nothing(client: TestClient[Litestar]) -> None:
    lea = sign_in(client, "Lea")

    for summary in ("<b>.1", "EMAIL", "EMAIL.1-", "x" * 5000):
        page = lea.get("/incidents", params={"redacted": summary}).text
        assert 'aria-label="Redacted" hidden' in page


def test_refused_request_reports_no_redactions(client: TestClient[Litestar], world: World) -> None:
    reply = sign_in(client, "Ada").send("POST", "/api/items/1/messages", json={"text": TEXT})

    assert reply.is_error
    assert HEADER not in reply.headers
    assert "redacted" not in reply.json()
    assert MAIL not in dump(world.engine)


def test_accounts_keep_names_addresses_and_passwords(
    client: TestClient[Litestar], world: World, clock: datetime
) -> None:
    password = f"password: hunter22 {MAIL}"
    with transaction(world.engine) as connection:
        create_user(connection, "Root", password, "admin", clock)
    root = sign_in(client, "Root", password)

    root.post("/users", {"name": "Zoe", "email": MAIL, "role": "reviewer", "on": "*"})

    assert MAIL in dump(world.engine)


def test_nothing_is_redacted_where_redaction_is_off(world: World, clock: datetime) -> None:
    off = app_of(world, clock, redaction=Redaction(enabled=False))
    with TestClient(off) as client:
        reply = sign_in(client, "Lea").post("/incidents/1/note", {"text": TEXT})
    assert HEADER not in reply.headers
    assert TEXT in dump(world.engine)


def test_unchanged_response_can_be_accepted_despite_a_new_pattern(
    world: World, clock: datetime
) -> None:
    """The response was stored before the pattern was configured."""
    with transaction(world.engine) as connection:
        connection.execute(update(Exchange).values(response="ORD-12345678 is on its way."))
    app = app_of(world, clock, redaction={"patterns": {"ORDER": r"ORD-\d{8}"}})
    with TestClient(app) as client:
        ada = sign_in(client, "Ada")
        item = ada.send("POST", "/api/items/claim", json={}).json()["item"]
        body = {**SCORES, "verdict": "accept", "corrected_response": "ORD-12345678 is on its way."}
        assert ada.send("POST", f"/api/items/{item}/review", json=body).is_success
        wrong = {**body, "corrected_response": "ORD-12345678 is lost."}
        other = ada.send("POST", "/api/items/claim", json={}).json()["item"]
        assert ada.send("POST", f"/api/items/{other}/review", json=wrong).status_code == 409
