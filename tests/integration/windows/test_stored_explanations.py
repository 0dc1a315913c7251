"""Explanations of a stored window, with and without the encoder."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine

from monitor.errors import ModelError
from monitor.settings import Drift, Settings
from monitor.store.engine import transaction
from monitor.store.windows.assessment import Assessment
from monitor.store.windows.drift_evaluations import drift_evaluation_by_id
from monitor.windows import evaluation
from monitor.windows.evaluation import evaluate_window
from monitor.windows.reading.reembedding import EncoderSource
from tests.support.traffic.stored_traffic import TopicEncoder, store_traffic

WEEK = timedelta(days=7)
HEADER = "About my account at your bank, from the app: "
VERBS = ("please", "hello", "urgent", "again", "quick", "sorry", "dear", "now", "help", "tell")
NAMES = ("team", "friend", "bank", "all", "support", "there", "clerk", "lady", "sir", "folks")


def greeting(row: int) -> str:
    return f"{VERBS[row % 10]} {NAMES[row // 10 % 10]} "


@pytest.fixture(autouse=True)
def _no_evidently(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "render_evidently", lambda *_, **__: "<p>report</p>")


def assess(engine: Engine, start: datetime, encoder: EncoderSource) -> Assessment:
    settings = Settings(drift=Drift(n_permutations=999))
    end = start + WEEK
    evaluation_id = evaluate_window(engine, settings, start, end, end, encoder=encoder, again=True)
    assert evaluation_id is not None
    with transaction(engine) as connection:
        assessment = drift_evaluation_by_id(connection, evaluation_id).assessment
    assert assessment is not None
    return assessment


def test_stored_window_header_and_instructions_explained(
    any_engine: Engine, clock: datetime
) -> None:
    encoder = TopicEncoder.identity
    store_traffic(
        any_engine,
        clock - 4 * WEEK,
        300,
        seed=1,
        baseline=True,
        encoder=encoder,
        header=greeting,
        system="Be brief.",
    )
    store_traffic(
        *(any_engine, clock, 300),
        seed=8,
        encoder=encoder,
        header=lambda row: HEADER + greeting(row),
        system="Explain each step.",
    )

    assessment = assess(any_engine, clock, TopicEncoder)

    explanations = {
        explanation.kind: explanation
        for family in (assessment.input, assessment.output)
        for explanation in family.explanations
    }
    assert set(explanations) == {"system_message", "prefix"}
    instructions, prefix = explanations["system_message"], explanations["prefix"]
    assert (instructions.text, instructions.before) == ("Explain each step.", "Be brief.")
    assert instructions.since == clock
    assert prefix.text == HEADER.strip()
    assert (prefix.reference.estimate, prefix.current.estimate) == (0.0, 1.0)
    assert prefix.is_taken_out
    assert assessment.alarm
    rest = assessment.input.rest
    assert rest is not None
    assert (rest.verdict, rest.n_reference, rest.n_current) == ("no_drift", 300, 300)
    assert not assessment.input.topics
    assert assess(any_engine, clock, TopicEncoder) == assessment

    def missing() -> TopicEncoder:
        raise ModelError("embedding.model = 'gone': no such folder")

    alone = assess(any_engine, clock, missing)
    assert alone.input.rest is None
    assert [own.is_taken_out for own in alone.input.explanations] == [False] * len(
        alone.input.explanations
    )
    assert any("no such folder" in remark for remark in alone.remarks)
    assert alone.input.drifted_share == assessment.input.drifted_share
