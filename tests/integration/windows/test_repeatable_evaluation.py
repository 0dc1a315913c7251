"""Repeatable evaluations: equal to the last digit on both databases, and run once in a race."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from sqlalchemy import Engine, select
from threadpoolctl import threadpool_limits

from monitor.settings import Drift, Settings
from monitor.store.engine import transaction
from monitor.store.tables import DriftEvaluation, Report
from monitor.windows import evaluation
from monitor.windows import stored_comparison as judging
from monitor.windows.assessment.provenance import blas_threads
from monitor.windows.evaluation import evaluate_window
from tests.support.database_copy import database_copy
from tests.support.traffic.stored_traffic import store_traffic

WEEK = timedelta(days=7)
SETTINGS = Settings(drift=Drift(n_permutations=999))


@pytest.fixture(scope="module", autouse=True)
def _no_evidently() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "render_evidently", lambda *_, **__: "<p>report</p>")
        yield


def prepare(engine: Engine, clock: datetime) -> Engine:
    """Store a drifted week with two versions, a large end user and a new topic."""
    store_traffic(engine, clock - 4 * WEEK, 500, seed=1, baseline=True)
    store_traffic(engine, clock, 250, seed=2, days=3, version="v1", large_user=0.3)
    later = clock + timedelta(days=3)
    store_traffic(
        engine, later, 300, seed=3, days=4, version="v2", new_share=0.2, changed_share=0.2
    )
    return engine


def evaluate(engine: Engine, clock: datetime, **options: Any) -> int | None:
    return evaluate_window(engine, SETTINGS, clock, clock + WEEK, clock + WEEK, **options)


@pytest.fixture(scope="module")
def evaluated_once(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with the drifted week, evaluated."""
    path = tmp_path_factory.mktemp("week") / "evaluated.db"
    clock = datetime(2026, 11, 2, tzinfo=UTC)
    with database_copy(sqlite_template, path) as engine:
        evaluate(prepare(engine, clock), clock)
    return path


@pytest.fixture
def evaluated(evaluated_once: Path, tmp_path: Path) -> Iterator[Engine]:
    """Return a copy of the database of :func:`evaluated_once`."""
    with database_copy(evaluated_once, tmp_path / "copy.db") as engine:
        yield engine


def everything(engine: Engine) -> dict[str, Any]:
    """Return everything that evaluations stored, byte for byte."""
    with transaction(engine) as connection:
        rows = connection.execute(
            select(DriftEvaluation.__table__).order_by(DriftEvaluation.id)
        ).mappings()
        reports = connection.execute(
            select(Report.kind, Report.content).order_by(Report.evaluation_id, Report.kind)
        )
        return {"rows": [dict(row) for row in rows], "reports": [tuple(row) for row in reports]}


def test_a_rerun_leaves_the_same_bytes(any_engine: Engine, clock: datetime) -> None:
    prepare(any_engine, clock)
    assert evaluate(any_engine, clock) is not None
    first = everything(any_engine)
    assert evaluate(any_engine, clock) is None
    assert evaluate(any_engine, clock, again=True) is not None
    assert everything(any_engine) == first
    (row,) = first["rows"]
    assert row["verdict"] == "drift"
    assert row["prompt_map"] is not None
    assert len(row["assessment"]["versions"]) == 2


@pytest.mark.postgres
def test_both_databases_give_the_same_figures(
    evaluated: Engine, postgres_engine: Engine, clock: datetime
) -> None:
    evaluate(prepare(postgres_engine, clock), clock)
    assert everything(evaluated) == everything(postgres_engine)


def test_provenance_of_an_evaluation_is_stored(evaluated: Engine) -> None:
    (row,) = everything(evaluated)["rows"]
    provenance = row["provenance"]
    assert provenance["seed"] == row["seed"]
    assert Drift(**provenance["drift"]) == SETTINGS.drift
    assert provenance["baseline"]["digest"].startswith("digest-1")
    assert provenance["window"]["n_exchanges"] == 550
    assert provenance["device"] == "cpu"
    assert {entry["num_threads"] for entry in provenance["machine"]["blas"]} == {1}
    assert provenance["versions"]["numpy"] == np.__version__
    assert set(provenance) >= {"encoder", "alert_threshold", "sampling", "version_field"}
    msgspec.json.encode(provenance)


def test_sums_are_not_split_by_the_number_of_cores(evaluated: Engine, clock: datetime) -> None:
    result = []
    for cores in (1, 2):
        with threadpool_limits(cores, user_api="blas"):
            evaluate(evaluated, clock, again=True)
            assert {blas_thread["num_threads"] for blas_thread in blas_threads()} == {
                cores
            }  # as before
        result.append(everything(evaluated))
    assert result[0] == result[1]


def test_the_digest_of_a_window_covers_every_row(evaluated: Engine, clock: datetime) -> None:
    before = everything(evaluated)["rows"][0]["provenance"]["window"]["digest"]
    store_traffic(evaluated, clock, 1, seed=99)
    evaluate(evaluated, clock, again=True)
    assert everything(evaluated)["rows"][0]["provenance"]["window"]["digest"] != before


def test_one_replica_evaluates_a_window_claimed_concurrently(
    any_engine: Engine, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(any_engine, clock)
    assessed = []
    assess = judging.compare_window

    def counting(*arguments, **options):
        assessed.append(1)
        return assess(*arguments, **options)

    monkeypatch.setattr(judging, "compare_window", counting)
    barrier = threading.Barrier(4)
    responses: list[int | None] = []

    def replica() -> None:
        barrier.wait(30)
        responses.append(evaluate(any_engine, clock))

    threads = [threading.Thread(target=replica) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    (row,) = everything(any_engine)["rows"]
    assert sorted(responses, key=str) == [row["id"], None, None, None]
    assert len(assessed) == 2  # once for each version
    assert row["status"] == "done"
