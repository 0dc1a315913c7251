"""Large windows: packed in memory and on disk, with the figures of small ones."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, select

from monitor.settings import Drift, Settings
from monitor.store.engine import snapshot, transaction
from monitor.store.tables import DriftEvaluation
from monitor.store.traffic import exchanges
from monitor.store.traffic.exchange_columns import COLUMNS
from monitor.store.traffic.packed_columns import PackedColumn
from monitor.store.traffic.spool import is_spooled
from monitor.windows import evaluation
from monitor.windows.comparison import text_sample, window_comparison
from monitor.windows.comparison.numeric_comparison import NumericColumn
from monitor.windows.evaluation import evaluate_window
from tests.support.traffic.stored_traffic import store_traffic

WEEK = timedelta(days=7)
SETTINGS = Settings(drift=Drift(n_permutations=199))


@pytest.fixture(autouse=True)
def _no_evidently(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "render_evidently", lambda *_, **__: "<p>report</p>")


def evaluate(engine: Engine, clock: datetime) -> dict[str, Any]:
    evaluate_window(engine, SETTINGS, clock, clock + WEEK, clock + WEEK, again=True)
    with transaction(engine) as connection:
        row = connection.execute(select(DriftEvaluation.__table__)).mappings().one()
        return dict(row)


def test_packed_window_gives_the_same_evaluation(
    any_engine: Engine, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_traffic(any_engine, clock - 4 * WEEK, 300, seed=1, baseline=True)
    store_traffic(any_engine, clock, 150, seed=2, days=3, version="v1", large_user=0.3)
    later = clock + timedelta(days=3)
    store_traffic(any_engine, later, 200, seed=3, days=4, version="v2", new_share=0.2)
    in_memory = evaluate(any_engine, clock)
    with snapshot(any_engine) as connection:
        unpacked = exchanges.load_window(connection, "assistant", clock, clock + WEEK)
    monkeypatch.setattr(exchanges, "MAX_UNPACKED_ROWS", 10)
    monkeypatch.setattr(exchanges, "ROWS_AT_ONCE", 64)
    monkeypatch.setattr(window_comparison, "MAX_COMPARED_AT_ONCE", 10)
    assert evaluate(any_engine, clock) == in_memory
    with snapshot(any_engine) as connection:
        packed = exchanges.load_window(connection, "assistant", clock, clock + WEEK)
    assert packed.digest() == unpacked.digest()
    assert is_spooled(packed.prompt_vectors)
    for name, column in COLUMNS.items():
        if column.name and column.is_loaded and not column.dtype:
            assert isinstance(getattr(packed, name), PackedColumn)
            assert list(getattr(packed, name)) == list(getattr(unpacked, name))


def test_responses_of_a_large_window_are_a_sample(
    engine: Engine, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_traffic(engine, clock - 4 * WEEK, 400, seed=1, baseline=True)
    store_traffic(engine, clock, 500, seed=2, changed_share=0.6)
    monkeypatch.setattr(text_sample, "MAX_SAMPLED", 300)
    row = evaluate(engine, clock)
    assert row["assessment"]["output"]["alarm"]
    columns = {column["name"]: column for column in row["assessment"]["numeric_columns"]}
    assert columns["length in tokens"]["n_current"] <= 300
    assert columns["resolved"]["n_current"] == 500
    assert row["assessment"]["n_current"] == 500


def test_a_sampled_result_has_the_rows_of_the_window() -> None:
    sample = text_sample.TextSample(None, np.array([2, 5, 9]), 10)
    column = NumericColumn(
        "length", "response", "neutral", np.arange(4.0), np.array([7.0, 8.0, 9.0])
    )
    rows = sample.of_all_rows(column, 4)
    assert rows.reference.tolist() == [0.0, 1.0, 2.0, 3.0]
    assert np.flatnonzero(~np.isnan(rows.current)).tolist() == [2, 5, 9]
    assert (len(rows.current), rows.current[5]) == (10, 8.0)
    assert sample.design(None) is None
