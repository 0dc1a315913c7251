"""Requests and responses in separate records, on SQLite and PostgreSQL."""

import json
import random
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, select

from monitor.daemon.cycle import Cycle
from monitor.errors import LostOwnershipError
from monitor.scheduling.complete_traffic import LATE_RECORDS
from monitor.settings import Secrets, Settings, Traffic
from monitor.store.engine import make_engine, transaction
from monitor.store.tables import Exchange, PendingHalf
from monitor.store.traffic.daily_counts import SampledCount
from monitor.store.traffic.offsets import claim, record_caught_up
from monitor.store.traffic.pending_halves import delete_halves
from monitor.store.traffic.record_counts import ALL, record_counts
from monitor.store.traffic.withheld import count_withheld
from monitor.telemetry import DEAD_LETTERS
from monitor.traffic.dead_letter_replay import replay_dead_letters
from monitor.traffic.file_replay import replay_file
from monitor.traffic.ingest import sweeper as sweeper_module
from monitor.traffic.ingest.sweeper import CLAIM, PATIENCE, Sweeper
from monitor.traffic.redaction import pseudonym_of_id
from tests.support.encoders.fake_encoder import FakeEncoder
from tests.support.traffic.halves import (
    JOINED,
    TIMEOUT_SECONDS,
    dead_letters,
    exchanges,
    expected,
    make_preparer,
    n_waiting,
    request_line,
    response_line,
    store,
)

MAIL = "ann@example.org"
GO_ON = threading.Event()
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
TIMEOUT = timedelta(seconds=TIMEOUT_SECONDS)


def sweeper_at(engine: Engine, now: datetime, settings: Traffic = JOINED) -> Sweeper:
    """Return a sweeper while ingest is at the end of the topic."""
    read_until(engine, {0: now, 1: now})
    return Sweeper(engine, make_preparer(settings), settings.join, clock=lambda: now)


def read_until(engine: Engine, until: dict[int, datetime]) -> None:
    """Record that all partitions are read up to a time."""
    with transaction(engine) as connection:
        for partition in (0, 1):
            claim(connection, "topic", partition, first=0, now=max(until.values()))
        record_caught_up(connection, "topic", until)


def test_halves_of_one_batch_never_wait(any_engine: Engine, clock: datetime) -> None:
    stored = store(any_engine, [(1, 5, response_line("a")), (0, 3, request_line("a"))], clock)

    assert (stored.n_exchanges, stored.n_halves, stored.n_dead_letters) == (1, 0, 0)
    assert expected(["a"]) == exchanges(any_engine)
    assert n_waiting(any_engine) == 0


@pytest.mark.parametrize("response_first", [False, True])
def test_halves_of_two_batches_meet_at_the_request_s_position(
    any_engine: Engine, clock: datetime, response_first: bool
) -> None:
    batches = [
        ([(0, 3, request_line("a"))], clock, 0.25),
        ([(1, 5, response_line("a"))], clock + 2 * SECOND, 0.5),
    ]
    for lines, now, probability in reversed(batches) if response_first else batches:
        stored = store(any_engine, lines, now, probability=probability)
        assert (stored.n_exchanges, stored.n_halves) == (0, 1)
    assert n_waiting(any_engine) == 2

    assert sweeper_at(any_engine, clock + 3 * SECOND).sweep(GO_ON) == (1, 0)

    assert n_waiting(any_engine) == 0
    assert expected(["a"]) == exchanges(any_engine)
    with transaction(any_engine) as connection:
        row = connection.execute(select(Exchange)).one()
    assert (row.source, row.partition, row.offset, row.record_index) == ("topic", 0, 3, 0)
    assert (0.25, clock, "bank", "user a") == (
        row.inclusion_probability,
        row.occurred_at,
        row.model,
        row.end_user,
    )
    assert row.attributes == {"latency_seconds": 2.0}


def test_halves_are_redacted_while_they_wait(any_engine: Engine, clock: datetime) -> None:
    line = request_line("a").replace(b"prompt a", b"write to ann@example.org")
    store(any_engine, [(0, 0, line.replace(b"user a", b"ann@example.org"))], clock)

    with transaction(any_engine) as connection:
        row = connection.execute(select(PendingHalf)).one()
    assert "ann@" not in str(row.payload)
    assert "[EMAIL]" in str(row.payload)
    assert row.end_user.startswith("user-")


def test_halves_join_by_an_id_that_is_personal_data(engine: Engine, clock: datetime) -> None:
    halves = [request_line(MAIL), response_line(MAIL)]
    for number, line in enumerate(halves):
        store(engine, [(number, 0, line)], clock + number * SECOND)
        with transaction(engine) as connection:
            assert MAIL not in str(connection.execute(select(PendingHalf)).all())

    assert sweeper_at(engine, clock + 3 * SECOND).sweep(GO_ON) == (1, 0)

    with transaction(engine) as connection:
        row = connection.execute(select(Exchange)).one()
    assert pseudonym_of_id(MAIL) == row.exchange_id
    assert MAIL not in str(row)
    store(engine, [(0, 9, request_line("a")), (1, 9, response_line("a"))], clock)
    assert len(exchanges(engine)) == 2


def test_shuffled_and_duplicate_halves_make_exactly_the_pairs(
    any_engine: Engine, clock: datetime
) -> None:
    rng = random.Random(5)
    names = [f"n{number}" for number in range(200)]
    lines = [(0, 2 * i, request_line(name)) for i, name in enumerate(names)]
    lines += [(1, 2 * i, response_line(name)) for i, name in enumerate(names)]
    rng.shuffle(lines)
    sweeper = sweeper_at(any_engine, clock)
    for start in range(0, len(lines), 30):
        store(any_engine, lines[start : start + 30], clock)
        if rng.random() < 0.5:
            sweeper.sweep(GO_ON)
    sweeper.sweep(GO_ON)

    assert expected(names) == exchanges(any_engine)
    assert n_waiting(any_engine) == 0
    assert dead_letters(any_engine) == {}


def test_a_duplicate_pending_half_is_a_dead_letter(any_engine: Engine, clock: datetime) -> None:
    store(any_engine, [(0, 0, request_line("a"))], clock)
    again = store(any_engine, [(0, 1, request_line("a")), (0, 2, request_line("b"))], clock)
    store(any_engine, [(1, 0, response_line("a"))], clock)

    assert (again.n_halves, again.n_dead_letters) == (1, 1)
    sweeper_at(any_engine, clock).sweep(GO_ON)
    assert expected(["a"]) == exchanges(any_engine)
    assert dead_letters(any_engine) == {"duplicate_half": 1}
    assert n_waiting(any_engine) == 1


def test_expired_halves_are_counted_and_can_be_replayed(
    any_engine: Engine, clock: datetime
) -> None:
    store(any_engine, [(0, i, request_line(f"r{i}")) for i in range(300)], clock)
    store(any_engine, [(1, i, response_line(f"s{i}")) for i in range(40)], clock + SECOND)
    counted = DEAD_LETTERS.labels("topic", "unpaired_request")._value.get()

    assert sweeper_at(any_engine, clock + TIMEOUT).sweep(GO_ON) == (0, 0)
    assert sweeper_at(any_engine, clock + TIMEOUT + SECOND).sweep(GO_ON) == (0, 300)
    assert n_waiting(any_engine) == 40
    assert sweeper_at(any_engine, clock + TIMEOUT + 2 * SECOND).sweep(GO_ON) == (0, 40)
    assert dead_letters(any_engine) == {"unpaired_request": 300, "unpaired_response": 40}
    assert DEAD_LETTERS.labels("topic", "unpaired_request")._value.get() - counted == 300

    # The partners of ten come late: each waits for itself, and is put away in its time.
    later = clock + 2 * TIMEOUT
    store(any_engine, [(1, 100 + i, response_line(f"r{i}")) for i in range(10)], later)
    assert sweeper_at(any_engine, later + TIMEOUT + SECOND).sweep(GO_ON) == (0, 10)
    assert dead_letters(any_engine) == {"unpaired_request": 300, "unpaired_response": 50}

    # Both are whole enough to be joined by a replay; the others wait once more, and no longer.
    last = later + 2 * TIMEOUT
    replayed = replay_dead_letters(
        any_engine,
        Settings(model={"name": "bank"}, traffic=JOINED),
        FakeEncoder(),
        clock=lambda: last,
    )
    assert (
        replayed.n_exchanges,
        replayed.still_unreadable,
        replayed.n_waiting,
    ) == (10, {}, 330)
    assert expected([f"r{i}" for i in range(10)]) == exchanges(any_engine)
    assert n_waiting(any_engine) == 330
    assert dead_letters(any_engine) == {}
    assert sweeper_at(any_engine, last + TIMEOUT + SECOND).sweep(GO_ON) == (0, 330)
    assert dead_letters(any_engine) == {"unpaired_request": 290, "unpaired_response": 40}


def test_a_half_waits_until_its_source_is_read(any_engine: Engine, clock: datetime) -> None:
    """One replica has read all requests; another is an hour behind with the responses."""
    store(any_engine, [(0, i, request_line(f"r{i}")) for i in range(20)], clock)
    late = clock + TIMEOUT + SECOND
    sweeper = Sweeper(any_engine, make_preparer(), JOINED.join, clock=lambda: late)

    assert sweeper.sweep(GO_ON) == (0, 0)  # of partition 1 nobody knows anything yet
    read_until(any_engine, {0: late, 1: clock + TIMEOUT - SECOND})
    assert sweeper.sweep(GO_ON) == (0, 0)

    store(any_engine, [(1, i, response_line(f"r{i}")) for i in range(19)], late)
    read_until(any_engine, {1: clock + TIMEOUT})
    assert sweeper.sweep(GO_ON) == (19, 1)
    assert dead_letters(any_engine) == {"unpaired_request": 1}


def test_half_that_expires_again_is_counted_once(any_engine: Engine, clock: datetime) -> None:
    now = clock
    store(any_engine, [(0, 0, request_line("a"))], now)
    settings = Settings(model={"name": "bank"}, traffic=JOINED)
    for _ in range(2):
        now += 2 * TIMEOUT
        assert sweeper_at(any_engine, now).sweep(GO_ON) == (0, 1)
        assert dead_letters(any_engine) == {"unpaired_request": 1}
        replay_dead_letters(any_engine, settings, FakeEncoder(), clock=lambda now=now: now)
    with transaction(any_engine) as connection:
        counts = record_counts(connection, "topic", clock, now + DAY)
    assert sum(count.count for count in counts if count.reason != ALL) == 1


def test_a_half_expires_despite_an_unread_partition(any_engine: Engine, clock: datetime) -> None:
    store(any_engine, [(0, 0, request_line("a"))], clock)
    read_until(any_engine, {0: clock + PATIENCE})

    for now, put_away in ((TIMEOUT + PATIENCE, 0), (TIMEOUT + PATIENCE + SECOND, 1)):
        sweeper = Sweeper(
            any_engine, make_preparer(), JOINED.join, clock=lambda now=now: clock + now
        )
        assert (0, put_away) == sweeper.sweep(GO_ON)


def test_replay_without_joins_leaves_requests_unjoined(any_engine: Engine, clock: datetime) -> None:
    store(any_engine, [(0, 0, request_line("a")), (1, 0, response_line("b"))], clock)
    sweeper_at(any_engine, clock + TIMEOUT + SECOND).sweep(GO_ON)

    replayed = replay_dead_letters(any_engine, Settings(traffic=Traffic()), FakeEncoder())

    assert replayed.n_exchanges == 0
    assert replayed.still_unreadable == {"missing_prompt": 1, "missing_response": 1}

    prompts_only = Settings(traffic=Traffic(prompts_only=True))
    replayed = replay_dead_letters(any_engine, prompts_only, FakeEncoder())

    assert (replayed.n_exchanges, replayed.still_unreadable) == (1, {"missing_prompt": 1})
    assert exchanges(any_engine) == [("a", "prompt a", "")]


def test_pair_with_withheld_texts_is_counted(any_engine: Engine, clock: datetime) -> None:
    store(any_engine, [(0, 0, b'{"id": "a", "prompt": "redacted-by-litellm"}')], clock)
    store(any_engine, [(1, 0, b'{"id": "a", "response": "redacted-by-litellm"}')], clock)

    sweeper_at(any_engine, clock).sweep(GO_ON)

    assert (exchanges(any_engine), n_waiting(any_engine), dead_letters(any_engine)) == ([], 0, {})
    with transaction(any_engine) as connection:
        assert SampledCount(1, 4.0) == count_withheld(
            connection, "assistant", clock, clock + timedelta(days=1)
        )


def test_sweepers_at_once_store_each_pair_once(any_engine: Engine, clock: datetime) -> None:
    names = [f"n{number}" for number in range(600)]
    store(any_engine, [(0, i, request_line(name)) for i, name in enumerate(names)], clock)
    store(any_engine, [(1, i, response_line(name)) for i, name in enumerate(names)], clock)
    url = any_engine.url.render_as_string(hide_password=False)
    engines = [make_engine(url) for _ in range(4)]
    begin = threading.Barrier(len(engines))
    joined: list[int] = []
    failures: list[Exception] = []

    def run(engine: Engine) -> None:
        begin.wait(30)
        try:
            joined.append(sweeper_at(engine, clock).sweep(GO_ON)[0])
        except Exception as failure:  # noqa: BLE001 - told below
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(engine,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for engine in engines:
        engine.dispose()

    assert failures == []
    assert sum(joined) == 600
    assert expected(names) == exchanges(any_engine)
    assert n_waiting(any_engine) == 0


def test_a_pair_with_an_expired_claim_is_stored_once(
    any_engine: Engine, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(any_engine, [(0, 0, request_line("a"))], clock)
    store(any_engine, [(1, 0, response_line("a"))], clock)
    slow, fast = sweeper_at(any_engine, clock), sweeper_at(any_engine, clock + CLAIM + SECOND)
    prepare_pairs = slow._preparer.prepare_pairs

    def overtaken(pairs):
        assert fast.sweep(GO_ON) == (1, 0)
        return prepare_pairs(pairs)

    monkeypatch.setattr(slow._preparer, "prepare_pairs", overtaken)
    assert slow.sweep(GO_ON) == (0, 0)
    assert expected(["a"]) == exchanges(any_engine)


def test_the_claim_of_a_process_that_died_ends(
    any_engine: Engine, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(any_engine, [(0, 0, request_line("a"))], clock)
    store(any_engine, [(1, 0, response_line("a"))], clock)
    dying = sweeper_at(any_engine, clock)

    class DeathError(BaseException):
        pass

    def die(_pairs):
        raise DeathError

    monkeypatch.setattr(dying._preparer, "prepare_pairs", die)
    with pytest.raises(DeathError):
        dying.sweep(GO_ON)

    now = [clock + SECOND]
    survivor = Sweeper(any_engine, make_preparer(), JOINED.join, clock=lambda: now[0])
    assert survivor.sweep(GO_ON) == (0, 0)
    # Long after, when the halves are no longer fresh, and their time limit has passed too.
    now[0] = clock + CLAIM + TIMEOUT + 3600 * SECOND
    assert survivor.sweep(GO_ON) == (1, 0)
    assert expected(["a"]) == exchanges(any_engine)


def test_nothing_is_stored_where_a_half_is_gone(any_engine: Engine, clock: datetime) -> None:
    store(any_engine, [(0, 0, request_line("a"))], clock)
    store(any_engine, [(1, 0, response_line("a"))], clock)
    sweeper = sweeper_at(any_engine, clock)
    with transaction(any_engine) as connection:
        ids = list(connection.execute(select(PendingHalf.id)).scalars())
        delete_halves(connection, ids[:1])
    prepared = make_preparer().prepare_pairs([])

    with pytest.raises(LostOwnershipError):
        sweeper._store(prepared, ids)
    assert n_waiting(any_engine) == 1


def test_halves_from_before_joins_were_disabled_are_swept(
    any_engine: Engine, clock: datetime
) -> None:
    store(any_engine, [(0, 0, request_line("a"))], clock)
    store(any_engine, [(1, 0, response_line("a"))], clock)
    off = Sweeper(any_engine, make_preparer(Traffic()), Traffic().join, clock=lambda: clock)

    off.sweep_when_due(GO_ON)

    assert expected(["a"]) == exchanges(any_engine)


def test_the_counterpart_of_a_half_from_before_counts_for_itself(
    any_engine: Engine, clock: datetime
) -> None:
    store(any_engine, [(0, 0, request_line("a")), (1, 0, response_line("b"))], clock)
    late = [(1, 1, response_line("a")), (0, 1, request_line("b")), (0, 2, request_line("c"))]
    store(any_engine, late, clock + SECOND, settings=Traffic())

    assert dead_letters(any_engine) == {"missing_prompt": 1, "missing_response": 2}
    later = clock + TIMEOUT + 2 * SECOND
    read_until(any_engine, {0: later, 1: later})
    off = Sweeper(
        any_engine,
        make_preparer(Traffic()),
        JOINED.join.model_copy(update={"enabled": False}),
        clock=lambda: later,
    )
    off.sweep_when_due(GO_ON)

    assert n_waiting(any_engine) == 0
    assert exchanges(any_engine) == []
    assert dead_letters(any_engine) == {
        "missing_prompt": 1,
        "missing_response": 2,
        "unpaired_request": 1,
        "unpaired_response": 1,
    }


def test_a_failed_sweep_is_retried(
    engine: Engine, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeper_module, "INTERVAL_SECONDS", 0.0)
    store(engine, [(0, 0, request_line("a"))], clock)
    store(engine, [(1, 0, response_line("a"))], clock)
    now = [clock]
    sweeper = Sweeper(engine, make_preparer(), JOINED.join, clock=lambda: now[0])

    def fail(_pairs):
        raise RuntimeError("CUDA out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(sweeper._preparer, "prepare_pairs", fail)
        sweeper.sweep_when_due(GO_ON)
    assert n_waiting(engine) == 2
    now[0] += CLAIM + SECOND
    sweeper.sweep_when_due(GO_ON)
    assert expected(["a"]) == exchanges(engine)


def test_a_window_waits_for_the_responses_to_its_requests(
    any_engine: Engine, clock: datetime
) -> None:
    requests = json.dumps({"id": "a", "prompt": "x", "timestamp": clock.isoformat()}).encode()
    store(any_engine, [(0, 0, requests)], clock + SECOND)
    settings = Settings(kafka={"topic": "topic"}, traffic=JOINED)
    cycle = Cycle.build(any_engine, settings, Secrets(), clock)
    now = clock + timedelta(hours=1)

    assert clock == cycle._complete_until(now)
    sweeper_at(any_engine, clock + TIMEOUT + 2 * SECOND).sweep(GO_ON)
    read_until(any_engine, {0: now, 1: now})
    assert now - LATE_RECORDS == cycle._complete_until(now)


def test_looking_for_pairs_reads_no_whole_table(engine: Engine, clock: datetime) -> None:
    """A million halves may wait, and a sweep runs every two seconds."""
    statements: list[tuple[str, object]] = []
    event.listen(engine, "before_cursor_execute", lambda *call: statements.append(call[2:4]))
    sweeper_at(engine, clock).sweep(GO_ON)
    queries = [
        statement
        for statement in statements
        if statement[0].startswith("SELECT") and "JOIN" in statement[0]
    ]
    queries += [statement for statement in statements if "EXISTS" in statement[0]]
    assert len(queries) == 2

    with transaction(engine) as connection:
        for query, parameters in queries:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", parameters).all()
            steps = [row[3] for row in plan]
            assert not [step for step in steps if step.startswith("SCAN")], steps


def write_halves(path: Path, names: list[str]) -> Settings:
    """Write requests, then responses, and one of each without a counterpart."""
    lines = [request_line(name) for name in [*names, "lonely"]]
    lines += [response_line(name) for name in [*names, "unasked"]]
    path.write_bytes(b"\n".join(lines))
    traffic = Traffic(batch_size=7, join={"enabled": True})
    return Settings(model={"name": "bank"}, monitoring={"sample_rate": 1.0}, traffic=traffic)


def test_a_file_is_joined_to_its_end(any_engine: Engine, tmp_path: Path) -> None:
    names = [f"n{number}" for number in range(50)]
    settings = write_halves(tmp_path / "traffic.jsonl", names)

    done = replay_file(any_engine, settings, FakeEncoder(), tmp_path / "traffic.jsonl")

    assert (done.n_exchanges, done.n_dead_letters) == (50, 2)
    assert expected(names) == exchanges(any_engine)
    assert dead_letters(any_engine) == {"unpaired_request": 1, "unpaired_response": 1}
    assert n_waiting(any_engine) == 0


def test_the_next_replay_finishes_one_that_died(
    any_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class DeathError(Exception):
        pass

    def die(*_arguments):
        raise DeathError

    names = [f"n{number}" for number in range(20)]
    settings = write_halves(tmp_path / "traffic.jsonl", names)
    finish = Sweeper.finish
    monkeypatch.setattr(Sweeper, "finish", die)
    with pytest.raises(DeathError):
        replay_file(any_engine, settings, FakeEncoder(), tmp_path / "traffic.jsonl")

    monkeypatch.setattr(Sweeper, "finish", finish)
    done = replay_file(any_engine, settings, FakeEncoder(), tmp_path / "traffic.jsonl")

    assert (
        done.n_lines,
        done.n_skipped,
        done.n_exchanges,
        done.n_dead_letters,
    ) == (0, 42, 20, 2)
    assert expected(names) == exchanges(any_engine)
