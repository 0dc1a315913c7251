"""The pages of the trainings: for leads, from what stands in SQL alone."""

import html
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import Engine

from monitor.settings import Secrets, Settings
from monitor.store.engine import transaction
from monitor.store.training.runs import (
    finish_run,
    mark_running,
    record_unterminated_child,
    run_by_id,
    save_progress,
)
from monitor.web.app import create_app
from monitor.web.runs.loss_curve import draw_losses
from retrain.recipes.recipe import Recipe
from retrain.training.runs import plan_run
from tests.support.review.review_world import PASSWORD, World, make_world

PROGRESS = {
    "last": {
        "step": 40, "steps": 80, "loss": 0.25, "tokens_per_second": 1234.5, "seconds_left": 61.0,
    },
    "losses": [[1, 2.0], [20, 1.0], [40, 0.25]],
    "validation": [[20, 1.1], [40, 0.5]],
    "log": ["loading", "<script>alert(1)</script>"],
    "waits": "",
}  # fmt: skip


@pytest.fixture
def world(engine: Engine, clock: datetime) -> World:
    return make_world(engine, clock)


@pytest.fixture
def run(world: World, clock: datetime, tmp_path: Path) -> int:
    with transaction(world.engine) as connection:
        run = plan_run(
            connection, model="assistant", recipe=Recipe(base="b"), work_dir=tmp_path, now=clock
        )
        mark_running(connection, run, {"pid": 1}, clock)
        save_progress(connection, run, PROGRESS)
    return run


@pytest.fixture
def client(world: World) -> Iterator[TestClient[Litestar]]:
    with TestClient(create_app(world.engine, Settings(), Secrets())) as made:
        yield made


def sign_in(client: TestClient[Litestar], name: str) -> None:
    found = re.search(r'csrf-token" content="([^"]+)"', client.get("/login").text)
    assert found is not None
    client.headers["x-csrftoken"] = found[1]
    assert client.post("/api/login", json={"name": name, "password": PASSWORD}).is_success


def test_a_lead_sees_how_a_run_goes_on(client: TestClient[Litestar], run: int) -> None:
    sign_in(client, "Lea")
    listed = client.get("/runs").text
    assert f'href="/runs/{run}"' in listed
    assert "40 of 80" in listed
    source = client.get(f"/runs/{run}").text
    page = html.unescape(source)
    for said in ("running", "40 of 80", "0.2500", "1,234", "61", "0.5000", "serving.max_lora_rank"):
        assert said in page, said
    assert "start_adapter" not in page, "what is empty says nothing"
    assert "<script>alert" not in source
    assert "polyline" in source
    assert 'hx-trigger="every 5s"' in source
    part = client.get(f"/runs/{run}", headers={"hx-request": "true"}).text
    assert "<html" not in part
    assert "40 of 80" in part


def test_nobody_else_does(client: TestClient[Litestar], run: int) -> None:
    sign_in(client, "Ada")
    assert client.get("/runs").status_code == 403
    assert client.get(f"/runs/{run}").status_code == 403
    assert client.post(f"/runs/{run}/cancel").status_code == 403
    assert client.get("/runs/99").status_code == 403


def test_a_lead_asks_for_the_end_of_a_run(
    client: TestClient[Litestar], world: World, run: int
) -> None:
    sign_in(client, "Lea")
    token = client.headers.pop("x-csrftoken")
    assert client.post(f"/runs/{run}/cancel").status_code == 403
    client.headers["x-csrftoken"] = token
    answer = client.post(f"/runs/{run}/cancel")
    assert answer.is_success
    assert "Lea asked for its end" in answer.text
    assert "Cancel this run" not in answer.text
    with transaction(world.engine) as connection:
        row = run_by_id(connection, run)
    assert (row.status, row.cancel_requested_by) == ("running", "Lea")
    assert client.post("/runs/99/cancel").status_code == 404


def test_a_run_that_ended_says_how(
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
    for said in ("failed", "out of memory", "about 2 GiB", "2.10 GiB were held; 2.00 were"):
        assert said in page, said
    assert "Cancel this run" not in page
    assert "hx-trigger" not in page


def test_a_cancelled_run_whose_child_runs_on_says_why(
    client: TestClient[Litestar], world: World, run: int, clock: datetime
) -> None:
    with transaction(world.engine) as connection:
        finish_run(connection, run, "cancelled", finished_at=clock, error="cancelled by Lea")
        record_unterminated_child(connection, run, {"pid": 1}, "Kubernetes <refuses>")
    sign_in(client, "Lea")
    page = client.get(f"/runs/{run}").text
    assert "Cancelled; its child couldn't be ended yet: Kubernetes &lt;refuses&gt;." in page


def test_without_runs_it_is_said_where_they_come_from(
    client: TestClient[Litestar], world: World
) -> None:
    sign_in(client, "Lea")
    assert "No training yet" in client.get("/runs").text


def test_the_curve_spans_the_whole_run() -> None:
    assert draw_losses([[1, 2.0]], [], 10) is None
    curve = draw_losses([[1, 2.0], [5, 1.0]], [[5, 4.0]], 10)
    assert curve is not None
    assert (curve.highest, curve.lowest, curve.last_step) == (4.0, 0.0, 10)
    assert curve.training == "64.0,80.0 320.0,120.0"
    assert curve.dots == ((320.0, 0.0),)
