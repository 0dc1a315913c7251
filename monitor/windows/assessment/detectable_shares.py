"""Smallest drifted shares of the prompts that windows of these sizes show."""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import msgspec
import numpy as np

from monitor.drift import (
    MAX_WINDOWS,
    SimulatedWindow,
    effective_size,
    expected_shares,
    measure_user_correlation,
    simulate_power,
)
from monitor.drift import DetectableShare as Found
from monitor.errors import InputError
from monitor.settings import Drift
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.assessment import DetectableShare


def stored_shares(
    reference: Exchanges, current: Exchanges, *, level: float, min_drifted_share: float
) -> tuple[DetectableShare, ...]:
    """Return what windows of these sizes and end users show, by the stored table.

    ``level`` is that of the test of the prompts; an alarm needs ``min_drifted_share``.
    """
    users = [_numbers(side.end_users) for side in (reference, current)]
    sizes = [
        effective_size(
            _weighted_size(side),
            float((np.bincount(own) ** 2).sum() / len(own)),
            measure_user_correlation(side.prompt_vectors, own),
        )
        for side, own in zip((reference, current), users, strict=True)
    ]
    results = expected_shares(*sizes, alpha=level, min_drifted_share=min_drifted_share)
    return _shares(results, is_simulated=False)


def simulated_shares(
    reference: Exchanges,
    current: Exchanges,
    *,
    level: float,
    drift: Drift,
    windows_file: Path | None,
    on_window: Callable[[SimulatedWindow], None],
) -> tuple[DetectableShare, ...]:
    """Return what windows of these sizes and end users show, by simulation on these prompts.

    ``windows_file`` is continued from, and appended to; ``on_window`` is called after each window.

    Raises:
        InputError: Too few exchanges or end users, or the file of windows can't be used.
    """
    key = _key(reference, current, level, drift)
    known = () if windows_file is None else _read_windows(windows_file, key)

    def store(window: SimulatedWindow) -> None:
        if windows_file is not None:
            _append(windows_file, json.dumps({"comparison": key} | asdict(window)))
        on_window(window)

    try:
        results = simulate_power(
            reference.prompt_vectors,
            current.prompt_vectors,
            reference_groups=reference.end_users,
            current_groups=current.end_users,
            alpha=level,
            minimum_drifted_share=drift.min_drifted_share,
            minimum_samples=drift.min_samples,
            seed=drift.seed,
            max_windows=MAX_WINDOWS,
            known=known,
            on_window=store,
        )
    except ValueError as error:
        raise InputError(f"power cannot be simulated: {error}") from None
    return _shares(results, is_simulated=True)


def _shares(results: Sequence[Found], *, is_simulated: bool) -> tuple[DetectableShare, ...]:
    return tuple(
        DetectableShare(
            kind=share.kind,
            share=share.share,
            lower=share.lower,
            upper=share.upper,
            is_simulated=is_simulated,
        )
        for share in results
    )


def _numbers(end_users: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return a number for each exchange's end user; exchanges without one have their own."""
    seen: dict[str | int, int] = {}
    return np.array(
        [seen.setdefault(user or row, len(seen)) for row, user in enumerate(end_users)],
        dtype=np.int64,
    )


def _weighted_size(side: Exchanges) -> float:
    """Return the number of equally weighted exchanges that estimate a share as well (Kish)."""
    weights = side.weights
    return float(len(side)) if weights is None else float(weights.sum() ** 2 / (weights**2).sum())


def _key(reference: Exchanges, current: Exchanges, level: float, drift: Drift) -> str:
    """Return a digest of everything that decides the simulated windows."""
    digest = hashlib.sha256()
    for side in (reference, current):
        digest.update(np.ascontiguousarray(side.prompt_vectors).tobytes())
        digest.update("\x00".join(side.end_users).encode("utf-8", "surrogatepass"))
    digest.update(repr((drift.seed, level, drift.min_drifted_share)).encode())
    return digest.hexdigest()[:16]


def _append(path: Path, line: str) -> None:
    """Append a line, after the end of a line that a killed run left incomplete."""
    with path.open("ab+") as file:
        if file.tell() > 0:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")
        file.write(line.encode() + b"\n")


def _read_windows(path: Path, key: str) -> list[SimulatedWindow]:
    """Return the windows of this comparison; the incomplete line of a killed run is left out."""
    if not path.exists():
        return []
    try:
        lines = path.read_bytes().splitlines()
        windows = [msgspec.json.decode(line) for line in lines if line.endswith(b"}")]
        return [
            msgspec.convert(
                {name: value for name, value in window.items() if name != "comparison"},
                SimulatedWindow,
            )
            for window in windows
            if window["comparison"] == key
        ]
    except (OSError, msgspec.MsgspecError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not a file of simulated windows: {error}") from None
