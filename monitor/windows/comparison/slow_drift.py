"""Slow drift of the prompts, tested over all windows since the baseline.

Of each window only sums are stored, with its drift evaluation. The test uses the sums of this
window, of the baseline, and of the earlier windows with the same score map: a new baseline or
encoder starts a new series, and a window that could not be compared is a gap. Only prompts are
tested: they do not depend on the version of the model that responds.
"""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import msgspec
import numpy as np
from sqlalchemy import Engine

from monitor.drift import WindowSums, fit_watch_map, watch
from monitor.settings import Settings
from monitor.store.engine import transaction
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.assessment import ShareEstimate, SlowDrift
from monitor.store.windows.slow_drift import (
    StoredSums,
    WatchedSums,
    slow_drift_windows_before,
)
from monitor.windows.comparison.large_users import thin_large_users

#: Increased whenever the same exchanges would give other sums.
METHOD = 1


@dataclass(frozen=True)
class SlowDriftTest:
    """The result of the test, and the sums to store for later windows."""

    result: SlowDrift
    sums: WatchedSums


def check_slow_drift(
    engine: Engine,
    settings: Settings,
    bounds: tuple[datetime, datetime],
    *,
    reference: Exchanges,
    current: Exchanges,
) -> SlowDriftTest:
    """Test slow drift over the windows up to this one.

    Args:
        engine: The database, with the sums of earlier windows.
        settings: The model, level, threshold and seed.
        bounds: First instant of the window and first after it.
        reference: The whole baseline.
        current: The compared exchanges of the window.
    """
    seed = settings.drift.seed
    rng = np.random.default_rng([seed, METHOD])
    baseline = reference.take(thin_large_users(reference, rng))
    digest = _digest_of_map(baseline, reference.encoder, seed)
    scores = fit_watch_map(baseline.prompt_vectors, baseline.end_users, rng)
    reference_sums, sums = (
        scores.sum_window(side.prompt_vectors, side.end_users, side.weights)
        for side in (baseline, current)
    )
    with transaction(engine) as connection:
        stored = slow_drift_windows_before(connection, settings.model.name, bounds[0], digest)
    earlier = _of_same_rhythm(stored, bounds)
    starts = [*(window.start for window in earlier), bounds[0]]
    length = bounds[1] - bounds[0]
    drift = watch(
        reference_sums,
        [*(WindowSums(**window.sums) for window in earlier), sums],
        numbers=[(start - starts[0]) // length for start in starts],
        alpha=settings.alarm_levels.slow,
        minimum_drifted_share=settings.drift.min_slow_drifted_share,
    )[-1]
    result = SlowDrift(
        verdict=drift.verdict,
        alarm=drift.alarm,
        p_value=drift.p_value,
        n_windows=len(starts),
        since=None if drift.onset_week is None else starts[drift.onset_week],
        detected_at=None if drift.detection_week is None else starts[drift.detection_week],
        drifted_share=ShareEstimate(
            estimate=drift.drifted_share,
            lower=drift.drifted_share_interval[0],
            upper=drift.drifted_share_interval[1],
        ),
    )
    return SlowDriftTest(result, WatchedSums(digest, vars(sums)))


def _of_same_rhythm(
    stored: list[StoredSums], bounds: tuple[datetime, datetime]
) -> list[StoredSums]:
    """Return the windows of the same length and rhythm: others may overlap with them."""
    start, end = bounds
    length = end - start
    return [
        window
        for window in stored
        if window.end - window.start == length and not (start - window.start) % length
    ]


def _digest_of_map(baseline: Exchanges, encoder: str, seed: int) -> str:
    """Return a digest of everything that determines the scores, including erasures."""
    digest = sha256(msgspec.json.encode((encoder, seed, METHOD, list(baseline.end_users))))
    digest.update(np.ascontiguousarray(baseline.prompt_vectors, dtype="<f2").tobytes())
    return digest.hexdigest()
