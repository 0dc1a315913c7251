"""Which version of the model gave each answer of a window.

The traffic itself knows best: a field of its metadata that names the version. Where it has none,
the registry says who served at the time; while a rollout shares the traffic out, that is two.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.rendering.excerpts import excerpt, excerpt_of_version
from monitor.rendering.numbers import join_names
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.training.serving_periods import ServingPeriod
from monitor.traffic.parsing.cleaning import MAX_NAME_CHARACTERS

#: A field of more values than this names something else: a request, or a machine.
MAX_VERSIONS = 8

#: A version that gave at least this share of the last answers still serves.
SERVING_SHARE = 0.01

_BEGINNING = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Part:
    """The exchanges of one version in a window, or of several that are judged together."""

    #: As the traffic or the registry names it; empty where neither does.
    version: str
    #: int64: its rows of the window, ascending.
    rows: NDArray[np.int64]
    #: Whether it still served when the window ended.
    is_serving: bool
    #: The versions whose exchanges these are, where each had too few to be judged by itself.
    pooled_versions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Split:
    """A window by version: one part where one version, or none that is known, gave all answers."""

    parts: tuple[Part, ...]
    #: What the reader should know.
    remarks: tuple[str, ...] = ()


def split_by_version(
    versions: Sequence[str],
    occurred_at: Sequence[datetime],
    *,
    field: str,
    span: timedelta,
    least: int,
) -> Split:
    """Split a window by the version that answered, the one that came last at the end.

    Args:
        versions: The version that gave each answer, ``[n]``.
        occurred_at: When, ``[n]``; empty where it isn't known: then all are taken to serve.
        field: Key of the metadata that names the version, for the remarks.
        span: Length of the window.
        least: Answers without which a version can't be judged. Versions that have fewer are one
            part where together they have as many: those that serve, and those that no longer do.
            Where not even what serves has as many so, and no version by itself, the window is one
            part: its versions can be judged together or not at all.
    """
    everything = np.arange(len(versions), dtype=np.int64)
    counts = Counter(versions)
    if len(counts) <= 1:
        return Split((Part(next(iter(counts), ""), everything, is_serving=True),))
    whole = (Part("", everything, is_serving=True),)
    if len(counts) > MAX_VERSIONS:
        remark = (
            f"`{field}` names {len(counts)} versions of the model in this window, so it is "
            "judged as a whole. If that field isn't the version, set model.version_field."
        )
        return Split(whole, (remark,))
    labels = np.array(versions, dtype=object)
    last_answers = _last_answers(occurred_at, span) if occurred_at else everything
    parts = []
    for version in counts:
        own = np.flatnonzero(labels == version).astype(np.int64)
        share = np.isin(last_answers, own).mean()
        parts.append(Part(version, own, is_serving=not occurred_at or bool(share >= SERVING_SHARE)))
    serving = _pool([part for part in parts if part.is_serving], least)
    gone = _pool([part for part in parts if not part.is_serving], least)
    can_be_judged = max(counts.values()) >= least or any(len(one.rows) >= least for one in serving)
    if not can_be_judged or len(serving) + len(gone) == 1:
        remark = (
            f"No version of the model gave enough answers ({least:,}) to be judged by itself, so "
            f"they are judged together: {describe_versions(counts)}."
        )
        return Split(whole, (remark,))
    parts = sorted([*serving, *gone], key=lambda part: _end_of(part, occurred_at))
    remarks = tuple(
        f"These versions of the model gave too few answers (fewer than {least:,}) to be judged by "
        "themselves, so they are judged together: "
        f"{describe_versions(Counter({version: counts[version] for version in part.pooled_versions}))}."
        for part in parts
        if part.pooled_versions
    )
    return Split(tuple(parts), remarks)


def assign_versions(rows: Exchanges, periods: Sequence[ServingPeriod], *, field: str) -> list[str]:
    """Return the version that gave each answer, ``[n]``; empty where it isn't known."""
    begins = [period.since or _BEGINNING for period in periods]
    named = [" and ".join(map(str, period.versions)) for period in periods]
    return [
        version_from_attributes(attributes, field)
        or (named[bisect_right(begins, occurred_at) - 1] if named else "")
        for attributes, occurred_at in zip(rows.attributes, rows.occurred_at, strict=True)
    ]


def version_from_attributes(attributes: Mapping[str, Any], field: str) -> str:
    """Return the version that an exchange itself names; empty where it names none."""
    told = attributes.get(field)
    if isinstance(told, str | int | float) and not isinstance(told, bool):
        return clean_version_name(str(told))
    return ""


def clean_version_name(told: str) -> str:
    """Return what a version is known by: all of its name, cleaned, as long as ids may be."""
    return excerpt(told, MAX_NAME_CHARACTERS)


def describe_versions(counts: Counter[str]) -> str:
    """Name the commonest versions, each with the number of its answers."""
    named = ", ".join(
        f"{excerpt_of_version(version) or 'unknown'} ({n:,})"
        for version, n in counts.most_common(MAX_VERSIONS)
    )
    left = len(counts) - MAX_VERSIONS
    return f"{named} and {left:,} more" if left > 0 else named


def drop_version_field(rows: Exchanges, field: str) -> Exchanges:
    """Return exchanges without the field that names the version: a number there is no metric."""
    if not any(field in attributes for attributes in rows.attributes):
        return rows
    kept = [
        {key: value for key, value in attributes.items() if key != field}
        for attributes in rows.attributes
    ]
    return replace(rows, attributes=kept)


def _pool(parts: Sequence[Part], least: int) -> list[Part]:
    """Make one part of those that are too small, where together they are large enough."""
    small = [part for part in parts if len(part.rows) < least]
    if len(small) < 2 or sum(len(part.rows) for part in small) < least:
        return list(parts)
    names = tuple(sorted(part.version for part in small))
    pooled = Part(
        join_names([name or "unknown" for name in names]),
        np.sort(np.concatenate([part.rows for part in small])),
        is_serving=small[0].is_serving,
        pooled_versions=names,
    )
    return [*(part for part in parts if len(part.rows) >= least), pooled]


def _last_answers(occurred_at: Sequence[datetime], span: timedelta) -> NDArray[np.int64]:
    """Return the rows of the last seventh of the window that has traffic: a day of a week."""
    begin = max(occurred_at) - max(span / 7, timedelta(hours=1))
    return np.flatnonzero([at > begin for at in occurred_at]).astype(np.int64)


def _end_of(part: Part, occurred_at: Sequence[datetime]) -> tuple[datetime, int]:
    last = int(part.rows[-1])
    if not occurred_at:
        return _BEGINNING, last
    return max(occurred_at[row] for row in part.rows), last
