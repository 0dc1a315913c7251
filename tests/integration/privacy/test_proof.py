"""Erased data is found again after its rows are gone; fingerprints under attack."""

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete, select, update
from typer.testing import CliRunner

from monitor.cli.app import app
from monitor.daemon.readiness.end_users import erasures_finding
from monitor.privacy.end_users.end_user import ErasureRequest, find_end_user
from monitor.privacy.erasure import forget as module
from monitor.privacy.erasure.forget import ErasureReport, forget, verify_end_user
from monitor.privacy.erasure.masking import read_table
from monitor.privacy.proof import check as of_check
from monitor.privacy.proof.check import check_erasures, is_check_due
from monitor.privacy.proof.findings import SearchResult
from monitor.privacy.proof.records import (
    ENDED,
    KEY_MISSING,
    REMOVED,
    TAMPERED,
    unique_passages,
)
from monitor.privacy.subject_export.collection import collect_export
from monitor.settings import Secrets
from monitor.store.engine import transaction
from monitor.store.privacy.proofs import last_check
from monitor.store.tables import (
    Erasure,
    ErasureCheck,
    ErasureProof,
    Exchange,
    ProofKey,
    metadata,
)
from monitor.store.tables.facts import columns_of
from monitor.store.transfer.stored_rows import is_json
from monitor.table_types.contents import Content
from monitor.traffic.redaction import pseudonym_of
from tests.integration.privacy.end_user_world import ANN, HERS, EndUserWorld, make_end_user_world
from tests.support.database_copy import database_copy
from tests.support.filled_tables import fill_tables
from tests.support.privacy.planted_files import PLANTERS
from tests.support.stamped import stamp
from tests.support.traffic.aging_traffic import exchange, store_rows

#: What only Ann wrote; the first is in her exchange, the second everybody's.
HER_STORY = (
    "my late aunt left me a lighthouse near Rye and the keeper wants his zebrafish back by Monday"
)
COMMON = "hello how are you doing today I would like to know where my parcel is please"
#: The time of the fixture `clock`.
CLOCK = datetime(2026, 11, 2, tzinfo=UTC)
KEY = "0123456789abcdef" * 4


def with_runs_in(world: EndUserWorld, folder: Path) -> EndUserWorld:
    """Return a world whose settings name a folder of runs."""
    retrain = world.settings.retrain.model_copy(update={"work_dir": str(folder / "runs")})
    return replace(world, settings=world.settings.model_copy(update={"retrain": retrain}))


def make_world(engine: Engine, folder: Path) -> EndUserWorld:
    world = with_runs_in(make_end_user_world(engine, folder, CLOCK), folder)
    with transaction(engine) as connection:
        hers = update(Exchange).where(Exchange.exchange_id == f"exchange-{HERS[0]}")
        connection.execute(hers.values(prompt=f"{HER_STORY}. {COMMON}"))
        other = update(Exchange).where(Exchange.exchange_id == "exchange-1")
        connection.execute(other.values(prompt=COMMON))
    return world


@pytest.fixture
def world(engine: Engine, tmp_path: Path) -> EndUserWorld:
    return make_world(engine, tmp_path)


@pytest.fixture(scope="module")
def world_without_ann(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[EndUserWorld]:
    """A world in which Ann was forgotten, once for all tests."""
    folder = tmp_path_factory.mktemp("world")
    with database_copy(sqlite_template, folder / "driftwarden.db") as engine:
        made = make_world(engine, folder)
        forget_ann(made, CLOCK)
        engine.dispose()
        yield made


@pytest.fixture
def erased(world_without_ann: EndUserWorld, tmp_path: Path) -> Iterator[EndUserWorld]:
    """A copy of its database, with an empty folder of runs."""
    (tmp_path / "runs").mkdir()
    original = Path(str(world_without_ann.engine.url.database))
    with database_copy(original, tmp_path / "driftwarden.db") as engine:
        copied = replace(world_without_ann, engine=engine, folder=tmp_path)
        yield with_runs_in(copied, tmp_path)


def forget_ann(world: EndUserWorld, now: datetime) -> ErasureReport:
    return forget(world.engine, world.settings, ErasureRequest(ANN), now)


def verify_ann(world: EndUserWorld, now: datetime) -> SearchResult:
    return verify_end_user(world.engine, world.settings, ErasureRequest(ANN), now=now)


def check(world: EndUserWorld, now: datetime, secrets: Secrets | None = None) -> SearchResult:
    result = check_erasures(world.engine, world.settings, secrets or Secrets(), now)
    assert result is not None
    return result


def places(result: SearchResult) -> set[str]:
    return {row.place for row in result.findings if row.kind == "file"}


def test_each_id_of_an_end_user_recalls_the_erasure(world: EndUserWorld, clock: datetime) -> None:
    """Also an id that an erasure adds to one that is remembered, and has nothing."""
    second, third = "annie@elsewhere.example", "customer-00765"
    copies = {world.folder / "runs" / name for name in ("story.txt", "id.txt")}
    request = ErasureRequest.of([ANN, second])
    steps = forget(world.engine, world.settings, request, clock).manual_steps
    weights = {step.text for step in steps if step.code == "model_version"}
    assert weights

    again = ErasureRequest.of([second, third])
    repeated = forget(world.engine, world.settings, again, clock).manual_steps
    assert {step.text for step in repeated if step.code == "model_version"} == weights
    for copy, text in zip(sorted(copies), (f"It is {third}.", HER_STORY), strict=True):
        copy.write_text(text)
    for id_ in (ANN, second):
        result = verify_end_user(world.engine, world.settings, ErasureRequest(id_), now=clock)
        assert places(result) >= {str(max(copies))}
    assert places(check(world, clock)) == set(map(str, copies))
    export = collect_export(world.engine, world.settings, ErasureRequest(third), clock)
    assert [part.n_own for part in export.parts if part.name == "erasures"] == [1]


#: Tables of texts besides exchanges; a passage of an end user that one of them has may be chance.
SHARED = sorted(
    (table, name)
    for table in ("rollout_observations", "probe_sets", "probes", "human_evaluation_items")
    for name, column in columns_of(table).items()
    if column.content is Content.END_USER_TEXT
)


def test_passage_in_other_texts_is_not_remembered(engine: Engine, clock: datetime) -> None:
    hers = exchange(1, clock, prompt=HER_STORY, end_user=pseudonym_of(ANN))
    store_rows(engine, [hers])
    end_user = find_end_user(engine, ErasureRequest(ANN))
    with transaction(engine) as connection:
        fill_tables(connection, metadata, first=100)
    assert unique_passages(engine, end_user, ())
    assert {table for table, _ in SHARED} >= {"rollout_observations", "human_evaluation_items"}
    for table, name in SHARED:
        column = metadata.tables[table].c[name]
        text = [HER_STORY] if is_json(column.type) else HER_STORY
        with transaction(engine) as connection:
            connection.execute(update(column.table).values({name: text}))
        assert unique_passages(engine, end_user, ()) == set(), (table, name)
        with transaction(engine) as connection:
            connection.execute(
                update(column.table).values({name: [] if is_json(column.type) else ""})
            )
        assert unique_passages(engine, end_user, ()), (table, name)


def test_copy_of_a_training_file_is_found_each_time(world: EndUserWorld, clock: datetime) -> None:
    """Row a of the issue: the second run knew nothing of the copy."""
    train = world.run.training_data
    copy = train.with_name("train.jsonl.bak")
    copy.write_text(json.dumps({"prompt": HER_STORY}) + "\n")
    for report in (forget_ann(world, clock), forget_ann(world, clock)):
        assert places(report.result) == {str(copy)}
        assert report.exit_status == 1
    later = clock + timedelta(days=300)
    assert places(verify_ann(world, later)) == places(check(world, later)) == {str(copy)}
    renamed = copy.with_name("notes.md")
    copy.rename(renamed)
    assert places(check(world, later)) == {str(renamed)}
    with transaction(world.engine) as connection:
        (remains,) = [row for row in connection.execute(select(Erasure.remains)).scalars() if row]
    assert [entry["place"] for entry in remains] == [str(copy)]
    renamed.unlink()
    assert check(world, later).exit_status == 0
    assert forget_ann(world, clock).exit_status == 0


@pytest.mark.parametrize("content", [ANN, HER_STORY], ids=["id", "passage"])
def test_each_kind_of_file_is_found(erased: EndUserWorld, clock: datetime, content: str) -> None:
    """Row b of the issue, by the registry of kinds."""
    folder = erased.folder / "runs" / "copies"
    folder.mkdir()
    for kind, plant in PLANTERS.items():
        plant(folder / f"{kind}.file", content)
    (folder / f"{ANN}.txt").write_text("nothing")
    (folder / "wide.txt").write_text(content, encoding="utf-16")
    expected = {str(path) for path in folder.iterdir()}
    if content != ANN:
        expected.add(str(folder / f"{ANN}.txt"))
    for result in (verify_ann(erased, clock), check(erased, clock)):
        assert places(result) == expected
        assert result.exit_status == 1


def test_common_prompt_is_no_finding(erased: EndUserWorld, clock: datetime) -> None:
    (erased.folder / "runs" / "others.txt").write_text(f"{COMMON}\nhello how are you\n")
    result = check(erased, clock)
    assert (result.findings, result.exit_status) == ((), 0)
    assert result.n_files > 0
    assert result.n_passages > 0


def test_unreadable_files_are_named_with_status_4(erased: EndUserWorld, clock: datetime) -> None:
    picture, cut = erased.folder / "runs" / "a.png", erased.folder / "runs" / "b.gz"
    picture.write_bytes(b"\x89PNG\r\n")
    cut.write_bytes(b"\x1f\x8b\x08\0\0\0\0\0\0\3abc")
    result = check(erased, clock)
    assert result.exit_status == 4
    assert {part.place for part in result.unread} == {str(picture), str(cut)}
    cut.write_text(ANN)
    assert check(erased, clock).exit_status == 1


def test_restored_rows_are_reported(erased: EndUserWorld, clock: datetime) -> None:
    assert check(erased, clock).findings == ()
    store_rows(erased.engine, [exchange(900, clock, prompt=f"I am {ANN}", exchange_id="other-900")])
    assert "exchanges.prompt" in {row.place for row in check(erased, clock).findings}
    quoted = [{"code": "outside", "text": f"as in: {HER_STORY}"}]
    with transaction(erased.engine) as connection:
        connection.execute(update(Erasure).values(steps=quoted))
    assert "erasures.steps" in {row.place for row in check(erased, clock).findings}


def test_fingerprints_are_stored_before_anything_is_removed(
    world: EndUserWorld, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at the first removal; the exchanges then go by retention, and the file is a copy."""

    def die(*_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "remove_rows", die)
    with pytest.raises(KeyboardInterrupt):
        forget_ann(world, clock)
    monkeypatch.undo()
    copy = world.folder / "runs" / "copy.txt"
    copy.write_text(HER_STORY)
    assert str(copy) in places(check(world, clock))
    forget_ann(world, clock)
    assert places(verify_ann(world, clock)) == {str(copy)}


@pytest.mark.parametrize("attack", ["changed", "emptied", "moved", "removed", "key"])
def test_tampered_fingerprints_are_never_nothing_found(
    erased: EndUserWorld, clock: datetime, attack: str
) -> None:
    reason = TAMPERED
    with transaction(erased.engine) as connection:
        proof = connection.execute(select(ErasureProof)).mappings().first()
        assert proof is not None
        if attack == "changed":
            changed = [*proof["fingerprints"][:-1], "id:1:00000000:" + "0" * 32]
            connection.execute(update(ErasureProof).values(fingerprints=changed))
        elif attack == "emptied":
            connection.execute(update(ErasureProof).values(fingerprints=[]))
        elif attack == "moved":
            values = {"fingerprints": [], "seal": "0" * 32}
            connection.execute(update(ErasureProof).values(**values))
        elif attack == "removed":
            connection.execute(delete(ErasureProof))
            reason = REMOVED
        else:
            connection.execute(update(ProofKey).values(secret="00" * 32))
    for result in (check(erased, clock), verify_ann(erased, clock)):
        assert reason in {part.reason for part in result.unread}
        assert result.exit_status == 4


def test_lost_key_is_never_nothing_found(
    world: EndUserWorld, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRIFTWARDEN_USER_ID_KEY", KEY)
    forget_ann(world, clock)
    copy = world.folder / "runs" / "copy.txt"
    copy.write_text(HER_STORY)
    known = Secrets(driftwarden_user_id_key=KEY)
    with transaction(world.engine) as connection:
        needs = connection.execute(select(ProofKey.user_id_key)).scalars().all()
    if any(needs):
        assert places(check(world, clock, known)) == {str(copy)}
        result = check(world, clock, Secrets(driftwarden_user_id_key="f" * 64))
        assert (result.exit_status, [part.reason for part in result.unread]) == (4, [KEY_MISSING])
    else:
        pytest.fail("the key of the environment is not part of the key of fingerprints")


def test_end_of_the_period_destroys_fingerprints(erased: EndUserWorld, clock: datetime) -> None:
    copy = erased.folder / "runs" / "copy.txt"
    copy.write_text(HER_STORY)
    after = clock + erased.settings.privacy.proof_period + timedelta(seconds=1)
    assert check_erasures(erased.engine, erased.settings, Secrets(), after) is None
    with transaction(erased.engine) as connection:
        assert connection.execute(select(ErasureProof)).all() == []
        assert connection.execute(select(ProofKey)).all() == []
    result = verify_ann(erased, after)
    assert (result.findings, result.n_passages, result.exit_status) == ((), 0, 4)
    assert [part.reason for part in result.unread] == [ENDED]
    copy.write_text(ANN)  # ids are known, as they are given
    assert places(verify_ann(erased, after)) == {str(copy)}


def test_end_users_of_a_month_share_one_key(world: EndUserWorld, clock: datetime) -> None:
    rows = [
        exchange(
            500 + n, clock, end_user=f"customer-{n:03}", exchange_id=f"theirs-{n:05}",
            prompt=f"only person{n} knows the number{n * 7} of that old grey house by the sea{n}",
        )
        for n in range(4)
    ]  # fmt: skip
    store_rows(world.engine, rows)
    for n in range(4):
        request = ErasureRequest(f"customer-{n:03}")
        forget(world.engine, world.settings, request, clock + timedelta(hours=n))
    with transaction(world.engine) as connection:
        assert len(connection.execute(select(ProofKey.id)).all()) == 1
    copy = world.folder / "runs" / "copy.txt"
    copy.write_text(rows[3]["prompt"])
    assert places(check(world, clock)) == {str(copy)}
    for n in (2, 3):
        request = ErasureRequest(f"customer-{n:03}")
        result = verify_end_user(world.engine, world.settings, request, now=clock)
        assert places(result) == ({str(copy)} if n == 3 else set())


def test_month_later_has_another_key(erased: EndUserWorld, clock: datetime) -> None:
    forget(
        erased.engine, erased.settings, ErasureRequest("somebody-else"), clock + timedelta(days=31)
    )
    with transaction(erased.engine) as connection:
        assert len(connection.execute(select(ProofKey.id)).all()) == 2


def test_check_is_weekly_and_stores_no_id(world: EndUserWorld, clock: datetime) -> None:
    assert check_erasures(world.engine, world.settings, Secrets(), clock) is None
    forget_ann(world, clock)
    folder = world.folder / "runs" / f"of {ANN}"
    folder.mkdir()
    (folder / "a.txt").write_text("nothing")
    assert is_check_due(world.engine, clock)
    check(world, clock)
    assert not is_check_due(world.engine, clock + timedelta(days=7, hours=-1))
    assert is_check_due(world.engine, clock + timedelta(days=7))
    with transaction(world.engine) as connection:
        last = last_check(connection)
        stored = connection.execute(select(ErasureCheck.findings)).scalars().all()
    assert last is not None
    assert last.searched["findings"] == 1
    assert "[erased]" in json.dumps(stored)
    assert ANN not in json.dumps(stored)


@pytest.fixture
def command(world: EndUserWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    stamp(world.engine)
    monkeypatch.setenv("DRIFTWARDEN_DATABASE__URL", str(world.settings.database.url))
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, [*map(str, arguments)])


def test_command_names_folders_and_unread_files(command: Any, tmp_path: Path) -> None:
    assert command("forget", "--verify").exit_code == 0  # nothing is remembered
    named = tmp_path / "named.png"
    named.write_bytes(b"\x89PNG")
    of_ann = ("--subject", ANN, "--no-suppress", "--file", named)
    assert command("forget", *of_ann).exit_code == 4
    runs = tmp_path / "runs"
    PLANTERS["pickle"](runs / "optimizer.pt", "weights")
    (runs / "plot.png").write_bytes(b"\x89PNG")
    for arguments in (["--subject", ANN], []):
        done = command("forget", "--verify", *arguments)
        assert done.exit_code == 4, done.output
        for image in (runs / "plot.png", named):
            assert f"not read: {image}: an image" in done.output
        assert "none was loaded" in done.output
        assert f"({runs}, " in done.output
    (runs / "copy.jsonl").write_text(json.dumps({"text": HER_STORY}))
    done = command("forget", "--verify")
    assert done.exit_code == 1
    assert str(runs / "copy.jsonl") in done.output


def test_restoration_ends_with_the_status_of_its_erasures(
    command: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRIFTWARDEN_USER_ID_KEY", KEY)
    monkeypatch.setenv("DRIFTWARDEN_PRIVACY__SUPPRESSION_FILE", str(tmp_path / "list.jsonl"))
    assert command("db", "backup", "b.tar").exit_code == 0
    assert command("forget", "--subject", ANN).exit_code == 0
    for name, content, status in (("plot.png", b"\x89PNG", 4), ("a.txt", HER_STORY.encode(), 1)):
        shutil.rmtree(tmp_path / "runs")
        (tmp_path / "runs").mkdir()
        (tmp_path / "runs" / name).write_bytes(content)
        monkeypatch.setenv("DRIFTWARDEN_DATABASE__URL", f"sqlite:///{tmp_path / name}.db")

        done = command("db", "restore", "b.tar")

        assert (done.exit_code, "`driftwarden forget --exchange`" in done.output) == (status, True)


def test_a_later_finding_reopens_the_steps_of_a_request(
    command: Any, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRIFTWARDEN_PRIVACY__REQUEST_PERIOD", "10d")

    def steps() -> list[bool]:
        """Return whether the request is erased and verified."""
        listed = json.loads(command("requests", "show", 1, "--json").output)["steps"]
        return [bool(step["done_at"]) for step in listed if step["text"][:4] in {"eras", "veri"}]

    command("requests", "open", "--kind", "erasure", "--subject", ANN)
    (listed,) = json.loads(command("requests", "list", "--json").output)
    opened, due = (datetime.fromisoformat(listed[name]) for name in ("opened_at", "due_at"))
    assert due - opened == timedelta(days=10)
    assert command("forget", "--subject", ANN, "--no-suppress").exit_code == 0
    assert steps() == [True, True]
    (tmp_path / "runs").mkdir(exist_ok=True)
    (tmp_path / "runs" / "copy.txt").write_text(ANN)
    assert command("forget", "--verify", "--subject", ANN).exit_code == 1
    assert steps() == [True, False]
    assert command("forget", "--subject", ANN, "--no-suppress").exit_code == 1
    assert steps() == [False, False]
    with transaction(engine) as connection:
        reads = connection.execute(select(metadata.tables["access_log"].c.place)).scalars().all()
    assert [place for place in reads if place.endswith("requests show")]


def test_ended_period_is_never_nothing_found(
    command: Any, world: EndUserWorld, clock: datetime
) -> None:
    years_ago = clock - timedelta(days=9 * 365)
    forget_ann(world, years_ago)
    done = command("forget", "--verify")
    assert done.exit_code == 4, done.output
    assert "1 erasure" in done.output
    assert erasures_finding(world.settings, clock).status == "ok"


def test_check_command_names_the_last_check(
    command: Any, world: EndUserWorld, clock: datetime
) -> None:
    def finding(now: datetime) -> tuple[str, str]:
        of_erasures = erasures_finding(world.settings, now)
        return of_erasures.status, of_erasures.message

    assert finding(clock)[0] == "ok"
    forget_ann(world, clock)
    assert finding(clock)[0] == "note"  # not checked yet
    check(world, clock)
    status, message = finding(clock)
    until = clock + world.settings.privacy.proof_period
    assert status == "ok"
    assert f"{clock:%Y-%m-%d}" in message
    assert f"{until:%Y-%m-%d}" in message
    assert finding(clock + timedelta(days=15))[0] == "note"  # overdue
    (world.folder / "runs" / "copy.txt").write_text(HER_STORY)
    check(world, clock + timedelta(days=7))
    status, message = finding(clock + timedelta(days=8))
    assert (status, "1 place found" in message) == ("note", True)


def test_verification_reads_each_table_once(
    world: EndUserWorld, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_ann(world, clock)
    read: Counter[str] = Counter()

    def counting(engine: Engine, table: str, names: list[str]) -> Any:
        read[table] += 1
        return read_table(engine, table, names)

    monkeypatch.setattr(of_check, "read_table", counting)
    assert verify_ann(world, clock).findings == ()
    assert set(read.values()) == {1}
    assert {"exchanges", "audit_log", "users"} <= set(read)


def test_report_names_copies_by_commands(command: Any, tmp_path: Path) -> None:
    done = command("db", "backup", "backup.tar")
    assert done.exit_code == 0, done.output
    done = command("forget", "--subject", ANN, "--no-suppress")
    assert f"`driftwarden db backup` wrote 1 time to {tmp_path / 'backup.tar'} on" in done.output
    assert "`driftwarden compare` wrote (--html" in done.output


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_folder_without_permission_is_named(erased: EndUserWorld, clock: datetime) -> None:
    folder = erased.folder / "runs" / "closed"
    folder.mkdir(mode=0)
    result = check(erased, clock)
    assert (result.exit_status, [part.place for part in result.unread]) == (4, [str(folder)])
    folder.chmod(0o700)
    shutil.rmtree(folder)
