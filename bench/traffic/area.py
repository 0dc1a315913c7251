"""Throughput of ingest against its upper bounds: an empty poll loop, and the encoder alone.

The two sides of a ratio run alternately, against the same broker and topic.
``DRIFTWARDEN_BENCH=full`` embeds ten times as many texts.
"""

import os
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.progress import track

from bench.traffic.child import ingest_in_child
from bench.traffic.fleet import fleet_rows
from bench.traffic.ingest_runs import (
    InstantEncoder,
    Run,
    Stopwatch,
    ingest,
    poll_only,
    stored_texts,
)
from bench.traffic.replay_runs import decode_only, read_before, replay, write_file
from bench.traffic.services import BenchServices, bench_settings, started_services
from bench.traffic.stages import stage_rows
from monitor.bench.row import Row
from monitor.embedding.encoder import load_encoder
from monitor.settings import Settings
from monitor.settings.model_location import locate_model

PARTITIONS = 6
N_RECORDS = 100_000
MANY_RECORDS = 1_000_000
FEW_RECORDS = 10_000
#: Seconds per text of an encoder slower than the arrival of records.
SLOW_ENCODER_SECONDS = 0.001
#: One in twenty is embedded, prompt and response.
N_EMBEDDED_FROM = 20_000 if os.environ.get("DRIFTWARDEN_BENCH") == "full" else 2_000
ROUNDS = 5
SLOW_ROUNDS = 3
REPLAYED_LINES = 50_000
#: Numbers of models that are compared.
MODELS = (1, 20, 200)


@dataclass(frozen=True)
class Goal:
    """Goal of a figure."""

    text: str
    holds: Callable[[float], bool]


def at_least(limit: float) -> Goal:
    return Goal(f">= {limit}", lambda value: value >= limit)


def at_most(limit: float) -> Goal:
    return Goal(f"<= {limit}", lambda value: value <= limit)


def at_least_share(share: float) -> Goal:
    return Goal(f"within {share:.0%}", lambda value: abs(value - 1) <= share)


def ratio_row(name: str, ratios: Sequence[float], goal: Goal | None, how: str) -> Row:
    """Return the row of a ratio: the median of the rounds, and their range."""
    value = statistics.median(ratios)
    spread = f"{len(ratios)} rounds, {min(ratios):.2f} to {max(ratios):.2f}; {how}"
    holds = None if goal is None else goal.holds(value)
    return Row("traffic", name, value, "", "" if goal is None else goal.text, holds, spread)


def poll_rows(services: BenchServices, topic: str, compression: str) -> Iterator[Row]:
    polls: list[Run] = []
    ingests: list[Run] = []
    for _ in track(range(ROUNDS), f"poll and ingest, {compression}", transient=True):
        polls.append(poll_only(services.bootstrap_servers, topic, N_RECORDS))
        with services.database() as url:
            settings = bench_settings(services.bootstrap_servers, topic, url)
            ingests.append(ingest(settings, InstantEncoder(), N_RECORDS))
    ratios = [ours.rate / bare.rate for ours, bare in zip(ingests, polls, strict=True)]
    how = (
        f"{_median_rate(ingests):,.0f} against {_median_rate(polls):,.0f} records/s, "
        f"{_median_cpu(ingests):.1f} against {_median_cpu(polls):.1f} µs of processor a record"
    )
    yield ratio_row(f"ingest / poll loop, {compression}", ratios, at_least(0.9), how)


def encoder_rows(services: BenchServices) -> Iterator[Row]:
    topic = services.fill(N_EMBEDDED_FROM, partitions=PARTITIONS, compression="lz4")
    embedding = Settings().embedding
    encoder = load_encoder(embedding)
    # Imported here: whoever collects the tests would wait for it.
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    alone = SentenceTransformer(locate_model(embedding.model), local_files_only=True)
    ratios, rates = [], []
    for _ in track(range(SLOW_ROUNDS), "embed", transient=True):
        with services.database() as url:
            # In several batches, so that reading and storing go on meanwhile.
            settings = bench_settings(services.bootstrap_servers, topic, url, batch_size=32)
            whole = ingest(settings, encoder, N_EMBEDDED_FROM)
            texts = stored_texts(url)
        watch = Stopwatch()
        alone.encode(texts, batch_size=embedding.batch_size, show_progress_bar=False)
        bare = watch.run(len(texts))
        ratios.append(bare.seconds / whole.seconds)
        rates.append(bare.rate)
    how = f"{len(texts)} texts of 2 kB, {statistics.median(rates):.1f} texts/s alone"
    yield ratio_row("encoder alone / ingest with encoder", ratios, at_least(0.9), how)


def growth_rows(services: BenchServices, lz4_topic: str) -> Iterator[Row]:
    single = services.fill(N_RECORDS, partitions=1, compression="lz4")
    few = services.fill(FEW_RECORDS, partitions=PARTITIONS, compression="lz4")
    many = services.fill(MANY_RECORDS, partitions=PARTITIONS, compression="lz4")
    rounds = [
        {
            "few": ingest_in_child(services, few, FEW_RECORDS),
            "one": ingest_in_child(services, single, N_RECORDS),
            "six": ingest_in_child(services, lz4_topic, N_RECORDS),
            "many": ingest_in_child(services, many, MANY_RECORDS),
        }
        for _ in track(range(SLOW_ROUNDS), "grow", transient=True)
    ]

    def compared(top: str, bottom: str, field: str) -> list[float]:
        return [getattr(r[top], field) / getattr(r[bottom], field) for r in rounds]

    def listed(field: str, unit: str, *names: str) -> str:
        middle = [statistics.median(getattr(r[name], field) for r in rounds) for name in names]
        return " against ".join(f"{value:.1f}" for value in middle) + f" {unit}"

    time, memory = "microseconds_per_record", "resident_megabytes"
    yield ratio_row(
        "time a record, 6 partitions / 1",
        compared("six", "one", time),
        at_least_share(0.1),
        listed(time, "µs", "six", "one"),
    )
    yield ratio_row(
        "time a record, 1,000,000 / 100,000 records",
        compared("many", "six", time),
        at_least_share(0.1),
        listed(time, "µs", "many", "six"),
    )
    yield ratio_row(
        "resident memory, 6 partitions / 1",
        compared("six", "one", memory),
        None,
        listed(memory, "MB", "six", "one"),
    )
    yield ratio_row(
        "resident memory, 1,000,000 / 100,000 records",
        compared("many", "six", memory),
        None,
        listed(memory, "MB", "many", "six"),
    )
    yield ratio_row(
        "resident memory, lag of 1,000,000 / 10,000",
        compared("many", "few", memory),
        at_most(1.2),
        listed(memory, "MB", "many", "few"),
    )
    slow = [
        ingest_in_child(
            services, topic, n, seconds_per_text=SLOW_ENCODER_SECONDS
        ).resident_megabytes
        for topic, n in ((many, MANY_RECORDS), (few, FEW_RECORDS))
    ]
    yield ratio_row(
        "resident memory, lag of 1,000,000 / 10,000, slow encoder",
        [slow[0] / slow[1]],
        at_most(1.2),
        f"{slow[0]:.1f} against {slow[1]:.1f} MB; the encoder is slower than records come",
    )


def model_rows(services: BenchServices) -> Iterator[Row]:
    """Yield the cost of a record by the number of models, in processor time."""
    topics = {
        n: services.fill(N_RECORDS, partitions=PARTITIONS, compression="lz4", n_models=n)
        for n in MODELS
    }
    rounds = [
        {n: ingest_in_child(services, topics[n], N_RECORDS, n_models=n) for n in MODELS}
        for _ in track(range(ROUNDS), "models", transient=True)
    ]
    fewest, *more = MODELS
    for n in more:
        cpu, alone = (
            statistics.median(r[count].cpu_microseconds for r in rounds) for count in (n, fewest)
        )
        yield ratio_row(
            f"processor time a record, {n} models / {fewest}",
            [r[n].cpu_microseconds / r[fewest].cpu_microseconds for r in rounds],
            at_most(1.1),
            f"{cpu:.1f} against {alone:.1f} µs; a third each by name, alias and pattern",
        )


def replay_rows(services: BenchServices) -> Iterator[Row]:
    path = write_file(services.folder, REPLAYED_LINES)
    ratios, bares, readings, replays = [], [], [], []
    for _ in track(range(SLOW_ROUNDS), "replay", transient=True):
        bares.append(decode_only(path, REPLAYED_LINES))
        readings.append(read_before(path, REPLAYED_LINES))
        replays.append(replay(services, path, REPLAYED_LINES))
        ratios.append(replays[-1].rate / bares[-1].rate)
    how = (
        f"{_median_rate(replays):,.0f} lines/s of 4 kB, instant encoder; "
        f"{_median_cpu(replays):.1f} against {_median_cpu(bares):.1f} µs of processor a line, "
        f"{_median_cpu(readings):.1f} of them to read the file before anything is stored"
    )
    yield ratio_row("replay of a file / msgspec alone", ratios, None, how)


def rows(services: BenchServices) -> Iterator[Row]:
    raw = services.fill(N_RECORDS, partitions=PARTITIONS, compression=None)
    yield from poll_rows(services, raw, "uncompressed")
    lz4 = services.fill(N_RECORDS, partitions=PARTITIONS, compression="lz4")
    yield from poll_rows(services, lz4, "lz4")
    yield from stage_rows(services, lz4)
    yield from encoder_rows(services)
    yield from replay_rows(services)
    yield from growth_rows(services, lz4)
    yield from model_rows(services)
    yield from fleet_rows(services)


def run(_data: Path | None) -> Iterator[Row]:
    try:
        with started_services() as services:
            yield from rows(services)
    except pytest.skip.Exception as missing:
        yield Row("traffic", "ingest", None, "", "", None, f"skipped: {missing}")


def _median_rate(runs: Sequence[Run]) -> float:
    return statistics.median(run.rate for run in runs)


def _median_cpu(runs: Sequence[Run]) -> float:
    return statistics.median(run.cpu_microseconds for run in runs)
