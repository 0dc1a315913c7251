"""Sentences of staff about an end user: proposed, decided, erased or handed out.

Each test is an attempt to lose a sentence, or to touch another sentence.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from sqlalchemy import Engine, delete, func, select, update
from typer.testing import CliRunner

from monitor.accounts.registration import create_user
from monitor.cli.app import app
from monitor.cli.shared.access import account_name
from monitor.errors import InputError
from monitor.privacy.end_users.end_user import ErasureRequest, find_end_user
from monitor.privacy.end_users.erasure_request import resolve
from monitor.privacy.erasure import forget as forget_module
from monitor.privacy.erasure import masking
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
    Suppression,
    User,
)
from monitor.store.traffic.dead_letters import DeadLetterRow, insert_dead_letters
from monitor.store.traffic.position import Position
from monitor.traffic.end_users.rules import open_rules
from tests.integration.privacy.end_user_world import (
    ANN,
    HERS,
    MENTIONS,
    EndUserWorld,
    exchange_ids,
    make_end_user_world,
)
from tests.support.database_copy import database_copy
from tests.support.refusals import refusal
from tests.support.review.review_world import PASSWORD
from tests.support.stamped import stamp

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
        sentence.row.number for sentence in sentences_of(world) if not sentence.row.decision
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
    details = [entry.details for entry in audit if entry.subject == "request:1"]
    assert details[1] | {"end_user": ""} == {
        "end_user": "", "sentences": [1, 2], "decision": "erase",
    }  # fmt: skip


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


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    with ThreadPoolExecutor() as pool:
        return [future.result(30) for future in [pool.submit(call) for call in calls]]


def test_searches_at_once_open_one_request(
    any_world: EndUserWorld, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = requests_module.store.insert_request

    def slowly(*arguments: Any, **values: Any) -> int:
        time.sleep(0.3)
        return insert(*arguments, **values)

    monkeypatch.setattr(requests_module.store, "insert_request", slowly)

    searches = at_once(*[lambda: open_for(any_world, clock)] * 2)

    assert [search.request_id for search in searches] == [1, 1]
    assert sorted(search.n_new for search in searches) == [0, 2]
    assert len(sentences_of(any_world)) == 2


def test_decision_waits_for_the_masking_of_its_text(
    any_world: EndUserWorld, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = Event()
    move = masking._move_sentences

    def slowly(*arguments: Any) -> None:
        if COMMENT in arguments:
            began.set()
            time.sleep(0.5)
        move(*arguments)

    open_for(any_world, clock)
    monkeypatch.setattr(masking, "_move_sentences", slowly)

    def erase() -> None:
        assert began.wait(20)
        decide_all(any_world, clock, "erase", 1)

    erase_all = partial(forget, any_world.engine, any_world.settings, ErasureRequest(ANN), clock)
    at_once(erase_all, erase)

    assert (
        comment_of(any_world)
        == "Bob was kind. [erased]! Mrs. Miller's dog bit Bob Smith. All fine."
    )


def test_entries_of_a_request_have_one_digest(
    world: EndUserWorld, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    stamp(world.engine)
    monkeypatch.setenv("DRIFTWARDEN_DATABASE__URL", str(world.engine.url))
    with transaction(world.engine) as connection:
        create_user(connection, "Lea", PASSWORD, "lead", clock)
    open_rules(world.engine, world.settings)  # makes the key, as a daemon does

    for line in (
        "requests open --kind erasure --subject ann@example.org",
        "forget --subject Ann@Example.org --exchange exchange-3",
        "forget --subject ann@example.org --verify",
        "requests decide 1 1 --keep --reason why --as Lea",
        "requests close 1 --as Lea",
        "suppress remove --subject ann@example.org --reason consent",
    ):
        done = CliRunner().invoke(app, line.split())
        assert done.exit_code == 0, done.output

    with transaction(world.engine) as connection:
        entries = connection.execute(select(AuditEntry).order_by(AuditEntry.id)).all()
    named = [
        (entry.action, entry.details.get("end_user") or entry.subject.partition(":")[2])
        for entry in entries
        if entry.action.startswith(("request.", "end_user."))
    ]
    assert [action for action, _ in named] == [
        "request.opened", "end_user.suppressed", "end_user.erased", "end_user.verified",
        "request.decided", "request.closed", "end_user.unsuppressed",
    ]  # fmt: skip
    assert len({digest for _, digest in named}) == 1
    (verified,) = [entry for entry in entries if entry.action == "end_user.verified"]
    assert (verified.details["findings"], verified.details["exit_status"]) == (0, 0)
    actors = {entry.actor for entry in entries if entry.action.startswith("end_user.")}
    assert actors == {account_name()}


def test_name_in_a_reason_belongs_to_the_erasure(world: EndUserWorld, clock: datetime) -> None:
    open_for(world, clock, "access")
    decide(world.engine, 1, [1], "include", reason="Mrs. Miller is meant", by="lea", now=clock)
    of_items = {sentence.row.number for sentence in sentences_of(world)} - {1, 2}
    decide(world.engine, 1, [2, *of_items], "exclude", reason="", by="lea", now=clock)
    close(world.engine, 1, reason="Miller has it", by="lea", now=clock)

    open_for(world, clock)
    places = {
        (sentence.row.table_name, sentence.row.column_name, sentence.words)
        for sentence in sentences_of(world, 2)
    }
    assert places >= {
        ("staff_sentences", "reason", "Miller is meant"),
        ("privacy_requests", "close_reason", "Miller has it"),
    }
    numbers = [sentence.row.number for sentence in sentences_of(world, 2)]
    decide(world.engine, 2, numbers, "erase", reason="Mrs. Miller asked", by="lea", now=clock)
    close(world.engine, 2, reason="withdrawn", by="lea", now=clock)

    with transaction(world.engine) as connection:
        reasons = connection.execute(select(StaffSentence.reason)).scalars().all()
        assert read_request(connection, 1).close_reason == "[erased]"
    assert set(reasons) == {"Mrs. [erased]", ""}


def test_ids_of_one_end_user_are_one_request(
    world: EndUserWorld, clock: datetime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with_comment(world, "customer-00765 is rude. All fine.")
    with transaction(world.engine) as connection:
        of_other = update(Exchange).where(Exchange.exchange_id == "exchange-39")
        connection.execute(of_other.values(end_user="customer-00765"))
    stamp(world.engine)
    monkeypatch.setenv("DRIFTWARDEN_DATABASE__URL", str(world.engine.url))
    monkeypatch.chdir(tmp_path)

    def run(line: str) -> str:
        done = CliRunner().invoke(app, line.split())
        assert done.exit_code == 0, done.output
        return done.output

    both, turned = (f"--subject {a} --subject {b}" for a, b in (
        (ANN, "customer-00765"), ("customer-00765", ANN)))  # fmt: skip
    assert "request 1: erasure" in run(f"requests open --kind erasure {both}")
    assert "request 1: erasure" in run(f"requests open --kind erasure {turned}")
    assert words(world) == {"customer-00765 is rude.": "id"}
    run(f"subject export {ANN} customer-00765 --output her.json")
    exported = json.loads((tmp_path / "her.json").read_text())
    rows = {part["name"]: len(part["entries"]) for part in exported["parts"]}
    assert (exported["end_user"], rows["exchanges"]) == (f"{ANN}, customer-00765", 6)
    output = run(f"forget {turned}")

    assert f"exchange exchange-{MENTIONS} of assistant: response" in output
    assert comment_of(world) == "[erased] is rude. All fine."
    with transaction(world.engine) as connection:
        left = connection.execute(select(Exchange.exchange_id)).scalars().all()
        n_listed = len({row.main_digest for row in connection.execute(select(Suppression)).all()})
    assert {"exchange-3", "exchange-39"}.isdisjoint(left)
    assert n_listed == 2


def test_decision_that_fits_nothing_is_refused(world: EndUserWorld, clock: datetime) -> None:
    open_for(world, clock)

    with refusal("wrong_decision", InputError):
        decide_all(world, clock, "include", 1)
    with refusal("unknown_sentence", InputError):
        decide_all(world, clock, "erase", 1, 99)
    assert comment_of(world) == COMMENT


def test_command_decides_and_closes_as_a_lead_only(
    world: EndUserWorld, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_for(world, clock)
    with transaction(world.engine) as connection:
        for name, role, models in (
            ("Lea", "lead", []), ("Yara", "lead", ["other"]), ("Moe", "lead", ["assistant"]),
            ("Rex", "reviewer", []),
        ):  # fmt: skip
            create_user(connection, name, PASSWORD, role, clock, models=models)
        create_user(connection, "Gone", PASSWORD, "lead", clock)
        connection.execute(update(User).where(User.name == "Gone").values(active=False))
    stamp(world.engine)
    monkeypatch.setenv("DRIFTWARDEN_DATABASE__URL", str(world.engine.url))

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(app, ["requests", *arguments])
        return str(getattr(done.exception, "code", done.exit_code))

    def decide_as(name: str) -> str:
        return run("decide", "1", "1", "--keep", "--reason", "why", "--as", name)

    assert [decide_as(name) for name in ("Yara", "Rex", "Gone", "Nobody")] == [
        "no_lead", "no_lead", "no_lead", "unknown_user",
    ]  # fmt: skip
    assert [sentence.row.decision for sentence in sentences_of(world)] == ["", ""]
    assert decide_as("Moe") == "0"
    decide_all(world, clock, "keep", 2)
    closing = ("close", "1", "--reason", "why", "--as")
    assert [run(*closing, name) for name in ("Moe", "Lea")] == ["no_lead", "0"]

    with transaction(world.engine) as connection:
        request = read_request(connection, 1)
        entries = connection.execute(select(AuditEntry.action, AuditEntry.actor)).all()
    assert (sentences_of(world)[0].row.decided_by, request.closed_by) == ("Moe", "Lea")
    assert [tuple(row) for row in entries if row.action.startswith("request.")] == [
        ("request.opened", "lea"), ("request.decided", "Moe"), ("request.decided", "lea"),
        ("request.closed", "Lea"),
    ]  # fmt: skip


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
    of_items = {s.row.number for s in sentences_of(world) if s.row.found_by == "item"}
    assert len({s.row.number for s in sentences_of(world)}) == len(of_items) + 1
    assert f"sentences of staff that may be about this end user: {len(of_items) + 1}" in exported


def test_words_on_her_own_item_are_decided_by_sentence(
    world: EndUserWorld, clock: datetime
) -> None:
    with transaction(world.engine) as connection:
        hers = select(ReviewItem.id).join(Exchange).where(Exchange.exchange_id == "exchange-3")
        of_item = update(Review).where(Review.item_id.in_(hers), Review.reviewer_id == 1)
        connection.execute(of_item.values(comment="Too curt. Bob Smith told me she lies! odd"))

    def comments() -> set[str]:
        entries = [part.entries for part in export_of(world, clock).parts if part.name == "reviews"]
        return {entry.values.get("comment", "") for entry in entries[0]}

    assert "(not handed out) (not handed out) (not handed out)" in comments()
    by_words = {sentence.words: sentence.row.number for sentence in sentences_of(world)}
    decide_all(world, clock, "exclude", by_words["Bob Smith told me she lies!"])
    decide_all(world, clock, "include", by_words["Too curt."], by_words["odd"])
    assert "Too curt. (not handed out) odd" in comments()
    # Corrected responses are written for her.
    assert "corrected_response" not in {s.row.column_name for s in sentences_of(world)}


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


def test_places_of_the_same_words_have_one_number(world: EndUserWorld, clock: datetime) -> None:
    with_comment(world, "Bob too. Miller is ill.")
    with transaction(world.engine) as connection:
        of_note = update(IncidentEvent).where(
            IncidentEvent.id == select(func.max(IncidentEvent.id)).scalar_subquery()
        )
        connection.execute(of_note.values(reason="Miller is ill. Miller fell."))
        message = update(OutboxMessage).values(payload={"text": "Note: Ada: Miller is ill."})
        connection.execute(message)
        n_messages = len(connection.execute(select(OutboxMessage.id)).all())

    assert open_for(world, clock).n_new == 2

    places = [(row.row.number, row.row.table_name) for row in sentences_of(world)]
    assert sorted(places) == sorted(
        [(1, "incident_events"), (1, "reviews"), (2, "incident_events")]
        + [(1, "outbox")] * n_messages
    )
    decide_all(world, clock, "erase", 1)
    assert comment_of(world) == "Bob too. [erased]."
    assert {(row.row.number, row.state) for row in sentences_of(world)} == {
        (1, "erase"),
        (2, "open"),
    }
    with refusal("sentence_changed", InputError):
        decide_all(world, clock, "keep", 1, change=True)
    with_comment(world, "Miller is ill.")
    assert open_for(world, clock).n_new == 1
    assert [row.row.number for row in sentences_of(world) if row.state == "open"] == [3]
    second = open_for(world, clock, "access")
    numbers = [row.row.number for row in sentences_of(world, second.request_id)]
    assert (min(numbers), second.n_waiting) == (1, max(numbers))


def test_copy_in_a_message_is_decided_too(world: EndUserWorld, clock: datetime) -> None:
    lines = ["• One user (user-1) sent 30%.", f"Ada: Ann Miller ({ANN}) is rude!", f"to {ANN}"]
    with transaction(world.engine) as connection:
        connection.execute(update(OutboxMessage).values(payload={"blocks": lines}))

    open_for(world, clock)
    decide_all(world, clock, "erase")

    with transaction(world.engine) as connection:
        payloads = connection.execute(select(OutboxMessage.payload)).scalars().all()
    assert payloads[0] == {"blocks": [lines[0], "[erased]!", lines[2]]}


def test_erasure_of_her_own_items_needs_no_decision(world: EndUserWorld, clock: datetime) -> None:
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
