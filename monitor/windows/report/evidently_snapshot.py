"""Results as snapshots and metrics of Evidently, which quote no text."""

import os
import warnings
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from monitor.drift.presentation.optional import import_optional
from monitor.drift.result import DriftResult
from monitor.windows.report.evidently_content import content_of

if TYPE_CHECKING:
    from monitor.store.windows.assessment import Assessment


def to_evidently(
    result: "DriftResult | Assessment",
    *,
    timestamp: datetime | None = None,
    name: str | None = None,
    tags: Sequence[str] = (),
) -> Any:
    """Return a result as a snapshot of Evidently, which its workspaces store and its UI shows.

    The UI needs Evidently only. No text is in the snapshot: neither prompts nor names of topics.

    Without a ``timestamp`` its place on a dashboard's axis is the last exchange of the current
    side, where known, or else now.

    Raises:
        ImportError: Evidently is not installed.
        InputError: No such result.
    """
    metrics = evidently_metrics(result)
    moment = timestamp or _last_exchange(result)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its deprecations are its own
        from evidently import Report  # noqa: PLC0415 - takes 5 s
        from pandas import DataFrame  # noqa: PLC0415

        return Report(metrics).run(
            DataFrame({"result": [0]}),  # the metrics read no data
            timestamp=_as_evidently(moment or datetime.now().astimezone()),
            name=name,
            tags=list(tags),
        )


def evidently_metrics(result: "DriftResult | Assessment") -> list[Any]:
    """Return a result as metrics of Evidently, to be reported beside others.

    Example:
        ``Report([*evidently_metrics(result), DataDriftPreset()]).run(current, reference)``

    Raises:
        ImportError: Evidently is not installed.
        InputError: No such result.
    """
    # Set before the import: Evidently reads it when it is imported.
    os.environ["DO_NOT_TRACK"] = "1"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import_optional("evidently", "to_evidently()", "evidently")
        from monitor.windows.report.evidently_metric import make_metrics  # noqa: PLC0415

        return make_metrics(content_of(result))


def _last_exchange(result: "DriftResult | Assessment") -> datetime | None:
    basis = None if isinstance(result, DriftResult) else result.basis
    return None if basis is None else basis.current.last


def _as_evidently(moment: datetime) -> datetime:
    """Return a time as Evidently writes it, local and without a zone: it cannot mix both."""
    return moment if moment.tzinfo is None else moment.astimezone().replace(tzinfo=None)
