"""Order of the versions that served: their periods, and a version's predecessor."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

_BEGINNING = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class ServingPeriod:
    """A period in which the same versions served; it ends where the next one starts."""

    #: ``None`` for the first period, which has no start.
    since: datetime | None
    #: The version in production, and the canary during a rollout.
    versions: tuple[int, ...]


def name_serving(periods: Sequence[ServingPeriod], at: datetime) -> str:
    """Return the version that served at a time, both during a rollout; empty where none is known.

    ``periods`` are those of :func:`serving_periods`.
    """
    at_most = bisect_right(periods, at, key=lambda period: period.since or _BEGINNING)
    return " and ".join(map(str, periods[at_most - 1].versions)) if periods else ""


def predecessor(
    periods: Sequence[ServingPeriod], version: int, registered_at: datetime
) -> int | None:
    """Return the version that a version replaced in production; ``None``: there was none.

    Of a version that never was in production it is the one that was when it was registered; never
    one of a higher number, which was registered later, whatever the clocks say.
    """
    production = [period.versions[0] for period in periods]
    if version in production:
        before = production[: production.index(version)]
        return before[-1] if before else None
    at_most = bisect_right(periods, registered_at, key=lambda period: period.since or _BEGINNING)
    earlier = [number for number in production[:at_most] if number < version]
    return earlier[-1] if earlier else None
