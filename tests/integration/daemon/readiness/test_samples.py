"""Finding of `driftwarden check` on the number of exchanges of a window."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from monitor.daemon.readiness.finding import Finding
from monitor.daemon.readiness.monitoring import baseline_finding
from monitor.daemon.readiness.progress import samples_finding
from monitor.settings import Settings
from monitor.store.engine import make_engine, transaction
from monitor.store.windows.pauses import begin_pause, end_pauses
from tests.support.migrated_copy import migrate
from tests.support.traffic.stored_traffic import store_traffic

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def site(tmp_path: Path) -> tuple[Engine, Settings]:
    url = f"sqlite:///{tmp_path / 'site.db'}"
    engine = make_engine(url)
    migrate(engine)
    return engine, Settings(database={"url": url})


def finding(site: tuple[Engine, Settings], days: float) -> Finding:
    return samples_finding(site[1], MONDAY + days * DAY)


def test_no_traffic_is_no_lack_of_samples(site: tuple[Engine, Settings]) -> None:
    store_traffic(site[0], MONDAY - 20 * DAY, 120, seed=1, baseline=True)
    assert finding(site, 5).status == "ok"


@pytest.mark.parametrize(
    ("n", "days", "status"),
    [
        (80, 5.0, "ok"),  # 112 by its end
        (60, 5.0, "note"),  # 84 by its end
        (5, 0.5, "ok"),  # it has only begun
        (80, 6.9, "note"),
        (100, 6.9, "ok"),
    ],
)
def test_samples_of_the_running_window_are_extrapolated(
    site: tuple[Engine, Settings], n: int, days: float, status: str
) -> None:
    store_traffic(site[0], MONDAY, n, seed=1, days=days)
    result = finding(site, days)
    assert result.status == status
    assert f"{n} of 100" in result.message
    assert "drift.min_samples" in result.message


@pytest.mark.parametrize(("n", "status"), [(80, "note"), (100, "ok")])
def test_too_few_samples_of_the_last_window_are_noted(
    site: tuple[Engine, Settings], n: int, status: str
) -> None:
    store_traffic(site[0], MONDAY, n, seed=1)
    result = finding(site, 7.5)
    assert result.status == status
    assert ("80 of 100" in result.message) == (status == "note")


def test_a_paused_window_needs_no_samples(site: tuple[Engine, Settings]) -> None:
    store_traffic(site[0], MONDAY, 20, seed=1, days=1)
    with transaction(site[0]) as connection:
        begin_pause(connection, "assistant", MONDAY + DAY)
        end_pauses(connection, ["assistant"], MONDAY + 7.2 * DAY)
    assert finding(site, 7.5).status == "ok"


@pytest.mark.parametrize(("n", "status"), [(80, "note"), (120, "ok")])
def test_a_small_baseline_is_noted(site: tuple[Engine, Settings], n: int, status: str) -> None:
    store_traffic(site[0], MONDAY, n, seed=1, baseline=True)
    assert baseline_finding(site[1]).status == status
