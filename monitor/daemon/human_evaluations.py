"""Works out what people's ratings say, once a study is locked."""

from datetime import datetime

import numpy as np
from sqlalchemy import Engine

from monitor.settings import Settings
from monitor.store.engine import transaction
from monitor.store.human_evaluation.human_evaluations import unmeasured_studies
from monitor.telemetry import get_logger
from retrain.evaluation.human_evaluation.results import measure_study

log = get_logger(__name__)


def measure_locked_studies(engine: Engine, settings: Settings, now: datetime) -> None:
    """Measure every study that was locked and isn't measured yet."""
    with transaction(engine) as connection:
        due = unmeasured_studies(connection)
    for study in due:
        with transaction(engine) as connection:
            found = measure_study(
                connection,
                study.id,
                settings.retrain.gates,
                rng=np.random.default_rng(study.id),  # measured again, it says the same
                now=now,
            )
        outcomes = sorted({check["outcome"] for check in found["checks"]})
        log.info("study measured", study=study.id, version=study.version_id, checks=outcomes)
