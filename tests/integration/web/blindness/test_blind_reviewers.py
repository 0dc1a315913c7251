"""Blind reviewers: the models whose findings they don't see, until when, and what they read."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, get_args

import pytest
from litestar.testing import TestClient
from sqlalchemy import Engine, select, update

from monitor.accounts.registration import create_user
from monitor.alerts.steps import take_step
from monitor.review.items.states import Status
from monitor.settings import Configuration, Secrets
from monitor.store.accounts.users import UserRow, user_by_id
from monitor.store.audit_log import SYSTEM
from monitor.store.engine import transaction
from monitor.store.model_history import carry_over
from monitor.store.review.audits import request_audit
from monitor.store.tables import ReviewBatch, ReviewItem
from monitor.web.blindness import blind_models
from tests.support.review.review_world import PASSWORD, World, make_world
from tests.support.review.roles import give_role
from tests.support.web.apps import create_app
from tests.support.web.route_table import Visitor

LISTS = ("/overview", "/drift-evaluations", "/incidents", "/models", "/rollouts", "/digest")
SENTENCE = re.compile(r"Findings of (\w+) are shown when its (?:(\d+) )?waiting items? (?:is|are)")


def make_models(engine: Engine, clock: datetime) -> World:
    """Make the models `first` and `second`, each with an incident and four queued items."""
    for number, model in enumerate(("first", "second")):
        world = make_world(engine, clock, n=4, weeks_ago=number, users=False)
        with transaction(engine) as connection:
            take_step(
                connection, None, "opened", by=SYSTEM, now=clock, model="assistant",
                summary=f"planted {model}", fingerprint=frozenset({"input"}), severity=0.3,
                evaluation_id=world.evaluation_id,
            )  # fmt: skip
            assert carry_over(connection, "assistant", model, clock)
    return world


def add_user(engine: Engine, clock: datetime, name: str = "Ann", **roles: str) -> UserRow:
    """Add a user with a role on each model."""
    with transaction(engine) as connection:
        user = create_user(connection, name, PASSWORD, "reviewer", clock, models=[*roles])
        for model, role in roles.items():
            give_role(connection, user, role, model=model)
        row = user_by_id(connection, user)
    assert row is not None
    return row


def set_items(engine: Engine, model: str, n: int | None = None, **values: Any) -> None:
    """Change the first items of a model, by default all."""
    batches = select(ReviewBatch.id).where(ReviewBatch.model == model)
    ids = select(ReviewItem.id).where(ReviewItem.batch_id.in_(batches)).order_by(ReviewItem.id)
    with transaction(engine) as connection:
        chosen = list(connection.scalars(ids))[:n]
        connection.execute(update(ReviewItem).where(ReviewItem.id.in_(chosen)).values(**values))


@pytest.fixture
def visit(engine: Engine, clock: datetime) -> Iterator[Callable[..., Visitor]]:
    make_models(engine, clock)
    settings = Configuration(models={"first": {}, "second": {}})
    app = create_app(engine, settings, Secrets(), clock=lambda: clock)
    with TestClient(app, raise_server_exceptions=False) as client:

        def start(**roles: str) -> Visitor:
            visitor = Visitor(client)
            assert visitor.sign_in(add_user(engine, clock, **roles).name).is_success
            return visitor

        yield start


def read(visitor: Visitor, path: str) -> Any:
    """Return the page of a path, of which the digest redirects to a model."""
    response = visitor.get(path)
    return visitor.get(response.headers["location"]) if response.is_redirect else response


def withheld(page: Any) -> dict[str, str]:
    """Return the models that a page says to withhold, with the number of waiting items."""
    return dict(SENTENCE.findall(page.text))


def test_lists_leave_out_the_model_that_is_withheld(visit: Callable[..., Visitor]) -> None:
    ann = visit(first="lead", second="reviewer")
    for path in LISTS:
        page = read(ann, path)
        assert page.status_code == 200, path
        assert "planted second" not in page.text, path
        # The digest is of one model.
        assert withheld(page) == ({} if path == "/digest" else {"second": "4"}), path
        refused = ann.get(f"{path}?model=second")
        assert (refused.status_code, withheld(refused)) == (403, {"second": "4"}), path
        assert 'href="/review?model=second"' in refused.text, path
        assert f'href="{path}?model=first"' in refused.text or path == "/overview", "the switch"
    assert "Review 4 items" in ann.get("/overview").text
    incidents = ann.get("/incidents").text
    assert "planted first" in incidents
    assert "/incidents?model=second" in incidents, "it can be chosen"


def test_pages_are_refused_where_every_model_is_withheld(
    visit: Callable[..., Visitor], engine: Engine
) -> None:
    ann = visit(first="reviewer", second="adjudicator")
    set_items(engine, "first", 3, status="gold")
    for path in LISTS:
        page = ann.get(path)
        assert (page.status_code, withheld(page)) == (403, {"first": "", "second": "4"}), path
        assert 'href="/review"' in page.text
    assert ann.get("/review").status_code == 200
    refused = ann.get("/api/rollouts?model=second")
    assert (refused.status_code, withheld(refused)) == (403, {"second": "4"})
    set_items(engine, "first", status="gold")
    assert withheld(ann.get("/incidents")) == {"second": "4"}
    assert "planted first" in ann.get("/incidents").text
    set_items(engine, "second", status="gold")
    assert withheld(ann.get("/incidents")) == {}
    assert "planted second" in ann.get("/incidents").text


def test_refusals_and_the_account_lead_to_no_withheld_page(
    visit: Callable[..., Visitor], engine: Engine
) -> None:
    ann = visit(first="reviewer", second="reviewer")
    wrong = {"old_password": "wrong", "password": "new password", "repeated": "new password"}

    def navigations() -> dict[int, set[str]]:
        pages = [ann.get(path) for path in ("/account", "/review/99", "/users")]
        pages.append(ann.post("/account/password", wrong))
        return {
            page.status_code: set(re.findall('href="(/[a-z-]+)"', page.text)) & {*LISTS, "/review"}
            for page in pages
        }

    groups = {"/overview", "/drift-evaluations", "/review", "/models"}
    statuses = (200, 404, 403, 400)
    assert navigations() == {status: {"/review"} for status in statuses}
    set_items(engine, "first", status="gold")
    set_items(engine, "second", status="gold")
    assert navigations() == dict.fromkeys(statuses, groups)


def test_objects_and_refusals_name_nothing_but_the_sentence(visit: Callable[..., Visitor]) -> None:
    ann = visit(second="reviewer", first="lead")
    paths = ("/incidents/2", "/drift-evaluations/2", "/drift-evaluations/2/report")
    for path in paths:
        for headers in ({}, {"hx-request": "true"}):
            page = ann.get(path, headers=headers)
            assert (page.status_code, withheld(page)) == (403, {"second": "4"}), path
            assert "planted" not in page.text
            title = re.search("<title>(.*?)</title>", page.text)
            assert title is not None
            assert "ncident" not in title[1]
            assert "etag" not in page.headers
    assert ann.get("/incidents/1").status_code == 200
    assert ann.post("/incidents/2/note", {"text": "x"}).status_code == 404


def test_items_withhold_findings_by_their_status(any_engine: Engine, clock: datetime) -> None:
    make_models(any_engine, clock)
    for model in ("first", "second"):
        set_items(any_engine, model, status="gold")
    ann = add_user(any_engine, clock, first="reviewer")
    blind = set()
    for status in get_args(Status):
        set_items(any_engine, "first", 1, status=status)
        with transaction(any_engine) as connection:
            withheld = blind_models(connection, ann)
            assert withheld.keys() == blind_models(connection, ann, counts=False).keys()
            if withheld:
                assert withheld == {"first": 1}
                blind.add(status)
    assert blind == {"queued", "disagreed", "adjudication"}


def test_audits_withhold_findings_from_their_adjudicators(
    any_engine: Engine, clock: datetime
) -> None:
    make_models(any_engine, clock)
    for model in ("first", "second"):
        set_items(any_engine, model, status="gold")
    with transaction(any_engine) as connection:
        for item in (1, 2):
            request_audit(connection, item, 1, clock)
    for name, roles, expected in (
        ("Rae", {"first": "reviewer"}, {}),
        ("Ada", {"first": "adjudicator"}, {"first": 2}),
        ("Lea", {"first": "lead"}, {}),
        ("Sam", {"second": "adjudicator"}, {}),
        ("Kim", {"second": "lead", "first": "adjudicator"}, {"first": 2}),
    ):
        user = add_user(any_engine, clock, name, **roles)
        with transaction(any_engine) as connection:
            assert blind_models(connection, user) == expected, name
            assert blind_models(connection, user, counts=False).keys() == expected.keys(), name
