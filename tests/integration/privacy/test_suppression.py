"""Ways by which records of a forgotten end user could come back, each of which is closed."""

import json
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from monitor.errors import ConfigurationError, InputError, RulesChangedError
from monitor.privacy.end_users.end_user import ErasureRequest
from monitor.privacy.end_users.suppression import (
    export_list,
    forget_listed,
    import_list,
    listed_end_users,
    suppress,
    unsuppress,
)
from monitor.privacy.erasure.forget import forget
from monitor.settings import Secrets, Settings, Traffic
from monitor.store.engine import transaction
from monitor.store.privacy.suppressions import suppression_changes
from monitor.store.tables import AuditEntry, DeadLetter, Exchange, RolloutObservation
from monitor.store.traffic.dead_letters import DeadLetterRow, insert_dead_letters
from monitor.store.traffic.offsets import OffsetMove, claim
from monitor.store.traffic.position import Position
from monitor.telemetry import EXCHANGES_SUPPRESSED
from monitor.traffic.baseline_import import import_baseline
from monitor.traffic.dead_letter_replay import replay_dead_letters
from monitor.traffic.end_users.rules import open_rules
from monitor.traffic.end_users.suppression_file import mask_reasons, synchronize
from monitor.traffic.file_replay import replay_file
from monitor.traffic.ingest.preparation import BatchPreparer
from monitor.traffic.ingest.sweeper import PATIENCE, Sweeper
from monitor.traffic.ingest.writer import StoreResult, prepare_and_store, store_batch
from monitor.traffic.record import RawRecord
from monitor.traffic.redaction import pseudonym_of
from tests.support.encoders.fake_encoder import FakeEncoder
from tests.support.refusals import refusal
from tests.support.traffic import observed_traffic
from tests.support.traffic.end_users import stored_texts
from tests.support.traffic.fixture_files import READ_AT, as_protobuf, load

ANN, BOB = "ann@example.org", "bob@example.org"
#: In every text of Ann.
WORD = "marmalade"
OLD, NEW = "o" * 32, "n" * 32
EVERYTHING = {"sample_rate": 1.0, "unlisted_models": "watch"}


def settings(**sections: Any) -> Settings:
    return Settings(monitoring=EVERYTHING, **sections)


def put_on_list(engine: Engine, clock: datetime, key: str = "", subject: str = ANN) -> None:
    suppress(engine, settings(), subject, "forgotten", by="kim", now=clock, secrets=secrets(key))


def secrets(key: str = "") -> Secrets:
    return Secrets(driftwarden_user_id_key=key)


def record(number: int, user: str | None, word: str = "parcel", **keys: Any) -> bytes:
    line = {"id": f"r{number}", "prompt": f"{word} {number}?", "response": f"{word}.", "user": user}
    return json.dumps({key: value for key, value in (line | keys).items() if value}).encode()


def raw(values: Sequence[bytes], clock: datetime, **fields: Any) -> list[RawRecord]:
    return [
        RawRecord(Position("topic", 0, offset), b"k%d" % offset, value, clock, **fields)
        for offset, value in enumerate(values)
    ]


def make_preparer(engine: Engine, key: str = "", **sections: Any) -> BatchPreparer:
    own = settings(**sections)
    return BatchPreparer.build(own, FakeEncoder(), rules=open_rules(engine, own, secrets(key)))


def ingest(engine: Engine, values: Sequence[bytes], clock: datetime, **options: Any) -> StoreResult:
    preparer = make_preparer(engine, **options)
    prepared = preparer.prepare(raw(values, clock), received_at=clock)
    return store_batch(engine, prepared, [], now=clock)


def n_stored(engine: Engine, table: Any = Exchange) -> int:
    with transaction(engine) as connection:
        return len(connection.execute(select(table.id)).all())


def n_counted(source: str = "topic") -> float:
    return float(EXCHANGES_SUPPRESSED.labels(source)._value.get())


@pytest.mark.parametrize(
    "spelling",
    [
        "ann@example.org",
        " ANN@Example.org",
        "mailto:Ann@example.org",
        "\uff41nn@example.org",
        "ann\u200b@example.org",
    ],
)
def test_another_spelling_is_dropped_and_counted(
    engine: Engine, clock: datetime, spelling: str
) -> None:
    put_on_list(engine, clock)
    before = n_counted()
    stored = ingest(engine, [record(1, spelling, WORD), record(2, BOB)], clock)
    assert (stored.n_exchanges, stored.n_suppressed, n_counted() - before) == (1, 1, 1)
    assert stored_texts(engine, [WORD, "ann@", "example.org"]) == []


def test_offsets_advance_over_dropped_records(any_engine: Engine, clock: datetime) -> None:
    put_on_list(any_engine, clock)
    with transaction(any_engine) as connection:
        claim(connection, "topic", 0, first=0, now=clock)
    prepared = make_preparer(any_engine).prepare(
        raw([record(1, ANN, WORD)] * 3, clock), received_at=clock
    )
    stored = store_batch(any_engine, prepared, [OffsetMove("topic", 0, 0, 3)], now=clock)
    assert (stored.n_exchanges, stored.n_suppressed) == (0, 3)
    with transaction(any_engine) as connection:
        assert claim(connection, "topic", 0, first=0, now=clock) == 3


def test_a_new_key_lifts_nobody_off_the_list(engine: Engine, clock: datetime) -> None:
    put_on_list(engine, clock, key=OLD)
    stored = ingest(engine, [record(1, ANN, WORD), record(2, BOB)], clock, key=f"{NEW},{OLD}")
    assert (stored.n_exchanges, stored.n_suppressed) == (1, 1)
    with refusal("suppression_key_missing", ConfigurationError):
        make_preparer(engine, key=NEW)


def test_a_replica_with_the_list_of_before_stores_nothing(
    any_engine: Engine, clock: datetime
) -> None:
    preparer = make_preparer(any_engine)
    records = raw([record(1, ANN, WORD), record(2, BOB)], clock)
    prepared = preparer.prepare(records, received_at=clock)
    put_on_list(any_engine, clock)
    with pytest.raises(RulesChangedError):
        store_batch(any_engine, prepared, [], now=clock)
    assert n_stored(any_engine) == 0
    stored = prepare_and_store(
        lambda: preparer.prepare(records, received_at=clock),
        lambda again: store_batch(any_engine, again, [], now=clock),
    )
    assert (stored.n_exchanges, stored.n_suppressed) == (1, 1)


def test_a_batch_is_prepared_again_when_the_list_changes(engine: Engine, clock: datetime) -> None:
    preparer = make_preparer(engine)
    n_prepared = 0

    def prepare() -> Any:
        nonlocal n_prepared
        prepared = preparer.prepare(raw([record(1, ANN, WORD)], clock), received_at=clock)
        n_prepared += 1
        if n_prepared == 1:
            put_on_list(engine, clock)
        return prepared

    stored = prepare_and_store(prepare, lambda batch: store_batch(engine, batch, [], now=clock))
    assert (n_prepared, stored.n_exchanges, stored.n_suppressed) == (2, 0, 1)


def dead_letter(clock: datetime, offset: int, value: bytes, reason: str) -> DeadLetterRow:
    return DeadLetterRow(
        position=Position("topic", 0, offset), key=None, value=value, reason=reason, detail="",
        randomness=2**56 - 1, threshold=0, inclusion_probability=1.0, received_at=clock,
    )  # fmt: skip


def test_a_replayed_dead_letter_is_deleted(any_engine: Engine, clock: datetime) -> None:
    values = [record(0, ANN, WORD), record(1, BOB)]
    # Half of an exchange, with an unkeyed pseudonym.
    values.append(record(2, pseudonym_of(ANN), WORD))
    with transaction(any_engine) as connection:
        rows = [dead_letter(clock, n, value, "unpaired_request") for n, value in enumerate(values)]
        insert_dead_letters(connection, rows)
    put_on_list(any_engine, clock)
    done = replay_dead_letters(any_engine, settings(), FakeEncoder(), clock=lambda: clock)
    assert (done.n_exchanges, done.n_suppressed, done.still_unreadable) == (1, 2, {})
    assert stored_texts(any_engine, [WORD, "ann@", pseudonym_of(ANN)]) == []


@pytest.mark.parametrize(
    "value",
    [
        b'{"user": "Ann@Example.org", "prompt": ',
        b'{"user": "ann\\u0040example.org", "prompt": ',
        b'{"user": "ann@example.org", "prompt": "only a prompt marmalade"}',
        b"\x0a\x0fann@example.org\x12\x09marmalade",
        b"user=ann@example.org;marmalade",
        b"GET /chat?user=ann%40example.org&q=marmalade",
    ],
)
def test_an_unreadable_record_that_names_them_is_dropped(
    engine: Engine, clock: datetime, value: bytes
) -> None:
    put_on_list(engine, clock)
    other = value.replace(b"ann", b"bob").replace(b"Ann", b"Bob")
    stored = ingest(engine, [value, other], clock)
    assert (stored.n_dead_letters, stored.n_suppressed) == (1, 1)
    assert n_stored(engine, DeadLetter) == 1


def test_a_dead_letter_with_their_key_or_header_is_dropped(engine: Engine, clock: datetime) -> None:
    put_on_list(engine, clock)
    keyed = RawRecord(Position("topic", 0, 1), ANN.encode(), b"{", clock)
    headed = RawRecord(Position("topic", 0, 2), b"k", b"{", clock, (("x-user", ANN.encode()),))
    prepared = make_preparer(engine).prepare([keyed, headed], received_at=clock)
    assert prepared.dead_letters == []
    assert prepared.suppressed == {"topic": 2}


def test_the_header_counts_where_the_content_names_another(engine: Engine, clock: datetime) -> None:
    put_on_list(engine, clock)
    records = [
        RawRecord(Position("topic", 0, 1), b"k", record(1, BOB), clock, (("x-user", ANN.encode()),))
    ]
    preparer = make_preparer(engine, traffic={"user_header": "x-user"})
    assert preparer.prepare(records, received_at=clock).suppressed == {"topic": 1}


def test_a_replayed_file_stores_nothing_of_them(
    engine: Engine, tmp_path: Path, clock: datetime
) -> None:
    put_on_list(engine, clock)
    path = tmp_path / "traffic.jsonl"
    path.write_bytes(
        b"\n".join([record(1, ANN, WORD), record(2, BOB), record(3, "ANN@example.org", WORD)])
    )
    done = replay_file(engine, settings(), FakeEncoder(), path, clock=lambda: clock)
    assert (done.n_lines, done.n_exchanges, done.n_suppressed) == (3, 1, 2)
    assert stored_texts(engine, [WORD]) == []


def test_an_imported_baseline_has_nothing_of_them(
    engine: Engine, tmp_path: Path, clock: datetime
) -> None:
    path = tmp_path / "baseline.jsonl"
    path.write_bytes(b"\n".join([record(1, ANN, WORD), record(2, BOB)]))

    def import_(key: str) -> Any:
        own = settings()
        return import_baseline(
            engine, own.traffic, FakeEncoder, path, names=own.names, redactor=None,
            rules=open_rules(engine, own, secrets(key)), now=clock,
        )  # fmt: skip

    put_on_list(engine, clock, key=OLD)
    imported = import_(OLD)
    assert (imported.n_exchanges, imported.n_suppressed, imported.is_new) == (1, 1, True)
    assert stored_texts(engine, [WORD]) == []
    # The file is recognized with another list and another key.
    unsuppress(
        engine,
        settings(),
        subject=ANN,
        reason="asked to",
        by="kim",
        now=clock,
        secrets=secrets(OLD),
    )
    assert not import_(f"{NEW},{OLD}").is_new


def test_baseline_of_suppressed_users_alone_is_refused(
    engine: Engine, tmp_path: Path, clock: datetime
) -> None:
    path = tmp_path / "baseline.jsonl"
    path.write_bytes(record(1, ANN, WORD))
    put_on_list(engine, clock)
    own = settings()
    with refusal("all_suppressed", InputError):
        import_baseline(
            engine, own.traffic, FakeEncoder, path, names=own.names, redactor=None,
            rules=open_rules(engine, own), now=clock,
        )  # fmt: skip


def test_users_of_one_record_are_distinguished(engine: Engine, clock: datetime) -> None:
    message = load("otel_details")
    records = message["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    for number, part in enumerate(records):
        user = ANN if number == 2 else BOB
        part["attributes"].append({"key": "user.id", "value": {"stringValue": user}})
    everything = ingest(engine, [as_protobuf(message)], READ_AT).n_exchanges
    put_on_list(engine, clock)
    preparer = make_preparer(engine)
    other = [
        replace(row, position=Position("other", 0, 0))
        for row in raw([as_protobuf(message)], READ_AT)
    ]
    prepared = preparer.prepare(other, received_at=READ_AT)
    assert (len(prepared.exchanges), prepared.suppressed) == (everything - 1, {"other": 1})
    assert preparer.prepare([], received_at=READ_AT).suppressed == {}


def test_observations_of_a_rollout_have_nothing_of_them(engine: Engine, clock: datetime) -> None:
    observed_traffic.open_rollout(engine, clock - timedelta(days=1), weight_percent=5)
    own = settings(rollout={"canary_rate": 1.0})
    plan = observed_traffic.read_plan(engine, own)
    put_on_list(engine, clock)
    sent = [
        record(n, user, word, model=observed_traffic.MODEL, timestamp=clock.isoformat(),
               metadata={"model_version": "v2"})
        for n, (user, word) in enumerate([(ANN, WORD), (BOB, "parcel")])
    ]  # fmt: skip
    preparer = make_preparer(engine, rollout={"canary_rate": 1.0})
    for sampled in (False, True):
        records = raw(sent, clock, sampled=sampled, plan=plan)
        prepared = preparer.prepare(records, received_at=clock)
        assert [row.exchange_id for row in prepared.observations] == ["r1"]
        assert prepared.suppressed == {"topic": 1}
    store_batch(engine, prepared, [], now=clock)
    assert n_stored(engine, RolloutObservation) == 1
    assert stored_texts(engine, [WORD]) == []


JOIN: dict[str, Any] = {"traffic": Traffic(join={"enabled": True, "timeout": "10m"})}
REQUEST = json.dumps({"id": "a", "prompt": f"{WORD}?", "user": ANN}).encode()
RESPONSE = json.dumps({"id": "a", "response": f"{WORD}."}).encode()


@pytest.mark.parametrize("order", [(REQUEST, RESPONSE), (RESPONSE, REQUEST)])
def test_the_other_half_is_dropped_with_theirs(
    any_engine: Engine, clock: datetime, order: tuple[bytes, bytes]
) -> None:
    put_on_list(any_engine, clock)
    for value in order:
        ingest(any_engine, [value], clock, **JOIN)
    preparer = make_preparer(any_engine, **JOIN)
    Sweeper(any_engine, preparer, JOIN["traffic"].join, clock=lambda: clock).sweep(
        threading.Event()
    )
    assert (n_stored(any_engine), n_stored(any_engine, DeadLetter)) == (0, 0)
    assert stored_texts(any_engine, [WORD, ANN]) == []


def test_halves_of_one_batch_are_both_dropped(engine: Engine, clock: datetime) -> None:
    put_on_list(engine, clock)
    stored = ingest(engine, [REQUEST, RESPONSE], clock, **JOIN)
    assert (stored.n_exchanges, stored.n_halves, stored.n_suppressed) == (0, 0, 1)


def test_halves_that_waited_are_dropped_when_they_meet(engine: Engine, clock: datetime) -> None:
    ingest(engine, [REQUEST], clock, **JOIN)
    put_on_list(engine, clock)
    ingest(engine, [RESPONSE], clock, **JOIN)
    preparer = make_preparer(engine, **JOIN)
    Sweeper(engine, preparer, JOIN["traffic"].join, clock=lambda: clock).sweep(threading.Event())
    assert stored_texts(engine, [WORD]) == []


@pytest.mark.parametrize("listed_first", [True, False])
def test_a_half_that_expires_is_no_dead_letter(
    engine: Engine, clock: datetime, listed_first: bool
) -> None:
    if listed_first:
        put_on_list(engine, clock)
    ingest(engine, [REQUEST], clock, **JOIN)
    put_on_list(engine, clock)
    preparer = make_preparer(engine, **JOIN)
    later = clock + PATIENCE + timedelta(hours=1)
    swept = Sweeper(engine, preparer, JOIN["traffic"].join, clock=lambda: later).sweep(
        threading.Event()
    )
    assert swept == (0, 1)
    assert n_stored(engine, DeadLetter) == 0
    assert stored_texts(engine, [WORD]) == []


def test_exchanges_stored_by_the_previous_release_are_erased(
    any_engine: Engine, clock: datetime
) -> None:
    put_on_list(any_engine, clock)
    for number, (user, is_redacted) in enumerate([(ANN, True), (ANN.upper(), False), (BOB, True)]):
        before = settings(redaction={"enabled": is_redacted})
        value = record(number, user, "parcel" if user == BOB else WORD)
        prepared = BatchPreparer.build(before, FakeEncoder()).prepare(
            raw([value], clock + timedelta(seconds=number)), received_at=clock
        )
        row = replace(prepared, exchanges=replace(prepared.exchanges, offsets=[100 + number]))
        store_batch(any_engine, row, [], now=clock)
    with transaction(any_engine) as connection:
        values = [b'{"user": "ann@example.org", marmalade', b'{"user": "bob@example.org", parcel']
        insert_dead_letters(
            connection,
            [dead_letter(clock, n, value, "invalid_json") for n, value in enumerate(values)],
        )
    reports = dict(forget_listed(any_engine, settings(), clock))
    assert set(reports) == {pseudonym_of(ANN), ANN.upper()}
    assert all(report.n_left == 0 for report in reports.values())
    assert (n_stored(any_engine), n_stored(any_engine, DeadLetter)) == (1, 1)
    assert stored_texts(any_engine, [WORD]) == []


def test_objection_erases_nothing(engine: Engine, clock: datetime) -> None:
    ingest(engine, [record(1, ANN, WORD)], clock)
    suppress(engine, settings(), ANN, "objected", by="kim", now=clock)
    assert list(forget_listed(engine, settings(), clock)) == []
    assert n_stored(engine) == 1
    put_on_list(engine, clock + timedelta(minutes=1))
    assert [listed.reason for listed in listed_end_users(engine)] == ["forgotten"]


def test_a_mention_by_others_and_no_id_are_stored(engine: Engine, clock: datetime) -> None:
    put_on_list(engine, clock, subject="customer-00765")
    stored = ingest(
        engine,
        [record(1, BOB, "customer-00765"), record(2, None), record(3, "customer-0076")],
        clock,
    )
    assert (stored.n_exchanges, stored.n_suppressed) == (3, 0)


def test_an_older_database_gets_the_list_from_the_file(
    engine: Engine, tmp_path: Path, clock: datetime
) -> None:
    ingest(engine, [record(1, ANN, WORD)], clock, key=OLD)
    path = tmp_path / "list"
    put_on_list(engine, clock, key=OLD)
    assert export_list(engine, path) == 1
    with transaction(engine) as connection:  # as of a backup from before
        connection.exec_driver_sql("DELETE FROM suppressions")
    (tmp_path / "driftwarden.db.suppressions").unlink()
    assert listed_end_users(engine) == []
    own = settings(privacy={"suppression_file": str(path)})
    assert open_rules(engine, own, secrets(OLD)).present.suppressed.has(ANN)
    assert len(listed_end_users(engine)) == 1
    assert import_list(engine, own, path) == 0
    assert [name for name, _ in forget_listed(engine, own, clock, secrets=secrets(OLD))] != []
    assert n_stored(engine) == 0


def test_a_removed_end_user_stays_removed_after_a_merge(engine: Engine, clock: datetime) -> None:
    put_on_list(engine, clock)
    later = clock + timedelta(hours=1)
    assert (
        unsuppress(
            engine, settings(), subject=" ANN@example.org", reason="consent", by="kim", now=later
        )
        == 1
    )
    assert listed_end_users(engine) == []
    assert ingest(engine, [record(1, ANN)], clock).n_exchanges == 1
    with transaction(engine) as connection:
        connection.exec_driver_sql("DELETE FROM suppressions")
    assert not open_rules(engine, settings()).present.suppressed.has(ANN)
    with transaction(engine) as connection:
        entries = connection.execute(
            select(AuditEntry.action, AuditEntry.subject, AuditEntry.details)
        )
        log = [(row.action, row.details["reason"], row.subject) for row in entries]
    assert [entry[:2] for entry in log] == [
        ("end_user.suppressed", "forgotten"),
        ("end_user.unsuppressed", "consent"),
    ]
    assert len({subject for *_, subject in log}) == 1


def test_the_list_holds_no_id(engine: Engine, tmp_path: Path, clock: datetime) -> None:
    put_on_list(engine, clock)
    put_on_list(engine, clock)
    assert len(listed_end_users(engine)) == 1
    assert stored_texts(engine, ["ann@", "example.org", pseudonym_of(ANN)]) == []
    content = (tmp_path / "driftwarden.db.suppressions").read_text()
    assert "ann" not in content.casefold()


def test_reasons_in_the_file_are_masked_too(
    engine: Engine, tmp_path: Path, clock: datetime
) -> None:
    """The file would give the database back what was masked there."""
    put_on_list(engine, clock)
    named = {"subject": ANN, "reason": f"{BOB} asked for it"}
    unsuppress(engine, settings(), **named, by="kim", now=clock + timedelta(hours=1))
    file = tmp_path / "driftwarden.db.suppressions"
    assert BOB in file.read_text()

    forget(engine, settings(), ErasureRequest(BOB), clock)

    put_on_list(engine, clock + timedelta(hours=2), subject="someone@example.org")
    assert stored_texts(engine, [BOB]) == ["audit_log"]  # its entries stay
    assert (BOB in file.read_text(), "[erased] asked" in file.read_text()) == (False, True)
    assert file.stat().st_mode & 0o777 == 0o600


def test_masking_keeps_link_mode_and_owner(
    engine: Engine, tmp_path: Path, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another disk than the database's, and a daemon of another user than the command's."""
    put_on_list(engine, clock)
    unsuppress(engine, settings(), subject=ANN, reason=BOB, by="kim", now=clock)
    (tmp_path / "disk").mkdir()
    file, link = tmp_path / "disk" / "list.jsonl", tmp_path / "link"
    (tmp_path / "driftwarden.db.suppressions").rename(file)
    link.symlink_to(file)
    file.chmod(0o640)
    owners: list[tuple[int, int]] = []
    monkeypatch.setattr("os.chown", lambda _, user, group: owners.append((user, group)))

    mask_reasons(link, lambda text: text.replace(BOB, "[erased]"))

    assert (link.is_symlink(), BOB in file.read_text()) == (True, False)
    assert (file.stat().st_mode & 0o777, len(owners)) == (0o640, 1)


def test_masking_names_a_file_that_stays(
    engine: Engine, tmp_path: Path, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on_list(engine, clock)
    unsuppress(engine, settings(), subject=ANN, reason=BOB, by="kim", now=clock)
    file = tmp_path / "driftwarden.db.suppressions"

    def refuse(*_: object) -> None:
        raise OSError(16, "Device or resource busy")  # as of a file that is mounted by itself

    monkeypatch.setattr(Path, "replace", refuse)
    with refusal("suppression_file_unwritable", ConfigurationError):
        mask_reasons(file, lambda text: text.replace(BOB, "[erased]"))
    assert not list(tmp_path.glob(f".{file.name}.*"))


def test_synchronization_returns_no_reason_that_was_masked(
    engine: Engine, tmp_path: Path, clock: datetime
) -> None:
    """The daemon reads the file while an erasure has masked it, and not yet the database."""
    put_on_list(engine, clock)
    named = {"subject": ANN, "reason": f"{BOB} asked for it"}
    unsuppress(engine, settings(), **named, by="kim", now=clock + timedelta(hours=1))
    file = tmp_path / "driftwarden.db.suppressions"

    mask_reasons(file, lambda text: text.replace(BOB, "[erased]"))
    with transaction(engine) as connection:
        before = suppression_changes(connection)
    assert synchronize(engine, file) == 0

    assert BOB not in file.read_text()
    with transaction(engine) as connection:
        assert suppression_changes(connection) == before


@pytest.mark.parametrize("options", [{"subject": BOB}, {"main_digest": "0" * 8}, {"key": "0" * 8}])
def test_invalid_removal_from_the_list_is_refused(
    engine: Engine, clock: datetime, options: dict[str, Any]
) -> None:
    put_on_list(engine, clock)
    with pytest.raises(InputError):
        unsuppress(engine, settings(), **options, reason="x", by="kim", now=clock)
    assert len(listed_end_users(engine)) == 1
