"""Results of locked human evaluations."""

from datetime import datetime

import numpy as np
from sqlalchemy import Engine

from monitor.settings import Sections
from monitor.store.engine import transaction
from monitor.store.human_evaluation.human_evaluations import unscored_human_evaluations
from monitor.telemetry import get_logger
from retrain.evaluation.human_evaluation.results import score_human_evaluation

log = get_logger(__name__)


def score_locked_human_evaluations(engine: Engine, settings: Sections, now: datetime) -> None:
    """Compute the results of locked human evaluations that have none yet."""
    with transaction(engine) as connection:
        due = unscored_human_evaluations(connection)
    for human_evaluation in due:
        with transaction(engine) as connection:
            results = score_human_evaluation(
                connection,
                human_evaluation.id,
                settings.settings_of(human_evaluation.model).retrain.gates,
                rng=np.random.default_rng(human_evaluation.id),  # repeatable
                now=now,
            )
        outcomes = sorted({check.outcome for check in results.checks})
        log.info(
            "human_evaluation_scored",
            human_evaluation=human_evaluation.id,
            version=human_evaluation.version_id,
            checks=outcomes,
        )
