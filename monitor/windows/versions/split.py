"""Split of a window by the version of the model that responded.

A field of the traffic's metadata names the version. Where it does not, the registry names the
version that served at the time; during a rollout these are two.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.rendering.excerpts import excerpt_of_version, version_from_attributes
from monitor.rendering.numbers import join_names
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.traffic.packed_columns import PackedValues
from monitor.store.training.versions.serving_order import ServingPeriod, name_serving

#: A field with more values names something else, such as a request or a machine.
MAX_VERSIONS = 8

#: A version with at least this share of the last responses still serves.
SERVING_SHARE = 0.01

_BEGINNING = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class VersionPart:
    """The exchanges of one version in a window, or of several pooled versions."""

    #: As the traffic or the registry names it; empty where neither does.
    version: str
    #: int64: its rows of the window, ascending.
    rows: NDArray[np.int64]
    #: Whether it still served at the end of the window.
    is_serving: bool
    #: The pooled versions, where each had too few exchanges.
    pooled_versions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Split:
    """A window by version; one part where one version, or no known one, gave all responses."""

    parts: tuple[VersionPart, ...]
    #: Remarks on versions that were pooled, or not split.
    remarks: tuple[str, ...] = ()


def split_by_version(
    versions: Sequence[str],
    occurred_at: Sequence[datetime],
    *,
    field: str,
    span: timedelta,
    least: int,
) -> Split:
    """Split a window by version; the version that responded last is the last part.

    Versions and times are ``[n]``; where times are unknown, all versions count as serving.
    ``field`` is the key of the metadata that names the version, for the remarks; ``span`` the
    window's length.

    A comparison needs ``least`` responses. Versions with fewer are pooled where together they have
    enough: those that serve, and those that no longer do. Where neither a version nor the pooled
    serving versions have enough, the window is one part.
    """
    everything = np.arange(len(versions), dtype=np.int64)
    counts = Counter(versions)
    if len(counts) <= 1:
        return Split((VersionPart(next(iter(counts), ""), everything, is_serving=True),))
    whole = (VersionPart("", everything, is_serving=True),)
    if len(counts) > MAX_VERSIONS:
        remark = (
            f"`{field}` has {len(counts)} values in this window, so it is not split by version. If "
            "that field is not the version, set version_field of the model."
        )
        return Split(whole, (remark,))
    labels = np.array(versions, dtype=object)
    last_rows = _last_rows(occurred_at, span) if occurred_at else everything
    parts = []
    for version in counts:
        own = np.flatnonzero(labels == version).astype(np.int64)
        share = np.isin(last_rows, own).mean()
        parts.append(
            VersionPart(version, own, is_serving=not occurred_at or bool(share >= SERVING_SHARE))
        )
    serving = _pool([part for part in parts if part.is_serving], least)
    ended = _pool([part for part in parts if not part.is_serving], least)
    can_be_compared = max(counts.values()) >= least or any(
        len(part.rows) >= least for part in serving
    )
    if not can_be_compared or len(serving) + len(ended) == 1:
        remark = (
            f"No version has enough responses ({least:,}) for a comparison of its own, so all are "
            f"compared together: {describe_versions(counts)}."
        )
        return Split(whole, (remark,))
    parts = sorted([*serving, *ended], key=lambda part: _end_of(part, occurred_at))
    remarks = tuple(
        f"These versions have fewer than {least:,} responses each, so they are compared together: "
        f"{describe_versions(Counter({name: counts[name] for name in part.pooled_versions}))}."
        for part in parts
        if part.pooled_versions
    )
    return Split(tuple(parts), remarks)


def assign_versions(rows: Exchanges, periods: Sequence[ServingPeriod], *, field: str) -> list[str]:
    """Return the version of each response, ``[n]``; empty where it is unknown."""
    version_of = version_finder(periods, field=field)
    return [*map(version_of, rows.attributes, rows.occurred_at)]


def version_finder(
    periods: Sequence[ServingPeriod], *, field: str
) -> Callable[[Mapping[str, Any], datetime], str]:
    """Return the function of the metadata and the time of a response that gives its version."""

    def version_of(attributes: Mapping[str, Any], at: datetime) -> str:
        return version_from_attributes(attributes, field) or name_serving(periods, at)

    return version_of


def describe_versions(counts: Counter[str]) -> str:
    """Return the most frequent versions with their numbers of responses."""
    names = ", ".join(
        f"{excerpt_of_version(version) or 'unknown'} ({n:,})"
        for version, n in counts.most_common(MAX_VERSIONS)
    )
    n_more = len(counts) - MAX_VERSIONS
    return f"{names} and {n_more:,} more" if n_more > 0 else names


def drop_version_field(rows: Exchanges, field: str) -> Exchanges:
    """Return exchanges without the version field, whose numbers are no metric."""
    if not any(field in attributes for attributes in rows.attributes):
        return rows

    def without_field(attributes: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in attributes.items() if key != field}

    if isinstance(rows.attributes, PackedValues):
        return replace(rows, attributes=rows.attributes.mapped(without_field))
    return replace(rows, attributes=[without_field(attributes) for attributes in rows.attributes])


def _pool(parts: Sequence[VersionPart], least: int) -> list[VersionPart]:
    """Pool the parts that are too small, where together they are large enough."""
    small = [part for part in parts if len(part.rows) < least]
    if len(small) < 2 or sum(len(part.rows) for part in small) < least:
        return list(parts)
    names = tuple(sorted(part.version for part in small))
    pooled = VersionPart(
        join_names([name or "unknown" for name in names]),
        np.sort(np.concatenate([part.rows for part in small])),
        is_serving=small[0].is_serving,
        pooled_versions=names,
    )
    return [*(part for part in parts if len(part.rows) >= least), pooled]


def _last_rows(occurred_at: Sequence[datetime], span: timedelta) -> NDArray[np.int64]:
    """Return the rows of the last seventh of the window with traffic: a day of a week."""
    begin = max(occurred_at) - max(span / 7, timedelta(hours=1))
    return np.flatnonzero([at > begin for at in occurred_at]).astype(np.int64)


def _end_of(part: VersionPart, occurred_at: Sequence[datetime]) -> tuple[datetime, int]:
    last = int(part.rows[-1])
    if not occurred_at:
        return _BEGINNING, last
    return max(occurred_at[row] for row in part.rows), last
