"""A figure that several pages show reads the same on each."""

import re
from datetime import datetime

from litestar.testing import TestClient
from sqlalchemy import Engine

from monitor.review.decision.decisions import decide
from monitor.settings import Review, Secrets, Settings
from monitor.store.engine import transaction
from tests.support.review.review_world import make_world
from tests.support.review.settled_items import JUDGEMENT, RIGHT, settle
from tests.support.web.apps import create_app
from tests.support.web.sign_in import sign_in

PERCENT = r"\d+\.\d%"


def test_an_error_rate_reads_the_same_on_all_pages(engine: Engine, clock: datetime) -> None:
    world = make_world(engine, clock)
    reviewers = (world.users["Ada"], world.users["Ben"])
    with transaction(engine) as connection:
        settle(
            connection, world.batch_id, reviewers,
            lambda number, _: JUDGEMENT if number % 7 else RIGHT, clock,
        )  # fmt: skip
        decision = decide(connection, world.batch_id, Review(), clock)
    rate = decision.inputs["rate"]
    expected = [f"{rate[name]:.1%}" for name in ("rate", "lower", "upper")]
    app = create_app(engine, Settings(), Secrets(), clock=lambda: clock)
    with TestClient(app) as client:
        sign_in(client, "Lea")
        pages = {
            path: re.sub(r"<[^>]+>", " ", client.get(path).text)
            for path in (
                f"/drift-evaluations/{world.evaluation_id}", "/progress",
                f"/decisions/{decision.id}",
            )
        }  # fmt: skip
        chart = client.get("/digest").text
    for path, text in pages.items():
        assert expected in [
            re.findall(PERCENT, part)
            for part in re.findall(rf"{PERCENT}[^%]*{PERCENT} to {PERCENT}", text)
        ], path
    title = re.search(r"error rate ([^\"]*)\)", chart)
    assert title is not None
    assert expected == re.findall(PERCENT, title[1])
