"""Blindness of open human evaluations: no route reveals the system of a response, even to leads.

The systems of all responses are exchanged in the key; every route of the application must respond
with the same bytes as before.
"""

import html
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from litestar import Litestar, get
from litestar.di import NamedDependency
from litestar.testing import TestClient
from scipy import stats
from sqlalchemy import Engine, case, event, select, update

from monitor.daemon import web_app as product
from monitor.review.human_evaluation.blinding import blind_order
from monitor.review.human_evaluation.locking import lock_human_evaluation
from monitor.review.human_evaluation.rating import RatingQueue
from monitor.settings import Secrets, Settings
from monitor.store.accounts.users import UserRow
from monitor.store.engine import transaction
from monitor.store.human_evaluation.closing import cancel_human_evaluation_of
from monitor.store.human_evaluation.human_evaluations import items_of, responses_of
from monitor.store.tables import HumanEvaluationKey
from monitor.store.training.candidate_evaluations import finish_candidate_evaluation
from monitor.store.training.registry import ScoreRow, save_scores
from retrain.evaluation.lifecycle import cancel_evaluation
from tests.integration.test_review_blindness import sign_in, signs_in
from tests.support.retrain.candidates import check, evaluated, make_results
from tests.support.retrain.fake_launcher import FakeLauncher
from tests.support.review.human_evaluation import (
    SECRET,
    SYSTEMS,
    make_human_evaluation,
    make_version,
    rate_all,
    rows,
)
from tests.support.review.review_world import World, make_world
from tests.support.web.apps import create_app
from tests.support.web.route_walk import MARK, Request, leaks, requests_to

NAMES = {system: f"{system}-{MARK}" for system in SYSTEMS}
DIMENSIONS = ("accuracy", "completeness", "tone", "compliance")
SCORES = {
    NAMES[system]: dict.fromkeys(DIMENSIONS, value)
    for system, value in (("candidate", 5), ("incumbent", 4), ("base", 2))
}


@pytest.fixture
def world(engine: Engine, clock: datetime) -> World:
    return make_world(engine, clock, n=4)


@pytest.fixture
def human_evaluation(world: World, clock: datetime) -> int:
    """Return a human evaluation with marked systems: Ben has rated all, Ada and Lea are at item 1.

    The results of an earlier evaluation of the same candidate contain the mark too.
    """
    with transaction(world.engine) as connection:
        version = make_version(connection, clock)
        fields = [check(f"{MARK} better"), check(f"{MARK} kept")]
        evaluated(connection, version, clock, "undecided", remarks=[MARK], checks=fields)
    made = make_human_evaluation(
        world.engine, clock, n=4, inputs=rows(4, NAMES), version_id=version
    )
    rate_all(world.engine, made, world.users["Ben"], clock, SCORES)
    for name in ("Ada", "Lea"):
        with transaction(world.engine) as connection:
            assert (
                RatingQueue(made).claim_next(
                    connection, world.users[name], clock, timedelta(minutes=20)
                )
                == 1
            )
            RatingQueue(made).save_draft(
                connection,
                1,
                world.rows[name],
                {"A.0": "3"},
                now=clock,
                lease=timedelta(minutes=20),
            )
    return made


@pytest.fixture
def make_app(world: World, clock: datetime) -> Callable[..., Litestar]:
    def make(*more: Any) -> Litestar:
        # Others must not be served by an application with a handler of this test.
        create = product.create_app if more else create_app
        app = create(world.engine, Settings(), Secrets(), clock=lambda: clock)
        for handler in more:
            app.register(handler)
        return app

    return make


def turn_the_key(engine: Engine) -> None:
    """Exchange the systems of the responses in the key, and change nothing else."""
    names = list(NAMES.values())
    turned = dict(zip(names, names[1:] + names[:1], strict=True))
    with transaction(engine) as connection:
        before = dict(
            connection.execute(
                select(HumanEvaluationKey.response_id, HumanEvaluationKey.system)
            ).all()
        )
        # Two systems of an answer can't be turned in place: one would meet the other.
        connection.execute(
            update(HumanEvaluationKey).values(system="to:" + HumanEvaluationKey.system)
        )
        connection.execute(
            update(HumanEvaluationKey).values(
                system=case(
                    *(
                        ("to:" + entry == HumanEvaluationKey.system, other)
                        for entry, other in turned.items()
                    )
                )
            )
        )
        after = dict(
            connection.execute(
                select(HumanEvaluationKey.response_id, HumanEvaluationKey.system)
            ).all()
        )
    assert before.keys() == after.keys()
    assert before != after


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """Collect every SQL statement."""
    matches: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        matches.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield matches
    finally:
        event.remove(engine, "before_cursor_execute", note)


def options(app: Litestar) -> list[Request]:
    """Return the requests: all addresses except the sign-in link, which differs each time."""
    return [
        entry
        for entry in requests_to(app, 1, ["Ben"])
        if not signs_in(entry) and not entry.path.startswith("/users/1/link")
    ]


@pytest.mark.parametrize("name", ["Ada", "Lea"])
def test_no_route_reveals_the_system_of_a_response(
    make_app: Callable[..., Litestar], world: World, human_evaluation: int, name: str
) -> None:
    app = make_app()
    requests = options(app)
    assert {
        "/human-evaluations/1/rate",
        "/human-evaluations/1",
        "/api/human-evaluations/1/items/1/ratings",
        "/candidate-evaluations/1",
    } <= {entry.path.split("?")[0] for entry in requests}
    stages = [lambda: None, lambda: turn_the_key(world.engine)]
    assert [] == leaks(app, world.engine, sign_in(name), stages, requests)


def look_at_no_key(app: Litestar, engine: Engine) -> None:
    """Request every route as a lead; no SQL statement reads the key."""
    with TestClient(app) as client:
        headers = sign_in("Lea")(client)
        with statements(engine) as sent:
            for entry in options(app):
                client.request(entry.method, entry.path, json=entry.body, headers=headers)
    assert len(sent) > 100
    assert not [entry for entry in sent if "human_evaluation_keys" in entry]


def test_no_statement_reads_the_key(
    make_app: Callable[..., Litestar], world: World, human_evaluation: int
) -> None:
    look_at_no_key(make_app(), world.engine)


def test_page_of_an_item_shows_its_responses(
    make_app: Callable[..., Litestar], world: World, human_evaluation: int
) -> None:
    """The requested pages have content."""
    with TestClient(make_app()) as client:
        sign_in("Ada")(client)
        page = client.get("/human-evaluations/1/rate").text
    assert "Response A" in page
    assert "Response B" in page
    assert page.count('name="A.') == 4 * 5


def test_no_statement_reads_the_key_after_cancellation(
    make_app: Callable[..., Litestar], world: World, human_evaluation: int, clock: datetime
) -> None:
    cancel_evaluation(world.engine, 2, FakeLauncher(), clock, cancelled_by="Lea")
    look_at_no_key(make_app(), world.engine)


def test_earlier_human_evaluation_hides_items_rated_again(
    make_app: Callable[..., Litestar], world: World, human_evaluation: int, clock: datetime
) -> None:
    """Responses of the candidate or of its references may be the same again."""
    with transaction(world.engine) as connection:
        lock_human_evaluation(
            connection, human_evaluation, world.rows["Lea"], clock, allow_missing=True
        )
        cancel_human_evaluation_of(connection, 2, clock)  # locked is locked
        finish_candidate_evaluation(
            connection, 2, "succeeded", now=clock, results=make_results("undecided")
        )
    again = make_human_evaluation(world.engine, clock, n=3, inputs=rows(3, NAMES), version_id=1)
    with TestClient(make_app()) as client:
        sign_in("Lea")(client)
        page = client.get(f"/human-evaluations/{human_evaluation}/ratings").text
        assert "3 items are hidden" in html.unescape(page)
        assert page.count('class="card rated"') == 1
        assert (
            client.get(f"/human-evaluations/{human_evaluation}/ratings?page=2").status_code == 404
        )
        cancel_evaluation(world.engine, 3, FakeLauncher(), clock, cancelled_by="Lea")
        assert client.get(f"/human-evaluations/{again}/ratings").status_code == 409
        page = client.get(f"/human-evaluations/{human_evaluation}/ratings").text
    assert page.count('class="card rated"') == 4


@get("/api/key", sync_to_thread=True)
def shows_names(user: NamedDependency[UserRow], engine: NamedDependency[Engine]) -> list[str]:
    with transaction(engine) as connection:
        return list(connection.execute(select(HumanEvaluationKey.system)).scalars())


@get("/api/order", sync_to_thread=True)
def shows_an_order(user: NamedDependency[UserRow], engine: NamedDependency[Engine]) -> list[int]:
    with transaction(engine) as connection:
        ordered = select(HumanEvaluationKey.response_id).order_by(
            HumanEvaluationKey.system, HumanEvaluationKey.response_id
        )
        return list(connection.execute(ordered).scalars())


@pytest.mark.parametrize(
    ("handler", "problem"),
    [(shows_names, "shows the peer's work"), (shows_an_order, "responds differently at stage 1")],
)
def test_blindness_check_detects_a_leaking_route(
    make_app: Callable[..., Litestar],
    world: World,
    human_evaluation: int,
    handler: Any,
    problem: str,
) -> None:
    app = make_app(handler)
    requests = [
        entry for entry in options(app) if entry.path.startswith(("/api/key", "/api/order"))
    ]
    stages = [lambda: None, lambda: turn_the_key(world.engine)]
    matches = leaks(app, world.engine, sign_in("Ada"), stages, requests)
    assert matches
    assert all(problem in entry for entry in matches)


def test_nothing_that_is_logged_names_a_system(
    make_app: Callable[..., Litestar],
    world: World,
    human_evaluation: int,
    capfd: pytest.CaptureFixture[str],
) -> None:
    app = make_app()
    with TestClient(app) as client:
        headers = sign_in("Lea")(client)
        for entry in options(app):
            client.request(entry.method, entry.path, json=entry.body, headers=headers)
    output = capfd.readouterr()
    assert MARK not in output.out + output.err


def test_scores_of_versions_are_withheld_until_the_lock(
    make_app: Callable[..., Litestar], world: World, human_evaluation: int, clock: datetime
) -> None:
    score = ScoreRow("support", "", "json_valid", 0.987, 0.9, 1.0, 300)
    with transaction(world.engine) as connection:
        save_scores(connection, 1, "support", [score], clock)
    with TestClient(make_app()) as client:
        sign_in("Lea")(client)
        page = client.get("/models").text
        assert "0.987" not in page
        assert "Scores are hidden" in page
        with transaction(world.engine) as connection:
            lock_human_evaluation(
                connection, human_evaluation, world.rows["Lea"], clock, allow_missing=True
            )
        assert "0.987" in client.get("/models").text
        assert MARK in client.get(f"/human-evaluations/{human_evaluation}/ratings").text, (
            "then it is told"
        )


def test_positions_of_responses_are_balanced_over_systems(
    any_engine: Engine, clock: datetime
) -> None:
    """Over 200 items and three raters, each system is first, second and third equally often."""
    make_world(any_engine, clock, n=4)
    inputs = [row | {"response": f"{row['by']} {row['id']}"} for row in rows(200)]
    human_evaluation = make_human_evaluation(any_engine, clock, n=200, inputs=inputs)
    places: Counter[tuple[str, int]] = Counter()
    with transaction(any_engine) as connection:
        systems = dict(
            connection.execute(
                select(HumanEvaluationKey.response_id, HumanEvaluationKey.system)
            ).all()
        )
        for item in items_of(connection, human_evaluation):
            responses = responses_of(connection, [item.id])
            for reviewer in (1, 2, 3):
                seen = blind_order(responses, SECRET, item_id=item.id, reviewer_id=reviewer)
                places.update((systems[entry.id], at) for at, entry in enumerate(seen))
    table = [[places[system, at] for at in range(3)] for system in SYSTEMS]
    assert sum(map(sum, table)) == 1800
    assert stats.chi2_contingency(table).pvalue > 0.001
