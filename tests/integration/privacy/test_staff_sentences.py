"""Sentences of staff about an end user: proposed, decided, erased or handed out.

Each test is an attempt to lose a sentence, or to touch another sentence.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete, select, update

from monitor.errors import InputError
from monitor.privacy.end_users.end_user import ErasureRequest, find_end_user
from monitor.privacy.end_users.erasure_request import resolve
from monitor.privacy.erasure import forget as forget_module
from monitor.privacy.erasure.erasure_record import subject_digests
from monitor.privacy.erasure.forget import forget
from monitor.privacy.erasure.traces import find_traces
from monitor.privacy.requests import requests as requests_module
from monitor.privacy.requests.requests import (
    Decision,
    Search,
    Sentence,
    close,
    decide,
    read_request,
    read_sentences,
    search_request,
)
from monitor.privacy.requests.search import Kind
from monitor.privacy.subject_export.collection import collect_export
from monitor.privacy.subject_export.document import Export, to_json
from monitor.store.audit_log import check_chain
from monitor.store.engine import transaction
from monitor.store.tables import (
    AuditEntry,
    Exchange,
    IncidentEvent,
    OutboxMessage,
    Review,
    ReviewItem,
    ReviewMessage,
    StaffSentence,
)
from monitor.store.traffic.dead_letters import DeadLetterRow, insert_dead_letters
from monitor.store.traffic.position import Position
from tests.integration.privacy.end_user_world import (
    ANN,
    HERS,
    EndUserWorld,
    exchange_ids,
    make_end_user_world,
)
from tests.support.database_copy import database_copy
from tests.support.refusals import refusal

#: The time of the fixture `clock`.
CLOCK = datetime(2026, 11, 2, tzinfo=UTC)
COMMENT = f"Bob was kind. Ann Miller ({ANN}) is rude! Mrs. Miller's dog bit Bob Smith. All fine."
NAMES = ("Miller",)


@pytest.fixture(scope="module")
def made_world(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[EndUserWorld]:
    """The world of all tests, made once."""
    folder = tmp_path_factory.mktemp("world")
    with database_copy(sqlite_template, folder / "driftwarden.db") as engine:
        made = with_comment(make_end_user_world(engine, folder, CLOCK))
        engine.dispose()
        yield made


@pytest.fixture
def world(made_world: EndUserWorld, tmp_path: Path) -> Iterator[EndUserWorld]:
    """A copy of its database; no test looks at its files."""
    original = Path(str(made_world.engine.url.database))
    with database_copy(original, tmp_path / "driftwarden.db") as engine:
        yield replace(made_world, engine=engine)


@pytest.fixture
def any_world(any_engine: Engine, tmp_path: Path, clock: datetime) -> EndUserWorld:
    return with_comment(make_end_user_world(any_engine, tmp_path, clock))


def other_items(world: EndUserWorld) -> list[int]:
    """Return the review items of others."""
    hers = {row_id for n, row_id in exchange_ids(world.engine).items() if n in HERS}
    with transaction(world.engine) as connection:
        rows = connection.execute(select(ReviewItem.id, ReviewItem.exchange_id)).all()
    return [row.id for row in rows if row.exchange_id not in hers]


def with_comment(world: EndUserWorld, comment: str = COMMENT) -> EndUserWorld:
    """Let a reviewer write about her on somebody else's item, and nobody anywhere else."""
    item = other_items(world)[0]
    with transaction(world.engine) as connection:
        connection.execute(update(IncidentEvent).values(reason=""))
        of_item = update(Review).where(Review.item_id == item, Review.reviewer_id == 1)
        connection.execute(of_item.values(comment=comment))
    return world


def comment_of(world: EndUserWorld) -> str:
    item = other_items(world)[0]
    with transaction(world.engine) as connection:
        statement = select(Review.comment).where(Review.item_id == item, Review.reviewer_id == 1)
        return str(connection.execute(statement).scalar_one())


def open_for(
    world: EndUserWorld,
    clock: datetime,
    kind: Kind = "erasure",
    names: tuple[str, ...] = NAMES,
    subject: str = ANN,
) -> Search:
    request = resolve(world.engine, world.settings, ErasureRequest(subject))
    end_user = find_end_user(world.engine, request)
    search = search_request(
        world.engine, end_user, find_traces(world.engine, end_user), kind=kind,
        digests=subject_digests(request), period=timedelta(days=30), by="lea", now=clock,
        names=names, is_asked=True,
    )  # fmt: skip
    assert search is not None
    return search


def sentences_of(world: EndUserWorld, request_id: int = 1) -> list[Sentence]:
    with transaction(world.engine) as connection:
        return read_sentences(connection, request_id)


def words(world: EndUserWorld, request_id: int = 1) -> dict[str, str]:
    """Return what each sentence was found by."""
    return {sentence.words: sentence.row.found_by for sentence in sentences_of(world, request_id)}


def decide_all(
    world: EndUserWorld, clock: datetime, decision: Decision, *ids: int, **options: Any
) -> None:
    chosen = ids or [
        sentence.row.id for sentence in sentences_of(world) if not sentence.row.decision
    ]
    decide(world.engine, 1, chosen, decision, reason="why", by="lea", now=clock, **options)


def export_of(world: EndUserWorld, clock: datetime) -> Export:
    return collect_export(world.engine, world.settings, ErasureRequest(ANN), clock)


def test_sentences_are_found_by_id_and_by_names_beside_it(
    world: EndUserWorld, clock: datetime
) -> None:
    search = open_for(world, clock, names=())

    assert search.names == ("Ann Miller",)
    assert search.due_at == clock + timedelta(days=30)
    assert words(world) == {f"Ann Miller ({ANN}) is rude!": "id"}
    assert open_for(world, clock).n_new == 1
    assert words(world) == {
        f"Ann Miller ({ANN}) is rude!": "id",
        "Miller's dog bit Bob Smith.": "name",
    }


def test_erased_sentences_leave_others_to_the_byte(
    any_world: EndUserWorld, clock: datetime
) -> None:
    open_for(any_world, clock)
    forget(any_world.engine, any_world.settings, ErasureRequest(ANN), clock)
    assert set(words(any_world)) == {
        "Ann Miller ([erased]) is rude!",
        "Miller's dog bit Bob Smith.",
    }

    decide_all(any_world, clock, "erase")
    assert {sentence.row.digest for sentence in sentences_of(any_world)} == {""}
    close(any_world.engine, 1, reason="", by="lea", now=clock)

    assert comment_of(any_world) == "Bob was kind. [erased]! Mrs. [erased]. All fine."
    with transaction(any_world.engine) as connection:
        rows = connection.execute(select(StaffSentence.decision, StaffSentence.digest)).all()
        audit = connection.execute(select(AuditEntry.subject, AuditEntry.details)).all()
        assert check_chain(connection).broken_at is None
    assert [tuple(row) for row in rows] == [("erase", "")] * 2
    assert "rude" not in str(audit)
    assert ("request:1", {"sentences": [1, 2], "decision": "erase"}) in [tuple(r) for r in audit]


def test_erased_words_leave_no_byte_in_the_file(world: EndUserWorld, clock: datetime) -> None:
    path = Path(str(world.engine.url.database))
    forget(world.engine, world.settings, ErasureRequest(ANN), clock)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"is rude" in path.read_bytes()

    decide_all(world, clock, "erase")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    assert b"is rude" not in path.read_bytes()


def test_erasure_without_sentences_of_staff_opens_no_request(
    world: EndUserWorld, clock: datetime
) -> None:
    forget(world.engine, world.settings, ErasureRequest("bob"), clock)
    with transaction(world.engine) as connection, refusal("unknown_request", InputError):
        read_request(connection, 1)
    forget(world.engine, world.settings, ErasureRequest(ANN), clock)

    with transaction(world.engine) as connection:
        request = read_request(connection, 1)
    assert (request.kind, request.answered_at, request.closed_at) == ("erasure", clock, None)
    assert [sentence.state for sentence in sentences_of(world)] == ["open"]


def test_sentences_are_found_after_an_erasure_was_killed(
    world: EndUserWorld, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(forget_module, "_remove_exchanges", killed)
        with pytest.raises(KeyboardInterrupt):
            forget(world.engine, world.settings, ErasureRequest(ANN), clock)
    forget(world.engine, world.settings, ErasureRequest(ANN), clock)

    assert words(world) == {"Ann Miller ([erased]) is rude!": "id"}


def test_killed_decision_neither_erases_nor_records(
    world: EndUserWorld, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    open_for(world, clock)
    with monkeypatch.context() as patched:
        patched.setattr(requests_module, "append_entry", killed)
        with pytest.raises(KeyboardInterrupt):
            decide_all(world, clock, "erase")

    assert comment_of(world) == COMMENT
    assert [sentence.state for sentence in sentences_of(world)] == ["open", "open"]


def test_second_lead_does_not_override_unnoticed(world: EndUserWorld, clock: datetime) -> None:
    open_for(world, clock)
    decide_all(world, clock, "keep", 1)

    with refusal("decided_before", InputError):
        decide_all(world, clock, "erase", 2, 1)
    assert [sentence.state for sentence in sentences_of(world)] == ["keep", "open"]
    decide_all(world, clock, "erase", 1, change=True)
    assert [sentence.state for sentence in sentences_of(world)] == ["erase", "open"]
    with refusal("sentence_changed", InputError):
        decide_all(world, clock, "keep", 1, change=True)


def test_changed_sentence_is_searched_for_again_before_the_request_closes(
    world: EndUserWorld, clock: datetime
) -> None:
    open_for(world, clock)
    with_comment(world, "Ann Miller was rude, and Bob too.")

    for decision in ("erase", "keep"):
        with refusal("sentence_changed", InputError):
            decide_all(world, clock, decision, 1)
    with refusal("sentences_wait", InputError):
        close(world.engine, 1, reason="x", by="lea", now=clock)
    assert open_for(world, clock, names=("Ann Miller",)).n_waiting == 1
    assert [sentence.state for sentence in sentences_of(world)] == ["gone", "gone", "open"]


def test_sentence_of_a_removed_row_waits_for_nobody(world: EndUserWorld, clock: datetime) -> None:
    open_for(world, clock)
    with transaction(world.engine) as connection:
        connection.execute(delete(Review))

    close(world.engine, 1, reason="withdrawn", by="lea", now=clock)

    assert [sentence.row.decision for sentence in sentences_of(world)] == ["gone", "gone"]
    with refusal("request_closed", InputError):
        decide_all(world, clock, "keep", 1)


def test_decision_that_fits_nothing_is_refused(world: EndUserWorld, clock: datetime) -> None:
    open_for(world, clock)

    with refusal("wrong_decision", InputError):
        decide_all(world, clock, "include", 1)
    with refusal("unknown_sentence", InputError):
        decide_all(world, clock, "erase", 1, 99)
    assert comment_of(world) == COMMENT


def test_request_of_nobody_is_open_until_it_is_answered(
    world: EndUserWorld, clock: datetime
) -> None:
    search = open_for(world, clock, names=(), subject="nobody-at-all")

    assert search.n_waiting == 0
    with refusal("not_answered", InputError):
        close(world.engine, 1, reason="", by="lea", now=clock)
    close(world.engine, 1, reason="no such customer", by="lea", now=clock)


def test_name_that_is_a_word_is_found_as_written_only(world: EndUserWorld, clock: datetime) -> None:
    with_comment(world, "She will come. Will called. Goodwill of Willy. WILL is a name.")

    open_for(world, clock, names=("Will",))

    assert words(world) == {"Will called.": "name"}
    with refusal("name_too_short", InputError):
        open_for(world, clock, names=("Al",))


def test_undecided_sentence_gives_the_id_only(world: EndUserWorld, clock: datetime) -> None:
    exported = to_json(export_of(world, clock))

    assert "is rude" not in exported
    assert "sentences of staff that may be about this end user: 1" in exported
    assert len(sentences_of(world)) == 1


def test_included_sentence_is_handed_out_without_third_parties(
    world: EndUserWorld, clock: datetime
) -> None:
    with transaction(world.engine) as connection:
        of_other = update(Exchange).where(Exchange.exchange_id == "exchange-4")
        connection.execute(of_other.values(end_user="customer-00765"))
    with_comment(world, f"As Ada told customer-00765 and b@x.org, {ANN} is rude. {ANN} lies.")
    open_for(world, clock, "access")
    decide_all(world, clock, "include", 1)
    decide_all(world, clock, "exclude", 2)

    export = export_of(world, clock)

    passages = [
        part
        for listed in export.parts
        if listed.name == "reviews"
        for entry in listed.entries
        for part in entry.passages.get("comment", ())
    ]
    assert passages == [
        f"As a member of staff told (another end user) and [EMAIL], {ANN} is rude.",
        ANN,
    ]
    assert "sentences of staff: 1" in {left.content for left in export.left_out}


@pytest.mark.parametrize("decision", ["include", "exclude"])
def test_export_before_the_decision_leaves_the_request_open(
    world: EndUserWorld, clock: datetime, decision: Decision
) -> None:
    open_for(world, clock, "access")
    request = resolve(world.engine, world.settings, ErasureRequest(ANN))
    requests_module.mark(world.engine, subject_digests(request), "access", answered_at=clock)
    decide_all(world, clock + timedelta(hours=1), decision)

    with refusal("not_answered", InputError):
        close(world.engine, 1, reason="", by="lea", now=clock)


def test_copy_in_a_message_is_decided_too(world: EndUserWorld, clock: datetime) -> None:
    lines = ["• One user (user-1) sent 30%.", f"Ada: Ann Miller ({ANN}) is rude!", f"to {ANN}"]
    with transaction(world.engine) as connection:
        connection.execute(update(OutboxMessage).values(payload={"blocks": lines}))

    open_for(world, clock)
    decide_all(world, clock, "erase")

    with transaction(world.engine) as connection:
        payloads = connection.execute(select(OutboxMessage.payload)).scalars().all()
    assert payloads[0] == {"blocks": [lines[0], "[erased]!", lines[2]]}


def test_her_own_items_need_no_decision(world: EndUserWorld, clock: datetime) -> None:
    with transaction(world.engine) as connection:
        connection.execute(update(ReviewMessage).values(text="Ann Miller is rude."))
        n_messages = len(connection.execute(select(ReviewMessage.id)).all())

    open_for(world, clock)

    places = [
        sentence.row
        for sentence in sentences_of(world)
        if sentence.row.table_name == "review_messages"
    ]
    assert len(places) == n_messages - len(HERS)


def test_broken_dead_letter_is_exported_as_it_is_erased(
    world: EndUserWorld, clock: datetime
) -> None:
    broken = f'{{"prompt": "I am {ANN}, my dog is ill"'
    values = [
        broken,
        f'{{"user": "bob", "prompt": "write to {ANN}"',
        f'{{"prompt": "write to {ANN}"}}',
    ]
    rows = [
        DeadLetterRow(
            position=Position("topic", 7, offset, 9), key=b"", value=value.encode(),
            reason="invalid_json", detail="", randomness=0, threshold=0,
            inclusion_probability=0.05, received_at=clock,
        )
        for offset, value in enumerate(values)
    ]  # fmt: skip
    with transaction(world.engine) as connection:
        insert_dead_letters(connection, rows)

    parts = {part.name: part.entries for part in export_of(world, clock).parts}

    exported = [(entry.values.get("value"), entry.passages) for entry in parts["dead_letters"][-3:]]
    assert exported == [(broken, {}), (None, {"value": [ANN]}), (None, {"value": [ANN]})]
