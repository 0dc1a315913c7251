"""Why a window holds less than it should: silence mustn't read as health."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from monitor.rendering.excerpts import excerpt
from monitor.store.traffic.model_counts import models_seen
from monitor.store.traffic.offsets import complete_until, gaps_detected


@dataclass(frozen=True)
class Silence:
    """What is known of traffic that a window should have, and hasn't."""

    #: Ingest had read the topic only until then; ``None`` where it had read past the window.
    read_until: datetime | None
    #: Records that were gone before they could be read, found during the window.
    n_lost: int
    #: Other models that the window's traffic names.
    other_models: tuple[str, ...]


def find_missing_traffic(
    connection: Connection,
    topic: str,
    model: str,
    bounds: tuple[datetime, datetime],
    *,
    n_current: int,
) -> Silence:
    """Return what is known of missing traffic; other models are looked for in an empty window."""
    until = complete_until(connection, topic)
    return Silence(
        read_until=until if until is not None and until < bounds[1] else None,
        n_lost=sum(
            gap.last_offset - gap.first_offset + 1
            for gap in gaps_detected(connection, topic, *bounds)
        ),
        other_models=()
        if n_current
        else tuple(name for name in models_seen(connection, *bounds, limit=5) if name != model),
    )


def remarks_on_silence(silence: Silence) -> Sequence[str]:
    """Tell it in words."""
    remarks = []
    if silence.read_until is not None:
        never = silence.read_until.year < 2000
        how_far = (
            "never to its end" if never else f"only until {silence.read_until:%Y-%m-%d %H:%M} UTC"
        )
        remarks.append(
            f"Judged before all traffic was read: a partition of the topic was read {how_far}. "
            "Evaluate the window again when ingest has caught up (`driftwarden evaluate --again`)."
        )
    if silence.n_lost:
        remarks.append(
            f"{silence.n_lost:,} records were deleted by the topic's retention before they could "
            "be read; this was found during the window."
        )
    if silence.other_models:
        named = ", ".join(f"`{excerpt(name, 40)}`" for name in silence.other_models)
        remarks.append(
            f"The window's traffic names other models: {named}. Is model.name what it should be?"
        )
    return remarks


def headline_without_traffic(model: str, silence: Silence) -> str:
    """Return the headline of a window without an exchange."""
    if silence.read_until is not None:
        return f"No traffic of {model} was read in this window: ingest was behind or stopped."
    return f"No traffic: not one exchange of {model} was sampled in this window."
