"""Quantities of a look, its findings, and what must not alarm."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.rendering.looks import describe_change, format_onset, look_headline
from monitor.settings import Drift
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.looks import LookFinding, LookRow
from monitor.windows.looks import levels
from monitor.windows.looks.examination import Examination, examine
from monitor.windows.looks.levels import look_level

START = datetime(2026, 11, 3, tzinfo=UTC)


def exchanges(
    n: int, seed: int, *, days: float = 1.0, responses: list[str] | None = None, **metrics: Any
) -> Exchanges:
    """Draw exchanges of one topic; each metric is a column of values."""
    rng = np.random.default_rng(seed)
    points = rng.normal(0, 0.3, (n, 16)) + np.eye(16)[rng.integers(0, 4, n)]
    vectors = (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float16)
    return Exchanges(
        ids=np.arange(n) + 1_000 * seed,
        occurred_at=[START + timedelta(days=days * row / n) for row in range(n)],
        task_types=[""] * n,
        end_users=[f"user-{number}" for number in rng.integers(0, 10**9, n)],
        prompts=[f"What does card {row % 7} cost?" for row in range(n)],
        responses=responses or ["It costs two euros a month."] * n,
        attributes=[
            {name: values[row].item() for name, values in metrics.items()} for row in range(n)
        ],
        inclusion_probability=np.full(n, 0.05),
        prompt_vectors=vectors,
        response_vectors=vectors,
    )


def rate(share: float, n: int, seed: int) -> NDArray[np.bool_]:
    return np.random.default_rng([seed, 1]).random(n) < share


def look(reference: Exchanges, current: Exchanges) -> Examination:
    result = examine(
        reference,
        current,
        drift=Drift(),
        alert_threshold=0.1,
        level=look_level(0.5, "hourly"),
        seed=1,
    )
    assert result is not None
    return result


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "before", "after"), [("resolved", 0.6, 0.38), ("error", 0.01, 0.15)]
)
def test_worse_rate_is_found_with_its_figures(name: str, before: float, after: float) -> None:
    reference = exchanges(3_000, 1, days=7, **{name: rate(before, 3_000, 1)})
    (finding,) = look(reference, exchanges(800, 2, **{name: rate(after, 800, 2)})).findings
    assert (finding.kind, finding.name, finding.measure) == ("metric", name, "rate")
    assert finding.reference == pytest.approx(before, abs=0.02)
    assert finding.lower < after < finding.upper
    assert finding.p_value < look_level(0.5, "hourly")
    assert finding.level is not None
    assert finding.p_value <= finding.level < look_level(0.5, "hourly")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "before", "after"), [("resolved", 0.6, 0.8), ("resolved", 0.6, 0.55), ("error", 0, 0)]
)
def test_rate_within_the_margin_is_no_large_change(name: str, before: float, after: float) -> None:
    reference = exchanges(3_000, 1, days=7, **{name: rate(before, 3_000, 1)})
    assert look(reference, exchanges(800, 2, **{name: rate(after, 800, 2)})).findings == ()


@pytest.mark.slow
def test_slower_responses_are_found_beyond_the_quartile() -> None:
    latency = np.random.default_rng(5).lognormal(0, 0.5, 3_800)
    reference = exchanges(3_000, 1, days=7, latency=latency[:3_000])
    (finding,) = look(reference, exchanges(800, 2, latency=2 * latency[3_000:])).findings
    assert (finding.name, finding.measure) == ("latency", "above")
    assert finding.reference == pytest.approx(0.25, abs=0.01)
    assert finding.lower > 0.5
    # All values are beyond the quartile, by less than the alert threshold.
    before, after = exchanges(3_000, 1, latency=np.full(3_000, 2.0)), np.full(800, 2.1)
    assert look(before, exchanges(800, 2, latency=after)).findings == ()


@pytest.mark.slow
def test_broken_template_is_found_in_the_responses() -> None:
    reference = exchanges(3_000, 1, days=7)
    broken = ["" if row % 3 else "It costs two euros a month." for row in range(800)]
    findings = look(reference, exchanges(800, 2, responses=broken)).findings
    assert "event:empty" in {finding.fingerprint for finding in findings}


@pytest.mark.slow
def test_onset_is_the_change_point() -> None:
    reference = exchanges(3_000, 1, days=7, resolved=rate(0.7, 3_000, 1))
    resolved = np.r_[rate(0.7, 400, 2), rate(0.2, 400, 3)]
    (finding,) = look(reference, exchanges(800, 2, resolved=resolved)).findings
    assert finding.since is not None
    assert abs(finding.since - (START + timedelta(hours=12))) < timedelta(hours=1)


@pytest.mark.slow
def test_one_user_with_half_the_day_never_alarms() -> None:
    reference = exchanges(3_000, 1, days=7, resolved=rate(0.9, 3_000, 1))
    day = exchanges(800, 2, resolved=np.r_[rate(0.9, 400, 2), np.zeros(400, dtype=bool)])
    users = [*day.end_users[:400], *["crawler"] * 400]
    day = Exchanges(**{**vars(day), "end_users": users})
    assert look(reference, day).findings == ()


def test_too_few_end_users_are_not_examined() -> None:
    reference, day = exchanges(500, 1), exchanges(500, 2)
    day = Exchanges(**{**vars(day), "end_users": ["a", "b"] * 250})
    level = look_level(0.5, "hourly")
    assert examine(reference, day, drift=Drift(), alert_threshold=0.1, level=level, seed=1) is None


def test_levels_of_a_year_spend_the_budget_of_looks() -> None:
    parts = (
        levels.PROMPTS,
        levels.UNLIKE_RESPONSES,
        levels.RESPONSE_LENGTH,
        levels.RESPONSE_FAULTS,
        levels.METRICS,
    )
    assert sum(parts) == pytest.approx(1.0)
    assert look_level(0.5, "hourly") * 24 * 365 == pytest.approx(0.01)
    assert look_level(0.5, "daily") * 365 == pytest.approx(0.01)


def finding(**values: Any) -> LookFinding:
    defaults = {
        "kind": "metric",
        "name": "resolved",
        "measure": "rate",
        "reference": 0.6,
        "estimate": 0.42,
        "lower": 0.38,
        "upper": 0.46,
        "p_value": 1e-9,
        "level": 1e-6,
        "since": START + timedelta(hours=9, minutes=12),
    }
    return LookFinding(**(defaults | values))


def look_row(*findings: LookFinding) -> LookRow:
    return LookRow(
        id=1,
        model="assistant",
        looked_until=START + timedelta(days=1),
        status="done",
        alarm=True,
        n_exchanges=1_012,
        n_end_users=640,
        provenance={},
        findings=findings,
        created_at=START,
        followed_up_at=None,
    )


def test_headline_snapshot(snapshot: Any) -> None:
    prompts = finding(
        kind="input",
        name="",
        measure="unlike",
        reference=0.0,
        estimate=0.21,
        topic="crypto, wallet",
    )
    latency = finding(name="latency", measure="above", threshold=1.8, reference=0.25, estimate=0.7)
    row = look_row(finding(), prompts, latency)
    assert [look_headline(row), *map(describe_change, row.findings)] == snapshot


@pytest.mark.parametrize(("hours", "earlier"), [(0.0, True), (0.9, True), (1.1, False)])
def test_an_onset_at_the_begin_may_be_earlier(*, hours: float, earlier: bool) -> None:
    row = look_row(finding(since=START + timedelta(hours=hours)))
    assert ("earlier" in format_onset(row, row.findings[0])) is earlier
