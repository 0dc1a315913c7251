"""Missing traffic of a window: unread partitions, lost records, other model names."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from monitor.rendering.excerpts import excerpt
from monitor.store.traffic.offsets import complete_until, gaps_detected
from monitor.store.traffic.unlisted import unlisted_models

MAX_NAMES = 5


@dataclass(frozen=True)
class MissingTraffic:
    """Traffic that a window may lack."""

    #: Time until which the topic was read; ``None`` where it was read past the window.
    read_until: datetime | None
    #: Records that the topic's retention deleted before they were read, detected in the window.
    n_lost: int
    #: Models in the traffic of the window that are not listed.
    other_models: tuple[str, ...]


def find_missing_traffic(
    connection: Connection,
    topic: str,
    model: str,
    bounds: tuple[datetime, datetime],
    *,
    n_current: int,
) -> MissingTraffic:
    """Return the missing traffic; unlisted models are searched only for an empty window."""
    until = complete_until(connection, topic)
    return MissingTraffic(
        read_until=until if until is not None and until < bounds[1] else None,
        n_lost=sum(
            gap.last_offset - gap.first_offset + 1
            for gap in gaps_detected(connection, topic, *bounds)
        ),
        other_models=()
        if n_current
        else tuple(
            unlisted.name for unlisted in unlisted_models(connection, *bounds, [model])[:MAX_NAMES]
        ),
    )


def remarks_on_missing_traffic(missing: MissingTraffic) -> Sequence[str]:
    """Return remarks on missing traffic."""
    remarks = []
    if missing.read_until is not None:
        never = missing.read_until.year < 2000
        how_far = (
            "never to its end" if never else f"only until {missing.read_until:%Y-%m-%d %H:%M} UTC"
        )
        remarks.append(
            f"Not all traffic was read: a partition of the topic was read {how_far}. Evaluate the "
            "window again when ingest has caught up (`driftwarden evaluate --again`)."
        )
    if missing.n_lost:
        remarks.append(
            f"{missing.n_lost:,} records were deleted by the topic's retention before they could "
            "be read; this was detected during the window."
        )
    if missing.other_models:
        names = ", ".join(f"`{excerpt(name, 40)}`" for name in missing.other_models)
        remarks.append(
            f"The traffic has models that are not listed: {names}; add them to [models], or to "
            "the aliases of a model."
        )
    return remarks


def describe_no_traffic(model: str, missing: MissingTraffic) -> str:
    """Return the finding of a window without exchanges."""
    if missing.read_until is not None:
        return f"No traffic of {model} was read in this window: ingest is behind or stopped."
    return f"No traffic: no exchange of {model} was sampled in this window."
