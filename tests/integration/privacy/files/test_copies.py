"""Files outside the folders of runs: named by a command, or copies beside declared files."""

import gzip
import html
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet
from sqlalchemy import Engine, select, update
from typer.testing import CliRunner, Result

from monitor.cli.app import app
from monitor.privacy.end_users.end_user import ErasureRequest
from monitor.privacy.erasure.declared_files import declared_files
from monitor.privacy.erasure.forget import forget, verify_end_user
from monitor.privacy.proof.check import check_erasures
from monitor.privacy.subject_export.collection import collect_export
from monitor.settings import Retrain, Secrets
from monitor.store.audit_log import append_entry
from monitor.store.engine import transaction
from monitor.store.tables import Erasure, Exchange
from monitor.windows.report.page import render_page
from retrain.run_folder import write_lines
from tests.integration.privacy.end_user_world import ANN, HERS, EndUserWorld, prompt_of
from tests.integration.privacy.test_proof import (
    COMMON,
    HER_STORY,
    forget_ann,
    make_world,
    places,
)
from tests.support.stamped import stamp
from tests.support.windows.assessments import (
    make_assessment,
    make_examples,
    make_family,
    make_topic,
)

CLOCK = datetime(2026, 11, 2, tzinfo=UTC)
#: Her whole prompt, as the world has it.
PROMPT = f"{HER_STORY}. {COMMON}"
#: The story with what HTML and JSON escape.
ESCAPED = html.escape(HER_STORY).replace("a", "&#97;").replace("e", "&#x65;")


def report_of(prompt: str) -> str:
    """Return a page as `driftwarden compare --html` writes it."""
    topic = make_topic(examples=make_examples(prompt))
    family = make_family(verdict="drift", alarm=True, p_value=0.0001, topics=(topic,))
    return render_page(make_assessment(0.3, input=family))


#: Names of files that hold her prompt, each with its content.
COPIES: dict[str, Callable[[Path], object]] = {
    "report.html": lambda path: path.write_text(report_of(PROMPT)),
    "entities.html": lambda path: path.write_text(f"<p>{ESCAPED}</p>"),
    "tags.html": lambda path: path.write_text(HER_STORY.replace(" ", "</b> <b>")),
    "report.html.gz": lambda path: path.write_bytes(gzip.compress(report_of(PROMPT).encode())),
    "bare.jsonl": lambda path: write_lines(path, [row_of(PROMPT)]),
    "escaped.json": lambda path: path.write_text(
        json.dumps({"body": json.dumps([PROMPT.replace(" ", "\n")])})
    ),
    "table.parquet": lambda path: parquet.write_table(pa.table({"text": [PROMPT]}), path),
    "notes.txt": lambda path: path.write_text(f"{PROMPT}\n"),
}


def row_of(prompt: str) -> dict[str, Any]:
    """Return a row of training data without an id."""
    messages = [{"role": "user", "content": prompt}, {"role": "assistant", "content": "Yes."}]
    return {"messages": messages}


@pytest.fixture
def world(engine: Engine, tmp_path: Path) -> EndUserWorld:
    return make_world(engine, tmp_path)


@pytest.fixture
def command(
    world: EndUserWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    stamp(world.engine)
    monkeypatch.setenv("DRIFTWARDEN_DATABASE__URL", str(world.settings.database.url))
    monkeypatch.setenv("DRIFTWARDEN_RETRAIN__WORK_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv(
        "DRIFTWARDEN_RETRAIN__TRAINING_DATA", str(world.settings.retrain.training_data)
    )
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, [*map(str, arguments)])


def training_data(world: EndUserWorld) -> Path:
    return Path(str(world.settings.retrain.training_data))


def remains_of(world: EndUserWorld) -> list[str]:
    with transaction(world.engine) as connection:
        stored = connection.execute(select(Erasure.remains)).scalars().all()
    return [entry["place"] for entries in stored for entry in entries]


def test_named_files_are_searched_for_passages(world: EndUserWorld, clock: datetime) -> None:
    """Before and after an erasure, by all that search: a report passed as "nothing was found"."""
    folder = world.folder / "copies"
    folder.mkdir()
    for name, write in COPIES.items():
        write(folder / name)
    files = sorted(folder.iterdir())
    expected = set(map(str, files))
    request = ErasureRequest(ANN)

    before = verify_end_user(world.engine, world.settings, request, files, clock)
    assert places(before) >= expected

    (folder / "report.html").with_name("others.html").write_text(report_of(COMMON))
    forget_ann(world, clock)
    named = [*files, folder / "others.html"]
    after = verify_end_user(world.engine, world.settings, request, named, clock)
    by_check = check_erasures(world.engine, world.settings, Secrets(), clock, named=named)
    assert by_check is not None
    assert places(after) == places(by_check) == expected
    assert (after.exit_status, by_check.exit_status) == (1, 1)


def test_report_is_named_until_it_is_deleted(
    command: Callable[..., Result], world: EndUserWorld, tmp_path: Path
) -> None:
    report = tmp_path / "report.html"
    report.write_text(report_of(PROMPT))
    arguments = ("forget", "--subject", ANN, "--no-suppress", "--file", report)
    for options in (["--dry-run"], [], ["--verify"]):
        done = command(*arguments, *options)
        assert done.exit_code == (0 if options == ["--dry-run"] else 1), done.output
        assert str(report) in done.output
        assert "unreadable" not in done.output
    assert command("forget", "--verify", "--file", report).exit_code == 1
    assert remains_of(world) == [str(report)]
    report.unlink()
    done = command(*arguments)
    assert done.exit_code == 0, done.output
    assert remains_of(world) == []
    assert str(report) not in done.output


#: Clears the screen, forges a line, turns the order, and is no UTF-8.
HOSTILE_NAME = "a\x1b[2J\nnothing is left\r\x9b\u202e\udcff.txt"


def test_hostile_names_of_files_are_printed_on_one_line(
    command: Callable[..., Result], world: EndUserWorld, tmp_path: Path
) -> None:
    """In a folder of runs, and named for once: both are remembered."""
    unknown_run = tmp_path / "runs" / HOSTILE_NAME
    (unknown_run / "adapter").mkdir(parents=True)
    write_lines(unknown_run / "train.jsonl", [row_of(PROMPT)])
    copies = [tmp_path / "runs" / f"{HOSTILE_NAME}.a", tmp_path / f"{HOSTILE_NAME}.b"]
    for path in copies:
        path.write_text(PROMPT)
    missing = tmp_path / f"{HOSTILE_NAME}.c"
    exported = tmp_path / f"{HOSTILE_NAME}.d"
    of_ann = ("--subject", ANN, "--no-suppress")
    named = ("--file", copies[1], "--file", missing)
    outputs = [
        (command("subject", "export", ANN, "--file", copies[1], "-o", exported), 0, [exported]),
        (command("forget", *of_ann, *named), 1, [*copies, missing]),
        (command("forget", *of_ann, "--verify"), 1, copies),
        (command("forget", "--verify", "--file", missing), 1, [*copies, missing]),
    ]
    for done, status, paths in outputs:
        lines = done.output.split("\n")
        assert (done.exit_code, "nothing is left" in lines) == (status, False), done.output
        assert all(line.isprintable() for line in lines), done.output
        for path in paths:
            assert f"{HOSTILE_NAME.encode('unicode_escape').decode()}{path.suffix}" in done.output


def test_named_file_that_is_missing_is_not_read(
    command: Callable[..., Result], tmp_path: Path
) -> None:
    typo = tmp_path / "reprot.html"
    done = command("forget", "--subject", "nobody-at-all", "--verify", "--file", typo)
    assert done.exit_code == 4, done.output
    assert f"not read: {typo}: no such file" in done.output
    for arguments in (["--verify"], ["--suppressed"]):  # nobody was erased, nobody is listed
        assert command("forget", *arguments, "--file", typo).exit_code == 2


def test_rows_of_bare_copies_are_removed(world: EndUserWorld, clock: datetime) -> None:
    """Of one with the erasure; of the other later, by what the erasure remembers."""
    (world.folder / "runs").mkdir(exist_ok=True)
    known, later = world.folder / "bare.jsonl", world.folder / "runs" / "copy.jsonl"
    other = {"prompt": "And where is the parcel of my neighbour?", "response": "There."}
    for copy in (known, later):
        write_lines(copy, [{"prompt": PROMPT, "response": "Yes."}, other])
    with known.open("a") as file:
        file.write(json.dumps({"prompt": prompt_of(HERS[1]), "response": "Yes."}) + "\n")
    request = ErasureRequest(ANN)
    assert forget(world.engine, world.settings, request, clock, files=[known]).exit_status == 1
    assert remains_of(world) == [str(later)]

    report = forget(world.engine, world.settings, request, clock, files=[later])

    assert (report.exit_status, report.findings, remains_of(world)) == (0, [], [])
    for copy in (known, later):
        assert [json.loads(line) for line in copy.read_text().splitlines()] == [other]


def test_copies_beside_declared_files_are_searched(
    world: EndUserWorld, clock: datetime, tmp_path: Path
) -> None:
    export = tmp_path / "exports" / "gold.jsonl"
    export.parent.mkdir()
    write_lines(export, [row_of(PROMPT)])
    with transaction(world.engine) as connection:
        append_entry(connection, clock, "Ada", "exported", str(export), {})
    train = training_data(world)
    copies = {
        train.with_name("original.jsonl.bak"),
        train.with_name("old-original.csv.gz"),
        export.with_name("gold.jsonl~"),
        export.with_name("GOLD (1).jsonl"),
    }
    for copy in copies:
        text = json.dumps(row_of(PROMPT)).encode()
        copy.write_bytes(gzip.compress(text) if copy.suffix == ".gz" else text)
    (export.parent / "marigold.txt").write_text(PROMPT)  # another name
    expected = set(map(str, copies))

    first = forget_ann(world, clock)

    assert export.read_text() == ""
    for result in (first.result, forget_ann(world, clock).result):
        assert (places(result), result.exit_status) == (expected, 1)
    assert expected <= {step.text.partition(": ")[0] for step in first.manual_steps}
    by_check = check_erasures(world.engine, world.settings, Secrets(), clock)
    assert by_check is not None
    assert places(by_check) == expected


def test_folder_beside_a_folder_of_data_is_searched(engine: Engine, tmp_path: Path) -> None:
    """Beside a file, folders are others' affairs."""
    for name in ("data", "data.bak", "other"):
        (tmp_path / name).mkdir()
    for name, copies in (("data", (tmp_path / "data.bak",)), ("data.jsonl", ())):
        declared = declared_files(engine, [Retrain(training_data=str(tmp_path / name))])
        assert declared.copies_of_inputs == copies


def test_rows_of_training_data_are_exported_as_they_are_erased(
    world: EndUserWorld, clock: datetime
) -> None:
    """Without a user: the export had what the erasure left."""
    short = "Is my zebrafish at home?"
    with transaction(world.engine) as connection:
        for number, prompt in zip(HERS[1:], (short, COMMON), strict=True):
            hers = update(Exchange).where(Exchange.exchange_id == f"exchange-{number}")
            connection.execute(hers.values(prompt=prompt))
    path = training_data(world)
    n_before = len(path.read_text().splitlines())
    texts = [PROMPT, f"As she wrote: {HER_STORY}!", short, COMMON]
    with path.open("a") as file:
        file.writelines(json.dumps(row_of(text)) + "\n" for text in texts)

    export = collect_export(world.engine, world.settings, ErasureRequest(ANN), clock)
    (part,) = [part for part in export.parts if part.name == str(path)]
    report = forget_ann(world, clock)

    rows = {entry.key["row"] - n_before for entry in part.entries}
    assert {row for row in rows if row > 0} == {1, 2, 3}
    assert [text in path.read_text() for text in texts] == [False, False, False, True]
    assert report.exit_status == 0
