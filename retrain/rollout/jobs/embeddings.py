"""Vectors of observed exchanges, a bounded number an hour: relevance, and responses given prompts.

The functions are tasks of a runner of evaluations: the encoder is loaded in its process.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine

from monitor.descriptors import relevance, unrelated_threshold
from monitor.drift import DriftResult, compare_given
from monitor.drift.presentation.document import to_document
from monitor.settings import Settings
from monitor.store.engine import snapshot, transaction
from monitor.windows.reading.reembedding import EncoderSource, encode
from retrain.rollout.measurement.starting_point import (
    LEARNED_TIME,
    MIN_VALUES,
    RELEVANCE,
    Relevance,
    of_stable,
)
from retrain.rollout.measurement.subject import Subject
from retrain.rollout.measurement.thinning import place_of, thin
from retrain.rollout.rows.comparisons import save_comparison
from retrain.rollout.rows.looks import HOUR
from retrain.rollout.rows.measured_hours import (
    TextRow,
    exchanges_before,
    insert_scores,
    scored_in_hour,
    texts_of_hour,
)

#: Past exchanges of stable from which the threshold of relevance is learned.
LEARNED_EXCHANGES = 400
#: Exchanges of each arm whose responses are compared given the prompts.
COMPARED_EXCHANGES = 300
#: Hours from which they are taken, and between two comparisons.
COMPARED_TIME = timedelta(hours=24)
COMPARED_EVERY = timedelta(hours=6)
MIN_COMPARED = 50
#: Examples of the strongest differences.
N_EXAMPLES = 10


def learn_relevance(
    engine: Engine, subject: Subject, settings: Settings, *, encoder: EncoderSource
) -> Relevance | None:
    """Return threshold and level of relevance of stable's past traffic; ``None``: too little."""
    with snapshot(engine) as connection:
        since = subject.started_at - LEARNED_TIME
        past = exchanges_before(
            connection, subject.model, since, subject.started_at, LEARNED_EXCHANGES
        )
    rows = [
        row
        for row in of_stable(past, subject, settings.model.version_field)
        if row.prompt.strip() and row.response.strip()
    ]
    if len(rows) < MIN_VALUES:
        return None
    model = encoder()
    prompts = encode([row.prompt for row in rows], model)
    responses = encode([row.response for row in rows], model)
    threshold = unrelated_threshold(prompts, responses)
    related = relevance(prompts, responses) >= threshold
    return Relevance(threshold, float(related.mean()), model.identity)


def score_relevance(  # noqa: PLR0917 - a task has positional arguments
    engine: Engine,
    subject: Subject,
    learned: Relevance,
    hour: datetime,
    limit: int,
    now: datetime,
    *,
    encoder: EncoderSource,
) -> int:
    """Score the relevance of an hour's responses, at most about ``limit``; return their number.

    Both arms are thinned by end user, to the same share.
    """
    with snapshot(engine) as connection:
        rows = texts_of_hour(connection, subject.rollout_id, hour, hour + HOUR)
        scored = scored_in_hour(connection, subject.rollout_id, RELEVANCE, hour, hour + HOUR)
    rows = [row for row in rows if row.prompt.strip() and row.response.strip()]
    rows = [row for row in thin(rows, limit) if row.id not in scored]
    if not rows:
        return 0
    model = encoder()
    if model.identity != learned.encoder:
        return 0  # vectors of another encoder have another threshold
    cosines = relevance(
        encode([row.prompt for row in rows], model), encode([row.response for row in rows], model)
    )
    related = {row.id: float(c >= learned.threshold) for row, c in zip(rows, cosines, strict=True)}
    with transaction(engine) as connection:
        insert_scores(connection, subject.rollout_id, RELEVANCE, related, now)
    return len(related)


def compare_arms(
    engine: Engine,
    subject: Subject,
    settings: Settings,
    hour: datetime,
    now: datetime,
    *,
    encoder: EncoderSource,
) -> bool:
    """Compare the responses of both arms given the prompts, and store the result for the page."""
    start = max(subject.started_at, hour + HOUR - COMPARED_TIME)
    with snapshot(engine) as connection:
        rows = texts_of_hour(connection, subject.rollout_id, start, hour + HOUR)
    rows = [row for row in rows if row.prompt.strip() and row.response.strip()]
    canary, stable = (
        sorted((row for row in rows if row.arm == arm), key=place_of)[:COMPARED_EXCHANGES]
        for arm in ("canary", "stable")
    )
    if min(len(canary), len(stable)) < MIN_COMPARED:
        return False
    model = encoder()
    vectors = [
        encode([getattr(row, side) for row in arm], model).astype(np.float32)
        for arm in (stable, canary)
        for side in ("prompt", "response")
    ]
    result = compare_given(
        *vectors,
        reference_groups=_groups(stable),
        current_groups=_groups(canary),
        rng=np.random.default_rng([settings.drift.seed, subject.rollout_id]),
        n_permutations=1_999,
    )
    document = {**_figures(result), "examples": _examples(result, canary, stable, vectors)}
    with transaction(engine) as connection:
        save_comparison(
            connection,
            subject.rollout_id,
            hour=hour,
            n_canary=len(canary),
            n_stable=len(stable),
            result=document,
            now=now,
        )
    return True


def _groups(rows: Sequence[TextRow]) -> list[str]:
    return [row.end_user or f"\0{row.id}" for row in rows]


def _figures(result: DriftResult) -> dict[str, object]:
    """Return the figures that the page shows; ``None`` for those of what was not tested."""
    figures: dict[str, object] = to_document(
        {
            "verdict": result.verdict,
            "p_value": result.p_value,
            "level": result.alpha,
            "drifted_share": result.drifted_share,
            "drifted_share_interval": result.drifted_share_interval,
        }
    )
    return figures


def _examples(
    result: DriftResult,
    canary: Sequence[TextRow],
    stable: Sequence[TextRow],
    vectors: Sequence[NDArray[np.float32]],
) -> list[dict[str, float]]:
    """Return the canary's least usual responses, each with stable's to the nearest prompt."""
    if len(result.novelty) != len(canary):
        return []
    stable_prompts, _, canary_prompts, _ = vectors
    similarity = canary_prompts @ stable_prompts.T
    strongest = np.argsort(-result.novelty, kind="stable")[:N_EXAMPLES]
    return [
        {
            "canary": canary[row].id,
            "stable": stable[nearest].id,
            "novelty": round(float(result.novelty[row]), 4),
            "prompt_similarity": round(float(similarity[row, nearest]), 4),
        }
        for row in map(int, strongest)
        for nearest in [int(similarity[row].argmax())]
    ]
