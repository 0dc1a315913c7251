from dataclasses import replace

import numpy as np
import pytest

from retrain.rollout.checks.check import latency_check, length_limits, share_check
from retrain.rollout.checks.evidence import create_evidence, onset_shares, start_stage
from retrain.rollout.checks.evidence_json import from_json, to_json
from retrain.rollout.checks.evidence_update import update
from retrain.rollout.checks.observations import Observations, no_observations
from retrain.rollout.checks.results import check_results
from tests.support.retrain.rollout_hours import START, draw_requests, rate_check, run_hours


def begin(*checks, n_stages=4, **options):
    return start_stage(create_evidence(checks or (rate_check(),), n_stages, **options))


def test_hour_looked_at_twice_changes_nothing() -> None:
    evidence = run_hours(begin(), (0.9, 0.9), range(3))
    again = run_hours(evidence, (0.9, 0.0), range(3))
    assert again is evidence


def test_update_before_first_stage_is_refused() -> None:
    with pytest.raises(ValueError, match="start_stage"):
        run_hours(create_evidence([rate_check()], 4), (0.9, 0.9), range(1))


def test_more_stages_than_declared_are_refused() -> None:
    with pytest.raises(ValueError, match="stage 1 of 1"):
        start_stage(begin(n_stages=1))


def test_columns_of_other_metrics_are_refused() -> None:
    requests = draw_requests((0.9, 0.9), np.random.default_rng(0), n_metrics=2)
    with pytest.raises(ValueError, match="2 columns"):
        update(begin(), START, requests)


def test_stored_evidence_continues_as_if_never_stored() -> None:
    checks = (rate_check(level=None), latency_check(), *length_limits(2.0))
    stored = unstored = begin(*checks)
    rng = np.random.default_rng(5)
    for hour in range(6):
        requests = draw_requests((0.9, 0.8), rng, hour=hour, n_metrics=3)
        requests.values[::7, 0] = np.nan
        requests = replace(requests, user=rng.integers(0, 60, len(requests)))
        past = requests if hour else None
        stored = from_json(to_json(update(stored, START + hour, requests, past)))
        unstored = update(unstored, START + hour, requests, past)
        if hour == 2:
            stored, unstored = start_stage(from_json(to_json(stored))), start_stage(unstored)
    assert to_json(stored) == to_json(unstored)


def test_json_of_another_version_is_refused() -> None:
    text = to_json(begin()).replace('"version": 1', '"version": 0')
    with pytest.raises(ValueError, match="another version"):
        from_json(text)


def test_worse_canary_is_detected_in_either_smaller_arm() -> None:
    for n_stable, n_canary in ((400, 100), (200, 200), (20, 80)):
        hours = range(96) if n_stable == 20 else range(24)
        evidence = run_hours(begin(), (0.9, 0.7), hours, n_stable=n_stable, n_canary=n_canary)
        (result,) = check_results(evidence)
        assert result.worse
        assert result.loss == pytest.approx(0.2, abs=0.06)
        assert result.n_pairs == min(n_stable, n_canary) * len(hours)
        assert result.negligible is not None
        assert result.lower is not None
        assert result.lower >= result.negligible


def test_equal_canary_is_shown_and_limits_hold_zero() -> None:
    (result,) = check_results(run_hours(begin(), (0.9, 0.9), range(24)))
    assert result.not_worse
    assert not result.worse
    assert result.lower is not None
    assert result.upper is not None
    assert result.margin is not None
    assert result.lower < 0.0 < result.upper <= result.margin


def test_lower_is_better_turns_the_loss() -> None:
    (result,) = check_results(
        run_hours(begin(share_check("errors", level=0.1)), (0.1, 0.3), range(9))
    )
    assert result.worse
    assert result.loss == pytest.approx(0.2, abs=0.05)


def test_each_stage_has_to_be_shown_again() -> None:
    evidence = run_hours(begin(), (0.9, 0.9), range(24))
    evidence = start_stage(evidence)
    (result,) = check_results(evidence)
    assert not result.not_worse
    assert (result.n_stage_pairs, result.n_pairs) == (0, 2_400)
    assert result.wealth_not_worse == pytest.approx(1.0)


def test_onset_shares_sum_to_one() -> None:
    assert [sum(onset_shares(n)) for n in (1, 2, 4, 7)] == pytest.approx([1.0] * 4)


def test_later_trouble_is_found_sooner_with_a_new_onset() -> None:
    evidence = run_hours(begin(), (0.9, 0.9), range(96))
    hours = {}
    for name, start in (("onset", start_stage(evidence)), ("old", evidence)):
        current = start
        for hour in range(96, 200):
            current = run_hours(current, (0.9, 0.8), range(hour, hour + 1), seed=hour)
            if current.worse[0]:
                break
        hours[name] = hour
    assert hours["onset"] < hours["old"]


def test_unknown_level_is_learned_from_stable_and_then_kept() -> None:
    evidence = begin(rate_check(level=None))
    assert check_results(evidence)[0].missing == "unknown_level"
    evidence = run_hours(evidence, (0.8, 0.1), range(1))
    level = evidence.level[0]
    assert level == pytest.approx(0.8, abs=0.06)
    assert check_results(evidence)[0].n_pairs == 0
    assert run_hours(evidence, (0.2, 0.2), range(1, 4)).level[0] == level


def test_slow_threshold_comes_from_hours_before() -> None:
    evidence = begin(latency_check())
    rng = np.random.default_rng(0)
    requests = draw_requests((0.5, 0.5), rng)
    first = replace(requests, values=rng.exponential(1.0, (500, 1)))
    evidence = update(evidence, START, first)
    assert check_results(evidence)[0].n_pairs == 0
    stable = first.values[~first.is_canary, 0]
    assert evidence.threshold[0] == pytest.approx(np.quantile(stable, 0.95))
    canary_slow = np.where(first.is_canary[:, None], 100.0, first.values)
    evidence = update(evidence, START + 1, replace(first, values=canary_slow))
    assert evidence.threshold[0] == pytest.approx(np.quantile(stable, 0.95))
    assert check_results(evidence)[0].loss == pytest.approx(0.95, abs=0.05)


def test_sparse_metric_is_matched_among_its_own_units() -> None:
    evidence = begin(rate_check("resolved"), rate_check("judge"))
    rng = np.random.default_rng(0)
    requests = draw_requests((0.9, 0.9), rng, n_metrics=2)
    requests.values[rng.random(500) < 0.9, 1] = np.nan
    evidence = update(evidence, START, requests)
    n_judged = int((~np.isnan(requests.values[requests.is_canary, 1])).sum())
    assert [result.n_pairs for result in check_results(evidence)] == [100, n_judged]


def test_canary_measured_less_often_is_missing() -> None:
    evidence = begin()
    rng = np.random.default_rng(0)
    for hour in range(8):
        requests = draw_requests((0.9, 0.9), rng, hour=hour)
        requests.values[requests.is_canary & (rng.random(500) < 0.3), 0] = np.nan
        evidence = update(evidence, START + hour, requests)
    assert check_results(evidence)[0].missing == "measured_less"


def test_metric_measured_rarely_in_both_arms_is_not_missing() -> None:
    evidence = begin()
    rng = np.random.default_rng(0)
    for hour in range(24):
        requests = draw_requests((0.9, 0.9), rng, hour=hour)
        requests.values[rng.random(500) < 0.7, 0] = np.nan
        evidence = update(evidence, START + hour, requests)
    assert check_results(evidence)[0].missing == ""


def test_metric_that_stops_is_missing_again() -> None:
    evidence = run_hours(begin(), (0.9, 0.9), range(24))
    for hour in range(24, 31):
        evidence = update(evidence, START + hour, no_observations(1))
    (result,) = check_results(evidence)
    assert (result.not_worse, result.missing) == (True, "stale")


@pytest.mark.parametrize(("mean", "broken"), [(2.0, []), (9.0, ["length, upper limit"])])
def test_length_limit_breaks_by_canary_mean(mean: float, broken: list[str]) -> None:
    evidence = begin(*length_limits(2.0))
    rng = np.random.default_rng(0)
    for hour in range(6):
        requests = draw_requests((0.5, 0.5), rng, hour=hour)
        lengths = np.where(requests.is_canary, mean, 2.0) * rng.exponential(1.0, 500)
        evidence = update(evidence, START + hour, replace(requests, values=lengths[:, None]))
    assert [result.name for result in check_results(evidence) if result.worse] == broken


def test_requests_of_one_user_are_one_unit() -> None:
    n = 300
    requests = Observations(
        np.full(n, START),
        np.arange(n) < 100,
        np.arange(n) // 10,
        np.zeros(n, dtype=np.int64),
        np.ones((n, 1)),
    )
    assert check_results(update(begin(), START, requests))[0].n_pairs == 10


def test_columns_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="one row"):
        Observations(
            np.zeros(2, dtype=np.int64),
            np.zeros(1, dtype=np.bool_),
            np.zeros(2, dtype=np.int64),
            np.zeros(2, dtype=np.int64),
            np.zeros((2, 1)),
        )
