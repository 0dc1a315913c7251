"""`driftwarden subject export`: everything stored about one end user, and nothing of others."""

import json
import os
import re
import shutil
from collections import defaultdict
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    JSON,
    Column,
    Engine,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    and_,
    delete,
    insert,
    select,
    update,
)
from typer.testing import CliRunner

from monitor.cli.app import app
from monitor.privacy.end_users.end_user import ErasureRequest
from monitor.privacy.erasure.masking import readable
from monitor.privacy.retention.period_text import ABOUT_END_USERS
from monitor.privacy.subject_export.collection import ACTION, collect_export
from monitor.privacy.subject_export.document import DocumentEntry, Export, to_json
from monitor.privacy.subject_export.page import to_html
from monitor.privacy.subject_export.values import ARRAYS, INSTRUCTIONS, strings_of
from monitor.privacy.subject_export.writing import HTML_NAME, JSON_NAME
from monitor.settings import Settings
from monitor.store.audit_log import append_entry, check_chain
from monitor.store.engine import make_engine, transaction
from monitor.store.tables import (
    Decision,
    DriftEvaluation,
    EmbeddingBlock,
    Exchange,
    ModelVersion,
    Review,
    ReviewItem,
    RolloutObservation,
    StaffSentence,
    UserIdKey,
    metadata,
)
from monitor.store.tables.facts import columns_of, table_names
from monitor.store.traffic.dead_letters import DeadLetterRow, insert_dead_letters
from monitor.store.traffic.position import Position
from monitor.store.transfer.stored_rows import is_json
from monitor.table_types import contents
from monitor.table_types.contents import Content
from monitor.traffic.redaction import pseudonym_of
from tests.integration.privacy.end_user_world import (
    ANN,
    HERS,
    IN_BASELINE,
    MENTIONS,
    EndUserWorld,
    audit_entries,
    exchange_ids,
    make_end_user_world,
    prompt_of,
)
from tests.support.filled_tables import fill_tables
from tests.support.stamped import stamp

#: Whatever is Ann's: her prompts, her address, her pseudonym.
HER_STRINGS = re.compile(
    rf"Where is my zebrafish number \d+|{re.escape(ANN)}|{pseudonym_of(ANN)}", re.IGNORECASE
)
#: Whatever belongs to others: end users and their texts, accounts.
OF_OTHERS = re.compile(rf"parcel|somebody|joann|\bAda\b|\bBen\b|\bLea\b|{pseudonym_of('somebody')}")
CLOCK = datetime(2026, 11, 2, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script> </style> & \"'> \u202e {{ 7 * 7 }} <img src=x onerror=y>"


@pytest.fixture
def world(engine: Engine, tmp_path: Path, clock: datetime) -> EndUserWorld:
    return make_end_user_world(engine, tmp_path, clock)


@pytest.fixture(scope="module")
def unchanged(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> EndUserWorld:
    """Return a world for the tests that only read it."""
    folder = tmp_path_factory.mktemp("world")
    shutil.copy(sqlite_template, folder / "world.db")
    return make_end_user_world(make_engine(f"sqlite:///{folder / 'world.db'}"), folder, CLOCK)


@pytest.fixture(scope="module")
def hers(unchanged: EndUserWorld) -> Export:
    return export_of(unchanged, CLOCK)


def export_of(
    world: EndUserWorld, clock: datetime, subject: str = ANN, exchanges: tuple[str, ...] = ()
) -> Export:
    return collect_export(world.engine, world.settings, ErasureRequest(subject, exchanges), clock)


def entries_of(export: Export, name: str) -> list[DocumentEntry]:
    return [entry for part in export.parts if part.name == name for entry in part.entries]


def stored_strings(engine: Engine) -> dict[str, set[str]]:
    """Return what the tables hold of Ann, by table; packed pages are read, arrays are not."""
    stored: dict[str, set[str]] = defaultdict(set)
    with transaction(engine) as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(select(table)).mappings():
                text = json.dumps(
                    [
                        readable(value)
                        for column, value in row.items()
                        if (table.name, column) not in ARRAYS
                    ],
                    default=repr,
                    ensure_ascii=False,
                ).replace("\\\\u0040", "@")
                stored[str(table.name)].update(
                    match[0].lower() for match in HER_STRINGS.finditer(text)
                )
    return {name: strings for name, strings in stored.items() if strings}


def exported_strings(export: Export) -> dict[str, set[str]]:
    return {
        part.name: strings
        for part in export.parts
        if part.place == "database"
        and (
            strings := {
                match[0].lower()
                for entry in part.entries
                for text in strings_of([entry.values, entry.passages])
                for match in HER_STRINGS.finditer(text.replace("\\u0040", "@"))
            }
        )
    }


def test_export_has_every_string_of_the_end_user(
    any_engine: Engine, tmp_path: Path, clock: datetime
) -> None:
    world = make_end_user_world(any_engine, tmp_path, clock)
    export = export_of(world, clock)
    assert stored_strings(any_engine) == exported_strings(export)
    assert len(export.parts) > 20


def test_export_has_nothing_of_others(hers: Export) -> None:
    for text in (to_json(hers), to_html(hers)):
        assert OF_OTHERS.search(text) is None


def test_export_of_another_end_user_has_nothing_of_ann(unchanged: EndUserWorld) -> None:
    export = export_of(unchanged, CLOCK, "somebody")
    assert entries_of(export, "rollout_observations")
    assert HER_STRINGS.search(to_json(export)) is None


def test_files_of_runs_are_exported_row_by_row(hers: Export) -> None:
    rows = {Path(part.name).name: len(part.entries) for part in hers.parts if part.place == "file"}
    assert rows == {"train.jsonl": 3, "evaluation-responses-1.jsonl": 2, "original.jsonl": 1}


def test_vectors_are_given_as_numbers(unchanged: EndUserWorld, hers: Export) -> None:
    entries = entries_of(hers, "embedding_blocks")
    ids = exchange_ids(unchanged.engine)
    assert {entry.values["exchange"] for entry in entries} == {ids[n] for n in (*HERS, IN_BASELINE)}
    vector = entries[0].values["prompt_vector"]
    numbers = [float(number) for number in vector["numbers"].split()]
    assert len(numbers) == vector["dimension"]
    assert any(numbers)
    assert vector["numbers"] not in to_html(hers)


def test_export_has_no_count_of_all_end_users(hers: Export) -> None:
    (label,) = entries_of(hers, "rollout_labels")
    assert label.values["label"] == ANN
    assert {"count", "estimated_total"}.isdisjoint(label.values)
    n_own = {part.name: part.n_own for part in hers.parts}
    assert (n_own["exchanges"], n_own["drift_evaluations"]) == (4, 0)


def test_scores_of_evaluations_are_exported(hers: Export) -> None:
    passages = entries_of(hers, "drift_evaluations")[0].passages
    assert len(passages["sample_scores"]) == len(HERS)
    assert len(passages["prompt_map"]) == len(HERS) + 1


def test_exchange_that_mentions_the_end_user_gives_the_id_only(
    unchanged: EndUserWorld, hers: Export
) -> None:
    row_id = exchange_ids(unchanged.engine)[MENTIONS]
    mention = next(entry for entry in entries_of(hers, "exchanges") if entry.key == {"id": row_id})
    assert mention == DocumentEntry({"id": row_id}, passages={"response": [ANN.upper()]})


def test_observation_of_another_with_the_same_exchange_id(
    world: EndUserWorld, clock: datetime
) -> None:
    with transaction(world.engine) as connection:
        statement = update(RolloutObservation).where(RolloutObservation.end_user == "somebody")
        connection.execute(statement.values(exchange_id="exchange-3", response="a private text"))
    assert "a private text" not in to_json(export_of(world, clock))


def test_dead_letter_of_another_gives_the_id_only(world: EndUserWorld, clock: datetime) -> None:
    value = f'{{"user": "bob", "prompt": "I am Bob, write to {ANN}", "note": "{ANN}"'.encode()
    row = DeadLetterRow(
        position=Position("topic", 7, 1, 9),
        key=b"bob",
        value=value,
        reason="invalid_json",
        detail="",
        randomness=0,
        threshold=0,
        inclusion_probability=0.05,
        received_at=clock,
    )
    with transaction(world.engine) as connection:
        insert_dead_letters(connection, [row])
    export = export_of(world, clock)
    assert DocumentEntry({"id": 5}, passages={"value": [ANN]}) in entries_of(export, "dead_letters")
    assert "I am Bob" not in to_json(export)


def test_words_of_staff_lose_third_parties(world: EndUserWorld, clock: datetime) -> None:
    with transaction(world.engine) as connection:
        connection.execute(update(Exchange).where(Exchange.exchange_id == "exchange-4").values(
            end_user="customer-00765"
        ))  # fmt: skip
        hers = select(ReviewItem.id).join(Exchange).where(Exchange.exchange_id == "exchange-3")
        comment = f"As customer-00765 asked too, said Ada; write to bob@example.net and {ANN}."
        connection.execute(update(Review).where(Review.item_id.in_(hers)).values(comment=comment))
    export_of(world, clock)  # finds the sentences
    with transaction(world.engine) as connection:
        connection.execute(update(StaffSentence).values(decision="include"))
    comments = {entry.values["comment"] for entry in entries_of(export_of(world, clock), "reviews")}
    assert (
        f"As (another end user) asked too, said a member of staff; write to [EMAIL] and {ANN}."
        in comments
    )


def test_instructions_of_the_operator_are_left_out(world: EndUserWorld, clock: datetime) -> None:
    messages = [
        {"role": "system", "content": "Never mention our margin."},
        {"role": "user", "content": prompt_of(3)},
    ]
    with transaction(world.engine) as connection:
        connection.execute(
            update(Exchange).where(Exchange.exchange_id == "exchange-3").values(messages=messages)
        )
    text = to_json(export_of(world, clock))
    assert "margin" not in text
    assert INSTRUCTIONS in text


def test_named_exchanges_are_exported_without_an_id(unchanged: EndUserWorld) -> None:
    export = export_of(unchanged, CLOCK, "", ("exchange-4",))
    assert [entry.values["prompt"] for entry in entries_of(export, "exchanges")] == [prompt_of(4)]
    assert len(entries_of(export, "reviews")) == 2
    assert "parcel 5" not in to_json(export)


def plant(engine: Engine, clock: datetime) -> set[tuple[str, str]]:
    """Write Ann's id into a row of every column that may name her; return the columns."""
    planted = set()
    with transaction(engine) as connection:
        fill_tables(connection, metadata)
        connection.execute(delete(UserIdKey))  # nobody has these keys
        vectors = {"prompt_vectors": b"\0\0", "response_vectors": b"\0\0"}
        connection.execute(update(EmbeddingBlock).values(n_rows=1, dimension=1, **vectors))
        connection.execute(update(Exchange).values(block_row=0))
        connection.execute(update(DriftEvaluation).values(sample_scores=None, prompt_map=None))
        connection.execute(update(Decision).values(inputs={}))
        connection.execute(update(ModelVersion).values(identity=None, weights_change=None))
        append_entry(
            connection, clock, "Lea", "noted", f"about {ANN}", {"reason": f"as {ANN} asked"}
        )
        for name in table_names():
            table = metadata.tables[name]
            if name == "audit_log":  # append-only
                planted |= {(name, "subject"), (name, "details")}
                continue
            plain = Table(  # takes any JSON
                name,
                MetaData(),
                *(
                    Column(c.name, JSON() if is_json(c.type) else c.type, primary_key=c.primary_key)
                    for c in table.columns
                ),
            )
            for column, content in columns_of(name).items():
                if content.content not in ABOUT_END_USERS or (name, column) in ARRAYS:
                    continue
                text = ANN if content.content is Content.END_USER_ID else f"about {ANN}, and more"
                kind = plain.columns[column].type
                value: Any = {"notes": [text]} if isinstance(kind, JSON) else text
                value = text.encode() if isinstance(kind, LargeBinary) else value
                keys = list(plain.primary_key.columns)
                key = connection.execute(select(*keys).order_by(*keys)).first()
                assert key is not None
                first = and_(*(part == value for part, value in zip(keys, key, strict=True)))
                connection.execute(plain.update().where(first).values({column: value}))
                planted.add((name, column))
    return planted


def test_id_in_any_column_is_exported(engine: Engine, clock: datetime) -> None:
    planted = plant(engine, clock)
    export = collect_export(engine, Settings(), ErasureRequest(ANN), clock)
    exported = {
        (part.name, column)
        for part in export.parts
        for entry in part.entries
        for column, value in (entry.values | entry.passages).items()
        if any(ANN in text for text in strings_of(value))
    }
    assert planted <= exported
    assert len(planted) > 90


def test_new_table_is_exported(world: EndUserWorld, clock: datetime) -> None:
    notes = Table(
        "notes_of_a_test",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("exchange_id", Integer, ForeignKey("exchanges.id")),
        Column("note", String, info=contents.WORDS),
        Column("written_by", String, info=contents.ACCOUNT),
        **contents.table("test", ("lead",), period="parent"),
    )
    ids = exchange_ids(world.engine)
    try:
        with transaction(world.engine) as connection:
            notes.create(connection)
            connection.execute(
                insert(notes),
                [
                    {"exchange_id": ids[3], "note": "a kind customer", "written_by": "Ada"},
                    {"exchange_id": ids[4], "note": f"see {ANN}, unkind", "written_by": "Ben"},
                    {"exchange_id": ids[5], "note": "of another end user", "written_by": "Ben"},
                ],
            )
        entries = entries_of(export_of(world, clock), "notes_of_a_test")
    finally:
        metadata.remove(notes)
    assert entries == [
        DocumentEntry(
            {"id": 1},
            values={
                "id": 1,
                "exchange_id": ids[3],
                "note": "a kind customer",
                "written_by": "a member of staff",
            },
        ),
        DocumentEntry({"id": 2}, passages={"note": [ANN]}),
    ]


class Tags(HTMLParser):
    """Collects the tags and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)


def test_hostile_texts_are_escaped_on_the_page(world: EndUserWorld, clock: datetime) -> None:
    with transaction(world.engine) as connection:
        hers = update(Exchange).where(Exchange.exchange_id == "exchange-3")
        connection.execute(
            hers.values(prompt=HOSTILE, attributes={HOSTILE: [HOSTILE]}, task_type=HOSTILE)
        )
    page = to_html(export_of(world, clock, ANN))
    tags = Tags()
    tags.feed(page)
    assert "script" not in tags.tags
    assert "img" not in tags.tags
    assert tags.attributes <= {
        "lang", "charset", "http-equiv", "content", "name", "id", "class", "href",
    }  # fmt: skip
    assert "{{ 7 * 7 }}" in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page


@pytest.fixture
def command(world: EndUserWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    stamp(world.engine)
    monkeypatch.setenv("DRIFTWARDEN_DATABASE__URL", str(world.settings.database.url))
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path) -> Any:
        return CliRunner().invoke(app, ["subject", "export", *map(str, arguments)])

    return run


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_command_writes_a_private_folder_and_an_audit_entry(
    command: Any, world: EndUserWorld, tmp_path: Path
) -> None:
    umask = os.umask(0)
    try:
        result = command(ANN, "-o", "out")
    finally:
        os.umask(umask)
    assert result.exit_code == 0, result.output
    out = tmp_path / "out"
    assert mode(out) == 0o700
    assert {path.name: mode(path) for path in out.iterdir()} == {JSON_NAME: 0o600, HTML_NAME: 0o600}
    document = json.loads((out / JSON_NAME).read_text())
    assert document["form"] == 1
    assert {"purpose", "period", "readers"} <= set(document["parts"][0])
    entry = audit_entries(world.engine)[-1]
    assert entry.action == ACTION
    assert ANN not in str(entry)
    assert pseudonym_of(ANN) not in str(entry)
    assert entry.details["rows"]["exchanges"] == 5
    with transaction(world.engine) as connection:
        assert check_chain(connection).broken_at is None


@pytest.mark.parametrize("name", ["her.json", "her.HTML"])
def test_command_writes_a_single_file(command: Any, tmp_path: Path, name: str) -> None:
    assert command(ANN, "-o", name).exit_code == 0
    assert mode(tmp_path / name) == 0o600


def test_earlier_export_is_named_in_the_next(command: Any, tmp_path: Path) -> None:
    command(ANN, "-o", "first.json")
    command(ANN, "-o", "second.json")
    document = json.loads((tmp_path / "second.json").read_text())
    log = next(part for part in document["parts"] if part["name"] == "audit_log")
    assert [entry["values"]["action"] for entry in log["entries"]] == [
        "flagged", "request.opened", ACTION,
    ]  # fmt: skip


def test_end_user_without_data_has_a_status_of_its_own(
    command: Any, world: EndUserWorld, tmp_path: Path
) -> None:
    assert command("nobody@example.org", "-o", "out").exit_code == 4
    assert not (tmp_path / "out").exists()
    assert audit_entries(world.engine)[-1].action == ACTION


@pytest.mark.parametrize("kind", ["file", "folder", "dangling link"])
def test_existing_output_is_refused(
    command: Any, world: EndUserWorld, tmp_path: Path, kind: str
) -> None:
    out = tmp_path / "out.json"
    if kind == "file":
        out.write_text("before")
    elif kind == "folder":
        out.mkdir()
    else:
        out.symlink_to(tmp_path / "elsewhere")
    result = command(ANN, "-o", out)
    assert result.exception is not None
    assert getattr(result.exception, "code", None) == "output_exists"
    assert not (tmp_path / "elsewhere").exists()
    assert ACTION not in [entry.action for entry in audit_entries(world.engine)]


def test_nothing_is_left_of_an_interrupted_export(
    command: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def fsync(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    assert isinstance(command(ANN, "-o", "out").exception, OSError)
    assert not (tmp_path / "out").exists()


def test_neither_id_nor_exchange_is_a_usage_error(command: Any) -> None:
    assert command("-o", "out").exit_code == 2


@pytest.mark.parametrize("spelling", ["mailto:Ann@Example.org", " \uff21\uff2e\uff2e@example.org"])
def test_other_spelling_gives_the_same_export(
    unchanged: EndUserWorld, hers: Export, spelling: str
) -> None:
    export = export_of(unchanged, CLOCK, spelling)
    assert {part.name: len(part.entries) for part in export.parts} == {
        part.name: len(part.entries) for part in hers.parts
    }


def test_similar_id_is_named_to_the_operator_only(
    command: Any, world: EndUserWorld, tmp_path: Path
) -> None:
    with transaction(world.engine) as connection:
        of_another = update(Exchange).where(Exchange.exchange_id == "exchange-4")
        connection.execute(of_another.values(end_user="ann@example.com"))
    result = command(ANN, "-o", "out.json")
    assert "ann@example.com" in result.output
    assert "ann@example.com" not in (tmp_path / "out.json").read_text()
