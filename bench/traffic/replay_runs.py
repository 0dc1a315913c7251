"""Replay of a file against decoding it with msgspec alone."""

from pathlib import Path

import msgspec

from bench.traffic.ingest_runs import InstantEncoder, Run, Stopwatch
from bench.traffic.services import BenchServices, bench_settings, chat_values
from monitor.input_files import open_source
from monitor.store.engine import make_engine
from monitor.traffic.file_replay import replay_file


def write_file(folder: Path, n_lines: int) -> Path:
    """Write a file of exchanges of 4 kB."""
    values = list(chat_values(min(5000, n_lines), 1))
    path = folder / "replayed.jsonl"
    with path.open("wb") as file:
        for number in range(n_lines):
            file.write(values[number % len(values)].replace(b'"r', b'"%dr' % number, 1) + b"\n")
    return path


def decode_only(path: Path, n_lines: int) -> Run:
    """Decode each line and drop it."""
    decode = msgspec.json.Decoder().decode
    watch = Stopwatch()
    with path.open("rb") as file:
        for line in file:
            decode(line)
    return watch.run(n_lines)


def read_before(path: Path, n_lines: int) -> Run:
    """Read the file as a replay does before it stores anything: its digest, and all its lines."""
    watch = Stopwatch()
    source = open_source(path)
    source.digest()
    source.check()
    return watch.run(n_lines)


def replay(services: BenchServices, path: Path, n_lines: int) -> Run:
    """Replay the file into a new database.

    Raises:
        RuntimeError: Not all lines were read.
    """
    with services.database() as url:
        engine = make_engine(url)
        settings = bench_settings(services.bootstrap_servers, "none", url)
        watch = Stopwatch()
        done = replay_file(engine, settings, InstantEncoder(), path)
        measured = watch.run(n_lines)
        engine.dispose()
    if done.n_lines != n_lines or done.n_exchanges != done.n_sampled:
        raise RuntimeError(f"{done} of {n_lines} lines")
    return measured
