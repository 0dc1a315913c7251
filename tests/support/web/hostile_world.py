"""World in which every text by a user or end user is hostile."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, select, update

from monitor.alerts.steps import take_step
from monitor.store.audit_log import SYSTEM
from monitor.store.engine import transaction
from monitor.store.tables import DriftEvaluation, Exchange, ReviewBatch, User
from monitor.store.training.registry import insert_version
from tests.support.review.review_world import World, make_world
from tests.support.web.hostile_texts import ALL, infect
from tests.support.web.rollout_world import add_rollout, check_figures
from tests.support.web.route_table import Visitor

#: The keys of an assessment below which texts come from the traffic or its analysis.
WRITTEN = frozenset({"headline", "remarks", "name", "examples", "outliers", "model", "reason"})
MODEL = f"assistant {ALL}"
SCORES = {"accuracy": 5, "completeness": 5, "tone": 5, "compliance": 5}


def make_hostile_world(engine: Engine, clock: datetime) -> World:
    """Make a world whose prompts, responses, task types, topics and models are hostile."""
    world = make_world(engine, clock, n=8, cases=[(ALL, ALL, ALL)])
    with transaction(engine) as connection:
        _infect_evaluation(connection, world.evaluation_id)
        for table in (Exchange, ReviewBatch, DriftEvaluation):
            connection.execute(update(table).values(model=MODEL))
        take_step(
            connection, None, "opened", by=SYSTEM, now=clock, model=MODEL, reason=ALL, summary=ALL,
            fingerprint=frozenset({ALL}), severity=0.3, evaluation_id=world.evaluation_id,
        )  # fmt: skip
        insert_version(
            connection, model=MODEL, stage="production", parent_id=None, training_run_id=None,
            adapter_path=ALL, adapter_digest=ALL, lineage={ALL: ALL}, created_at=clock,
        )  # fmt: skip
    looks = [{"checks": [check_figures(ALL)]} for _ in range(3)]
    add_rollout(engine, clock, model=MODEL, reason=ALL, status="holding", looks=looks)
    return world


def rename_everybody(world: World) -> None:
    """Give users hostile names; their sessions stay valid."""
    with transaction(world.engine) as connection:
        for name, user_id in world.users.items():
            statement = update(User).where(User.id == user_id)
            connection.execute(statement.values(name=f"{name} {ALL}", email=f"{name}@{ALL}"))


def write_hostile_reviews(ada: Visitor, ben: Visitor) -> dict[str, int]:
    """Let two reviewers write hostile comments; return state -> item."""
    wrong = {
        **SCORES, "verdict": "correct", "error_kind": "other", "answerable": "yes",
        "corrected_response": f"{ALL} put right", "comment": ALL,
    }  # fmt: skip
    right = {**SCORES, "verdict": "accept", "comment": ALL}
    items = {}
    for state in ("gold", "disagreed", "adjudication", "flagged", "open"):
        item = _call(ada, "claim")["item"]
        items[state] = item
        assert item == _call(ben, "claim")["item"]
        if state == "open":
            draft = {**wrong, "verdict": "correct"}
            ada.send("PUT", f"/api/items/{item}/draft", json=draft).raise_for_status()
        elif state == "flagged":
            _call(ada, f"{item}/flag", {"reason": ALL})
        else:
            _call(ada, f"{item}/review", right)
            _call(ben, f"{item}/review", right if state == "gold" else wrong)
        if state == "disagreed":
            _call(ada, f"{item}/messages", {"text": ALL})
            judgement = {key: wrong[key] for key in wrong if key not in SCORES}
            _call(ben, f"{item}/resolution", judgement)
        if state == "adjudication":
            _call(ada, f"{item}/escalation")
    return items


def _call(visitor: Visitor, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    response = visitor.send("POST", f"/api/items/{path}", json=body or {})
    response.raise_for_status()
    items: dict[str, Any] = response.json()
    return items


def _infect_evaluation(connection: Connection, evaluation_id: int) -> None:
    assessment = connection.execute(
        select(DriftEvaluation.assessment).where(DriftEvaluation.id == evaluation_id)
    ).scalar_one()
    hostile = infect(assessment, WRITTEN)
    hostile["mix_current"] = {ALL: 0.5, "fees": 0.5}
    connection.execute(
        update(DriftEvaluation)
        .where(DriftEvaluation.id == evaluation_id)
        .values(assessment=hostile)
    )
