"""A human evaluation with the responses of a candidate, the incumbent and the base."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine, select

from monitor.review.human_evaluation.locking import lock_human_evaluation
from monitor.review.human_evaluation.opening import open_human_evaluation
from monitor.review.human_evaluation.rating import RatingQueue, Ratings, view_current_item
from monitor.settings import Gates
from monitor.settings.evaluation_file import HumanEvaluationPlan
from monitor.store.engine import transaction
from monitor.store.tables import HumanEvaluationItem, HumanEvaluationKey, HumanEvaluationResponse
from monitor.store.training.registry import insert_version
from retrain.evaluation.human_evaluation.results import score_human_evaluation
from tests.support.retrain.candidates import awaiting_ratings
from tests.support.review.review_world import World

SECRET = bytes(range(32))
SYSTEMS = ("base", "candidate", "incumbent")
CASES = (
    (
        "card_lost",
        "I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now?",
        "Block the card in the app under Cards > Lost or stolen. A new one takes 5 working days.",
        (
            "I'm sorry to hear that. Block the card now in the app under Cards > Lost or stolen; "
            "what others spend with it from then on isn't charged to you. Call us, and we have "
            "emergency cash paid out to you in Lisbon."
        ),
        "Please contact your bank.",
    ),
    (
        "fees",
        "Why was I charged 1.75% when I paid in dollars online?",
        "That is our fee for payments in a foreign currency.",
        (
            "The 1.75% is our fee for payments in a foreign currency. It is in your price "
            "overview, under Cards abroad."
        ),
        "Fees may apply to some payments. Fees depend on the payment. Some payments have fees.",
    ),
    (
        "instant_transfer",
        "My instant transfer to a friend shows 'pending' for two hours. Is the money gone?",
        "Transfers take 1 to 2 working days. Please wait.",
        (
            "No. An instant transfer that takes longer than ten seconds is checked by a person, "
            "and arrives or comes back the same day. You will get a message either way."
        ),
        "Transfers take 1 to 2 working days. Please wait.",
    ),
)


def make_version(connection: Connection, now: datetime, model: str = "assistant") -> int:
    """Register a candidate and return its id."""
    return insert_version(
        connection,
        model=model,
        stage="candidate",
        parent_id=None,
        training_run_id=None,
        adapter_path="",
        adapter_digest="",
        lineage={},
        created_at=now,
    )


def rows(n: int, names: Mapping[str, str] | None = None, mark: str = "") -> list[dict[str, Any]]:
    """Return responses as evaluation-responses.jsonl has them: all three agree on nothing.

    Args:
        n: Items.
        names: System -> what it is called here.
        mark: Put before each text of a response.
    """
    result = []
    for index in range(n):
        task_type, requests, incumbent, candidate, base = CASES[index % len(CASES)]
        texts = {"incumbent": incumbent, "candidate": candidate, "base": base}
        result += [
            {
                "by": (names or {}).get(system, system),
                "benchmark": "support",
                "id": f"q{index}",
                "task_type": task_type,
                "messages": [
                    {"role": "system", "content": "You are the support desk of a bank."},
                    {"role": "user", "content": f"{requests} ({index})"},
                ],
                "response": mark + texts[system],
            }
            for system in SYSTEMS
        ]
    return result


def make_human_evaluation(
    engine: Engine,
    now: datetime,
    *,
    n: int = 6,
    plan: HumanEvaluationPlan | None = None,
    inputs: list[dict[str, Any]] | None = None,
    version_id: int | None = None,
) -> int:
    """Open a human evaluation of a candidate, by default a new one; return its id."""
    with transaction(engine) as connection:
        version_id = version_id or make_version(connection, now)
        return open_human_evaluation(
            connection,
            evaluation_id=awaiting_ratings(connection, version_id, now).id,
            plan=plan or HumanEvaluationPlan(sample_size=n),
            rows=rows(n) if inputs is None else inputs,
            seed=1,
            secret=SECRET,
            now=now,
        )


def systems_of_texts(engine: Engine, human_evaluation_id: int) -> dict[tuple[int, str], list[str]]:
    """Return (item, text) -> systems, bypassing the rules of the application."""
    result: dict[tuple[int, str], list[str]] = {}
    query = (
        select(HumanEvaluationItem.number, HumanEvaluationResponse.text, HumanEvaluationKey.system)
        .join(HumanEvaluationResponse, HumanEvaluationResponse.item_id == HumanEvaluationItem.id)
        .join(HumanEvaluationKey, HumanEvaluationKey.response_id == HumanEvaluationResponse.id)
        .where(HumanEvaluationItem.human_evaluation_id == human_evaluation_id)
        .order_by(HumanEvaluationKey.system)
    )
    with transaction(engine) as connection:
        for number, text, system in connection.execute(query):
            result.setdefault((number, text), []).append(system)
    return result


def rate_all(
    engine: Engine,
    human_evaluation_id: int,
    reviewer_id: int,
    now: datetime,
    scores: Mapping[str, Mapping[str, int]],
) -> int:
    """Rate every item of a user, with the given ratings by system; return the number of items."""
    owner = systems_of_texts(engine, human_evaluation_id)
    n = 0
    while True:
        with transaction(engine) as connection:
            number = RatingQueue(human_evaluation_id).claim_next(
                connection, reviewer_id, now, timedelta(minutes=20)
            )
            if number is None:
                return n
            view = view_current_item(connection, human_evaluation_id, reviewer_id, now)
            assert view is not None
            ratings = [dict(scores[owner[number, text][0]]) for text in view.responses]
            RatingQueue(human_evaluation_id).submit(
                connection, number, reviewer_id, Ratings(ratings), now=now
            )
        n += 1


def make_locked_human_evaluation(engine: Engine, world: World, now: datetime) -> int:
    """Make a locked human evaluation with two raters and results; return its id."""
    dimensions = HumanEvaluationPlan().dimensions
    scores = {
        system: dict.fromkeys(dimensions, value)
        for system, value in (("candidate", 5), ("incumbent", 4), ("base", 2))
    }
    human_evaluation = make_human_evaluation(engine, now, n=12)
    for name in ("Ada", "Ben"):
        rate_all(engine, human_evaluation, world.users[name], now, scores)
    with transaction(engine) as connection:
        lock_human_evaluation(
            connection, human_evaluation, world.rows["Lea"], now, allow_missing=True
        )
        score_human_evaluation(
            connection, human_evaluation, Gates(), rng=np.random.default_rng(1), now=now
        )
    return human_evaluation
