"""Scores of each exchange of an evaluated window, packed into one value."""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from monitor.errors import NotFoundError
from monitor.store.rows import update_row
from monitor.store.tables import DriftEvaluation


@dataclass(frozen=True)
class SampleScores:
    """Novelty and topic of each exchange, in the order of the window."""

    #: ``exchanges.id``, int64 ``[n]``
    ids: NDArray[np.int64]
    #: Higher means less like the baseline, ``[n]``
    novelty: NDArray[np.float64]
    #: Index of the drifted topic in the assessment; -1: none. ``[n]``
    cluster: NDArray[np.int64]
    #: Probability with which the traffic's sampling included each exchange, ``[n]``
    inclusion_probability: NDArray[np.float64]

    def select(self, mask: NDArray[np.bool_]) -> "SampleScores":
        """Return the scores of the exchanges under a mask, bool ``[n]``."""
        return SampleScores(
            self.ids[mask],
            self.novelty[mask],
            self.cluster[mask],
            self.inclusion_probability[mask],
        )


def pack_scores(scores: SampleScores) -> bytes:
    """Compress the arrays; novelty keeps single precision."""
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        ids=scores.ids.astype(np.int64),
        novelty=scores.novelty.astype(np.float32),
        cluster=scores.cluster.astype(np.int32),
        inclusion_probability=scores.inclusion_probability.astype(np.float64),
    )
    return buffer.getvalue()


def unpack_scores(packed: bytes) -> SampleScores:
    """Unpack the arrays of :func:`pack_scores`."""
    with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
        return SampleScores(
            ids=arrays["ids"].astype(np.int64),
            novelty=arrays["novelty"].astype(np.float64),
            cluster=arrays["cluster"].astype(np.int64),
            inclusion_probability=arrays["inclusion_probability"].astype(np.float64),
        )


def sample_scores(connection: Connection, evaluation_id: int) -> SampleScores:
    """Return the scores of an evaluation; ``NotFoundError`` where none is done."""
    packed = connection.execute(
        select(DriftEvaluation.sample_scores).where(DriftEvaluation.id == evaluation_id)
    ).scalar_one_or_none()
    if packed is None:
        raise NotFoundError(f"no scores: drift evaluation {evaluation_id} is unknown or not done")
    return unpack_scores(packed)


def save_sample_scores(
    connection: Connection, evaluation_id: int, scores: SampleScores | None
) -> None:
    """Replace the scores of an evaluation; ``None`` deletes them."""
    update_row(
        connection,
        DriftEvaluation,
        evaluation_id,
        sample_scores=None if scores is None else pack_scores(scores),
    )
