"""Sampling after decoding: rates of models and task types, exchanges, minimum samples."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy import stats

from monitor.errors import ConfigurationError
from monitor.settings import Settings, load_settings
from monitor.store.traffic.position import Position
from monitor.traffic.exchange import Exchange, Message
from monitor.traffic.record import RawRecord
from monitor.traffic.sampling.design import SamplingDesign, SamplingOutcome
from monitor.traffic.sampling.rates import SamplingRates
from monitor.traffic.sampling.sampler import Draw, Sampler, randomness_of, threshold_of

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def exchange(number: int = 0, model: str = "m", task_type: str = "", day: int = 0) -> Exchange:
    return Exchange(
        exchange_id=f"x{number}",
        occurred_at=NOON + timedelta(days=day),
        model=model,
        task_type=task_type,
        messages=(Message("user", "hello"),),
        response="hi",
    )


def record(key: bytes, *headers: tuple[str, bytes]) -> RawRecord:
    return RawRecord(Position("t", 0, 0), key, b"{}", NOON, headers)


def configured(**traffic: object) -> Settings:
    return Settings(traffic=traffic)


def decide(design: SamplingDesign, key: bytes, subject: Exchange) -> SamplingOutcome | None:
    """Decide on a record before and after decoding."""
    came = record(key)
    if not design.sampler.keeps(came.identity("")):
        return None
    return design.select(design.draw(came), subject)


RULES = [
    {"model": "big", "rate": 0.01},
    {"task_type": "legal", "rate": 0.5},
    {"model": "big", "task_type": "legal", "rate": 0.2},
    {"model": "big", "task_type": "", "rate": 0.3},
]


@pytest.mark.parametrize(
    ("model", "task_type", "rate"),
    [
        ("big", "legal", 0.2),
        ("small", "legal", 0.5),
        ("big", "chat", 0.01),
        ("big", "", 0.3),
        ("small", "chat", 0.05),
        ("small", "", 0.05),
    ],
)
def test_the_most_specific_rule_wins(model: str, task_type: str, rate: float) -> None:
    rates = SamplingRates(configured(rates=RULES))

    assert rate == rates.rate_for(model, task_type)
    assert 0.5 == rates.highest


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('model = "m"\nrate = 0.1\n[[traffic.rates]]\nmodel = "m"\nrate = 0.2', "more than once"),
        ("rate = 0.1", "no model and no task type"),
        ('model = "m"\nrate = 0', r"traffic\.rates\.0\.rate = 0"),
        ('model = "m"', r"traffic\.rates\.0\.rate"),
    ],
)
def test_a_wrong_rule_is_explained(tmp_path, text: str, message: str) -> None:
    path = tmp_path / "c.toml"
    path.write_text(f"[[traffic.rates]]\n{text}\n")

    with pytest.raises(ConfigurationError, match=message):
        load_settings(path)


def test_rules_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRIFTWARDEN_TRAFFIC__RATES", '[{"task_type": "legal", "rate": 0.5}]')

    assert 0.5 == SamplingRates(load_settings()).rate_for("any", "legal")


def test_two_decisions_are_one_by_the_own_rate() -> None:
    """The highest rate before decoding and the own rate after give a sampler of the own rate."""
    design = SamplingDesign(configured(rates=RULES))
    for n in range(3000):
        key = b"request-%d" % n
        for model, task_type, rate in (("big", "legal", 0.2), ("big", "x", 0.01), ("s", "x", 0.05)):
            outcome = decide(design, key, exchange(n, model, task_type))
            assert Sampler(rate).keeps(key) == (outcome is not None)
            if outcome:
                assert randomness_of(key) == outcome.randomness >= outcome.threshold
                assert threshold_of(rate) == outcome.threshold
                assert rate == pytest.approx(outcome.inclusion_probability, rel=1e-12)


def test_other_replicas_and_later_replays_decide_the_same() -> None:
    settings = configured(rates=RULES)
    keys = [b"request-%d" % n for n in range(500)]
    first, second = SamplingDesign(settings), SamplingDesign(settings)
    forwards = {key: decide(first, key, exchange(1, "big", "legal")) for key in keys}
    backwards = {key: decide(second, key, exchange(1, "big", "legal")) for key in keys[::-1]}

    assert forwards == backwards


@pytest.mark.slow
def test_sampling_by_exchange_uses_each_exchange_id() -> None:
    design = SamplingDesign(configured(sample_by="exchange"))
    n = 20_000
    outcomes = [decide(design, b"one and the same record", exchange(i)) for i in range(n)]
    remaining = [outcome for outcome in outcomes if outcome]
    low, high = stats.binom.interval(0.999, n, 0.05)

    assert low <= len(remaining) <= high
    assert outcomes == [decide(design, b"another", exchange(i)) for i in range(n)]
    assert all(
        outcome.inclusion_probability == Sampler(0.05).inclusion_probability
        for outcome in remaining
    )


def test_by_exchange_the_records_own_sampling_is_a_stage_before() -> None:
    design = SamplingDesign(configured(sample_by="exchange"))
    parent = b"00-0af7651916cd43dd84f3333333333333-b7ad6b7169203331-03"
    came = record(b"k", ("traceparent", parent), ("tracestate", b"ot=th:8"))
    outcomes = [design.select(design.draw(came), exchange(i)) for i in range(2000)]
    remaining = [outcome for outcome in outcomes if outcome]

    assert design.sampler.keeps(came.identity(""), came.headers)
    assert stats.binom.interval(0.999, 2000, 0.1)[0] <= len(remaining)
    assert {0.05} == {round(outcome.inclusion_probability, 12) for outcome in remaining}


def test_upstream_sampling_probability_below_ours_is_kept() -> None:
    design = SamplingDesign(configured(rates=[{"task_type": "rare", "rate": 0.5}]))
    parent = b"00-0af7651916cd43dd84ffffffffffffff-b7ad6b7169203331-03"
    came = record(b"k", ("traceparent", parent), ("tracestate", b"ot=th:fd70a4"))  # 1%
    outcome = design.select(design.draw(came), exchange(task_type="rare"))

    assert outcome is not None
    assert 0xFD70A400000000 == outcome.threshold == outcome.candidate_threshold
    assert 0.01 == pytest.approx(outcome.inclusion_probability, rel=1e-5)


def test_a_dead_letters_draw_decides_as_the_record_would_have() -> None:
    design = SamplingDesign(configured(rates=RULES))
    for n in range(300):
        came = record(b"request-%d" % n)
        draw = design.draw(came)
        again = Draw(draw.randomness, draw.threshold, draw.probability)
        for subject in (exchange(n, "big", "legal"), exchange(n, "s", "chat")):
            assert design.select(draw, subject) == design.select(again, subject)


def test_a_dead_letter_of_a_lower_rate_keeps_its_probability() -> None:
    """Sampled at 5% and replayed at 50%, its probability remains 5%."""
    draw = Draw((1 << 56) - 1, threshold_of(0.05))
    outcome = SamplingDesign(Settings(monitoring={"sample_rate": 0.5})).select(draw, exchange())

    assert outcome is not None
    assert threshold_of(0.05) == outcome.threshold


@pytest.mark.slow
def test_a_minimum_sample_keeps_all_of_a_rare_task() -> None:
    design = SamplingDesign(configured(min_samples_per_task_type=5))
    rng = np.random.default_rng(0)
    rare = [decide(design, rng.bytes(8), exchange(n, task_type="rare")) for n in range(6)]
    common = [decide(design, rng.bytes(8), exchange(n, task_type="common")) for n in range(20_000)]
    by_rate = sum(
        outcome is not None and outcome.randomness >= outcome.threshold for outcome in common
    )
    candidates = sum(
        outcome is not None and outcome.randomness < outcome.threshold for outcome in common
    )

    assert all(
        outcome and 5 == outcome.min_sample_size and 0 == outcome.candidate_threshold
        for outcome in rare
    )
    assert stats.binom.interval(0.999, 20_000, 0.05)[0] <= by_rate
    # 6 (1 + ln(n / 6)) are stored in the mean, of which those by the rate aren't candidates.
    assert 5 <= candidates < 60


def test_each_task_and_day_has_a_floor_of_its_own() -> None:
    design = SamplingDesign(configured(min_samples_per_task_type=1))
    falling = sorted((b"%d" % n for n in range(50)), key=randomness_of, reverse=True)[10:]
    kinds = [("m", "a", 0), ("m", "b", 0), ("n", "a", 0), ("m", "a", 1)]
    for model, task_type, day in kinds:
        outcomes = [decide(design, key, exchange(0, model, task_type, day)) for key in falling]
        assert [True, True] + [False] * 38 == [outcome is not None for outcome in outcomes]


def test_the_search_rate_bounds_the_search_for_rare_tasks() -> None:
    design = SamplingDesign(configured(min_samples_per_task_type=5, task_type_search_rate=0.25))
    outcomes = [decide(design, b"%d" % n, exchange(n, task_type=str(n))) for n in range(4000)]
    remaining = [outcome for outcome in outcomes if outcome]
    low, high = stats.binom.interval(0.999, 4000, 0.25)

    assert low <= len(remaining) <= high
    assert {0xC0000000000000} == {outcome.candidate_threshold for outcome in remaining}
