"""A window watched with all windows before it: slow drift of what people ask.

Nothing but sums is kept of a window, with its evaluation. What is said of it follows from its own
sums, the baseline, and the sums of the earlier windows that the same map made: a new baseline or
encoder begins anew, and a window that couldn't be judged is a gap. Input is watched, not output:
which version of the model answers makes no difference to what is asked.
"""

from dataclasses import replace
from datetime import datetime
from hashlib import sha256

import msgspec
import numpy as np
from sqlalchemy import Engine

from monitor.drift import SlowDrift as Found
from monitor.drift import WindowSums, fit_watch_map, watch
from monitor.settings import Settings
from monitor.store.engine import transaction
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.assessment import Assessment, SlowDrift
from monitor.store.windows.slow_drift import (
    StoredSums,
    WatchedSums,
    slow_drift_windows_before,
)
from monitor.traffic.redaction import Redactor
from monitor.windows.assessment.headline import headline
from monitor.windows.comparison.large_users import thin_large_users
from monitor.windows.comparison.window_comparison import Assessed
from monitor.windows.topics.examples import Quoter

#: Raised whenever the same exchanges would give other sums.
METHOD = 1


def watch_window(
    engine: Engine,
    settings: Settings,
    bounds: tuple[datetime, datetime],
    *,
    reference: Exchanges,
    current: Exchanges,
    assessed: Assessed,
) -> tuple[Assessed, WatchedSums | None]:
    """Add to an assessment what the windows up to this one say together.

    Args:
        engine: The database, where earlier evaluations have left their sums.
        settings: The model, level and floor, and the seed.
        bounds: First instant of the window and first after it.
        reference: The baseline's exchanges.
        current: What was compared of the window.
        assessed: What was found in the window by itself.

    Returns:
        The assessment, and what is to be stored; both unchanged and nothing where the window
        wasn't judged.
    """
    if assessed.assessment.input.verdict == "not_enough_data":
        return assessed, None
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
    earlier = _in_step(stored, bounds)
    starts = [*(one.start for one in earlier), bounds[0]]
    length = bounds[1] - bounds[0]
    found = watch(
        reference_sums,
        [*(WindowSums(**one.sums) for one in earlier), sums],
        numbers=[(start - starts[0]) // length for start in starts],
        alpha=settings.drift.slow_alpha,
        minimum_drifted_share=settings.drift.min_slow_drifted_share,
    )[-1]
    quoter = Quoter(baseline, current, Redactor(settings.redaction.patterns))
    told = _tell(assessed, found, starts, quoter)
    return replace(assessed, assessment=told), WatchedSums(digest, vars(sums))


def _in_step(stored: list[StoredSums], bounds: tuple[datetime, datetime]) -> list[StoredSums]:
    """Return the windows of the same length and rhythm: others may share exchanges with them."""
    start, end = bounds
    length = end - start
    return [
        one for one in stored if one.end - one.start == length and not (start - one.start) % length
    ]


def _tell(assessed: Assessed, found: Found, starts: list[datetime], quoter: Quoter) -> Assessment:
    assessment = assessed.assessment
    slow = SlowDrift(
        verdict=found.verdict,
        alarm=found.alarm,
        p_value=found.p_value,
        n_windows=len(starts),
        since=None if found.onset_week is None else starts[found.onset_week],
        found=None if found.detection_week is None else starts[found.detection_week],
        share=found.drifted_share,
        drifted_share_lower_bound=found.drifted_share_lower_bound,
    )
    asked = msgspec.structs.replace(assessment.input, slow=slow)
    if asked.slow_alarm:
        # The window by itself didn't alarm, so that nothing of it is quoted yet.
        outliers = quoter.outliers(assessed.novelty, assessed.cluster, "prompts")
        asked = msgspec.structs.replace(asked, outliers=outliers)
    alarm = assessment.alarm or slow.alarm
    return msgspec.structs.replace(
        assessment,
        input=asked,
        alarm=alarm,
        verdict="drift" if alarm else assessment.verdict,
        headline=headline(asked, assessment.output, assessment.numeric_columns),
    )


def _digest_of_map(baseline: Exchanges, encoder: str, seed: int) -> str:
    """Return a digest of all that fixes the scores: a person forgotten in the baseline does too."""
    digest = sha256(msgspec.json.encode((encoder, seed, METHOD, baseline.end_users)))
    digest.update(np.ascontiguousarray(baseline.prompt_vectors, dtype="<f2").tobytes())
    return digest.hexdigest()
