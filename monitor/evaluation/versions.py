"""Which version of the model gave each answer of a window.

The traffic itself knows best: a field of its metadata that names the version. Where it has none,
the registry says who served at the time; while a rollout shares the traffic out, that is two.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from monitor.evaluation.window import Window
from monitor.report.excerpts import excerpt
from monitor.store.exchanges import WindowRows
from monitor.store.serving import ServingPeriod

Rows = TypeVar("Rows", WindowRows, Window)

#: A field of more values than this names something else: a request, or a machine.
MAX_VERSIONS = 8

#: A version that gave at least this share of the last answers still serves.
SERVING_SHARE = 0.01

_BEGINNING = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Part:
    """The exchanges of one version in a window."""

    #: As the traffic or the registry names it; empty where neither does.
    version: str
    #: int64: its rows of the window, in order of time.
    rows: NDArray[np.int64]
    #: Whether it still served when the window ended.
    serves: bool


@dataclass(frozen=True)
class Split:
    """A window by version: one part where one version, or none that is known, gave all answers."""

    parts: tuple[Part, ...]
    #: What the reader should know.
    remarks: tuple[str, ...] = ()


def split_by_version(
    rows: WindowRows,
    periods: Sequence[ServingPeriod],
    *,
    field: str,
    bounds: tuple[datetime, datetime],
) -> Split:
    """Split a window by the version that answered, the one that came last at the end.

    Args:
        rows: The window, in order of time.
        periods: Who served when, by the registry.
        field: Key of the metadata that names the version; empty for none.
        bounds: First instant of the window and first after it.
    """
    everything = np.arange(len(rows), dtype=np.int64)
    versions = versions_of(rows, periods, field=field)
    distinct = dict.fromkeys(versions)
    if len(distinct) > MAX_VERSIONS:
        remark = (
            f"`{field}` names {len(distinct)} versions of the model in this window, so it is "
            "judged as a whole. If that field isn't the version, set model.version_field."
        )
        return Split((Part("", everything, serves=True),), (remark,))
    if len(distinct) <= 1:
        return Split((Part(next(iter(distinct), ""), everything, serves=True),))
    labels = np.array(versions, dtype=object)
    last_answers = _last_answers(rows, bounds)
    parts = []
    for version in distinct:
        own = np.flatnonzero(labels == version).astype(np.int64)
        share = np.isin(last_answers, own).mean()
        parts.append(Part(version, own, serves=bool(share >= SERVING_SHARE)))
    return Split(tuple(sorted(parts, key=lambda part: (part.rows[-1], part.version))))


def versions_of(rows: WindowRows, periods: Sequence[ServingPeriod], *, field: str) -> list[str]:
    """Return the version that gave each answer, ``[n]``; empty where it isn't known."""
    begins = [period.since or _BEGINNING for period in periods]
    named = [" and ".join(map(str, period.versions)) for period in periods]
    return [
        version_told(attributes, field)
        or (named[bisect_right(begins, occurred_at) - 1] if named else "")
        for attributes, occurred_at in zip(rows.attributes, rows.occurred_at, strict=True)
    ]


def version_told(attributes: Mapping[str, Any], field: str) -> str:
    """Return the version that an exchange itself names; empty where it names none."""
    told = attributes.get(field)
    if isinstance(told, str | int | float) and not isinstance(told, bool):
        return excerpt(str(told), 60)
    return ""


def without_version(rows: Rows, field: str) -> Rows:
    """Return exchanges without the field that names the version: a number there is no metric."""
    if not any(field in attributes for attributes in rows.attributes):
        return rows
    kept = [
        {key: value for key, value in attributes.items() if key != field}
        for attributes in rows.attributes
    ]
    return replace(rows, attributes=kept)


def _last_answers(rows: WindowRows, bounds: tuple[datetime, datetime]) -> NDArray[np.int64]:
    """Return the rows of the last seventh of the window that has traffic: a day of a week."""
    begin = rows.occurred_at[-1] - max((bounds[1] - bounds[0]) / 7, timedelta(hours=1))
    return np.arange(bisect_right(rows.occurred_at, begin), len(rows), dtype=np.int64)
