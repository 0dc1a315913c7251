"""Replay and baseline import of files that are cut, mixed or changed: nothing half done."""

import gzip
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest
import zstandard
from pyarrow import parquet
from sqlalchemy import Engine

from monitor.errors import InputError
from monitor.settings import Settings, Traffic
from monitor.settings.models.names import ModelNames
from monitor.store.engine import transaction
from monitor.store.traffic.baselines import list_baselines
from monitor.traffic.baseline_import import import_baseline
from monitor.traffic.file_replay import replay_file
from tests.support.encoders.fake_encoder import FakeEncoder
from tests.support.refusals import refusal
from tests.support.traffic.end_users import make_rules
from tests.support.traffic.ingest import stored_ids

EVERYTHING = Settings(monitoring={"sample_rate": 1.0}, traffic={"batch_size": 7})
ROWS = [{"id": f"r{n}", "prompt": f"prompt {n}", "response": "yes"} for n in range(30)]
IDS = sorted(str(row["id"]) for row in ROWS)


def lines() -> bytes:
    return "".join(json.dumps(row) + "\n" for row in ROWS).encode()


def csv() -> bytes:
    rows = [",".join(map(str, row.values())) for row in ROWS]
    return "\n".join(["id,prompt,response", *rows, ""]).encode()


def parquet_file() -> bytes:
    stream = pa.BufferOutputStream()
    parquet.write_table(pa.Table.from_pylist(ROWS), stream, row_group_size=4)
    return bytes(stream.getvalue())


#: Whole files, and where each is cut.
FILES: dict[str, tuple[Callable[[], bytes], int]] = {
    "gzip": (lambda: gzip.compress(lines(), mtime=0), -9),
    "zstd": (lambda: zstandard.ZstdCompressor().compress(lines()), -3),
    "lines": (lines, -20),
    "array": (lambda: json.dumps(ROWS).encode(), -40),
    "csv": (csv, -5),
    "parquet": (parquet_file, -50),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_cut_file_stores_nothing_and_the_whole_everything(
    engine: Engine, tmp_path: Path, clock: datetime, kind: str
) -> None:
    whole, end = FILES[kind]
    path = tmp_path / "traffic"
    path.write_bytes(whole()[:end])
    names = ModelNames({"assistant": ()})

    with pytest.raises(InputError):
        replay_file(engine, EVERYTHING, FakeEncoder(), path)
    with pytest.raises(InputError):
        import_baseline(
            *(engine, Traffic(), FakeEncoder, path),
            names=names, redactor=None, rules=make_rules(engine), now=clock,
        )  # fmt: skip
    with transaction(engine) as connection:
        assert [] == list_baselines(connection, "assistant")
    assert [] == stored_ids(engine)

    path.write_bytes(whole())
    assert 30 == replay_file(engine, EVERYTHING, FakeEncoder(), path).n_exchanges
    assert IDS == stored_ids(engine)
    assert 30 == replay_file(engine, EVERYTHING, FakeEncoder(), path).n_skipped


class InterferingEncoder(FakeEncoder):
    """An encoder that does something at its third batch."""

    def __init__(self, action: Callable[[], object]) -> None:
        super().__init__()
        self.calls = 0
        self.action = action

    def encode(self, texts):  # type: ignore[no-untyped-def]
        self.calls += 1
        if self.calls == 3:
            self.action()
        return super().encode(texts)


@pytest.mark.parametrize("kind", ["csv", "parquet", "array"])
def test_an_interrupted_replay_goes_on_at_the_row(
    engine: Engine, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "traffic"
    path.write_bytes(FILES[kind][0]())

    def fail() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay_file(engine, EVERYTHING, InterferingEncoder(fail), path)
    assert 14 == len(stored_ids(engine))

    again = replay_file(engine, EVERYTHING, FakeEncoder(), path)
    assert (14, 16) == (again.n_skipped, again.n_exchanges)
    assert IDS == stored_ids(engine)


def test_replay_of_a_file_cut_meanwhile_reports_stored_records(
    engine: Engine, tmp_path: Path
) -> None:
    path = tmp_path / "traffic.jsonl"
    whole = lines() + b'{"prompt": "%s", "response": "yes"}\n' % (b"x" * 100_000)
    path.write_bytes(whole)
    encoder = InterferingEncoder(lambda: path.write_bytes(lines()))

    with refusal("changed", InputError, match="28 of 31 lines are stored"):
        replay_file(engine, EVERYTHING, encoder, path)
    assert 28 == len(stored_ids(engine))

    path.write_bytes(whole)
    assert 3 == replay_file(engine, EVERYTHING, FakeEncoder(), path).n_exchanges


def test_lines_appended_during_a_replay_are_left(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "traffic.jsonl"
    path.write_bytes(lines())

    def append() -> None:
        with path.open("ab") as file:
            file.write(b'{"id": "late", "prompt": "a", "response": "b"}\n{"id": "cut')

    replay_file(engine, EVERYTHING, InterferingEncoder(append), path)
    assert IDS == stored_ids(engine)
