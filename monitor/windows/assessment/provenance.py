"""Provenance of an evaluation: everything its figures depend on, to reproduce and verify it."""

import platform
from dataclasses import asdict
from datetime import datetime
from typing import Any

from threadpoolctl import threadpool_info

from monitor.embedding.encoder import configured_backend
from monitor.settings import Settings
from monitor.store.windows.assessment import Source
from monitor.store.windows.late_exchanges import MARK
from monitor.windows.assessment.package_versions import package_versions
from monitor.windows.reading.baselines import Reference
from monitor.windows.reading.stored_window import StoredWindow


def build_provenance(
    window: StoredWindow,
    reference: Reference,
    settings: Settings,
    *,
    seed: int,
    taxonomy_version: str,
) -> dict[str, Any]:
    """Return everything besides the code that the figures depend on.

    Of several versions, the reported one has the baseline ``reference``. Without a taxonomy that
    declared output formats its version is empty.
    """
    return {
        "seed": seed,
        "window": {
            "digest": window.rows.digest(),
            "n_exchanges": len(window.rows),
            "n_reembedded": window.n_reembedded,
            "n_withheld": window.withheld.n,
            MARK: window.n_stored,
        },
        "encoder": window.rows.encoder,
        "encoder_backend": configured_backend(settings.embedding),
        "n_other_encoder": window.rows.n_other_encoder,
        "baseline": _baseline(reference),
        "drift": settings.drift.model_dump(mode="json"),
        "levels": asdict(settings.alarm_levels),
        "alert_threshold": settings.monitoring.alert_threshold,
        "version_field": settings.model.version_field,
        "taxonomy": taxonomy_version,
        "sampling": {
            "sample_rate": settings.monitoring.sample_rate,
            "rates": [rule.model_dump(mode="json") for rule in settings.traffic.rates],
        },
        "redaction_patterns": dict(settings.redaction.patterns),
        "device": "cpu",  # the tests run there; CUDA gives the same verdicts, but other last digits
        "machine": {
            "architecture": platform.machine(),
            "python": platform.python_version(),
            "blas": blas_threads(),
        },
        "versions": package_versions(),
    }


def blas_threads() -> list[dict[str, Any]]:
    """Return the BLAS libraries and their threads, which determine the last digit of a sum."""
    return [
        {
            key: library.get(key)
            for key in ("internal_api", "version", "architecture", "num_threads")
        }
        for library in threadpool_info()
        if library["user_api"] == "blas"
    ]


def _baseline(reference: Reference) -> dict[str, Any] | None:
    baseline = reference.baseline
    if baseline is None:
        return None
    occurred = reference.rows.occurred_at if reference.rows else []
    return {
        "digest": baseline.digest,
        "n_exchanges": baseline.n_exchanges,
        "encoder": baseline.encoder,
        "model_version": baseline.model_version,
        "first": min(occurred, default=baseline.created_at).isoformat(),
        "last": max(occurred, default=baseline.created_at).isoformat(),
    }


def baseline_source(provenance: dict[str, Any]) -> Source:
    """Return the baseline of a provenance as the source of one side."""
    baseline = provenance["baseline"] or {}
    first, last = baseline.get("first"), baseline.get("last")
    return Source(
        name="the baseline",
        digest=baseline.get("digest", ""),
        first=None if first is None else datetime.fromisoformat(first),
        last=None if last is None else datetime.fromisoformat(last),
    )
