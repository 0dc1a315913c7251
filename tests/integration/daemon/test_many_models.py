"""Several models in one daemon: names, windows, incidents, channels, and unlisted models."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from monitor.alerts.channels import Channels
from monitor.alerts.messages.unlisted_models import announce_unlisted_models, lines_to_watch
from monitor.alerts.routes import Routes
from monitor.daemon.cycle import Cycle
from monitor.rendering.mrkdwn import render_text
from monitor.settings import Configuration, Drift, Secrets
from monitor.settings.models.names import twins_in_case
from monitor.store.engine import transaction
from monitor.store.tables import Exchange, Incident, OutboxMessage
from monitor.store.traffic.daily_counts import ModelDay, SampledCount
from monitor.store.traffic.unlisted import (
    MAX_NAMES,
    OTHER_NAMES,
    UnlistedModel,
    add_unlisted,
    unlisted_models,
)
from monitor.traffic.file_replay import replay_file
from monitor.windows import evaluation
from tests.support.alerts.senders import MemorySender
from tests.support.encoders.fake_encoder import FakeEncoder
from tests.support.present import utc_now
from tests.support.traffic.stored_traffic import ENCODER, TopicEncoder, store_traffic
from tests.support.windows.ownership import mixed_rows

WEEK = timedelta(days=7)
DAY = timedelta(days=1)


def fleet(**sections: Any) -> Configuration:
    return Configuration(
        models={"router": {"aliases": ["router-*"]}, "analyst": {}},
        drift=Drift(n_permutations=1999),
        **sections,
    )


def channels_of(shared: MemorySender | None, router: MemorySender) -> Channels:
    """Return a channel of all models, or one that can't send, and one of the router's own."""
    models = {"router": {"alerts": {"channel": "C2"}}, "analyst": {}}
    routes = Routes.of(Configuration(models=models, alerts={"channel": "C1"}))
    senders = {"slack:C2": router} if shared is None else {"slack:C2": router, "slack": shared}
    return Channels(routes, senders)


def encoder() -> TopicEncoder:
    """Return the encoder of the stored traffic; nothing is embedded again."""
    same = TopicEncoder()
    same.identity = ENCODER
    return same


@pytest.fixture(autouse=True)
def _no_evidently(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "render_evidently", lambda *_, **__: "<p>report</p>")


def write_traffic(path: Path, models: list[str], clock: datetime) -> Path:
    lines = [
        {
            "id": f"{number}",
            "model": model,
            "prompt": f"prompt {number} to {model}",
            "response": "yes",
            "timestamp": clock.isoformat(),
        }
        for number, model in enumerate(models)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def stored(engine: Engine) -> list[tuple[str, Any]]:
    with transaction(engine) as connection:
        rows = connection.execute(select(Exchange.model, Exchange.attributes).order_by(Exchange.id))
        return [(model, attributes.get("traffic_model")) for model, attributes in rows]


@pytest.mark.parametrize(("policy", "n_other"), [("report", 0), ("ignore", 0), ("watch", 2)])
def test_traffic_is_stored_under_its_listed_model(
    engine: Engine, tmp_path: Path, clock: datetime, policy: str, n_other: int
) -> None:
    names = ["router", "router-7b", "analyst", "", "stranger"]
    path = write_traffic(tmp_path / "traffic.jsonl", names, clock)
    settings = fleet(monitoring={"sample_rate": 1.0, "unlisted_models": policy})
    result = replay_file(engine, settings, FakeEncoder(), path, clock=lambda: clock)
    rows = stored(engine)
    assert rows[:3] == [("router", None), ("router", "router-7b"), ("analyst", None)]
    assert len(rows) == result.n_exchanges == 3 + n_other
    with transaction(engine) as connection:
        counted = unlisted_models(connection, clock - DAY, clock + DAY, [])
    assert [unlisted.name for unlisted in counted] == (
        ["", "stranger"] if policy == "report" else []
    )
    assert result.n_unlisted == len(counted)


def test_only_the_model_that_drifts_has_an_incident(any_engine: Engine, clock: datetime) -> None:
    for seed, model in enumerate(("router", "analyst")):
        store_traffic(any_engine, clock, 500, seed=seed, baseline=True, model=model)
    store_traffic(any_engine, clock, 400, seed=3, model="router", new_share=0.3)
    store_traffic(any_engine, clock, 400, seed=4, model="analyst")
    router, shared = MemorySender(), MemorySender()
    now = clock + WEEK + timedelta(hours=1)
    built = Cycle.build(any_engine, fleet(), Secrets(), now, encoder=encoder)
    cycle = replace(built, channels=channels_of(shared, router))
    cycle.evaluate(now)
    cycle.advance(now)
    cycle.deliver(now)
    with transaction(any_engine) as connection:
        models = list(connection.execute(select(Incident.model)).scalars())
        messages = set(connection.execute(select(OutboxMessage.model)).scalars())
    assert models == ["router"]
    assert messages == {"router"}
    assert mixed_rows(any_engine) == {}
    assert router.sent
    assert not shared.sent


def test_messages_without_a_channel_stay_in_the_outbox(engine: Engine, clock: datetime) -> None:
    store_traffic(engine, clock, 500, seed=1, baseline=True, model="analyst")
    store_traffic(engine, clock, 400, seed=3, model="analyst", new_share=0.3)
    router = MemorySender()
    now = clock + WEEK + timedelta(hours=1)
    built = Cycle.build(engine, fleet(), Secrets(), now, encoder=encoder)
    cycle = replace(built, channels=channels_of(None, router))
    cycle.evaluate(now)
    cycle.advance(now)
    cycle.deliver(now)
    with transaction(engine) as connection:
        rows = connection.execute(select(OutboxMessage.attempts, OutboxMessage.sent_at)).all()
    assert rows
    assert {tuple(row) for row in rows} == {(0, None)}
    assert not router.sent


def test_unlisted_models_are_reported_once_a_week(engine: Engine, clock: datetime) -> None:
    hostile = "<!channel> *bold*\n`x`"
    with transaction(engine) as connection:
        for name, total in (("stranger", 900.0), (hostile, 90.0), ("", 10.0)):
            add_unlisted(connection, {ModelDay("t", name, clock): SampledCount(1, total)})
    monday = clock + WEEK
    with transaction(engine) as connection:
        settings = fleet()
        assert announce_unlisted_models(connection, settings, monday + DAY)
        assert not announce_unlisted_models(connection, settings, monday + 2 * DAY)
        (payload,) = connection.execute(select(OutboxMessage.payload)).scalars()
    text = render_text(payload["blocks"])
    to_paste = next(b["text"]["text"] for b in payload["blocks"] if "```" in str(b))
    assert '```[models."stranger"]\n[models."' in to_paste
    assert "stranger: 90% of the traffic, about 900 exchanges, since 2 Nov" in text
    assert "<!channel>" not in json.dumps(payload)


def test_name_in_another_case_is_an_alias() -> None:
    """Two tables whose names differ in case only would be refused."""
    seen = [UnlistedModel(name, 1, 1.0, utc_now()) for name in ("Router", "new", "NEW")]
    assert lines_to_watch(seen, ["router"]) == ['[models."new"]']
    assert twins_in_case(["Router", "new"], ["router"]) == [("Router", "router")]


def test_model_listed_since_is_not_reported(engine: Engine, clock: datetime) -> None:
    with transaction(engine) as connection:
        add_unlisted(connection, {ModelDay("t", "analyst", clock): SampledCount(1, 9.0)})
        assert not announce_unlisted_models(connection, fleet(), clock + WEEK)
        for policy in ("watch", "ignore"):
            settings = fleet(monitoring={"unlisted_models": policy})
            assert not announce_unlisted_models(connection, settings, clock + WEEK)


def test_names_of_a_day_are_limited(any_engine: Engine, clock: datetime) -> None:
    """A gateway may pass on any text as a model's name."""
    for first in range(0, 3 * MAX_NAMES, 150):
        counts = {
            ModelDay("t", f"name-{number:04d}", clock): SampledCount(1, 1.0)
            for number in range(first, first + 150)
        }
        with transaction(any_engine) as connection:
            add_unlisted(connection, counts)
    with transaction(any_engine) as connection:
        models = unlisted_models(connection, clock, clock + DAY, [])
    assert len(models) == MAX_NAMES + 1
    assert models[0].name == OTHER_NAMES
    assert sum(model.n for model in models) == 3 * MAX_NAMES
