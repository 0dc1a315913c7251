"""The page of a version: each part of its life, and why a part is empty."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine, insert

from monitor.settings import Secrets, Settings
from monitor.store.engine import transaction
from monitor.store.tables import Rollout
from monitor.web.models.version_life import read_life
from monitor.web.server import BackgroundServer
from retrain.registry.stages import promote, register_version
from tests.services.live_endpoint import FakeEndpoint, scripted
from tests.support.retrain.candidates import evaluated
from tests.support.retrain.probe_world import ProbeWorld
from tests.support.review.review_world import PASSWORD, World, make_world
from tests.support.review.settled_items import JUDGEMENT, RIGHT, settle
from tests.support.web.apps import create_app


@pytest.fixture
def lived(engine: Engine, clock: datetime, tmp_path: Path) -> tuple[World, int, Settings]:
    """Return a world whose version 1 was rolled out, reviewed and probed, and then swapped."""
    promoted = clock - timedelta(days=8)
    with transaction(engine) as connection:
        version = register_version(
            connection, model="assistant", adapter_path="a", adapter_digest="sha256:a",
            now=promoted, lineage={},
        )  # fmt: skip
        promote(connection, version, changed_by="lea", reason="first", now=promoted)
        connection.execute(
            insert(Rollout).values(
                model="assistant", version_id=version, stable_version_id=version, kind="rollout",
                status="completed", stage=3, weight_percent=100, stage_started_at=promoted,
                reason="all checks shown", seed=1, started_by="lea", settings={},
                started_at=promoted - timedelta(days=8), finished_at=promoted,
            )
        )  # fmt: skip
    world = make_world(engine, clock, n=20)
    reviewers = (world.users["Ada"], world.users["Ben"])
    with transaction(engine) as connection:
        evaluated(connection, version, promoted)
        settle(
            connection, world.batch_id, reviewers,
            lambda number, _: JUDGEMENT if number % 5 == 0 else RIGHT, clock,
        )  # fmt: skip
    live = FakeEndpoint()
    live.url = "http://live/v1"
    probes = ProbeWorld(engine, tmp_path, live, name="assistant", start=clock - timedelta(days=3))
    probes.advance(26)
    live.model = scripted("two")
    probes.advance(20)
    return world, version, probes.settings


@pytest.fixture
def read(
    engine: Engine, lived: tuple[World, int, Settings], clock: datetime
) -> Iterator[Callable[..., str]]:
    """Return a function that reads a page as Lea."""
    app = create_app(engine, lived[2], Secrets(), clock=lambda: clock)
    with BackgroundServer(app) as server, httpx.Client(base_url=server.url) as client:
        token = re.search(r'csrf-token" content="([^"]+)"', client.get("/login").text)
        assert token is not None
        body = {"name": "Lea", "password": PASSWORD}
        client.post("/api/login", json=body, headers={"x-csrftoken": token[1]})
        yield lambda path: client.get(path).text


def test_version_page_has_every_part(
    engine: Engine, lived: tuple[World, int, Settings], read: Callable[..., str]
) -> None:
    with transaction(engine) as connection:
        life = read_life(connection, lived[1], lived[2])
    assert len(life.windows) == 1
    assert life.error_rate is not None
    assert 0 < life.error_rate.lower < life.error_rate.rate < life.error_rate.upper
    assert life.rollouts[0][0].status == "completed"
    assert life.probe_runs[0].verdict == "changed"
    assert life.chart is not None
    first, last = life.chart.points[0], life.chart.points[-1]
    assert last.y < last.threshold_y < first.y
    assert "3 of 10 runs" in life.chart.sentence
    page = read(f"/models/versions/{lived[1]}")
    for part in ("gates", "canary", "production", "reviews", "probes", "stages"):
        assert f'id="{part}"' in page
    assert "Responses that changed most" in page
    models = read("/models")
    assert f"/models/versions/{lived[1]}" in models
    assert "Not evaluated" not in models, "its evaluation measured no scores"


def test_new_version_page_names_missing_parts(
    engine: Engine, lived: tuple[World, int, Settings], read: Callable[..., str], clock: datetime
) -> None:
    with transaction(engine) as connection:
        version = register_version(
            connection, model="assistant", adapter_path="b", adapter_digest="sha256:b", now=clock,
            lineage={},
        )  # fmt: skip
    page = read(f"/models/versions/{version}")
    assert page.count('class="muted"') >= 5
    assert "Never in production" in page
