"""Every route, asked by reviewers while items wait for review: none of them shows a finding.

Findings are planted as texts, which no reply may hold, and as figures and verdicts: they are
changed, and each reply must stay the same, byte by byte. A lead's replies hold them, and those of
a reviewer hold and follow them once the last item is settled.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient
from sqlalchemy import Engine, Float, delete, select, update

from monitor.settings import Configuration, Secrets
from monitor.store.engine import transaction
from monitor.store.tables import metadata
from monitor.store.tables.facts import facts_of
from monitor.store.training.registry import ScoreRow, list_versions, save_scores
from monitor.store.transfer.stored_rows import is_json
from monitor.web.access.audience import Audience
from tests.support.database_copy import database_copy
from tests.support.web.apps import create_app
from tests.support.web.marked_world import make_marked_world, mark
from tests.support.web.rollout_world import check_figures
from tests.support.web.route_replies import Crowd, DeclaredRoute, Reply, declared_routes

BLIND = ("Ada", "Cleo")
#: Tables that hold what is reviewed and rated, and who does. All others hold findings: a new table
#: does too, until it is listed here.
OF_THE_WORK = {
    "access_log", "exchanges", "gold_examples", "human_evaluation_assignments",
    "human_evaluation_items", "human_evaluation_responses", "review_assignments", "review_items",
    "review_messages", "review_proposals", "reviews", "taxonomy_versions", "user_grants", "users",
    "web_sessions",
}  # fmt: skip
#: Without sign-in, for operators: docs/explanation/review-workflow.md says so.
OUTSIDE = {"/metrics"}
#: Words of findings, and what they become.
OTHER_WORDS = {
    "drift": "no_drift", "no_drift": "drift", "retrain": "monitor", "passed": "failed",
    "failed": "passed", "accept": "reject", "reject": "accept",
}  # fmt: skip
WORDS = {
    ("drift_evaluations", "verdict"), ("decisions", "recommendation"),
    ("candidate_evaluations", "gate_result"), ("gold_examples", "verdict"),
}  # fmt: skip
#: Routes whose replies to a reviewer follow figures and verdicts when nothing waits any more.
FOLLOWING = {
    "/api/rollouts/{rollout_id:int}", "/digest", "/drift-evaluations",
    "/drift-evaluations/{evaluation_id:int}",
    "/drift-evaluations/{evaluation_id:int}/assessment.json",
    "/drift-evaluations/{evaluation_id:int}/report",
    "/drift-evaluations/{evaluation_id:int}/topics/{topic:int}", "/incidents/{incident_id:int}",
    "/models", "/models/versions/{version_id:int}/compare", "/rollouts",
    "/rollouts/{rollout_id:int}", "/submitted",
}  # fmt: skip


@dataclass
class Walk:
    """The replies in each state; figures and verdicts differ between the first and the second."""

    routes: list[DeclaredRoute]
    #: Of the adjudicator while items wait, and of both to what changes something.
    further: list[Reply]
    blind: tuple[list[Reply], list[Reply]]
    #: Of a lead, while the same items wait.
    lead: list[Reply]
    #: Of a reviewer, when nothing waits any more.
    after: tuple[list[Reply], list[Reply]]


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Walk]:
    clock = datetime(2026, 11, 2, tzinfo=UTC)
    folder = tmp_path_factory.mktemp("findings")
    with ExitStack() as stack:
        engine = stack.enter_context(database_copy(sqlite_template, folder / "walk.db"))
        items = make_marked_world(engine, clock, folder)
        settings = Configuration(models={"assistant": {}, "other": {}})
        app = create_app(engine, settings, Secrets(), clock=lambda: clock)
        client = stack.enter_context(TestClient(app, raise_server_exceptions=False))
        crowd = Crowd.sign_in(client, engine, (*BLIND, "Lea"))
        mark(engine, clock)
        _add_figures(engine, clock)
        routes = declared_routes(app)
        own = [route for route in routes if route.audience < Audience.LEADS]
        reading = [route for route in own if route.method == "GET"]
        acting = [route for route in own if route.method != "GET"]

        def read(*visitors: str) -> list[Reply]:
            return list(crowd.ask(reading, items, visitors))

        blind = read("Ada")
        further = [*read("Cleo"), *crowd.ask(acting, [items[0], items[-1]], BLIND)]
        _change_findings(engine)
        blind_too, lead = read("Ada"), read("Lea")
        _settle(engine, clock)
        after = read("Ada")
        _change_findings(engine)
        yield Walk(routes, further, (blind, blind_too), lead, (after, read("Ada")))


def _add_figures(engine: Engine, clock: datetime) -> None:
    """Add scores of versions and checks of a rollout; documents of markers are not read as such."""
    looks, comparisons = (metadata.tables[f"rollout_{name}"] for name in ("looks", "comparisons"))
    with transaction(engine) as connection:
        connection.execute(update(looks).values(checks=[check_figures()]))
        connection.execute(delete(comparisons))
        for version in list_versions(connection, "assistant"):
            score = ScoreRow("support", "", "json_valid", 0.625, 0.5, 0.75, 300)
            save_scores(connection, version.id, "support", [score], clock)


def _change_findings(engine: Engine) -> None:
    """Change each figure and verdict of a finding; whom it is of, and when, stays."""
    with transaction(engine) as connection:
        for name, table in metadata.tables.items():
            keys = list(table.primary_key.columns)
            for column in table.columns:
                if (name, column.name) in WORDS:
                    change: Callable[[Any], Any] = _changed
                elif name in OF_THE_WORK | {"audit_log"}:  # the log can't be changed
                    continue
                elif isinstance(column.type, Float) or is_json(column.type):
                    change = _changed
                else:
                    continue
                for *key, value in connection.execute(select(*keys, column)).all():
                    same = [part == own for part, own in zip(keys, key, strict=True)]
                    if (new := change(value)) != value:
                        connection.execute(update(table).where(*same).values({column: new}))


def _changed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _changed(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_changed(entry) for entry in value]
    if isinstance(value, float):
        return value * 0.875
    return OTHER_WORDS.get(value, value) if isinstance(value, str) else value


def _settle(engine: Engine, clock: datetime) -> None:
    """Leave no item to review, rule, audit or rate."""
    items, audits = metadata.tables["review_items"], metadata.tables["review_audits"]
    rated = metadata.tables["human_evaluations"]
    with transaction(engine) as connection:
        waiting = items.c.status.in_(("queued", "disagreed", "adjudication"))
        connection.execute(update(items).where(waiting).values(status="excluded"))
        connection.execute(update(audits).values(decided_at=clock))
        is_open = rated.c.status == "open"
        connection.execute(
            update(rated).where(is_open).values(status="cancelled", cancelled_at=clock)
        )


def _differing(replies: tuple[list[Reply], list[Reply]]) -> list[Reply]:
    return [
        reply
        for reply, later in zip(*replies, strict=True)
        if reply.route.path not in OUTSIDE
        and (reply.status, reply.text) != (later.status, later.text)
    ]


def _tables(replies: list[Reply]) -> set[str]:
    return {table for reply in replies for table, _ in reply.marks} - OF_THE_WORK


def test_no_reply_to_blind_reviewers_holds_a_finding(walk: Walk) -> None:
    replies = [*walk.blind[0], *walk.further]
    leaks = {f"{reply}: {_tables([reply])}" for reply in replies if _tables([reply])}
    assert leaks == set(), "the route shows findings: leave out NO_FINDINGS, and read visit.scope"


def test_routes_of_findings_refuse_or_leave_out_the_model(walk: Walk) -> None:
    """Their addresses of one model are refused, and their lists are of another one."""
    replies = [
        reply
        for reply in [*walk.blind[0], *walk.further]
        if reply.route.withholds_findings and reply.status in {200, 403}
    ]
    assert len(replies) > 25
    sentence = "Findings of assistant are shown when its"
    assert [str(reply) for reply in replies if sentence not in reply.text] == [
        f"{name}: GET /api/rollouts: 200" for name in BLIND
    ]
    assert [reply.text for reply in replies if sentence not in reply.text] == ["[]", "[]"]


def test_replies_to_blind_reviewers_follow_no_figure(walk: Walk) -> None:
    # Of an item that the reviewer settled, the page has its verdicts.
    leaks = [str(reply) for reply in _differing(walk.blind) if "item_id" not in reply.route.path]
    assert leaks == [], "the route shows figures: leave out NO_FINDINGS, and read visit.scope"


def test_leads_see_findings_while_items_wait(walk: Walk) -> None:
    assert [str(reply) for reply in walk.lead if reply.status == 403] == []
    assert _tables(walk.lead) >= _tables(walk.after[0])


def test_reviewers_see_findings_after_the_last_item(walk: Walk) -> None:
    assert {reply.route.path for reply in _differing(walk.after)} >= FOLLOWING
    of_reviewers = {table for table in _tables(walk.lead) if "reviewer" in facts_of(table).readers}
    assert len(of_reviewers) > 5
    assert _tables(walk.after[0]) >= of_reviewers


def test_each_route_withholds_findings_or_declares_none(walk: Walk) -> None:
    signed_in = {Audience.USERS, Audience.REVIEWERS, Audience.ADJUDICATORS}
    assert [
        f"{route.method} {route.path}: take a visit, or declare NO_FINDINGS"
        for route in walk.routes
        if route.audience in signed_in and route.withholds_findings is False
    ] == []
