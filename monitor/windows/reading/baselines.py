"""Baselines of a model's versions, with vectors of the window's encoder."""

from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import Engine

from monitor.errors import ModelError
from monitor.store.engine import snapshot, transaction
from monitor.store.traffic.baseline_copies import copy_baseline_with_vectors
from monitor.store.traffic.baselines import BaselineRow, list_baselines
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.traffic.exchanges import load_baseline
from monitor.store.windows.assessment import Shortage
from monitor.windows.reading.reembedding import EncoderSource, reembed

log = structlog.get_logger()


@dataclass(frozen=True)
class Reference:
    """A baseline, or the reason why a window cannot be compared with one."""

    baseline: BaselineRow | None
    #: ``None`` where the window cannot be compared.
    rows: Exchanges | None
    #: Headline where it cannot; empty where it can.
    reason: str = ""
    shortage: Shortage = "no_baseline"


class Baselines:
    """The baselines of a model's versions; one that several share is loaded once."""

    def __init__(
        self, engine: Engine, model: str, window_encoder: str, encoder: EncoderSource, now: datetime
    ) -> None:
        """Load the list of baselines.

        ``window_encoder``, that of the window's vectors, is empty where it has none. ``encoder`` is
        called only where a baseline is to be embedded again, at ``now``.
        """
        self._engine = engine
        self._model = model
        self._window_encoder = window_encoder
        self._encoder = encoder
        self._now = now
        self._loaded: dict[int, Exchanges] = {}
        with transaction(engine) as connection:
            self._baselines = list_baselines(connection, model)

    def of(self, version: str) -> Reference:
        """Return the newest baseline of a version, or of the model where the version has none."""
        own = [
            baseline
            for baseline in self._baselines
            if version and baseline.model_version == version
        ]
        candidates = own or self._baselines
        if not candidates:
            return Reference(
                None,
                None,
                f"Not enough data: the model {self._model} has no baseline.",
            )
        newest = candidates[0]
        if self._window_encoder in {"", newest.encoder}:
            return Reference(newest, self._load(newest))
        try:
            encoder = self._encoder()
        except ModelError as error:
            problem = f"the configured encoder cannot be loaded to embed it again: {error}"
        else:
            if encoder.identity == self._window_encoder:
                copy = self._embed_again(newest)
                return Reference(copy, self._load(copy))
            problem = f"the configured encoder is a third one, {encoder.identity}"
        # A window of before the change: its baseline of then still exists.
        older = next(
            (baseline for baseline in candidates if baseline.encoder == self._window_encoder), None
        )
        if older is not None:
            return Reference(older, self._load(older))
        return Reference(
            newest,
            None,
            f"Not compared: the baseline was embedded by {newest.encoder}, the window by "
            f"{self._window_encoder}, and {problem}. Set embedding.model to the "
            "encoder of the traffic and evaluate the window again.",
            "other_encoder",
        )

    def _load(self, baseline: BaselineRow) -> Exchanges:
        if baseline.id not in self._loaded:
            with snapshot(self._engine) as connection:
                self._loaded[baseline.id] = load_baseline(connection, baseline.id)
        return self._loaded[baseline.id]

    def _embed_again(self, baseline: BaselineRow) -> BaselineRow:
        """Embed a baseline with the configured encoder, and store it for later windows."""
        again = reembed(self._load(baseline), self._encoder())
        with transaction(self._engine) as connection:
            copy = copy_baseline_with_vectors(connection, baseline, again, now=self._now)
        log.info(
            "baseline_embedded_again",
            baseline=baseline.id,
            copy=copy.id,
            encoder=again.encoder,
            n_exchanges=len(again),
        )
        self._baselines.insert(0, copy)
        return copy
