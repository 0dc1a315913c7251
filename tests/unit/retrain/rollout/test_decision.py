from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from monitor.store.traffic.daily_counts import SampledCount
from retrain.rollout.checks.check import limit_check, metric_check, share_check
from retrain.rollout.checks.decision import Stage, decide
from retrain.rollout.checks.evidence import create_evidence, start_stage
from retrain.rollout.checks.evidence_update import update
from retrain.rollout.checks.observations import no_observations
from retrain.rollout.checks.sample_ratio import (
    ArmRequests,
    compare_requests,
    count_unlabelled,
    count_users,
    expected_sampled_share,
    start_sample_ratio,
)
from tests.support.retrain.rollout_hours import (
    START,
    draw_requests,
    rate_check,
    run_hours,
    time_after,
)

ERRORS = share_check("errors", level=0.01)
STAGE = Stage(5, time_after(0), timedelta(hours=48), timedelta(hours=96))


def begin(*checks):
    return start_stage(create_evidence(checks or (rate_check(),), 4))


def codes(decision):
    return [reason.code for reason in decision.reasons]


def test_equal_version_waits_then_advances() -> None:
    evidence = run_hours(begin(), (0.9, 0.9), range(47))
    waiting = decide(evidence, STAGE, time_after(47))
    assert (waiting.action, codes(waiting)) == ("wait", ["too_early"])
    assert waiting.due == time_after(48)
    evidence = run_hours(evidence, (0.9, 0.9), range(47, 48))
    advancing = decide(evidence, STAGE, time_after(48))
    assert (advancing.action, codes(advancing)) == ("advance", ["all_shown"])


def test_worse_version_reverts_before_time_is_over() -> None:
    decision = decide(run_hours(begin(), (0.9, 0.7), range(6)), STAGE, time_after(6))
    assert (decision.action, codes(decision)) == ("revert", ["worse"])
    assert decision.reasons[0].check == "resolved"


def test_worse_check_reverts_although_measurement_is_missing() -> None:
    evidence = begin(rate_check(), metric_check("judge", "advance", 0.0, 1.0, level=0.9))
    rng = np.random.default_rng(0)
    for hour in range(6):
        evidence = update_with_missing(evidence, hour, rng)
    decision = decide(evidence, STAGE, time_after(6))
    assert (decision.action, decision.missing) == ("revert", ("judge",))


def update_with_missing(evidence, hour, rng):
    requests = draw_requests((0.9, 0.7), rng, hour=hour, n_metrics=2)
    requests.values[:, 1] = np.nan
    return update(evidence, START + hour, requests)


def test_unmeasured_check_never_advances_and_then_asks() -> None:
    evidence = begin(rate_check())
    for hour in range(150):
        evidence = update(evidence, START + hour, no_observations(1))
    for hours, action in ((40, "hold"), (48, "hold"), (143, "hold"), (144, "ask"), (999, "ask")):
        decision = decide(evidence, STAGE, time_after(hours))
        assert decision.action == action
        assert "missing" in codes(decision)
    assert decision.missing == ("resolved",)


def test_check_without_enough_pairs_holds_with_its_reason() -> None:
    evidence = run_hours(begin(ERRORS), (0.01, 0.01), range(48), n_stable=8, n_canary=2)
    decision = decide(evidence, STAGE, time_after(48))
    assert (decision.action, codes(decision)) == ("hold", ["not_shown"])
    assert decision.not_shown == ("errors",)


@pytest.mark.parametrize(("n_canary", "slow"), [(100, ()), (2, ("errors",))])
def test_check_that_cannot_be_shown_in_time_is_reported_early(n_canary: int, slow: tuple) -> None:
    evidence = run_hours(
        begin(ERRORS), (0.01, 0.01), range(2), n_stable=4 * n_canary, n_canary=n_canary
    )
    decision = decide(evidence, STAGE, time_after(2))
    assert (decision.action, decision.slow) == ("wait", slow)
    assert ("slow" in codes(decision)) == bool(slow)


def test_revert_only_check_is_never_waited_for() -> None:
    reviews = replace(rate_check("reviews"), kind="revert_only")
    evidence = begin(rate_check(), reviews)
    rng = np.random.default_rng(0)
    for hour in range(48):
        requests = run_requests(hour, rng)
        evidence = update(evidence, START + hour, requests)
    decision = decide(evidence, STAGE, time_after(48))
    assert (decision.action, decision.missing) == ("advance", ())


def run_requests(hour, rng):
    requests = draw_requests((0.9, 0.9), rng, hour=hour, n_metrics=2)
    requests.values[:, 1] = np.nan
    return requests


def test_rollout_without_advance_checks_never_advances() -> None:
    reviews = replace(rate_check("reviews"), kind="revert_only")
    evidence = run_hours(begin(reviews), (0.9, 0.9), range(48))
    decision = decide(evidence, STAGE, time_after(48))
    assert (decision.action, codes(decision)) == ("hold", ["missing"])


def test_revert_only_check_reverts() -> None:
    reviews = replace(rate_check("reviews"), kind="revert_only")
    decision = decide(run_hours(begin(reviews), (0.9, 0.6), range(6)), STAGE, time_after(6))
    assert decision.action == "revert"


@pytest.mark.parametrize(
    ("n_stable", "n_canary", "code"), [(400, 0, "canary_idle"), (0, 100, "stable_idle")]
)
def test_idle_arm_holds_with_its_reason(n_stable: int, n_canary: int, code: str) -> None:
    evidence = run_hours(begin(), (0.9, 0.9), range(24))
    evidence = run_hours(evidence, (0.9, 0.9), range(24, 48), n_stable=n_stable, n_canary=n_canary)
    decision = decide(evidence, STAGE, time_after(48))
    assert decision.action == "hold"
    assert code in codes(decision)


def test_evidence_that_is_behind_holds() -> None:
    evidence = run_hours(begin(), (0.9, 0.9), range(40))
    decision = decide(evidence, STAGE, time_after(48))
    assert (decision.action, codes(decision)) == ("hold", ["evidence_behind"])


def test_no_evidence_holds() -> None:
    decision = decide(begin(), STAGE, time_after(1))
    assert decision.action == "hold"
    assert codes(decision)[0] == "no_evidence"


def test_broken_limit_reverts() -> None:
    limit = limit_check("resolved", 0.8, is_minimum=True)
    decision = decide(run_hours(begin(limit), (0.7, 0.7), range(9)), STAGE, time_after(9))
    assert (decision.action, codes(decision)) == ("revert", ["limit_broken"])


def test_limit_that_holds_reverts_nothing() -> None:
    limit = limit_check("resolved", 0.8, is_minimum=True)
    evidence = run_hours(begin(rate_check(), limit), (0.9, 0.9), range(48))
    assert decide(evidence, STAGE, time_after(48)).action == "advance"
    near = run_hours(begin(limit), (0.9, 0.82), range(48))
    assert decide(near, STAGE, time_after(48)).action != "revert"


def test_holdback_ends_with_its_time() -> None:
    evidence = run_hours(begin(), (0.9, 0.9), range(48), n_stable=4, n_canary=16)
    holdback = replace(STAGE, percent=100, is_holdback=True)
    assert decide(evidence, holdback, time_after(47)).action == "wait"
    decision = decide(evidence, holdback, time_after(48))
    assert (decision.action, codes(decision)) == ("advance", ["holdback_over"])


def test_holdback_reverts_a_worse_version() -> None:
    evidence = run_hours(begin(), (0.95, 0.5), range(12), n_stable=10, n_canary=40)
    holdback = replace(STAGE, percent=100, is_holdback=True)
    assert decide(evidence, holdback, time_after(12)).action == "revert"


def test_holdback_with_an_idle_canary_is_not_completed() -> None:
    evidence = run_hours(begin(), (0.9, 0.9), range(48), n_canary=0)
    holdback = replace(STAGE, percent=100, is_holdback=True)
    for hours, action in ((48, "hold"), (144, "ask")):
        decision = decide(evidence, holdback, time_after(hours))
        assert decision.action == action
        assert "canary_idle" in codes(decision)


def test_short_holdback_needs_a_look_with_the_canary() -> None:
    evidence = run_hours(begin(), (0.9, 0.9), range(48))
    evidence = run_hours(evidence, (0.9, 0.9), range(48, 52), n_stable=0, n_canary=0)
    started = replace(STAGE, percent=100, is_holdback=True, started_at=time_after(47.5))
    holdback = replace(started, min_dwell=timedelta(hours=4), max_hold=timedelta(hours=1))
    for hours, action in ((51, "wait"), (52, "hold"), (53, "ask")):
        decision = decide(evidence, holdback, time_after(hours))
        assert (decision.action, "canary_idle" in codes(decision)) == (action, action != "wait")
    seen = run_hours(evidence, (0.9, 0.9), range(52, 53), n_stable=0, n_canary=1)
    assert decide(seen, holdback, time_after(53)).action == "advance"


def test_late_reviews_are_no_traffic_of_the_canary() -> None:
    evidence = run_hours(begin(), (0.9, 0.9), range(3))
    late = draw_requests((0.9, 0.9), np.random.default_rng(0), hour=2)
    evidence = update(evidence, START + 3, late)
    assert (evidence.last_canary, evidence.last_stable) == (START + 2, START + 2)


def test_holdback_waits_for_no_idle_stable_version() -> None:
    evidence = run_hours(begin(), (0.9, 0.9), range(48), n_stable=0)
    holdback = replace(STAGE, percent=100, is_holdback=True)
    assert decide(evidence, holdback, time_after(48)).action == "advance"


def test_single_stage_of_all_traffic_must_be_shown() -> None:
    evidence = run_hours(begin(ERRORS), (0.01, 0.01), range(48), n_stable=2, n_canary=8)
    decision = decide(evidence, replace(STAGE, percent=100), time_after(48))
    assert (decision.action, codes(decision)) == ("hold", ["not_shown"])


def test_sample_ratio_mismatch_holds() -> None:
    evidence = run_hours(begin(), (0.9, 0.9), range(48))
    ratio = start_sample_ratio()
    for _ in range(48):
        ratio = count_users(ratio, 10, 2_000, 0.05)
    decision = decide(replace(evidence, sample_ratio=ratio), STAGE, time_after(48))
    assert (decision.action, codes(decision)) == ("hold", ["sample_ratio"])


def test_sample_ratio_as_set_is_no_mismatch() -> None:
    rng = np.random.default_rng(0)
    mismatches = 0
    for _ in range(100):
        ratio = start_sample_ratio()
        for _ in range(48):
            ratio = count_users(ratio, rng.binomial(500, 0.05), 500, 0.05)
        mismatches += ratio.is_mismatch
    assert mismatches <= 3


@pytest.mark.parametrize(("n_canary", "n"), [(0, 400), (200, 1_000)])
def test_sample_ratio_finds_silent_and_flooded_canaries(n_canary: int, n: int) -> None:
    ratio = count_users(start_sample_ratio(), n_canary, n, 0.05)
    assert ratio.is_mismatch


def test_unlabelled_requests_above_a_fifth_of_the_weight_hold() -> None:
    evidence = run_hours(begin(), (0.9, 0.9), range(48))
    for n, action in ((5, "advance"), (25, "hold")):
        ratio = start_sample_ratio()
        for _ in range(24):
            ratio = count_unlabelled(ratio, SampledCount(n, n), SampledCount(500, 1000.0), 0.05)
        decision = decide(replace(evidence, sample_ratio=ratio), STAGE, time_after(48))
        assert (decision.action, "unlabelled" in codes(decision)) == (action, action == "hold")


def test_few_unlabelled_requests_and_repaired_labels_hold_nothing() -> None:
    ratio = count_unlabelled(start_sample_ratio(), SampledCount(3, 3), SampledCount(20, 20), 0.05)
    assert not ratio.lacks_labels
    ratio = count_unlabelled(ratio, SampledCount(40, 4000.0), SampledCount(), 0.05)
    assert ratio.lacks_labels
    for _ in range(20):
        ratio = count_unlabelled(ratio, SampledCount(), SampledCount(500, 2000.0), 0.05)
    assert not ratio.lacks_labels


def test_share_of_requests_as_set_is_no_mismatch() -> None:
    rng = np.random.default_rng(0)
    for n_users in (20, 200, 5_000):
        for _ in range(200):
            is_canary = rng.random(n_users) < 0.05
            requests = rng.geometric(0.01, n_users).astype(float)
            seen = is_canary | (rng.random(n_users) < 0.25)
            stable, canary = (
                ArmRequests(float(x.sum()), float((x**2).sum()))
                for x in (requests[seen & ~is_canary] * 4, requests[is_canary])
            )
            ratio = compare_requests(start_sample_ratio(), canary, stable, 0.05, (1.0, 0.25))
            assert not ratio.is_request_mismatch
    few = ArmRequests(canary.total / 10, canary.squares / 100)
    ratio = compare_requests(start_sample_ratio(), few, stable, 0.05, (1.0, 0.25))
    assert ratio.is_request_mismatch


def test_expected_share_follows_sampling_rates() -> None:
    assert expected_sampled_share(5, 1.0, 4 * 5 / 95) == pytest.approx(0.2)
    assert expected_sampled_share(0, 0.0, 0.0) == 0.0


def test_limits_do_not_change_the_action() -> None:
    evidence = run_hours(begin(), (0.9, 0.9), range(48))
    quick = decide(evidence, STAGE, time_after(48), with_limits=False)
    assert quick.action == decide(evidence, STAGE, time_after(48)).action


def test_reason_texts_snapshot(snapshot) -> None:
    equal = run_hours(begin(ERRORS), (0.01, 0.01), range(48), n_stable=8, n_canary=2)
    worse = run_hours(begin(limit_check("resolved", 0.8, is_minimum=True)), (0.7, 0.7), range(9))
    late = decide(equal, STAGE, time_after(99))
    decisions = [
        decide(run_hours(begin(), (0.9, 0.7), range(6)), STAGE, time_after(6)),
        decide(equal, STAGE, time_after(48)),
        decide(worse, STAGE, time_after(9)),
        late,
    ]
    assert [decision.summary for decision in decisions] == snapshot
