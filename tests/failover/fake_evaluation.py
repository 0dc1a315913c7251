"""Evaluations that take some time and draw their result from the window, in a real child."""

import os
import time
import zlib
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import Engine

from monitor.errors import LostOwnershipError
from monitor.settings import Settings
from monitor.store.audit_log import append_entry
from monitor.store.engine import transaction
from monitor.store.windows.assessment import Assessment
from monitor.store.windows.claims import EvaluationClaim, finish_drift_evaluation
from monitor.store.windows.sample_scores import SampleScores
from tests.support.windows.assessments import make_assessment

#: The action of the audit log that counts the evaluations that were committed.
EVALUATED = "evaluated"


def assessment_of(model: str, start: datetime) -> Assessment:
    """Return what each evaluation of a window finds: drift in about a third of them."""
    drifted = zlib.crc32(f"{model} {start:%j}".encode()) % 3 == 0
    return make_assessment(0.3 if drifted else None, model=model, n_current=0)


def evaluate(
    engine: Engine,
    settings: Settings,
    claim: EvaluationClaim,
    bounds: tuple[datetime, datetime],
    now: datetime,
    *,
    encoder: Any,
) -> bool:
    """Take some time, and store the assessment with an entry in the audit log."""
    model = settings.model.name
    time.sleep(0.05 + 0.15 * np.random.default_rng().random())
    try:
        with transaction(engine) as connection:
            finish_drift_evaluation(
                connection,
                claim,
                assessment=assessment_of(model, bounds[0]),
                scores=SampleScores(np.arange(0), np.empty(0), np.empty(0, dtype=int), np.empty(0)),
                baseline_id=None,
                provenance={},
                now=now,
            )
            window = f"{model}:{bounds[0]:%Y-%m-%d}"
            append_entry(connection, now, f"process {os.getpid()}", EVALUATED, window)
    except LostOwnershipError:
        return False
    return True
