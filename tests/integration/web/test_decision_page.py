"""Page of a decision: access for leads, all figures, and hostile texts."""

import html
import re
from collections.abc import Iterator
from datetime import datetime

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from monitor.review.decision.decisions import decide
from monitor.settings import Review, Secrets, Settings
from monitor.store.engine import transaction
from monitor.store.review.decisions import DecisionRow, save_preview
from monitor.store.training.plan_requests import PlanRequest, insert_draft
from monitor.store.training.runs import finish_run, insert_run
from monitor.store.windows.drift_evaluations import drift_evaluation_by_id
from monitor.store.windows.repetitions import record_repetition
from tests.support.review.review_world import CASES, World, make_world
from tests.support.review.settled_items import settle_to_retrain
from tests.support.web.apps import create_app
from tests.support.web.sign_in import sign_in

HOSTILE = "<script>alert(1)</script> & 'quoted'"


@pytest.fixture
def world(engine, clock: datetime) -> World:
    return make_world(engine, clock, cases=[*CASES[:3], ("<b>type</b>", HOSTILE, "No.")])


@pytest.fixture
def row(world: World, clock: datetime) -> DecisionRow:
    with transaction(world.engine) as connection:
        return settle_to_retrain(connection, world, clock)


@pytest.fixture
def client(world: World) -> Iterator[TestClient[Litestar]]:
    with TestClient(create_app(world.engine, Settings(), Secrets())) as made:
        yield made


def test_a_lead_sees_the_arithmetic(
    client: TestClient[Litestar], row: DecisionRow, world: World
) -> None:
    sign_in(client, "Lea")
    source = client.get(f"/decisions/{row.id}").text
    page = html.unescape(source)
    for text in (
        "Newcombe",
        "Krippendorff",
        "Wrong judgement: examples",
        "bitcoin, wallet, sold",
        "card_lost",
        *row.inputs["reasons"],
    ):
        assert text in page, text
    assert HOSTILE not in source
    assert "<b>type</b>" not in source
    assert HOSTILE in page
    assert "Start retraining" in page
    assert f"/decisions/{row.id}" in client.get("/decisions").text
    assert "evaluated again" not in source
    with transaction(world.engine) as connection:
        evaluation = drift_evaluation_by_id(connection, world.evaluation_id)
        record_repetition(connection, evaluation, drifted="Prompts", by="<ada>", now=row.decided_at)
    assert "evaluated again by &lt;ada&gt;" in client.get(f"/decisions/{row.id}").text


def test_reviewers_see_no_decisions(client: TestClient[Litestar], row: DecisionRow) -> None:
    sign_in(client, "Ada")
    assert client.get(f"/decisions/{row.id}").status_code == 403
    assert client.get("/decisions").status_code == 403


def test_an_empty_list_and_an_unknown_id(client: TestClient[Litestar]) -> None:
    sign_in(client, "Lea")
    assert "No decision yet" in client.get("/decisions").text
    assert client.get("/decisions/99").status_code == 404


def test_a_decision_without_reviews_is_open(
    client: TestClient[Litestar], world: World, clock: datetime
) -> None:
    with transaction(world.engine) as connection:
        row = decide(connection, world.batch_id, Review(), clock)
    sign_in(client, "Lea")
    page = client.get(f"/decisions/{row.id}").text
    assert "0 of 40" in page
    assert "No wrong responses decided yet." in page


def test_all_runs_of_a_decision_are_named_newest_first(
    client: TestClient[Litestar], row: DecisionRow, world: World, clock: datetime
) -> None:
    with transaction(world.engine) as connection:
        first = insert_run(
            connection, decision_id=row.id, model="assistant", launcher="subprocess", recipe={},
            work_dir="runs", created_at=clock,
        )  # fmt: skip
        finish_run(connection, first, "failed", finished_at=clock)
        again = insert_draft(
            connection, model="assistant", launcher="subprocess", recipe={},
            request=PlanRequest("Lea", clock, decision_id=row.id, after_run=first),
        )  # fmt: skip
    sign_in(client, "Lea")
    page = client.get(f"/decisions/{row.id}").text
    named = re.findall(r'href="/runs/(\d+)">Training run \d+</a> follows from it: (\w+)', page)
    assert named == [(str(again), "draft"), (str(first), "failed")]


@pytest.mark.parametrize("is_confirmed_by_a_lead", [True, False])
def test_a_refused_run_is_planned_from_the_decision(
    row: DecisionRow, world: World, *, is_confirmed_by_a_lead: bool
) -> None:
    settings = Settings(retrain={"require_confirmation": is_confirmed_by_a_lead})
    with transaction(world.engine) as connection:
        save_preview(connection, row.id, {"refusal": "too little gold"})
    with TestClient(create_app(world.engine, settings, Secrets())) as client:
        sign_in(client, "Lea")
        page = client.get(f"/decisions/{row.id}").text
        assert f'href="/decisions/{row.id}/plan"' in page
        assert client.get(f"/decisions/{row.id}/plan").status_code == 200
