"""The stored table of detectable shares, at its sizes, between them and beyond."""

import json

import pytest

from monitor.drift.power.share_search import LARGEST_SHARE
from monitor.drift.power.table import (
    KINDS,
    TABLE_FILE,
    effective_size,
    expected_shares,
    level_factor,
)
from monitor.settings import Drift
from monitor.statistics.alarm_levels import DEFAULT_LEVELS

STORED = json.loads(TABLE_FILE.read_text(encoding="utf-8"))


def shares(n_reference: float, n_current: float, **changes: float) -> dict[str, float | None]:
    options = {"alpha": DEFAULT_LEVELS.input, "min_drifted_share": Drift().min_drifted_share}
    looked_up = expected_shares(n_reference, n_current, **(options | changes))
    return {item.kind: item.share for item in looked_up}


def test_table_was_made_at_the_levels_of_today() -> None:
    assert STORED["alpha"] == pytest.approx(DEFAULT_LEVELS.input)
    assert STORED["min_drifted_share"] == Drift().min_drifted_share


@pytest.mark.parametrize(
    "row", STORED["rows"], ids=lambda row: "{kind}-{n_reference}-{n_current}".format(**row)
)
def test_measured_sizes_have_the_measured_share(row: dict[str, float]) -> None:
    looked_up = shares(row["n_reference"], row["n_current"])
    assert looked_up[row["kind"]] == pytest.approx(row["share"])


@pytest.mark.parametrize("kind", KINDS)
def test_larger_windows_show_smaller_shares(kind: str) -> None:
    looked_up = [shares(n, n)[kind] for n in (100, 200, 700, 1_000, 3_000, 5_000)]
    assert looked_up == sorted(looked_up, key=lambda share: -(share or 0.0))
    assert shares(90_000, 90_000)[kind] == shares(5_000, 5_000)[kind]


def test_stricter_levels_and_thresholds_need_larger_shares() -> None:
    usual, daily = shares(1_000, 1_000), shares(1_000, 1_000, alpha=Drift().levels("daily").input)
    high = shares(1_000, 1_000, min_drifted_share=0.05)
    for kind in KINDS:
        assert (usual[kind] or 1.0) < (daily[kind] or 0.0)
        assert high[kind] == pytest.approx(0.1)
    assert level_factor(0.05, 0.005) == 1.0


def test_tiny_windows_show_no_share_reliably() -> None:
    assert shares(25, 25)["scattered"] is None
    assert all(share is None or share <= LARGEST_SHARE for share in shares(20, 20).values())


def test_correlated_messages_of_users_reduce_the_effective_size() -> None:
    assert effective_size(1_000, 1.0, 0.9) == 1_000
    assert effective_size(1_000, 5.0, 0.0) == 1_000
    assert effective_size(1_000, 5.0, 1.0) == pytest.approx(200)
