"""Queries of the texts sampled for a batch, which weight its estimates."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, insert, select

from monitor.store.rows import batches_of, columns_of, update_row
from monitor.store.tables import GoldExample, ReviewBatch, ReviewDraw, ReviewItem


@dataclass(frozen=True)
class BatchDesign:
    """The sampling design of a batch."""

    #: Number of points of the control draw.
    n_control: int
    #: Number of exchanges of the window; the effective number where sampling rates differ.
    n_window: float
    #: Share of the traffic by task type and stratum.
    cells: tuple[tuple[str, int, float], ...]
    #: The same of each version's responses, as shares of the whole traffic; empty where one version
    #: gave all.
    by_version: Mapping[str, tuple[tuple[str, int, float], ...]] = field(default_factory=dict)
    #: The traffic's label of most responses at the end of the window; empty without one.
    serving: str = ""

    def share_of(self, is_wanted: Callable[[str], bool]) -> float:
        """Return the share of some versions in the traffic; 1 where one version gave all."""
        if not self.by_version:
            return 1.0
        return sum(cell[2] for cell in self._cells_of(is_wanted))

    def part(self, is_wanted: Callable[[str], bool]) -> "BatchDesign":
        """Return the design of some versions' part of the traffic."""
        share = self.share_of(is_wanted)
        if not self.by_version or not share:
            return self
        cells: dict[tuple[str, int], float] = {}
        for task_type, stratum, own in self._cells_of(is_wanted):
            cells[task_type, stratum] = cells.get((task_type, stratum), 0.0) + own / share
        return replace(
            self,
            n_window=self.n_window * share,
            cells=tuple((*cell, own) for cell, own in sorted(cells.items())),
            by_version={},
        )

    def _cells_of(self, is_wanted: Callable[[str], bool]) -> list[tuple[str, int, float]]:
        return [
            cell
            for version, cells in self.by_version.items()
            if is_wanted(version)
            for cell in cells
        ]


@dataclass(frozen=True, kw_only=True)
class Draw:
    """A text sampled for a batch, newly queued or reviewed earlier."""

    #: Digest of the conversation and the response.
    text_digest: str
    task_type: str
    #: Number of the stratum, as in :mod:`monitor.review.sampling.frame`.
    stratum: int
    cluster: int | None
    #: Number of control points that hit the text; each represents the same share of the traffic.
    control_points: int
    #: Share of the window's traffic that has this text.
    traffic_share: float
    #: Probability with which any draw selects the text.
    selection_probability: float
    #: Version that gave the response which represents the text, drawn in proportion to the traffic,
    #: so that a version's draws have its share of the points; empty where it is unknown.
    version: str = ""


@dataclass(frozen=True, kw_only=True)
class DrawRow(Draw):
    """A draw with the outcome of its review."""

    batch_id: int
    item_id: int
    #: The batch in which its item was queued.
    queued_in: int
    #: Status of the item.
    status: str
    #: Verdict of the standing gold, or ``None``.
    verdict: str | None
    error_kind: str
    answerable: str

    @property
    def is_decided(self) -> bool:
        """Whether its item is gold."""
        return self.verdict is not None

    @property
    def is_wrong(self) -> bool:
        """Whether it is decided, and the response was not accepted."""
        return self.verdict is not None and self.verdict != "accept"


def insert_draws(
    connection: Connection,
    batch_id: int,
    draws: Sequence[tuple[int, Draw]],
    design: BatchDesign | None = None,
) -> None:
    """Write a batch's draws, each with the item that reviews its text, and the design if any."""
    if design is not None:
        update_row(connection, ReviewBatch, batch_id, design=asdict(design))
    rows = [{"batch_id": batch_id, "item_id": item, **asdict(draw)} for item, draw in draws]
    if rows:
        connection.execute(insert(ReviewDraw), rows)


def designs_of(connection: Connection, batch_ids: Sequence[int]) -> dict[int, BatchDesign]:
    """Return the designs of batches."""
    statement = select(ReviewBatch.id, ReviewBatch.design).where(ReviewBatch.id.in_(batch_ids))
    return {
        int(row[0]): BatchDesign(
            n_control=row[1]["n_control"],
            n_window=row[1]["n_window"],
            cells=_cells(row[1]["cells"]),
            by_version={
                version: _cells(cells) for version, cells in row[1].get("by_version", {}).items()
            },
            serving=row[1].get("serving", ""),
        )
        for row in connection.execute(statement)
        if row[1]
    }


def _cells(stored: Sequence[Sequence[Any]]) -> tuple[tuple[str, int, float], ...]:
    return tuple((cell[0], cell[1], cell[2]) for cell in stored)


def draws_of_batches(connection: Connection, batch_ids: Sequence[int]) -> list[DrawRow]:
    """Return the draws of batches, in the order of insertion."""
    standing = and_(
        GoldExample.item_id == ReviewItem.id,
        GoldExample.superseded_at.is_(None),
        ReviewItem.status == "gold",
    )
    statement = (
        select(
            *columns_of(
                DrawRow,
                ReviewDraw,
                ReviewItem,
                GoldExample,
                queued_in=ReviewItem.batch_id,
                error_kind=func.coalesce(GoldExample.error_kind, ""),
                answerable=func.coalesce(GoldExample.answerable, ""),
            )
        )
        .join(ReviewItem, ReviewItem.id == ReviewDraw.item_id)
        .outerjoin(GoldExample, standing)
        .where(ReviewDraw.batch_id.in_(batch_ids))
        .order_by(ReviewDraw.batch_id, ReviewDraw.id)
    )
    return [DrawRow(**row) for row in connection.execute(statement).mappings()]


def count_reused(connection: Connection, batch_id: int) -> int:
    """Return the number of a batch's draws whose items were queued in other batches."""
    statement = (
        select(func.count())
        .select_from(ReviewDraw)
        .join(ReviewItem, ReviewItem.id == ReviewDraw.item_id)
        .where(ReviewDraw.batch_id == batch_id, ReviewItem.batch_id != batch_id)
    )
    return int(connection.execute(statement).scalar_one())


def items_by_text(
    connection: Connection, model: str, digests: Collection[str], *, after: datetime | None = None
) -> dict[str, int]:
    """Return the latest item of a model for each text, by digest.

    Only batches created later than ``after`` count; ``None``: all.
    """
    items: dict[str, int] = {}
    wanted = sorted(set(digests))
    for part in batches_of(wanted):
        statement = (
            select(ReviewDraw.text_digest, func.max(ReviewItem.id))
            .join(ReviewItem, ReviewItem.id == ReviewDraw.item_id)
            .join(ReviewBatch, ReviewBatch.id == ReviewItem.batch_id)
            .where(
                ReviewBatch.model == model,
                ReviewDraw.text_digest.in_(part),
            )
            .group_by(ReviewDraw.text_digest)
        )
        if after is not None:
            statement = statement.where(ReviewBatch.created_at > after)
        items |= {row[0]: int(row[1]) for row in connection.execute(statement)}
    return items
