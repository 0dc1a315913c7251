"""Change of the encoder: stored texts are embedded again, or a remark gives the reason."""

import threading
from datetime import datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import Engine

from monitor.errors import ModelError
from monitor.settings import Drift, Settings
from monitor.store.engine import transaction
from monitor.store.traffic.baselines import list_baselines
from monitor.store.traffic.exchanges import load_baseline
from monitor.store.windows.drift_evaluations import DriftEvaluationRow, drift_evaluation_by_id
from monitor.windows import evaluation
from monitor.windows.evaluation import evaluate_window
from monitor.windows.reading.baselines import Baselines
from monitor.windows.reading.reembedding import CHUNK, EncoderSource, encode
from tests.support.traffic.stored_traffic import ENCODER, TopicEncoder, store_traffic

WEEK = timedelta(days=7)
SETTINGS = Settings(drift=Drift(n_permutations=999))


@pytest.fixture(autouse=True)
def _no_evidently(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "render_evidently", lambda *_, **__: "<p>report</p>")


def run(engine: Engine, start: datetime, encoder: EncoderSource, **options) -> DriftEvaluationRow:
    end = start + WEEK
    evaluation_id = evaluate_window(engine, SETTINGS, start, end, end, encoder=encoder, **options)
    assert evaluation_id is not None
    with transaction(engine) as connection:
        return drift_evaluation_by_id(connection, evaluation_id)


def missing():
    raise ModelError("embedding.model = 'gone': no such folder")


def not_asked():
    raise AssertionError("nothing is to be embedded")


def test_a_baseline_is_embedded_again_once(any_engine: Engine, clock: datetime) -> None:
    original = store_traffic(any_engine, clock - 4 * WEEK, 600, seed=1, baseline=True)
    for week in (0, 1):
        store_traffic(any_engine, clock + week * WEEK, 400, seed=2 + week, encoder="other@2/max64")
    first = run(any_engine, clock, TopicEncoder)
    with transaction(any_engine) as connection:
        copy, remaining = list_baselines(connection, "assistant")
        again = load_baseline(connection, copy.id)
        before = load_baseline(connection, remaining.id)
    assert (remaining.id, remaining.encoder) == (original, ENCODER)
    assert (copy.id, copy.encoder) == (first.baseline_id, "other@2/max64")
    assert copy.digest == first.provenance["baseline"]["digest"] != remaining.digest
    assert (again.prompts, again.end_users, again.attributes, again.occurred_at) == (
        before.prompts,
        before.end_users,
        before.attributes,
        before.occurred_at,
    )
    np.testing.assert_array_equal(again.prompt_vectors, TopicEncoder().encode(again.prompts))
    np.testing.assert_array_equal(again.response_vectors, TopicEncoder().encode(again.responses))
    assert first.assessment.n_reference == 600
    assert first.verdict != "not_enough_data"
    second = run(any_engine, clock + WEEK, not_asked)
    assert second.baseline_id == copy.id


def test_concurrent_reembeddings_of_a_baseline_make_one_copy(
    any_engine: Engine, clock: datetime
) -> None:
    store_traffic(any_engine, clock - 4 * WEEK, 200, seed=1, baseline=True)
    barrier = threading.Barrier(2)
    result: list[int] = []

    class Waiting(TopicEncoder):
        def encode(self, texts):
            if not self.calls:
                barrier.wait(30)  # both have seen that there is no copy
            return super().encode(texts)

    def look() -> None:
        encoder = Waiting()
        references = Baselines(any_engine, "assistant", encoder.identity, lambda: encoder, clock)
        baseline = references.of("").baseline
        assert baseline is not None
        result.append(baseline.id)

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with transaction(any_engine) as connection:
        copy, _ = list_baselines(connection, "assistant")
        assert len(load_baseline(connection, copy.id)) == 200
    assert result == [copy.id, copy.id]


def test_missing_encoder_is_reported_with_the_remedy(engine: Engine, clock: datetime) -> None:
    store_traffic(engine, clock - 4 * WEEK, 200, seed=1, baseline=True)
    store_traffic(engine, clock, 300, seed=8, encoder="other@2/max64")
    row = run(engine, clock, missing)
    assert row.verdict == "not_enough_data"
    for named in (ENCODER, "other@2/max64", "no such folder", "embedding.model"):
        assert named in row.assessment.headline


def test_a_third_encoder_reads_both_sides(engine: Engine, clock: datetime) -> None:
    store_traffic(engine, clock - 4 * WEEK, 300, seed=1, baseline=True)
    store_traffic(engine, clock, 300, seed=8, encoder="older@0/max64")
    row = run(engine, clock, TopicEncoder)
    assert row.provenance["encoder"] == "other@2/max64"
    assert row.provenance["window"]["n_reembedded"] == 300
    assert row.provenance["baseline"]["encoder"] == "other@2/max64"
    assert row.verdict != "not_enough_data"


def test_a_week_in_which_the_encoder_changed_is_judged_whole(
    any_engine: Engine, clock: datetime
) -> None:
    store_traffic(any_engine, clock - 4 * WEEK, 600, seed=1, baseline=True)
    store_traffic(any_engine, clock, 120, seed=9, days=3)
    store_traffic(
        any_engine, clock + timedelta(days=3), 200, seed=10, days=4, encoder="other@2/max64"
    )
    row = run(any_engine, clock, TopicEncoder)
    assert row.assessment.n_current == 320
    assert row.provenance["window"]["n_reembedded"] == 120
    assert row.provenance["encoder"] == "other@2/max64"
    assert any("120 exchanges" in remark and ENCODER in remark for remark in row.assessment.remarks)
    again = run(any_engine, clock, TopicEncoder, again=True)
    assert again.assessment == row.assessment


def test_a_mixed_week_without_the_encoder_excludes_older_exchanges(
    engine: Engine, clock: datetime
) -> None:
    store_traffic(engine, clock - 4 * WEEK, 300, seed=1, baseline=True)
    store_traffic(engine, clock, 40, seed=9, encoder="old@1/max64")
    store_traffic(engine, clock, 300, seed=10)
    assessment = run(engine, clock, missing).assessment
    assert assessment.n_current == 300
    assert any(
        "40 exchanges" in remark and "no such folder" in remark for remark in assessment.remarks
    )


def test_an_old_week_is_compared_with_the_baseline_then(engine: Engine, clock: datetime) -> None:
    old = store_traffic(engine, clock - 4 * WEEK, 300, seed=1, baseline=True)
    store_traffic(engine, clock, 300, seed=2)
    store_traffic(engine, clock + WEEK, 300, seed=3, encoder="other@2/max64")
    assert run(engine, clock + WEEK, TopicEncoder).baseline_id != old
    assert run(engine, clock, TopicEncoder).baseline_id == old


def test_texts_are_encoded_once_and_in_small_calls() -> None:
    texts = [f"card blocked abroad {number % 700}" for number in range(1400)]
    encoder = TopicEncoder()
    vectors = encode(texts, encoder)
    assert sum(encoder.calls) == 700
    assert max(encoder.calls) <= CHUNK
    np.testing.assert_array_equal(vectors, TopicEncoder().encode(texts))
