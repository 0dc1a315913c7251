"""Plans: each figure follows from the constants that it names, and from the load."""

import math
from dataclasses import asdict, fields, replace
from typing import Any

import numpy as np
import pytest

from monitor.settings import default_configuration
from monitor.sizing.constants import Constants, read_measurement
from monitor.sizing.limits import largest_sample_rate
from monitor.sizing.load import Load, load_of
from monitor.sizing.plan import SizingPlan, make_plan
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.windows.assessment.detectable_shares import stored_shares

CONSTANTS = read_measurement().constants
NAMES = [field.name for field in fields(Constants)]
#: Used for disk of SQLite only.
OF_SQLITE = {name for name in NAMES if name.startswith("sqlite_")}


def load(requests: float = 5e6, **options: Any) -> Load:
    """Return a load of PostgreSQL, with retention, so that every part applies."""
    values = {"database": "postgresql", "exchange_days": 90.0, "baseline_exchanges": 60_000.0}
    return load_of(default_configuration(), values | {"requests_per_day": requests} | options)


def value(plan: SizingPlan, name: str) -> float:
    (figure,) = (line.value for line in plan.lines if line.name == name)
    assert figure is not None
    return figure


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_constant_changes_just_the_lines_that_name_it(name: str) -> None:
    own = load(database="sqlite" if name in OF_SQLITE else "postgresql")
    # Far enough for numbers of replicas and partitions, which are whole.
    larger = replace(CONSTANTS, **{name: getattr(CONSTANTS, name) * 1e6 + 1e-3})
    plan, changed = make_plan(own, CONSTANTS), make_plan(own, larger)

    differing = {
        (old.part, old.name)
        for old, new in zip(plan.lines, changed.lines, strict=True)
        if old.value != new.value
    }
    assert differing
    assert differing <= {(line.part, line.name) for line in plan.lines if name in line.constants}


def test_reading_costs_the_same_at_every_sample_rate() -> None:
    few, many = (make_plan(load(sample_rate=rate), CONSTANTS) for rate in (0.001, 0.1))

    assert value(few, "read the whole topic") == value(many, "read the whole topic") > 0
    stored = "decode, redact and store the sample"
    assert value(many, stored) == pytest.approx(100 * value(few, stored))
    assert value(many, "from Kafka") == value(few, "from Kafka")


@pytest.mark.parametrize("requests", [1.0, 3.0, 1e3, 1e12, 1e18])
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_tiny_and_huge_traffic_has_finite_figures(requests: float, database: str) -> None:
    plan = make_plan(load(requests, database=database, exchange_days=None), CONSTANTS)

    figures = [line.value for line in plan.lines if line.value is not None]
    assert all(math.isfinite(figure) and figure >= 0 for figure in figures)
    assert len(figures) >= len(plan.lines) - 2  # the shares, where there is not enough data


@pytest.mark.parametrize(("requests", "enough"), [(250.0, False), (300.0, True)])
def test_a_window_below_min_samples_has_no_share(requests: float, enough: bool) -> None:
    plan = make_plan(load(requests, baseline_exchanges=500.0), CONSTANTS)

    shares = [line.value for line in plan.lines if line.part == "power"]
    assert enough == all(share is not None for share in shares)
    assert enough != any(remark.startswith("not enough data") for remark in plan.remarks)


def test_shares_are_those_that_compare_shows() -> None:
    n_reference, n_current = 900, 350
    plan = make_plan(
        load(1_000.0, sample_rate=n_current / 7_000, baseline_exchanges=float(n_reference)),
        CONSTANTS,
    )
    level, least = load().level, load().min_drifted_share
    compared = stored_shares(
        exchanges(n_reference), exchanges(n_current), level=level, min_drifted_share=least
    )

    shares = [line.value for line in plan.lines if line.part == "power"]
    assert shares == pytest.approx([share.share for share in compared])


def exchanges(n: int) -> Exchanges:
    """Return exchanges of as many end users."""
    vectors = np.eye(8, dtype=np.float16)[np.arange(n) % 8]
    return Exchanges(
        prompts=[""] * n,
        responses=[""] * n,
        end_users=[f"user-{number}" for number in range(n)],
        prompt_vectors=vectors,
        response_vectors=vectors,
    )


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_each_limit_is_where_its_usage_reaches_its_capacity(database: str) -> None:
    own = load(database=database, partitions=4)
    for limit in make_plan(own, CONSTANTS).limits:
        if limit.requests_per_day is None or limit.requests_per_day < 1:
            continue
        for factor, exceeded in ((0.98, False), (1.02, True)):
            at = replace(own, requests_per_day=limit.requests_per_day * factor)
            (there,) = (x for x in make_plan(at, CONSTANTS).limits if x.part == limit.part)
            assert exceeded == there.is_exceeded, (limit.part, factor)


def test_first_limit_is_the_one_that_is_reached_first() -> None:
    plan = make_plan(load(), CONSTANTS)
    reached = [limit.requests_per_day for limit in plan.limits if limit.requests_per_day]
    assert reached == sorted(reached)
    assert {limit.part for limit in plan.limits} >= {"one evaluation", "reading the topic"}


def test_the_largest_sample_rate_relieves_every_part_of_the_sample() -> None:
    own = load(1e10)
    rate = largest_sample_rate(own, CONSTANTS)
    assert rate is not None
    assert rate < own.sample_rate

    def exceeded(at: float) -> set[str]:
        parts = make_plan(replace(own, sample_rate=at), CONSTANTS).limits
        return {limit.part for limit in parts if limit.is_exceeded}

    always = exceeded(1e-15)
    assert exceeded(rate) == always
    assert exceeded(1.02 * rate) > always


def test_gpus_take_the_place_of_embedding_cores() -> None:
    cpu = make_plan(load(1e8), CONSTANTS)
    gpu = make_plan(load(1e8, gpu_tokens_per_second=1e4), CONSTANTS)

    assert value(cpu, "GPUs") == value(gpu, "embed the sample on CPUs") == 0
    assert value(gpu, "GPUs") >= 1
    assert value(gpu, "replicas") >= value(gpu, "GPUs")
    parts = {limit.part for limit in gpu.limits}
    assert "embedding on CPUs" not in parts


def test_twice_the_models_halve_the_window_and_double_the_evaluations() -> None:
    single, double = (
        make_plan(load(n_models=n, baseline_exchanges=None), CONSTANTS) for n in (1, 2)
    )
    window = "exchanges of a window and model"
    assert value(single, window) == pytest.approx(2 * value(double, window))
    assert value(double, "looks of a week") == pytest.approx(2 * value(single, "looks of a week"))
    assert value(double, "labels a week") == pytest.approx(2 * value(single, "labels a week"))


def test_observations_of_a_rollout_follow_from_its_stages() -> None:
    own = load()
    # 5%: all of the canary, four of the stable version for each; 25% and 50%: all; 1% held back.
    assert [stage.share for stage in own.stages] == pytest.approx([0.25, 1.0, 1.0, 0.05])
    days = sum(stage.share * stage.days for stage in own.stages)
    assert days == pytest.approx(2 * 2.3)
    less = replace(own, observation_days=4.0)
    disk = "observations of one rollout"
    assert value(make_plan(less, CONSTANTS), disk) == pytest.approx(
        value(make_plan(own, CONSTANTS), disk) / 2
    )


def test_a_version_header_spares_decoding_in_a_rollout() -> None:
    blind, labelled = (
        make_plan(load(n_models=4, has_version_header=header), CONSTANTS)
        for header in (False, True)
    )
    cores = "more during a rollout"
    assert value(blind, cores) == pytest.approx(4 * value(labelled, cores))
    assert value(make_plan(load(stages=()), CONSTANTS), cores) == 0.0


def test_every_line_has_a_finite_document() -> None:
    document = make_plan(load(), CONSTANTS).to_dict(read_measurement())
    assert {"load", "lines", "limits", "remarks", "measurement"} <= set(document)
    assert document["measurement"]["constants"] == asdict(CONSTANTS)
