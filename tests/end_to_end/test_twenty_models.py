"""Twenty models in one topic and three formats: exactly the right incidents and messages."""

import json
import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer
from sqlalchemy import Engine, func, select

from monitor.daemon.cycle import Cycle
from monitor.drift import layout
from monitor.rendering.mrkdwn import render_text
from monitor.settings import Configuration, Secrets, default_configuration
from monitor.store.engine import transaction
from monitor.store.tables import DeadLetter, DriftEvaluation, Exchange, Incident, OutboxMessage
from monitor.store.traffic.offsets import complete_until
from monitor.traffic.baseline_import import import_baseline
from monitor.windows import evaluation
from tests.support.present import start_of_today
from tests.support.traffic.end_users import make_rules
from tests.support.traffic.ingest import running_ingest, total_offset, wait_until
from tests.support.traffic.stored_traffic import NEW_TOPIC, TOPICS, TopicEncoder
from tests.support.windows.ownership import mixed_rows

pytestmark = [pytest.mark.kafka, pytest.mark.postgres, pytest.mark.timeout(300)]

MODELS = tuple(f"adapter-{number:02d}" for number in range(20))
DRIFTING, SILENT, UNLISTED = MODELS[7], MODELS[13], "stranger-1b"
N_BASELINE, N_WEEK, N_UNLISTED = 160, 140, 40
TODAY = start_of_today()
MONDAY = TODAY - timedelta(days=TODAY.weekday())
LAST_WEEK = MONDAY - timedelta(weeks=1)
# On every day the cycle runs as on a Tuesday: windows are complete, and the digest is due.
NOW = MONDAY + timedelta(days=1, hours=9)
SYSTEM_PROMPT = {"role": "system", "content": "Answer the bank's customers."}


def exchanges(
    model: str, n: int, first: datetime, rng: random.Random, *, new_share: float = 0.0
) -> list[dict[str, Any]]:
    """Return exchanges of a week in the plain format."""
    return [
        {
            "id": f"{model}-{first:%m%d}-{number}",
            "timestamp": (first + (number + 0.5) / n * timedelta(weeks=1)).isoformat(),
            "model": model,
            "user": f"user-{rng.randrange(10**6)}",
            "prompt": f"{topic} number {rng.randrange(10**6)}",
            "response": f"About {topic}, {rng.randrange(10**6)}.",
        }
        for number in range(n)
        for topic in [NEW_TOPIC if rng.random() < new_share else rng.choice(TOPICS)]
    ]


def as_openai(plain: dict[str, Any]) -> dict[str, Any]:
    messages = [SYSTEM_PROMPT, {"role": "user", "content": plain["prompt"]}]
    response = {"role": "assistant", "content": plain["response"]}
    return {
        **{key: plain[key] for key in ("id", "timestamp", "user")},
        "request": {"model": plain["model"], "messages": messages},
        "response": {"choices": [{"index": 0, "message": response, "finish_reason": "stop"}]},
    }


def as_litellm(plain: dict[str, Any]) -> dict[str, Any]:
    began = datetime.fromisoformat(plain["timestamp"]).timestamp()
    return {
        "id": plain["id"],
        "call_type": "acompletion",
        "model": "vllm/" + plain["model"],
        "model_group": plain["model"],
        "status": "success",
        "startTime": began,
        "endTime": began + 1.0,
        "end_user": plain["user"],
        "messages": [SYSTEM_PROMPT, {"role": "user", "content": plain["prompt"]}],
        "response": {"choices": [{"message": {"role": "assistant", "content": plain["response"]}}]},
    }


FORMATS = (lambda plain: plain, as_openai, as_litellm)


def name_in_traffic(model: str, number: int) -> str:
    """Return a model's name or one of its aliases."""
    return model if number % 2 else f"{model}@v{number % 7}"


def traffic(rng: random.Random) -> list[bytes]:
    """Return the records of last week: every model but one, and an unlisted one."""
    records = []
    for number, model in enumerate(MODELS):
        if model != SILENT:
            share = 0.35 if model == DRIFTING else 0.0
            for row, plain in enumerate(exchanges(model, N_WEEK, LAST_WEEK, rng, new_share=share)):
                plain["model"] = name_in_traffic(model, row)
                records.append(FORMATS[number % 3](plain))
    records += exchanges(UNLISTED, N_UNLISTED, LAST_WEEK, rng)
    rng.shuffle(records)
    return [json.dumps(record).encode() for record in records]


def read_until(engine: Engine, topic: str) -> datetime:
    with transaction(engine) as connection:
        return complete_until(connection, topic) or LAST_WEEK


@pytest.fixture
def fleet(bootstrap_servers: str, topic: str, postgres_database: str) -> Configuration:
    return default_configuration(
        models={model: {"aliases": [f"{model}@*"]} for model in MODELS},
        kafka={"bootstrap_servers": bootstrap_servers, "topic": topic, "group_id": topic},
        database={"url": postgres_database},
        monitoring={"sample_rate": 1.0, "false_alarms_a_year": 1.0},
        traffic={"batch_size": 256, "flush_interval": "300ms"},
    )


def test_twenty_models_with_one_drifted_silent_and_unlisted_model_each(
    fleet: Configuration,
    topic: str,
    producer: KafkaProducer,
    postgres_engine: Engine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(evaluation, "render_evidently", lambda *_, **__: "<p>report</p>")
    monkeypatch.setattr(layout, "N_STEPS", 5)  # no place in the plane is looked at
    rng, encoder = random.Random(21), TopicEncoder()
    for model in MODELS:
        path = tmp_path / f"{model}.jsonl"
        rows = exchanges(model, N_BASELINE, LAST_WEEK - timedelta(weeks=4), rng)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        names = fleet.settings_of(model).names
        import_baseline(
            *(postgres_engine, fleet.traffic, lambda: encoder, path),
            names=names, redactor=None, now=LAST_WEEK,
            rules=make_rules(postgres_engine),
        )  # fmt: skip

    records = traffic(rng)
    for record in records:
        producer.send(topic, value=record)
    producer.flush()
    with running_ingest(postgres_engine, fleet, encoder):
        wait_until(lambda: total_offset(postgres_engine) >= len(records), "reading the topic")
        wait_until(lambda: read_until(postgres_engine, topic) >= MONDAY, "the topic's end")

    def counts(column: Any) -> dict[str, int]:
        statement = select(column, func.count()).group_by(column)
        with transaction(postgres_engine) as connection:
            return dict(connection.execute(statement).all())

    with transaction(postgres_engine) as connection:
        assert connection.execute(select(DeadLetter.reason)).all() == []
    per_model = {model: N_BASELINE + N_WEEK * (model != SILENT) for model in MODELS}
    assert counts(Exchange.model) == per_model

    cycle = Cycle.build(
        postgres_engine, fleet, Secrets(), NOW - timedelta(days=2), encoder=lambda: encoder
    )
    for _ in range(2):  # a second round adds nothing
        cycle.evaluate(NOW)
        cycle.advance(NOW)
    with transaction(postgres_engine) as connection:
        rows = connection.execute(select(DriftEvaluation.model, DriftEvaluation.assessment))
        verdicts = {model: assessment["verdict"] for model, assessment in rows}
        incidents = connection.execute(select(Incident.model, Incident.status)).all()
        messages = connection.execute(
            select(OutboxMessage.model, OutboxMessage.payload).order_by(OutboxMessage.id)
        ).all()
    quiet = dict.fromkeys(MODELS, "no_drift")
    assert verdicts == quiet | {DRIFTING: "drift", SILENT: "not_enough_data"}
    assert incidents == [(DRIFTING, "open")]
    texts = [(model, render_text(payload["blocks"])) for model, payload in messages]
    # The incident and its details, the missing traffic, the unlisted model; no digest of before the
    # first result.
    assert [model for model, _ in texts] == [DRIFTING, DRIFTING, SILENT, ""]
    assert NEW_TOPIC.split()[0] in texts[0][1]
    assert UNLISTED in texts[3][1]
    assert mixed_rows(postgres_engine) == {}
