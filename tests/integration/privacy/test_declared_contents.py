"""Texts of end users go where columns say that they hold some, by the code that stores them."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from monitor.settings import Settings
from monitor.table_types.contents import Content
from tests.integration.privacy.end_user_world import ANN, WORD, make_end_user_world
from tests.integration.traffic.test_joining import GO_ON, sweeper_at
from tests.support.places import misdeclared, places_of, wrong_words
from tests.support.traffic.observed_traffic import ingest, open_rollout, read_plan

MARK, LABEL = "zebrafish", "zebrastripe"
OF_END_USERS = {Content.END_USER_ID, Content.END_USER_TEXT}
SETTINGS = Settings(
    monitoring={"sample_rate": 1.0},
    redaction={"enabled": False},
    traffic={"join": {"enabled": True}},
)
#: Every text that production may send.
EXCHANGE = {
    "prompt": f"a {MARK} prompt", "response": f"a {MARK} response", "task_type": f"{LABEL} type",
    "user": f"{MARK} user", "metadata": {"model_version": f"v{LABEL}", f"{MARK}_score": 1.5},
}  # fmt: skip


def records(clock: datetime) -> list[tuple[bytes, tuple[()], bytes]]:
    """Return exchanges of a listed, an observed and an unlisted model, and what else is stored."""
    sent = {"timestamp": clock.isoformat(), **EXCHANGE}
    values: list[Any] = [
        {**sent, "id": f"{MARK}-1"},
        {**sent, "id": f"{MARK}-2", "model": f"{LABEL} model"},
        {**sent, "id": f"{MARK}-3", "metadata": {"model_version": "v2", f"{MARK}_score": 1.5}},
        {"id": f"{MARK}-1", "feedback": {"thumbs_up": True}},
        {"id": f"{MARK}-4", "prompt": MARK, "user": f"{MARK} user"},
        {"id": f"{MARK}-5", "prompt": {"unknown": MARK}, "response": MARK},
    ]
    encoded = [*(json.dumps(value).encode() for value in values), b'{"prompt": "' + MARK.encode()]
    return [(f"{MARK} key".encode(), (), value) for value in encoded]


def test_traffic_is_stored_in_columns_of_end_users(engine: Engine, clock: datetime) -> None:
    open_rollout(engine, clock - timedelta(hours=1))
    ingest(engine, SETTINGS, records(clock), clock, read_plan(engine, SETTINGS))

    places, labels = places_of(engine, MARK), places_of(engine, LABEL)
    sweeper_at(engine, clock + timedelta(hours=2)).sweep(GO_ON)  # the half is a dead letter now
    places |= places_of(engine, MARK)
    assert [] == [place for place, content in places.items() if content not in OF_END_USERS]
    assert [] == misdeclared(engine, LABEL)
    assert [] == wrong_words(engine)
    assert {place.partition(".")[0] for place in (*places, *labels)} == {
        "exchanges", "pending_halves", "dead_letters", "feedback", "unlisted_exchanges",
        "rollout_observations", "rollout_labels",
    }  # fmt: skip


def test_texts_of_an_end_user_are_in_declared_columns(
    engine: Engine, clock: datetime, tmp_path: Path
) -> None:
    make_end_user_world(engine, tmp_path, clock)

    assert [] == misdeclared(engine, ANN, WORD)
    assert [] == wrong_words(engine)
    assert len(places_of(engine, WORD)) > 15
