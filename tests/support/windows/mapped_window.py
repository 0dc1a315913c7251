"""The support desk's week with a baseline and a prompt map."""

from dataclasses import replace
from datetime import datetime, timedelta

import msgspec
import numpy as np
from sqlalchemy import Engine, select, update

from monitor.store.engine import transaction
from monitor.store.tables import DriftEvaluation, Exchange
from monitor.store.traffic.baselines import create_baseline
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.traffic.exchanges import insert_exchanges
from monitor.store.windows.drift_evaluations import drift_evaluation_by_id, replace_assessment
from monitor.store.windows.map_points import PromptMap
from monitor.store.windows.prompt_maps import prompt_map, save_prompt_map
from monitor.store.windows.sample_scores import sample_scores
from tests.support.review.review_world import World, make_world
from tests.support.traffic.exchange_rows import exchange_row
from tests.support.windows.assessment_cases import output_shift
from tests.support.windows.assessments import make_family, make_pair, make_topic

N_BASELINE = 12


def make_mapped_world(engine: Engine, clock: datetime, *, n: int = 40) -> World:
    """Make the world of the review tests with a map of all prompts."""
    world = make_world(engine, clock, n=n)
    add_map(engine, world.evaluation_id, clock)
    return world


def make_changed_world(engine: Engine, clock: datetime, *, n: int = 40) -> World:
    """Make the mapped world with responses that changed, and prompts that did not."""
    world = make_mapped_world(engine, clock, n=n)
    change_responses(engine, world.evaluation_id)
    return world


def change_responses(engine: Engine, evaluation_id: int) -> None:
    """Store responses that changed, instead of prompts that did, with the map of changes."""
    topic = make_topic(index=0, name="refused, sorry", examples=(make_pair().example,))
    with transaction(engine) as connection:
        row = drift_evaluation_by_id(connection, evaluation_id)
        placed = prompt_map(connection, evaluation_id)
        assert row.assessment is not None
        assert placed is not None
        changed = msgspec.structs.replace(
            row.assessment,
            headline="Responses have changed.",
            input=make_family(),
            output=msgspec.structs.replace(output_shift().output, topics=(topic,)),
        )
        replace_assessment(connection, evaluation_id, changed)
        change = np.linspace(0.0, 1.0, len(placed.current)).astype(np.float32)
        change[-1] = np.nan
        save_prompt_map(connection, evaluation_id, replace(placed, change=change))


def add_map(engine: Engine, evaluation_id: int, clock: datetime) -> PromptMap:
    """Add a baseline and a map with a separate drifted topic to an evaluation."""
    reference_ids = _store_baseline(engine, evaluation_id, clock)
    rng = np.random.default_rng(3)
    with transaction(engine) as connection:
        scores = sample_scores(connection, evaluation_id)
        order = np.argsort(np.where(scores.cluster < 0, 99, scores.cluster), kind="stable")
        topic = scores.cluster[order]
        places = np.where(topic[:, None] < 0, 0.1, 0.7) + 0.2 * rng.random((len(topic), 2))
        drawn = PromptMap(
            current_ids=scores.ids[order],
            current=places.astype(np.float32),
            topic=topic,
            reference_ids=reference_ids,
            reference=(0.1 + 0.2 * rng.random((N_BASELINE, 2))).astype(np.float32),
        )
        save_prompt_map(connection, evaluation_id, drawn)
    return drawn


def _store_baseline(engine: Engine, evaluation_id: int, clock: datetime) -> np.ndarray:
    rows = [
        exchange_row(
            "baseline",
            index,
            exchange_id=f"b{index}",
            occurred_at=clock - timedelta(weeks=9),
            task_type="fees",
            end_user=f"before{index}",
            prompt=f"What does a card cost? ({index})",
            response="Nothing.",
        )
        for index in range(N_BASELINE)
    ]
    vectors = np.ones((N_BASELINE, 4), dtype=np.float16) / 2
    with transaction(engine) as connection:
        baseline_id = create_baseline(
            connection, "assistant", "digest", n_exchanges=N_BASELINE, encoder="test",
            created_at=clock,
        )  # fmt: skip
        exchanges = Exchanges.from_rows(
            rows, encoder="test", prompt_vectors=vectors, response_vectors=vectors
        )
        insert_exchanges(connection, exchanges, created_at=clock, baseline_id=baseline_id)
        connection.execute(
            update(DriftEvaluation)
            .where(DriftEvaluation.id == evaluation_id)
            .values(baseline_id=baseline_id)
        )
        statement = select(Exchange.id).where(Exchange.baseline_id == baseline_id)
        return np.array(list(connection.execute(statement.order_by(Exchange.id)).scalars()))
