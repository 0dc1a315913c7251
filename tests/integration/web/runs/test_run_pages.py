"""Pages of training runs, for leads."""

import html
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import Engine

from monitor.settings import Secrets, Settings
from monitor.store.engine import transaction
from monitor.store.tables import TrainingRun
from monitor.store.training.children import record_unterminated_child
from monitor.store.training.runs import (
    finish_run,
    mark_running,
    run_by_id,
    save_progress,
)
from monitor.web.runs.loss_curve import draw_losses
from retrain.recipes.recipe import Recipe
from retrain.run_folder import RunFolder
from retrain.training.runs import plan_run
from tests.support.review.review_world import World, make_world
from tests.support.web.apps import create_app
from tests.support.web.sign_in import sign_in

PROGRESS = {
    "last": {
        "step": 40, "steps": 80, "loss": 0.25, "tokens_per_second": 1234.5, "seconds_left": 660.0,
    },
    "losses": [[1, 2.0], [20, 1.0], [40, 0.25]],
    "validation": [[20, 1.1], [40, 0.5]],
    "log": ["loading", "<script>alert(1)</script>"],
    "pending_reason": "",
}  # fmt: skip


@pytest.fixture
def world(engine: Engine, clock: datetime) -> World:
    return make_world(engine, clock)


@pytest.fixture
def run(world: World, clock: datetime, tmp_path: Path) -> int:
    with transaction(world.engine) as connection:
        run = plan_run(
            connection, model="assistant", recipe=Recipe(base="b", chat_template="x" * 777),
            work_dir=tmp_path, now=clock,
        )  # fmt: skip
        mark_running(connection, run, {"pid": 1}, clock)
        save_progress(connection, run, PROGRESS)
    return run


@pytest.fixture
def client(world: World) -> Iterator[TestClient[Litestar]]:
    with TestClient(create_app(world.engine, Settings(), Secrets())) as made:
        yield made


def test_a_lead_sees_the_progress_of_a_run(client: TestClient[Litestar], run: int) -> None:
    sign_in(client, "Lea")
    listed = client.get("/runs").text
    assert f'href="/runs/{run}"' in listed
    assert "40 of 80" in listed
    source = client.get(f"/runs/{run}").text
    page = html.unescape(source)
    for figure in (
        "running",
        "40 of 80",
        "0.2500",
        "1,234",
        "11 min",
        "0.5000",
        "serving.max_lora_rank",
        "777 characters",
    ):
        assert figure in page, figure
    assert "x" * 100 not in page
    assert "start_adapter" not in page, "empty settings are hidden"
    assert "<script>alert" not in source
    assert "polyline" in source
    assert 'hx-trigger="every 5s"' in source
    part = client.get(f"/runs/{run}", headers={"hx-request": "true"}).text
    assert "<html" not in part
    assert "40 of 80" in part


def test_reviewers_see_no_runs(client: TestClient[Litestar], run: int) -> None:
    sign_in(client, "Ada")
    assert client.get("/runs").status_code == 403
    assert client.get(f"/runs/{run}").status_code == 403
    assert client.post(f"/runs/{run}/cancel").status_code == 403
    assert client.get("/runs/99").status_code == 403


def test_a_lead_requests_the_cancellation_of_a_run(
    client: TestClient[Litestar], world: World, run: int
) -> None:
    sign_in(client, "Lea")
    token = client.headers.pop("x-csrftoken")
    assert client.post(f"/runs/{run}/cancel").status_code == 403
    client.headers["x-csrftoken"] = token
    response = client.post(f"/runs/{run}/cancel")
    assert response.is_success
    assert "Lea requested the cancellation" in response.text
    assert f'action="/runs/{run}/cancel"' not in response.text
    with transaction(world.engine) as connection:
        row = run_by_id(connection, run)
    assert (row.status, row.cancel_requested_by) == ("running", "Lea")
    assert client.post("/runs/99/cancel").status_code == 404


def test_a_failed_run_shows_its_error(
    client: TestClient[Litestar], world: World, run: int, clock: datetime
) -> None:
    result = {
        "checks": [{"name": "memory", "outcome": "ok", "text": "about 2 GiB"}],
        "memory": {"measured_gib": 2.1, "estimated_gib": {"total": 2.0}},
    }
    with transaction(world.engine) as connection:
        finish_run(
            connection, run, "failed", finished_at=clock, error="out of memory", result=result
        )
    sign_in(client, "Lea")
    page = html.unescape(client.get(f"/runs/{run}").text)
    for figure in ("failed", "out of memory", "about 2 GiB", "2.10 GiB", "2.00 GiB"):
        assert figure in page, figure
    assert f'action="/runs/{run}/cancel"' not in page
    assert "hx-trigger" not in page


def test_a_process_that_outlives_cancellation_is_shown(
    client: TestClient[Litestar], world: World, run: int, clock: datetime
) -> None:
    with transaction(world.engine) as connection:
        finish_run(connection, run, "cancelled", finished_at=clock, error="cancelled by Lea")
        record_unterminated_child(connection, TrainingRun, run, {"pid": 1}, "Kubernetes <refuses>")
    sign_in(client, "Lea")
    page = client.get(f"/runs/{run}").text
    assert "still runs: Kubernetes &lt;refuses&gt;." in page


def test_without_runs_the_page_plans_one(client: TestClient[Litestar], world: World) -> None:
    sign_in(client, "Lea")
    page = client.get("/runs").text
    assert "<table" not in page
    assert 'href="/runs/plan"' in page


def test_the_loss_curve_spans_the_whole_run() -> None:
    assert draw_losses([[1, 2.0]], [], 10) is None
    curve = draw_losses([[1, 2.0], [5, 1.0]], [[5, 4.0]], 10)
    assert curve is not None
    assert [tick.label for tick in curve.axes.y] == ["0", "1", "2", "3", "4"]
    assert (curve.axes.x[-1].label, curve.axes.x[-1].at) == ("10", 100.0)
    assert curve.training == "100.0,52.38 500.0,76.19"
    assert curve.dots == ((500.0, 4.76),), "the highest is below the edge"
    assert "from 2 to 1 by step 5" in curve.sentence


def test_a_run_shows_its_times_ticks_and_whole_log(
    client: TestClient[Litestar], world: World, run: int, clock: datetime
) -> None:
    sign_in(client, "Lea")
    assert client.get(f"/runs/{run}/log.txt").status_code == 404
    with transaction(world.engine) as connection:
        row = run_by_id(connection, run)
        finish_run(connection, run, "succeeded", finished_at=clock + timedelta(hours=3), result={})
    lines = [f"line {number}" for number in range(500)] + ["<b>done</b>"]
    log = RunFolder(Path(row.work_dir)).log
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("\n".join(lines))
    page = client.get(f"/runs/{run}").text
    assert "180 min" in page or "3 h" in page
    assert page.count("UTC") >= 3
    assert "&lt;b&gt;done" in page, "the log goes on after the last poll"
    assert lines == client.get(f"/runs/{run}/log.txt").text.splitlines()
    ticks = re.findall(r"<text class=[^>]*>([^<]+)<", page)
    assert {"0", "1", "2", "40", "80"} <= set(ticks)
    sign_in(client, "Ada")
    assert client.get(f"/runs/{run}/log.txt").status_code == 403
