"""Update of a rollout's evidence by an hour of observations."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from monitor.statistics.betting import add_fitted_stake, log_growth, moments
from monitor.statistics.matched_units import Units, deal, pair_means, user_means
from retrain.rollout.checks.evidence import RolloutEvidence
from retrain.rollout.checks.observations import Observations
from retrain.rollout.checks.user_history import UserHistory, learn_history, user_history

Floats = NDArray[np.float64]

#: Stable's requests from which the level of a check is taken where none is known before.
LEVEL_REQUESTS = 50
#: Hours of stable whose quantiles give the threshold of a slow response.
THRESHOLD_HOURS = 24
#: Largest difference between the arms' shares of units with a measurement.
MISSING_TOLERANCE = 0.05


@dataclass(frozen=True)
class Differences:
    """The differences of k checks in an hour, ``[pairs, k]``; positive is worse."""

    #: int64 ``[k]``: indices of the checks.
    checks: NDArray[np.int64]
    values: Floats
    #: See :func:`monitor.statistics.betting.log_growth`; ``None`` where no user returns.
    gain: Floats | None = None
    spread: Floats | None = None


def update(
    evidence: RolloutEvidence,
    look_hour: int,
    observations: Observations,
    past: Observations | None = None,
) -> RolloutEvidence:
    """Return the evidence after an hour; an hour that was looked at changes nothing.

    ``look_hour``, since 1970, is complete. ``observations`` are its requests, and values of earlier
    hours that became known since; ``past`` the rollout's earlier requests by their users.
    """
    if look_hour <= evidence.last_hour:
        return evidence
    if evidence.stage < 0:
        raise ValueError("no stage has begun; call start_stage first")
    good = _scale(evidence, observations.values)
    units = user_means(
        observations.hour,
        observations.is_canary,
        observations.user,
        observations.task_type,
        good,
    )
    history = _history(evidence, units, past)
    rng = np.random.default_rng([evidence.seed, look_hour])
    differences = _differences(evidence, units, history, rng)
    evidence = _bet(evidence, differences)
    evidence = _bet_on_missing(evidence, units, rng)
    evidence = _mark_hours(evidence, look_hour, units, differences)
    evidence = _learn_stable(evidence, observations)
    return replace(evidence, history=learn_history(evidence.history, look_hour, units, history))


def _history(
    evidence: RolloutEvidence, units: Units, past: Observations | None
) -> UserHistory | None:
    """Return what earlier hours say about the units; ``None`` where no user returns."""
    if past is None or not len(past) or not len(units):
        return None
    earlier = user_means(
        past.hour, past.is_canary, past.user, past.task_type, _scale(evidence, past.values)
    )
    return user_history(evidence.history, units, earlier)


def _scale(evidence: RolloutEvidence, values: Floats) -> Floats:
    """Return the values of each check on [0, 1], ``[n, m]``."""
    column = {metric: k for k, metric in enumerate(evidence.metrics)}
    if values.shape[1] != len(column):
        raise ValueError(f"{values.shape[1]} columns of values; expected {list(column)}")
    scaled = np.empty((len(values), len(evidence.checks)))
    for k, (check, threshold) in enumerate(zip(evidence.checks, evidence.threshold, strict=True)):
        scaled[:, k] = check.scale(values[:, column[check.metric]], threshold)
    return scaled


def _differences(
    evidence: RolloutEvidence, units: Units, history: UserHistory | None, rng: np.random.Generator
) -> list[Differences]:
    """Return the differences of all checks."""
    differences = []
    present = ~np.isnan(units.values)
    for columns in _alike_columns(present, evidence):
        rows = present[:, columns[0]]
        is_canary, part = units.is_canary[rows], np.ix_(rows, columns)
        pair = deal(units.cell[rows], is_canary, rng)
        stable, canary = pair_means(is_canary, pair, units.values[part])
        if history is None:
            differences.append(Differences(columns, stable - canary))
            continue
        expected_stable, expected_canary = pair_means(is_canary, pair, history.expected[part])
        offset = expected_stable - expected_canary
        carried = pair_means(is_canary, pair, history.carried[part])[1]
        differences.append(
            Differences(columns, stable - canary - offset, 1.0 - carried, 1.0 + np.abs(offset))
        )
    for k, check in enumerate(evidence.checks):
        if check.limit is not None:
            rows = units.is_canary & present[:, k]
            beyond = check.scale(np.array([check.limit]))[0] - units.values[rows, k][:, None]
            # A user who comes back brings less news each time, and is bet on less.
            spread = None if history is None else 1.0 / (1.0 - history.carried[rows, k][:, None])
            differences.append(Differences(np.array([k]), beyond, None, spread))
    return differences


def _alike_columns(
    present: NDArray[np.bool_], evidence: RolloutEvidence
) -> list[NDArray[np.int64]]:
    """Return the paired checks, those measured on the same units together."""
    alike: dict[bytes, list[int]] = {}
    for k, check in enumerate(evidence.checks):
        if check.is_paired:
            alike.setdefault(present[:, k].tobytes(), []).append(k)
    return [np.array(columns) for columns in alike.values()]


def _bet(evidence: RolloutEvidence, differences: list[Differences]) -> RolloutEvidence:
    """Bet the differences; those of a check whose level is unknown bet nothing."""
    log_worse, log_not_worse = evidence.log_worse.copy(), evidence.log_not_worse.copy()
    sums = evidence.sums.copy()
    known = ~np.isnan(evidence.margins)
    negligible = np.where(known, evidence.negligible, 0.0)
    margins = np.where(known, evidence.margins, 0.0)
    stakes = add_fitted_stake(np.maximum(margins, 1e-9), evidence.variances)
    for item in differences:
        k, gain, spread = item.checks, item.gain, item.spread
        values = np.where(known[k], item.values, np.nan)
        log_worse[k] += log_growth(values, negligible[k], gain, spread)
        log_not_worse[k] += log_growth(-values, -margins[k], gain, spread, stakes[k])
        sums[evidence.stage, k] += moments(values, gain, spread)
    evidence = replace(evidence, log_worse=log_worse, log_not_worse=log_not_worse, sums=sums)
    worse = evidence.log_wealth_worse >= -np.log(evidence.alpha)
    not_worse = evidence.log_wealth_not_worse >= -np.log(evidence.tolerances.false_advances)
    return replace(evidence, worse=evidence.worse | worse, not_worse=evidence.not_worse | not_worse)


def _bet_on_missing(
    evidence: RolloutEvidence, units: Units, rng: np.random.Generator
) -> RolloutEvidence:
    """Bet that canary units have a measurement less often than stable units."""
    present = (~np.isnan(units.values)).astype(np.float64)
    if present.all():
        return evidence
    pair = deal(units.cell, units.is_canary, rng)
    stable, canary = pair_means(units.is_canary, pair, present)
    limit = np.full(len(evidence.checks), MISSING_TOLERANCE)
    grown = evidence.log_missing + log_growth(stable - canary, limit)
    return replace(evidence, log_missing=grown)


def _mark_hours(
    evidence: RolloutEvidence, look_hour: int, units: Units, differences: list[Differences]
) -> RolloutEvidence:
    """Note which arms and checks have measurements in an hour."""
    last_pair = evidence.last_pair.copy()
    for item in differences:
        if len(item.values):
            last_pair[item.checks] = look_hour
    n_canary = int(units.is_canary.sum())
    n_stable = len(units) - n_canary
    n_units = evidence.n_units.copy()
    n_units[evidence.stage] += (n_stable, n_canary)
    # A review of an earlier hour's response is no traffic.
    is_canary = units.is_canary[units.hour == look_hour]
    return replace(
        evidence,
        last_hour=look_hour,
        last_pair=last_pair,
        last_canary=look_hour if is_canary.any() else evidence.last_canary,
        last_stable=look_hour if not is_canary.all() else evidence.last_stable,
        n_units=n_units,
    )


def _learn_stable(evidence: RolloutEvidence, observations: Observations) -> RolloutEvidence:
    """Learn stable's levels and thresholds for the hours to come.

    A level is settled once, so that margins stay; thresholds follow the newest hours.
    """
    values = observations.values[~observations.is_canary]
    columns = [evidence.metrics.index(check.metric) for check in evidence.checks]
    present = ~np.isnan(values)
    new = np.stack([np.where(present, values, 0.0).sum(axis=0), present.sum(axis=0)])
    level_sums = evidence.level_sums + new[:, columns]
    total, n = level_sums
    settled = np.isnan(evidence.level) & (n >= LEVEL_REQUESTS)
    level = np.where(settled, total / np.maximum(n, 1), evidence.level)
    evidence = replace(evidence, level=level, level_sums=level_sums)
    quantiles = [check.quantile for check in evidence.checks]
    if not any(quantiles) or not len(values):
        return evidence
    hourly = np.full(len(quantiles), np.nan)
    for k, quantile in enumerate(quantiles):
        known = values[present[:, columns[k]], columns[k]]
        if quantile is not None and len(known):
            hourly[k] = np.quantile(known, quantile)
    recent = np.vstack([evidence.hourly_thresholds, hourly])[-THRESHOLD_HOURS:]
    threshold = evidence.threshold.copy()
    for k in map(int, np.flatnonzero(~np.isnan(recent).all(axis=0))):
        threshold[k] = np.nanmedian(recent[:, k])
    return replace(evidence, hourly_thresholds=recent, threshold=threshold)
