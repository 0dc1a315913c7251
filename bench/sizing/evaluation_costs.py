"""CPU and memory of drift evaluations and looks, and CPU of the encoder."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from bench.drift.limited_process import Completed, Failed, run_limited
from bench.services.postgres import PostgresServer
from bench.sizing.texts import corpus
from bench.windows.evaluation_runs import START, evaluate_stored
from bench.windows.stored_traffic import store_window
from monitor.settings import Settings
from monitor.store.engine import make_engine
from monitor.store.tables import metadata
from monitor.traffic.embedding import TextEncoder

Value = TypeVar("Value")

LIMIT_SECONDS = 3_600.0
MAX_BASELINE = 20_000
#: The most that a look compares.
LOOK_BASELINE, LOOK_DAY = 8_000, 4_000
ENCODED_TEXTS = 192


@dataclass(frozen=True)
class EncoderCost:
    """Cost and facts of the default encoder."""

    #: CPU seconds of a text, by its number of tokens.
    seconds: dict[int, float]
    max_tokens: float
    dimension: float
    bytes_per_token: float


@dataclass(frozen=True)
class EvaluationCost:
    """Cost of an evaluation."""

    #: Exchanges of window and baseline.
    n_compared: int
    n_window: int
    cpu_seconds: float
    peak_bytes: float


def measure_evaluation(n: int) -> EvaluationCost:
    """Evaluate a stored window of n exchanges in a process of its own.

    Raises:
        RuntimeError: It failed.
    """
    n_baseline = min(n, MAX_BASELINE)
    server = PostgresServer()
    server.start()
    try:
        _store(server.url, n_baseline, n)
        result = run_limited(evaluate_stored, server.url, seconds=LIMIT_SECONDS)
    finally:
        server.remove()
    cost = _value(result, f"window of {n}")
    return EvaluationCost(n + n_baseline, n, cost.cpu_seconds, float(cost.peak))


def measure_look() -> float:
    """Return the CPU seconds of a look at the largest numbers that it compares.

    Raises:
        RuntimeError: It failed.
    """
    server = PostgresServer()
    server.start()
    try:
        _store(server.url, LOOK_BASELINE, 7 * LOOK_DAY)
        result = run_limited(_look, server.url, seconds=LIMIT_SECONDS)
    finally:
        server.remove()
    return _value(result, "look")


def measure_encoder(ready: Callable[[], None], tokens: tuple[int, ...]) -> EncoderCost:
    """Return the CPU seconds of texts of some numbers of tokens, on one thread, and the facts."""
    import torch  # noqa: PLC0415 - imports don't count
    from tokenizers import Tokenizer  # noqa: PLC0415

    from monitor.embedding.encoder import load_encoder  # noqa: PLC0415
    from monitor.settings.model_location import locate_model  # noqa: PLC0415

    torch.set_num_threads(1)
    encoder = load_encoder(Settings().embedding)
    folder = Path(locate_model(Settings().embedding.model))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    prose = corpus()[:400_000]
    ids = tokenizer.encode(prose, add_special_tokens=False).ids
    encoder.encode(["warm up"] * 4)
    ready()
    seconds = {}
    for size in tokens:
        texts = [
            tokenizer.decode(ids[first : first + size - 2])
            for first in range(0, ENCODED_TEXTS * size, size)
        ]
        begin = time.process_time()
        encoder.encode(texts)
        seconds[size] = (time.process_time() - begin) / ENCODED_TEXTS
    return EncoderCost(
        seconds,
        float(encoder._model.max_tokens),  # noqa: SLF001
        float(encoder.dimension),
        len(prose) / len(ids),
    )


def encoder_costs(tokens: tuple[int, ...]) -> EncoderCost:
    """Return what :func:`measure_encoder` measures, in a process of its own.

    Raises:
        RuntimeError: It failed.
    """
    return _value(run_limited(measure_encoder, tokens, seconds=LIMIT_SECONDS), "encoder")


def _value(result: Completed[Value] | Failed, name: str) -> Value:
    if isinstance(result, Completed):
        return result.value
    raise RuntimeError(f"{name}: {result.reason}")


def _store(url: str, n_baseline: int, n: int) -> None:
    engine = make_engine(url)
    metadata.create_all(engine)
    store_window(engine, n_baseline, n, START, seed=0)
    engine.dispose()


def _look(ready: Callable[[], None], url: str) -> float:
    import torch  # noqa: F401, PLC0415 - imports don't count

    from monitor.windows.looks.run import run_look  # noqa: PLC0415

    def no_encoder() -> TextEncoder:
        raise RuntimeError("the vectors are stored")

    engine = make_engine(url)
    first, second = (START + timedelta(days=days) for days in (3, 4))
    # The first look imports libraries.
    run_look(engine, Settings(), first, first, encoder=no_encoder)
    ready()
    begin = time.process_time()
    run_look(engine, Settings(), second, second, encoder=no_encoder)
    return time.process_time() - begin
