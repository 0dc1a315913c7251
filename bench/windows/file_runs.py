"""The comparison of two files of short queries, beside the encoder's time for the same texts."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.settings import Settings

N_REFERENCE, N_CURRENT = 4_000, 2_000
#: Of the reference of the first comparison; its current file still has enough samples.
N_FIRST = 400
#: Of the current file, where it drifts.
NEW_SHARE = 0.05


@dataclass(frozen=True)
class FileCost:
    """Seconds of a comparison, and those of its encoder."""

    seconds: float
    cpu_seconds: float
    encoder_seconds: float
    encoder_cpu_seconds: float
    verdict: str


def compare_queries(
    ready: Callable[[], None], data: Path, *, with_labels: bool, drifts: bool, seed: int
) -> FileCost:
    """Compare two files of CLINC150's queries, after imports and with a loaded encoder.

    Args:
        ready: Called after the preparations.
        data: The folder of data sets.
        with_labels: Whether each has its intent as the response, as of a classifier: the encoder
            takes the least time beside the tests of responses.
        drifts: Whether a twentieth of the current file is out of scope.
        seed: Of the draw.
    """
    from monitor.embedding.encoder import load_encoder  # noqa: PLC0415 - slow to import
    from monitor.windows import file_comparison  # noqa: PLC0415
    from monitor.windows.reading.two_files import read_two_files  # noqa: PLC0415

    settings = Settings()
    encoder = load_encoder(settings.embedding)
    encoder.encode(["a first text"])
    with TemporaryDirectory() as folder:
        paths = _write(Path(folder), data, with_labels=with_labels, drifts=drifts, seed=seed)
        # The first comparison loads libraries and the model of languages, which count no more than
        # the encoder's loading does.
        few = _write(Path(folder), data, with_labels=with_labels, drifts=drifts, seed=1, n=N_FIRST)
        load: Any = lambda _: encoder  # noqa: E731
        setattr(file_comparison, "open_encoder", load)  # noqa: B010 - imported there
        files = read_two_files(*few, settings)
        file_comparison.compare_files(files, settings, _ignore, draws_map=False)
        times, encode = [0.0, 0.0], encoder.encode

        def timed(texts: Sequence[str]) -> NDArray[np.float16]:
            begin, cpu = time.perf_counter(), time.process_time()
            vectors = encode(texts)
            times[0] += time.perf_counter() - begin
            times[1] += time.process_time() - cpu
            return vectors

        replaced: Any = timed
        encoder.encode = replaced  # type: ignore[method-assign]
        ready()
        begin, cpu = time.perf_counter(), time.process_time()
        files = read_two_files(*paths, settings)
        result = file_comparison.compare_files(files, settings, _ignore, draws_map=False)
        seconds, cpu_seconds = time.perf_counter() - begin, time.process_time() - cpu
    return FileCost(seconds, cpu_seconds, times[0], times[1], result.assessment.verdict)


def _ignore(step: str, done: int, total: int) -> None:
    del step, done, total


def _write(
    folder: Path, data: Path, *, with_labels: bool, drifts: bool, seed: int, n: int = N_REFERENCE
) -> tuple[Path, Path]:
    splits = json.loads((data / "clinc150" / "data_full.json").read_text(encoding="utf-8"))
    queries = [pair for name in ("train", "val", "test") for pair in splits[name]]
    novel = [pair for name in ("oos_train", "oos_val", "oos_test") for pair in splits[name]]
    rng = np.random.default_rng(seed)
    n_current = n * N_CURRENT // N_REFERENCE
    drawn = [queries[row] for row in rng.permutation(len(queries))[: n + n_current]]
    current = drawn[n:]
    if drifts:
        current[: round(NEW_SHARE * n_current)] = novel[: round(NEW_SHARE * n_current)]
    paths = folder / f"reference-{n}.jsonl", folder / f"current-{n}.jsonl"
    for path, pairs in zip(paths, (drawn[:n], current), strict=True):
        lines = []
        for text, intent in pairs:
            line = {"prompt": text, "user": f"user-{rng.integers(len(pairs) // 2)}"}
            if with_labels:
                line["response"] = intent.replace("_", " ")
            lines.append(json.dumps(line))
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return paths
