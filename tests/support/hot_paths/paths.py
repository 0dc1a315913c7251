"""Hot paths: what driftwarden does for each record, page, window and look, on fixed inputs."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from litestar.testing import TestClient
from sqlalchemy import Engine

from bench.traffic.ingest_runs import InstantEncoder
from bench.traffic.services import chat_values, listed_models
from bench.windows.stored_traffic import WEEK, store_window
from monitor.daemon.web_app import create_app
from monitor.settings import Configuration, Secrets, Settings
from monitor.store.engine import make_engine
from monitor.store.tables import metadata
from monitor.traffic.ingest.preparation import BatchPreparer
from monitor.traffic.ingest.writer import store_batch
from monitor.windows.evaluation import evaluate_window
from monitor.windows.file_comparison import compare_files
from monitor.windows.looks.run import DAY, run_look
from monitor.windows.reading.two_files import read_two_files
from tests.support.encoders.word_encoder import DIMENSIONS, WordEncoder
from tests.support.hot_paths.counted_work import Work
from tests.support.review.review_world import make_world
from tests.support.traffic.record_batches import NOW, make_batch, open_reader, selection
from tests.support.web.sign_in import sign_in

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
#: Before `NOW`, in seconds.
TIMESTAMP = NOW.timestamp() - 3600
PERSONAL = " Call +49 170 1234567, write to ann@example.org, card 4111 1111 1111 1111."
FIVES = {"accuracy": 5, "completeness": 5, "tone": 5, "compliance": 5}


@dataclass(frozen=True)
class HotPath:
    """A piece of work of some size."""

    #: Prepares the work in an empty folder; only the work itself is counted.
    prepare: Callable[[Path, int], AbstractContextManager[Work]]
    size: int
    #: Size of a run before the counted one, after which all imports and caches are made.
    warm_up: int
    #: Whether its memory is counted, which takes as long as the work itself.
    with_memory: bool = True


@contextmanager
def outside_the_sample(folder: Path, n: int) -> Iterator[Work]:
    """Read records of 4 kB of which none is sampled."""
    del folder
    values = _values(n)
    batches = [values[first : first + 5] for first in range(0, n, 5)]
    data = b"".join(
        make_batch(5 * number, [(b"%d" % number, value, []) for value in batch])
        for number, batch in enumerate(batches)
    )
    reader = open_reader(data, selecting=selection(1e-9))
    yield lambda: [reader.take(n) for _ in batches if reader]


@contextmanager
def sampled(folder: Path, n: int) -> Iterator[Work]:
    """Decode, redact, embed and store records of 4 kB."""
    engine = _database(folder)
    data = make_batch(0, [(b"%d" % number, value, []) for number, value in enumerate(_values(n))])
    settings = Configuration(models=listed_models(20), monitoring={"sample_rate": 1.0})
    preparer = BatchPreparer.build(settings, InstantEncoder())

    def work() -> None:
        parts = open_reader(data).take(n)
        records = [record for part in parts for record in part.records]
        assert len(records) == n
        batch = preparer.prepare(records, received_at=NOW)
        assert len(batch.exchanges) == n
        store_batch(engine, batch, [], now=NOW)

    yield work


@contextmanager
def accept_and_next(folder: Path, n: int) -> Iterator[Work]:
    """Submit a review with a claim of the next item, and load its page, as the page does."""
    world = make_world(_database(folder), MONDAY, n=40)
    app = create_app(world.engine, Settings(), Secrets(), clock=lambda: MONDAY)
    with TestClient(app) as client:
        sign_in(client, "Ada")

        def review(item: int) -> int:
            reviewed = {"verdict": "accept", **FIVES}
            submitted = client.post(f"/api/items/{item}/review?claims=true", json=reviewed)
            following: int = submitted.json()["next"]
            client.get(f"/review/{following}").raise_for_status()
            return following

        item = review(client.post("/api/items/claim").json()["item"])

        def work() -> None:
            following = item
            for _ in range(n):
                following = review(following)

        yield work


@contextmanager
def evaluation(folder: Path, n: int) -> Iterator[Work]:
    """Evaluate a stored window, from the claim to the stored assessment, without Evidently."""
    engine = _database(folder)
    store_window(engine, n, n, MONDAY, seed=0)
    end = MONDAY + WEEK
    yield lambda: evaluate_window(engine, Settings(), MONDAY, end, end, evidently=False)


@contextmanager
def look(folder: Path, n: int) -> Iterator[Work]:
    """Look at the last day of a week of so many exchanges."""
    engine = _database(folder)
    store_window(engine, n, 7 * n, MONDAY, seed=0)
    end = MONDAY + WEEK - DAY
    yield lambda: run_look(engine, Settings(), end, end, encoder=_no_encoder)


@contextmanager
def comparison(folder: Path, n: int) -> Iterator[Work]:
    """Compare two files of prompts, as `driftwarden compare` does."""
    files = []
    for name, seed in (("before", 1), ("after", 2)):
        records = [json.loads(value) for value in chat_values(n, seed)]
        lines = [json.dumps({"prompt": r["prompt"][:60], "user": r["user"]}) for r in records]
        files.append(folder / f"{name}.jsonl")
        files[-1].write_text("\n".join(lines), encoding="utf-8")
    settings, encoder = Settings(), _Words()
    yield lambda: compare_files(
        read_two_files(*files, settings),
        settings,
        lambda *_: None,
        encoder=encoder,
        draws_map=False,
    )


HOT_PATHS = {
    "record outside the sample": HotPath(outside_the_sample, 500, 500),
    "sampled record": HotPath(sampled, 100, 100),
    "page of review": HotPath(accept_and_next, 10, 2),
    "evaluation": HotPath(evaluation, 1_000, 200, with_memory=False),
    "look": HotPath(look, 500, 200),
    "comparison of files": HotPath(comparison, 1_000, 200, with_memory=False),
}


class _Words(WordEncoder):
    identity = "words@1/max0"
    dimension = DIMENSIONS


def _database(folder: Path) -> Engine:
    engine = make_engine(f"sqlite:///{folder / 'driftwarden.db'}")
    metadata.create_all(engine)
    return engine


def _values(n: int) -> list[bytes]:
    """Return records whose times don't depend on the present; one in five has personal data."""
    records = [json.loads(value) | {"timestamp": TIMESTAMP} for value in chat_values(n, 1)]
    for record in records[::5]:
        record["prompt"] += PERSONAL
    return [json.dumps(record).encode() for record in records]


def _no_encoder() -> None:
    raise AssertionError("all exchanges have vectors of the baseline's encoder")
