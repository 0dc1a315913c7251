"""Every column of an exchange, from the record to the digest."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from sqlalchemy import Engine, inspect, select

from monitor.settings import Settings, Traffic
from monitor.store.engine import make_engine, transaction
from monitor.store.tables import Exchange as ExchangeTable
from monitor.store.traffic.baseline_copies import create_baseline_from_traffic
from monitor.store.traffic.exchange_columns import COLUMNS, NAMES, Exchanges
from monitor.store.traffic.exchanges import load_all_columns, load_baseline, load_window
from monitor.store.traffic.position import HalfRow, Position
from monitor.traffic.dead_letters import refused_dead_letter, unpaired_dead_letter
from monitor.traffic.decoder import Decoder
from monitor.traffic.exchange import LABELS, Exchange, Half, Labels
from monitor.traffic.formats.plain import LABEL_KEYS
from monitor.traffic.ingest.preparation import BatchPreparer
from monitor.traffic.ingest.writer import store_batch
from monitor.traffic.joining import join
from monitor.traffic.record import RawRecord
from monitor.traffic.rows import content_row, half_row
from monitor.traffic.sampling.sampler import Draw
from tests.support.encoders.fake_encoder import FakeEncoder
from tests.support.migrated_copy import migrate

COLUMNS_BY_NAME = {column.name: column for column in COLUMNS.values()}
#: A value of its own for each label.
NAMED = {name: f"a {name}" for name in LABELS}
#: Columns of the table that say where an exchange and its vectors are stored.
STORAGE = {"baseline_id", "block_id", "block_row"}

#: Columns of the digests that are stored; a new column is in none of them.
DIGESTED = {
    *("exchange_ids", "occurred_at", "models", "task_types", "end_users", "messages", "prompts"),
    *("responses", "attributes", "truncated", "inclusion_probability", "randomness", "threshold"),
    *("candidate_threshold", "min_sample_size", "prompt_vectors", "response_vectors"),
}


def plain_record(now: datetime, **values: Any) -> RawRecord:
    """Return a record in the plain format with every key."""
    line = {
        "id": "x1",
        "timestamp": now.isoformat(),
        "prompt": [{"role": "user", "content": "a prompt"}],
        "response": "a response",
        "metadata": {"latency": 0.5},
        **{LABEL_KEYS.get(name, name): value for name, value in NAMED.items()},
        **values,
    }
    line = {key: value for key, value in line.items() if value is not None}
    return RawRecord(Position("topic", 2, 7), b"x1", json.dumps(line).encode(), now)


def decode(record: RawRecord, **traffic: Any) -> Exchange | Half:
    decoded = Decoder(Traffic(**traffic), default_model="").decode(record)
    (content,) = [*decoded.exchanges, *decoded.halves]
    return content


def labels_of(exchange: Any) -> dict[str, str]:
    return {name: getattr(exchange, name) for name in LABELS}


def as_half_row(half: Exchange | Half, now: datetime) -> HalfRow:
    assert isinstance(half, Half)
    return half_row(half, position=Position("topic", 0, 1), received_at=now, draw=Draw(3))


def stored(engine: Engine, record: RawRecord, now: datetime) -> None:
    settings = Settings(
        monitoring={"sample_rate": 1.0, "unlisted_models": "watch"},
        traffic={"min_samples_per_task_type": 5},
        redaction={"enabled": False},
    )
    preparer = BatchPreparer.build(settings, FakeEncoder())
    store_batch(engine, preparer.prepare([record], received_at=now), [], now=now)


def one_exchange(clock: datetime) -> Exchanges:
    """Return an exchange with a distinct value in every column."""
    exchange = decode(plain_record(clock))
    assert isinstance(exchange, Exchange)
    row = {
        **content_row(exchange),
        "source": "topic",
        "partition": 2,
        "offset": 7,
        "record_index": 1,
        "id": 11,
        "received_at": clock,
        "inclusion_probability": 0.25,
        "randomness": 9,
        "threshold": 5,
        "candidate_threshold": 3,
        "min_sample_size": 20,
        "truncated": True,
    }
    vectors = np.ones((1, 8), np.float16)
    return Exchanges.from_rows(
        [row], prompt_vectors=vectors, response_vectors=-vectors, encoder="e"
    )


def changed(values: Any) -> Any:
    """Return a column with another value."""
    if isinstance(values, np.ndarray):
        return values + 1
    (value,) = values
    match value:
        case bool():
            return [not value]
        case int():
            return [value + 1]
        case str():
            return [f"{value}!"]
        case datetime():
            return [value + timedelta(seconds=1)]
        case Mapping():
            return [{**value, "another": 1}]
        case _:
            return [[*value, {"role": "user", "content": "another"}]]


def test_a_column_is_declared_in_every_place() -> None:
    """A missing declaration of a new column fails here."""
    in_table = {column.name for column in ExchangeTable.__table__.columns}

    assert in_table - STORAGE == NAMES
    assert set(LABELS) <= NAMES
    assert {name for name in LABELS if COLUMNS_BY_NAME[name].role != "content"} == set()


def test_the_migrated_table_has_every_column(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'migrated.db'}")
    migrate(engine)
    with engine.connect() as connection:
        migrated = {column["name"] for column in inspect(connection).get_columns("exchanges")}
    engine.dispose()
    missing = {column.name for column in ExchangeTable.__table__.columns} - migrated
    assert not missing, f"write a migration that adds {sorted(missing)}"


def test_the_plain_format_reads_every_label(clock: datetime) -> None:
    assert labels_of(decode(plain_record(clock))) == NAMED


@pytest.mark.parametrize("side", ["request", "response", "both"])
def test_joining_keeps_every_label(clock: datetime, side: str) -> None:
    """Either record may carry the labels."""
    unnamed = {LABEL_KEYS.get(name, name): None for name in LABELS}
    request = plain_record(clock, response=None, **(unnamed if side == "response" else {}))
    response = plain_record(clock, prompt=None, **(unnamed if side == "request" else {}))
    halves = [as_half_row(decode(r, join={"enabled": True}), clock) for r in (request, response)]

    joined = join(*halves, Traffic(), default_model="").exchange

    assert labels_of(joined) == NAMED
    assert (joined.prompt, joined.response) == ("a prompt", "a response")


def test_a_dead_letter_keeps_all_content(clock: datetime) -> None:
    """A dead letter decodes to the same exchange."""
    exchanges = one_exchange(clock)
    dead_letter = refused_dead_letter(exchanges, "refused")
    again = decode(RawRecord(dead_letter.position, None, dead_letter.value, clock))

    assert exchanges.position(0) == dead_letter.position
    assert isinstance(again, Exchange)
    (row,) = exchanges.rows()
    read = content_row(again)
    compared = read.keys() - {"record_index"}  # the position has it
    assert {name: row[name] for name in compared} == {name: read[name] for name in compared}


@pytest.mark.parametrize("missing", ["prompt", "response"])
def test_a_half_without_a_partner_keeps_labels_and_truncation(
    clock: datetime, missing: str
) -> None:
    texts = {"prompt": "p" * 101, "response": "r" * 101, missing: None}
    traffic = {"join": {"enabled": True}, "max_text_characters": 100}
    half = decode(plain_record(clock, **texts), **traffic)
    assert isinstance(half, Half)
    dead_letter = unpaired_dead_letter(as_half_row(half, clock), "the file")
    again = decode(RawRecord(dead_letter.position, None, dead_letter.value, clock), **traffic)

    assert isinstance(again, Half)
    assert labels_of(half.exchange) == labels_of(again.exchange) == NAMED
    assert half.exchange.messages == again.exchange.messages
    assert half.exchange.response == again.exchange.response
    assert half.exchange.truncated
    assert again.exchange.truncated


def test_every_column_is_stored_loaded_and_copied(any_engine: Engine, clock: datetime) -> None:
    stored(any_engine, plain_record(clock), clock)
    with transaction(any_engine) as connection:
        window = load_window(
            connection, NAMED["model"], clock - timedelta(days=1), clock + timedelta(days=1)
        )
        (row,) = load_all_columns(connection, window.ids.tolist()).rows()
        copy = create_baseline_from_traffic(connection, "m", "v", window, now=clock)
        baseline = load_baseline(connection, copy.id)
        table = connection.execute(select(ExchangeTable)).mappings().first()

    assert table is not None
    loaded = {name for name, column in COLUMNS.items() if column.is_loaded}
    assert loaded == {name for name in COLUMNS if len(getattr(window, name))}
    assert {name: row[name] for name in LABELS} == NAMED
    assert (row["min_sample_size"], row["inclusion_probability"]) == (5, 1.0)
    assert row["randomness"] > 0
    assert row["messages"] == [{"role": "user", "content": "a prompt"}]
    for name in loaded - {"ids"}:
        assert np.array_equal(getattr(window, name), getattr(baseline, name)), name


@pytest.mark.parametrize("name", COLUMNS)
def test_a_difference_in_one_column_changes_the_digest(clock: datetime, name: str) -> None:
    exchanges = one_exchange(clock)
    assert len(getattr(exchanges, name)) == 1
    other = replace(exchanges, **{name: changed(getattr(exchanges, name))})
    role = COLUMNS[name].role

    assert (exchanges.digest() == other.digest()) == (role == "place")
    assert (exchanges.digest(only_content=True) == other.digest(only_content=True)) == (
        role != "content"
    )


def test_stored_digests_stay(clock: datetime) -> None:
    later = {name for name, column in COLUMNS.items() if column.role != "place"} - DIGESTED
    exchanges = replace(one_exchange(clock), **dict.fromkeys(later, ()))
    known = "".join([exchanges.digest(), exchanges.digest(only_content=True)])
    assert sha256(known.encode()).hexdigest()[:16] == "b56bc7500063e6ce", (
        f"this hash never changes, for digests are stored; new columns {sorted(later)}: "
        "give each a default in monitor/store/traffic/exchange_columns.py"
    )


def test_a_digest_has_a_default_only_beside_other_values(clock: datetime) -> None:
    exchanges = replace(one_exchange(clock), truncated=[True])
    digest = exchanges.digest()
    unknown = replace(exchanges, truncated=[])
    assert replace(exchanges, truncated=[False]).digest() == unknown.digest() != digest
    zero = np.zeros(1, np.int64)
    assert replace(unknown, threshold=zero).digest() == replace(unknown, threshold=()).digest()


@pytest.mark.parametrize("name", COLUMNS)
def test_every_column_is_taken_and_concatenated(clock: datetime, name: str) -> None:
    first = one_exchange(clock)
    second = replace(first, **{name: changed(getattr(first, name))})

    both = Exchanges.concat([first, Exchanges(), second])
    taken = both.take(np.array([1]))

    assert len(both) == 2
    assert np.array_equal(getattr(second, name), getattr(taken, name))
    assert second.digest() == taken.digest()


def test_columns_known_in_one_part_only_are_refused(clock: datetime) -> None:
    known = one_exchange(clock)

    with pytest.raises(ValueError, match="occurred_at is known in some parts only"):
        Exchanges.concat([known, replace(known, occurred_at=())])


def test_a_column_without_default_must_be_known(clock: datetime) -> None:
    with pytest.raises(ValueError, match="without 'model' can't be stored"):
        replace(one_exchange(clock), models=()).rows()


def test_labels_are_texts_without_a_value() -> None:
    assert dict.fromkeys(LABELS, "") == msgspec.structs.asdict(Labels())
