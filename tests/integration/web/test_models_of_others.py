"""Lists, work and accounts, asked by a lead and a reviewer of one model for those of another."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import Engine, delete, select, update

from monitor.accounts.registration import create_user
from monitor.alerts.steps import take_step
from monitor.review.decision.decisions import decide
from monitor.review.items.blind_review import REVIEWS
from monitor.review.items.flags import flag
from monitor.settings import Configuration, Secrets
from monitor.settings import Review as ReviewSettings
from monitor.store.accounts.grants import delete_grants
from monitor.store.audit_log import SYSTEM
from monitor.store.engine import transaction
from monitor.store.model_history import carry_over
from monitor.store.review.items import items_with_status
from monitor.store.tables import CandidateEvaluation, GoldExample, Review, ReviewItem
from monitor.web import current_user
from monitor.web.access.audience import Audience
from retrain.recipes.recipe import Recipe
from retrain.training.runs import plan_run
from tests.integration.web.test_foreign_ids import everything, knock
from tests.support.review.human_evaluation import make_human_evaluation
from tests.support.review.review_world import PASSWORD, World, make_world
from tests.support.review.roles import give_role
from tests.support.review.settled_items import RIGHT, settle
from tests.support.web.apps import create_app
from tests.support.web.rollout_world import add_rollout
from tests.support.web.route_replies import declared_routes
from tests.support.web.route_table import Route, Visitor
from tests.support.windows.mapped_window import add_map

MINE, MARK = "mine", "THEIR-MARK"
THEIRS = f"org/{MARK}.v1 100%"
ROLES = {"Lea": "lead", "Ada": "reviewer"}


def lists(app: Litestar) -> list[Route]:
    """Return the routes without an object's id: lists and work, of the models of the user."""
    return [
        Route(route.method, route.path)
        for route in declared_routes(app)
        if route.audience in {Audience.REVIEWERS, Audience.LEADS}
        and "{" not in route.path
        and route.path != "/users"
    ]


@pytest.fixture
def world(engine: Engine, clock: datetime, tmp_path: Path) -> World:
    """Make a world whose every row is of a model on which only Yara has a role now."""
    cases = [("fees", f"{MARK} prompt", f"{MARK} response"), ("cards", "other", "text")]
    world = make_world(engine, clock, n=12, cases=cases)
    add_map(engine, world.evaluation_id, clock)
    make_human_evaluation(engine, clock)
    reviewers = (world.users["Ada"], world.users["Ben"])
    with transaction(engine) as connection:
        settle(connection, world.batch_id, reviewers, lambda *_: RIGHT, clock)
        decide(connection, world.batch_id, ReviewSettings(), clock)
        for table in (GoldExample, Review):
            connection.execute(delete(table).where(table.item_id > 6))
        connection.execute(update(ReviewItem).where(ReviewItem.id > 6).values(status="queued"))
        REVIEWS.claim_next(connection, world.users["Ada"], clock, timedelta(days=1))
        plan_run(
            connection, model="assistant", recipe=Recipe(base="b"), work_dir=tmp_path, now=clock
        )
        take_step(
            connection, None, "opened", by=SYSTEM, now=clock, model="assistant", summary=MARK,
            fingerprint=frozenset({MARK}), severity=0.3, evaluation_id=world.evaluation_id,
        )  # fmt: skip
        flag(connection, 1, world.rows["Lea"], clock, MARK)
        assert carry_over(connection, "assistant", THEIRS, clock)
        for name, user_id in world.users.items():
            delete_grants(connection, user_id, ["*"])
            give_role(connection, user_id, ROLES.get(name, "reviewer"), model=MINE)
        create_user(connection, "Yara", PASSWORD, "lead", clock, models=[THEIRS])
    add_rollout(engine, clock, model=THEIRS, reason=MARK)
    return world


@pytest.fixture
def app(world: World) -> Litestar:
    return create_app(world.engine, Configuration(models={MINE: {}, THEIRS: {}}), Secrets())


@pytest.fixture
def client(app: Litestar) -> Iterator[TestClient[Any]]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def visit(client: TestClient[Any], name: str) -> Visitor:
    visitor = Visitor(client)
    assert visitor.sign_in(name).status_code == 200
    return visitor


@pytest.mark.parametrize("name", ROLES)
def test_lists_hold_only_the_models_of_the_user(
    app: Litestar, client: TestClient[Any], world: World, name: str
) -> None:
    visitor = visit(client, name)
    for route in lists(app):
        response = knock(visitor, route, {})
        assert response.status_code in {200, 201, 303, 403, 409}, route
        assert MARK not in response.text + str(response.headers), route
        statuses = {
            visitor.send(route.method, f"{route.path}?model={quote(model, safe='')}").status_code
            for model in (THEIRS, "unknown")
        }
        assert statuses <= {403, 404}, route
        assert len(statuses) == 1, route
        mine = visitor.send(route.method, f"{route.path}?model={MINE}")
        assert mine.status_code == response.status_code or response.status_code == 303, route


@pytest.mark.parametrize("name", ROLES)
def test_batches_of_another_model_are_as_if_missing(client: TestClient[Any], name: str) -> None:
    visitor = visit(client, name)
    theirs, missing = (visitor.get(f"/progress?batch={number}") for number in (1, 999))
    assert theirs.status_code in {403, 404}
    assert theirs.text == missing.text


def test_role_on_one_model_gives_no_access_to_another(
    client: TestClient[Any], world: World, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lead of one model reads the other as its reviewer, and acts on nothing there."""
    monkeypatch.setattr(current_user, "blind_models", lambda *_, **__: {})
    with transaction(world.engine) as connection:
        give_role(connection, world.users["Lea"], "reviewer", model=THEIRS)
    lea = visit(client, "Lea")
    before = everything(world.engine)
    page = lea.get("/incidents/1")
    assert page.status_code == 200
    assert "/acknowledge" not in page.text + lea.get("/incidents").text
    assert "/lock" not in lea.get("/human-evaluations/1").text
    for path in (
        "/incidents/1/acknowledge", "/incidents/1/take-over", "/decisions/1/confirm",
        "/runs/1/cancel",
        "/human-evaluations/1/lock", "/progress/items/1/restore", "/progress/items/1/exclude",
    ):  # fmt: skip
        assert lea.post(path, {"confirmed": "yes"}).status_code == 404, path
    for action in ("confirm-flag", "reject-flag", "reopen"):
        path = f"/api/lead/items/1/{action}"
        assert lea.send("POST", path, json={"reason": "mine"}).status_code == 404, path
    for path in ("/progress", "/decisions", "/runs", "/candidate-evaluations", "/api/lead/flags"):
        assert MARK not in lea.get(path).text, path
    assert before == everything(world.engine)


def test_a_former_reviewer_keeps_no_item(world: World, clock: datetime) -> None:
    ada = world.users["Ada"]
    with transaction(world.engine) as connection:
        assert REVIEWS.claim_next(connection, ada, clock, timedelta(minutes=20)) is None
        assert items_with_status(connection, "queued", THEIRS)


@pytest.mark.parametrize("name", ["Lea", "Ada"])
def test_accounts_of_another_models_users_stay_unchanged(
    app: Litestar, client: TestClient[Any], world: World, clock: datetime, name: str
) -> None:
    with transaction(world.engine) as connection:
        both = create_user(connection, "Both", PASSWORD, "reviewer", clock, models=[THEIRS, MINE])
        other = create_user(connection, "Other", PASSWORD, "reviewer", clock, models=[THEIRS])
    visitor = visit(client, name)
    before = everything(world.engine)
    for user_id in (both, other, world.users["Lea"]):
        for end in ("deactivate", "reactivate", "link"):
            assert visitor.post(f"/users/{user_id}/{end}", {}).status_code in {403, 409}
        assert visitor.post(f"/users/{user_id}/slack", {"slack_user_id": "U0EVIL"}).status_code in {
            403,
            409,
        }
        for model in (THEIRS, "*"):
            for end in ("role", "revoke", "task-types"):
                form = {"on": model, "role": "reviewer", "task_type": "fees"}
                response = visitor.post(f"/users/{user_id}/{end}", form)
                assert response.status_code in {403, 404, 409}, (user_id, end, model)
    for model in (THEIRS, "*"):
        form = {"name": "New", "role": "reviewer", "on": model}
        assert visitor.post("/users", form).status_code in {400, 403}
    assert before == everything(world.engine)
    for path in ("/users", f"/users/{both}", f"/users/{other}"):
        assert MARK not in visitor.get(path).text


def test_a_lead_gives_roles_on_the_own_model(
    client: TestClient[Any], world: World, clock: datetime
) -> None:
    with transaction(world.engine) as connection:
        other = create_user(connection, "Other", PASSWORD, "lead", clock, models=[THEIRS])
    lea = visit(client, "Lea")
    for path in ("/users", f"/users/{world.users['Ada']}", f"/users/{other}"):
        page = lea.get(path).text
        assert f'name="on" value="{MINE}"' in page, path
        assert '<option value="lead"' in page, path
        assert '"admin"' not in page, path
    assert lea.post("/users", {"name": "New", "role": "lead", "on": MINE}).status_code == 200
    assert lea.post(f"/users/{other}/role", {"on": MINE, "role": "lead"}).status_code == 303
    form = {"on": MINE, "task_type": "fees"}
    assert lea.post(f"/users/{world.users['Ada']}/task-types", form).status_code == 303
    # Their equal now: neither takes the role from the other.
    assert lea.post(f"/users/{other}/revoke", {"on": MINE}).status_code == 409
    assert lea.post(f"/users/{other}/role", {"on": MINE, "role": "admin"}).status_code == 409


def test_candidates_are_of_the_model_of_their_version(world: World) -> None:
    with transaction(world.engine) as connection:
        assert connection.execute(select(CandidateEvaluation.id)).scalars().all() == [1]
