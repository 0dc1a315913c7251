"""A year of evaluations: stable weeks, drift, a week without data, a slowly changing metric."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import Engine

from monitor.alerts.drift_incidents import handle_evaluation
from monitor.settings import Alerts
from monitor.store.engine import transaction
from monitor.store.windows.drift_evaluations import mark_followed_up
from tests.support.built_once import built_once
from tests.support.windows.assessments import (
    estimated,
    make_assessment,
    make_family,
    make_numeric_column,
    not_enough_data,
    store_evaluation,
)

WEEKS = 52
DRIFTED = range(30, 35)
EMPTY = 12
#: Weeks whose answers moved significantly, by less than what pages.
HITS = (8, 21, 44)
#: Weeks in which ``resolved`` was worse by the threshold.
DEGRADED = range(46, 50)


def store_year(engine: Engine, end: datetime, *, model: str = "assistant") -> Sequence[int]:
    """Store 52 weeks up to ``end`` with their incidents; return the evaluations."""
    return built_once(engine, (store_year, end, model), lambda: _build(engine, end, model))


def _build(engine: Engine, end: datetime, model: str) -> Sequence[int]:
    rng = np.random.default_rng(5)
    ids = []
    for week in range(WEEKS):
        start = end - (WEEKS - week) * timedelta(days=7)
        drifted, degraded = week in DRIFTED, week in DEGRADED
        assessment = not_enough_data()
        if week != EMPTY:
            lost = 0.002 * week + (0.1 if degraded else 0.0)
            assessment = make_assessment(
                0.05 + 0.04 * (week - DRIFTED[0]) if drifted else None,
                model=model,
                verdict="drift" if drifted or degraded else "no_drift",
                alarm=drifted or degraded,
                output=make_family(
                    "output",
                    verdict="drift" if week in HITS else "no_drift",
                    p_value=0.003 if week in HITS else 0.3,
                    drifted_share=estimated(0.008 if week in HITS else 0.0),
                ),
                numeric_columns=(
                    make_numeric_column(
                        current_mean=0.82 - lost,
                        effect_size=-lost,
                        relative_change=-lost / 0.82,
                        adjusted_p_value=0.001 if degraded else 0.2,
                        degraded=degraded,
                    ),
                    *(
                        make_numeric_column(
                            name=name,
                            side=side,
                            direction=0,
                            effect_size=float(rng.normal(0, 0.03)) + shift * drifted,
                            adjusted_p_value=0.6,
                            degraded=False,
                        )
                        for name, side, shift in (
                            ("length", "prompt", 0.3),
                            ("length", "response", 0.1),
                            ("refusal", "response", 0.0),
                        )
                    ),
                ),
            )
        with transaction(engine) as connection:
            evaluation_id = store_evaluation(connection, assessment, start)
            now = start + timedelta(days=7)
            handle_evaluation(connection, evaluation_id, now, alerts=Alerts())
            mark_followed_up(connection, evaluation_id, now)
        ids.append(evaluation_id)
    return ids
