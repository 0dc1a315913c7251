"""Withheld traffic: counted, and not drift."""

import json
import threading
from datetime import datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import Engine

from monitor.settings import Drift, Settings, Traffic
from monitor.store.engine import transaction
from monitor.store.traffic.daily_counts import ModelDay, SampledCount
from monitor.store.traffic.position import Position
from monitor.store.traffic.withheld import (
    add_withheld,
    count_withheld,
    first_withheld_day,
)
from monitor.store.windows.assessment import Assessment
from monitor.store.windows.drift_evaluations import drift_evaluation_by_id, list_drift_evaluations
from monitor.telemetry import EXCHANGES_WITHHELD
from monitor.traffic.baseline_import import EndUsersOfFile, store_baseline
from monitor.traffic.decoder import Decoder
from monitor.traffic.ingest.preparation import BatchPreparer
from monitor.traffic.ingest.writer import StoreResult, store_batch
from monitor.traffic.record import RawRecord
from monitor.traffic.sampling.sampler import randomness_of, threshold_of
from monitor.windows import evaluation
from monitor.windows.evaluation import evaluate_window
from tests.support.encoders.fake_encoder import FakeEncoder
from tests.support.traffic.end_users import make_rules
from tests.support.traffic.fixture_files import load
from tests.support.traffic.halves import draws, make_preparer
from tests.support.windows.due_evaluations import evaluate_due_windows

WEEK = timedelta(days=7)
TOPICS = ("card blocked abroad", "loan interest rate", "account balance today")


@pytest.fixture(autouse=True)
def no_evidently(monkeypatch: pytest.MonkeyPatch) -> None:
    """Omit Evidently's report, whose import takes 5 s."""
    monkeypatch.setattr(evaluation, "render_evidently", lambda *_: "<p>report</p>")


def payloads(n: int, start: datetime, seed: int, *, redacted_share: float) -> list[RawRecord]:
    """Return LiteLLM's log of a week, with some withheld calls."""
    rng = np.random.default_rng(seed)
    records = []
    for number in range(n):
        topic = TOPICS[rng.integers(3)]
        name = "litellm_redacted" if rng.random() < redacted_share else "litellm_success"
        payload = load(name)
        payload |= {"id": f"{seed}-{number}", "end_user": f"user-{rng.integers(n)}"}
        payload["startTime"] = (start + number * WEEK / n).timestamp()
        payload["completionStartTime"] = payload["startTime"] + 0.2
        payload["endTime"] = payload["startTime"] + float(rng.lognormal())
        if name == "litellm_success":
            requests = f"{topic} number {rng.integers(40)}"
            payload["messages"] = [{"role": "user", "content": requests}]
            payload["response"]["choices"][0]["message"]["content"] = f"About {topic}."
        value = json.dumps(payload).encode()
        position = Position(f"llm-{seed}", 0, number)
        records.append(RawRecord(position, None, value, start + WEEK, read_at=start + WEEK))
    return records


def store(
    engine: Engine, records: list[RawRecord], now: datetime, **traffic: object
) -> StoreResult:
    preparer = make_preparer(Traffic(**traffic))
    prepared = preparer.prepare(records, received_at=now, draws=draws(len(records), 0.05))
    return store_batch(engine, prepared, [], now=now)


def settings() -> Settings:
    return Settings(model={"name": "support"}, drift=Drift(n_permutations=999))


def store_the_baseline(engine: Engine, clock: datetime) -> None:
    decoder = Decoder(Traffic(), default_model="support")
    exchanges = [
        exchange
        for record in payloads(600, clock - 4 * WEEK, 1, redacted_share=0.0)
        for exchange in decoder.decode(record).exchanges
    ]
    end_users = EndUsersOfFile(make_rules(engine), None, [row.end_user for row in exchanges])
    store_baseline(
        engine, FakeEncoder(), exchanges, end_users, model="support", now=clock - 3 * WEEK
    )


def evaluate(engine: Engine, clock: datetime) -> Assessment:
    end = clock + WEEK
    evaluation_id = evaluate_window(engine, settings(), clock, end, end)
    assert evaluation_id is not None
    with transaction(engine) as connection:
        assessment = drift_evaluation_by_id(connection, evaluation_id).assessment
    assert assessment is not None
    return assessment


def test_a_week_of_which_half_is_redacted_is_no_drift(engine: Engine, clock: datetime) -> None:
    store_the_baseline(engine, clock)
    records = payloads(1000, clock, 2, redacted_share=0.5)
    n_redacted = sum(b"redacted-by-litellm" in record.value for record in records)
    assert 450 < n_redacted < 550

    stored = store(engine, records, clock + WEEK)
    assessment = evaluate(engine, clock)

    assert (1000 - n_redacted, n_redacted, 0) == (
        stored.n_exchanges,
        stored.n_withheld,
        stored.n_dead_letters,
    )
    assert n_redacted == EXCHANGES_WITHHELD.labels("llm-2")._value.get()
    assert (assessment.verdict, assessment.alarm) == ("no_drift", False)
    assert (1000 - n_redacted, n_redacted) == (assessment.n_current, assessment.n_withheld)
    assert any(f"{n_redacted} exchanges (" in remark for remark in assessment.remarks)


def test_the_same_week_alarms_where_redaction_is_not_recognised(
    engine: Engine, clock: datetime
) -> None:
    store_the_baseline(engine, clock)
    store(engine, payloads(1000, clock, 2, redacted_share=0.5), clock + WEEK, withheld_texts=())

    assessment = evaluate(engine, clock)

    assert assessment.input.alarm
    assert assessment.n_withheld == 0


def test_week_without_texts_is_evaluated_with_a_remark(any_engine: Engine, clock: datetime) -> None:
    store_the_baseline(any_engine, clock)
    store(any_engine, payloads(40, clock, 3, redacted_share=1.0), clock + WEEK)

    evaluate_due_windows(any_engine, settings(), clock + WEEK)

    with transaction(any_engine) as connection:
        row = list_drift_evaluations(connection, "support")[0]
    assert row.assessment is not None
    assert (
        row.assessment.verdict,
        row.assessment.n_current,
        row.assessment.n_withheld,
    ) == ("not_enough_data", 0, 40)
    assert any("40 exchanges (100%)" in remark for remark in row.assessment.remarks)


def test_the_withheld_share_is_estimated_for_the_traffic(engine: Engine, clock: datetime) -> None:
    """One in twenty withheld calls was sampled, and every second one of the rest."""
    store_the_baseline(engine, clock)
    records = payloads(600, clock, 4, redacted_share=0.5)
    for probability, is_redacted in ((0.05, True), (0.5, False)):
        some = [
            record for record in records if (b"redacted-by-litellm" in record.value) == is_redacted
        ]
        prepared = make_preparer().prepare(
            some, received_at=clock + WEEK, draws=draws(len(some), probability)
        )
        store_batch(engine, prepared, [], now=clock + WEEK)
    n_redacted = sum(b"redacted-by-litellm" in record.value for record in records)

    (remark,) = [remark for remark in evaluate(engine, clock).remarks if "Not compared" in remark]

    share = 20 * n_redacted / (20 * n_redacted + 2 * (600 - n_redacted))
    assert 0.85 < share < 0.95
    assert remark.startswith(f"Not compared: {n_redacted} exchanges ({share:.0%})")


def test_candidates_for_a_floor_are_not_counted_as_withheld(
    engine: Engine, clock: datetime
) -> None:
    """With a minimum of 1,000, every exchange is a candidate, and one in twenty is sampled."""
    records = payloads(600, clock, 5, redacted_share=1.0)
    everything = Settings(traffic={"min_samples_per_task_type": 1000}, model={"name": "support"})
    preparer = BatchPreparer.build(everything, FakeEncoder())
    sampled = [
        record for record in records if randomness_of(record.identity("")) >= threshold_of(0.05)
    ]
    assert 10 < len(sampled) < 60

    store_batch(engine, preparer.prepare(records, received_at=clock), [], now=clock)

    with transaction(engine) as connection:
        result = count_withheld(connection, "support", clock, clock + WEEK)
    assert (len(sampled), pytest.approx(20 * len(sampled))) == (result.n, result.estimated_total)


def test_counts_of_replicas_add_up_by_day(any_engine: Engine, clock: datetime) -> None:
    days = [ModelDay("t", model, clock + timedelta(days=d)) for model in "ab" for d in range(3)]

    def add() -> None:
        for _ in range(20):
            with transaction(any_engine) as connection:
                add_withheld(connection, dict.fromkeys(days, SampledCount(1, 20.0)))

    threads = [threading.Thread(target=add) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    with transaction(any_engine) as connection:
        assert SampledCount(120, 2400.0) == count_withheld(
            connection, "a", clock, clock + timedelta(days=2)
        )
        assert SampledCount(180, 3600.0) == count_withheld(connection, "b", clock, clock + WEEK)
        assert clock == first_withheld_day(connection, "a")
        assert first_withheld_day(connection, "c") is None
