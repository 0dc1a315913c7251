"""Exchanges as columns: the one declaration of what is stored, read, compared and digested.

To add a column, declare it here, with a default, and in
:class:`monitor.store.tables.traffic.Exchange`, add it to the schema, and read it in
:class:`monitor.traffic.exchange.Labels`. Selection, insertion, :meth:`Exchanges.take`,
:meth:`Exchanges.concat` and both digests follow from the declaration.
"""

# ruff: noqa: RUF009 - column() returns the field of a dataclass

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from itertools import chain
from operator import itemgetter
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import DTypeLike, NDArray

from monitor.store.traffic.packed_columns import PackedColumn
from monitor.store.traffic.position import Position
from monitor.store.traffic.spool import take_rows

#: Bits of the randomness R that an exchange is sampled by; it is below ``SPACE``.
RANDOMNESS_BITS = 56
SPACE = 1 << RANDOMNESS_BITS
#: Rows of an array that a digest reads at once.
ENCODED_ROWS = 16_384

#: ``content``: what was said, by whom and to whom. ``observation``: when it was observed, how it
#: was sampled and embedded. ``place``: where it is stored; part of no digest.
Role = Literal["content", "observation", "place"]

_REQUIRED: Any = object()


@dataclass(frozen=True)
class ExchangeColumn:
    """How a column is stored and read."""

    #: Of the table ``exchanges``; empty for vectors, which lie in embedding blocks.
    name: str
    role: Role
    #: Of an array, little-endian; ``None`` for a list of Python objects.
    dtype: DTypeLike | None
    #: Whether a window is loaded with it.
    is_loaded: bool
    #: Inserted where the column is not known. A digest has the column only where a value differs:
    #: so exchanges that were digested before the column was added keep their digest.
    default: Any

    def take(self, values: Any, rows: NDArray[np.int64]) -> Any:
        """Return some of the values; a column that is not known stays so."""
        if not len(values):
            return values
        if isinstance(values, PackedColumn):
            return values.take(rows)
        return take_rows(values, rows) if self.dtype else [values[row] for row in rows]

    def concat(self, parts: Sequence[Any]) -> Any:
        """Return the values of all parts."""
        return np.concatenate(parts) if self.dtype else list(chain.from_iterable(parts))

    def of(self, values: Iterable[Any]) -> Any:
        """Return values as a column."""
        return np.array(list(values), dtype=self.dtype) if self.dtype else list(values)

    def is_digested(self, values: Any) -> bool:
        """Return whether a digest has the column with these values."""
        return self.default is _REQUIRED or any(value != self.default for value in values)

    def encode(self, values: Any) -> Iterable[bytes]:
        """Yield bytes that only equal columns share."""
        if not self.dtype:
            encode = msgspec.json.Encoder(order="sorted").encode
            for value in values:
                yield encode(value) + b"\n"
        elif len(values):
            for start in range(0, len(values), ENCODED_ROWS):
                rows = values[start : start + ENCODED_ROWS]
                yield np.ascontiguousarray(rows, dtype=self.dtype).tobytes()


def column(
    name: str,
    role: Role,
    dtype: DTypeLike | None = None,
    *,
    is_loaded: bool = True,
    default: Any = _REQUIRED,
) -> Any:
    """Declare a column; see :class:`ExchangeColumn`."""
    shape = 0 if name else (0, 0)
    return field(
        default_factory=(lambda: np.empty(shape, dtype)) if dtype else tuple,
        metadata={"column": ExchangeColumn(name, role, dtype, is_loaded, default)},
    )


@dataclass(frozen=True, kw_only=True)
class Exchanges:
    """Exchanges in columns of one length n, in order of time where they were loaded.

    A column that is not known is empty: the ids of a file's exchanges, the times of lines that name
    none, the conversations of a loaded window.
    """

    ids: NDArray[np.int64] = column("id", "place", "<i8")
    sources: Sequence[str] = column("source", "place", is_loaded=False)
    partitions: Sequence[int] = column("partition", "place", is_loaded=False)
    offsets: Sequence[int] = column("offset", "place", is_loaded=False)
    record_indexes: Sequence[int] = column("record_index", "place", is_loaded=False, default=0)
    received_at: Sequence[datetime] = column("received_at", "place", is_loaded=False)

    exchange_ids: Sequence[str] = column("exchange_id", "observation")
    occurred_at: Sequence[datetime] = column("occurred_at", "observation")
    models: Sequence[str] = column("model", "content", is_loaded=False)
    task_types: Sequence[str] = column("task_type", "content", default="")
    #: User or session ids, the unit that is exchangeable under the null hypothesis; empty where
    #: unknown: such an exchange is a unit of its own.
    end_users: Sequence[str] = column("end_user", "content", default="")
    #: ``[{"role", "content"}, ...]``
    messages: Sequence[list[dict[str, str]]] = column("messages", "content", is_loaded=False)
    #: The last user message of each: what is embedded and compared.
    prompts: Sequence[str] = column("prompt", "content")
    responses: Sequence[str] = column("response", "content")
    #: Numbers and booleans among the values are metrics.
    attributes: Sequence[dict[str, Any]] = column("attributes", "content")
    truncated: Sequence[bool] = column("truncated", "content", is_loaded=False, default=False)

    #: ``[n]``: the probability with which an exchange like this is in the sample.
    inclusion_probability: NDArray[np.float64] = column(
        "inclusion_probability", "observation", "<f8"
    )
    #: ``[n]``: R. The sample of an exchange's rate is ``randomness >= threshold``; below are
    #: candidates for the minimum sample of its task type.
    randomness: NDArray[np.int64] = column("randomness", "observation", "<i8", default=0)
    threshold: NDArray[np.int64] = column("threshold", "observation", "<i8", default=0)
    candidate_threshold: NDArray[np.int64] = column(
        "candidate_threshold", "observation", "<i8", default=0
    )
    min_sample_size: NDArray[np.int64] = column("min_sample_size", "observation", "<i8", default=0)

    #: ``[n, d]``, unit norm.
    prompt_vectors: NDArray[np.floating[Any]] = column("", "observation", "<f2")
    response_vectors: NDArray[np.floating[Any]] = column("", "observation", "<f2")

    #: Identity of the encoder that made every vector here; empty where it is not known.
    encoder: str = ""
    #: Exchanges left out because another encoder made their vectors.
    n_other_encoder: int = 0

    @classmethod
    def from_rows(cls, rows: Sequence[Mapping[str, Any]], **values: Any) -> "Exchanges":
        """Return exchanges given one by one.

        Rows have values by the names of the table's columns, the same in each; ``values`` has
        vectors and whatever else is known as a whole.
        """
        columns = {
            attribute: declared.of(map(itemgetter(declared.name), rows))
            for attribute, declared in COLUMNS.items()
            if rows and declared.name in rows[0]
        }
        return cls(**(columns | values))

    def rows(self) -> list[dict[str, Any]]:
        """Return what is inserted of each exchange, by the names of the table's columns.

        Raises:
            ValueError: A column that has no default is not known.
        """
        values: dict[str, Sequence[Any]] = {}
        for attribute, declared in COLUMNS.items():
            if not declared.name or attribute == "ids":
                continue
            known = getattr(self, attribute)
            if len(self) and not len(known):
                if declared.default is _REQUIRED:
                    raise ValueError(f"exchanges without {declared.name!r} can't be stored")
                known = [declared.default] * len(self)
            values[declared.name] = known.tolist() if isinstance(known, np.ndarray) else known
        return [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]

    def __len__(self) -> int:
        """Return n."""
        return len(self.prompts)

    def take(self, rows: NDArray[np.int64]) -> "Exchanges":
        """Return some of the exchanges, by their row numbers."""
        return replace(
            self,
            **{
                attribute: declared.take(getattr(self, attribute), rows)
                for attribute, declared in COLUMNS.items()
            },
        )

    @staticmethod
    def concat(parts: Sequence["Exchanges"]) -> "Exchanges":
        """Return the exchanges of all parts, one after the other; the first names the encoder.

        Raises:
            ValueError: A column is known in some parts only.
        """
        filled = [part for part in parts if len(part)] or list(parts[:1])
        merged = {}
        for attribute, declared in COLUMNS.items():
            values = [getattr(part, attribute) for part in filled]
            if len({len(value) > 0 for value in values}) > 1:
                raise ValueError(f"{attribute} is known in some parts only")
            merged[attribute] = declared.concat(values)
        return replace(filled[0], **merged)

    def digest(self, *, only_content: bool = False) -> str:
        """Return the SHA-256 of the exchanges: of those of one digest all figures are the same.

        With ``only_content`` it leaves out times, ids, sampling and vectors.
        """
        digest = sha256()
        for attribute, declared in COLUMNS.items():
            values = getattr(self, attribute)
            is_content = declared.role == "content"
            is_meant = is_content or (declared.role == "observation" and not only_content)
            if is_meant and declared.is_digested(values):
                digest.update(f"{attribute}\n".encode())
                for part in declared.encode(values):
                    digest.update(part)
        return digest.hexdigest()

    def position(self, row: int) -> Position:
        """Return where one exchange stood in its source."""
        return Position(
            self.sources[row], self.partitions[row], self.offsets[row], self.record_indexes[row]
        )

    @property
    def n_responses(self) -> int:
        """Return how many have a response that isn't empty."""
        return sum(bool(response.strip()) for response in self.responses)

    @property
    def uniform(self) -> NDArray[np.float64] | None:
        """Return numbers in [0, 1), uniform given that each exchange was sampled.

        They decide what is left out where exchanges are thinned. ``None`` for what is no sample.
        """
        if not len(self.randomness):
            return None
        return np.asarray((self.randomness - self.threshold) / (SPACE - self.threshold))

    @cached_property
    def weights(self) -> NDArray[np.float64] | None:
        """Return what each exchange stands for, 1 on average (Hájek's weights).

        ``None`` where all stand for equally many: then nothing is weighted.
        """
        probability = self.inclusion_probability
        if len(probability) == 0 or np.ptp(probability) == 0:
            return None
        inverse = 1.0 / probability
        return np.asarray(inverse * (len(inverse) / inverse.sum()))

    @property
    def days(self) -> NDArray[np.int64] | None:
        """Return the day of each exchange in UTC, counted from any one; ``None`` without times."""
        if not self.occurred_at:
            return None
        days = (at.astimezone(UTC).toordinal() for at in self.occurred_at)
        return np.fromiter(days, dtype=np.int64, count=len(self))

    @property
    def estimated_total(self) -> float | None:
        """Return the estimated number of exchanges behind the sample (Horvitz and Thompson)."""
        if len(self) and not len(self.inclusion_probability):
            return None
        return float((1.0 / self.inclusion_probability).sum())

    def count_users(self, rows: Sequence[int] | NDArray[np.int64]) -> int:
        """Return how many end users some exchanges come from; see :func:`count_users`."""
        return count_users([self.end_users[int(row)] for row in rows])

    def share(self, rows: Sequence[int] | NDArray[np.int64] | NDArray[np.bool_]) -> float:
        """Return the estimated share of the exchanges behind the sample that rows stand for."""
        weights = np.ones(len(self)) if self.weights is None else self.weights
        return float(weights[np.asarray(rows)].sum() / weights.sum()) if len(self) else 0.0


#: Attribute of :class:`Exchanges` -> its column.
COLUMNS: Mapping[str, ExchangeColumn] = {
    attribute.name: attribute.metadata["column"]
    for attribute in fields(Exchanges)
    if "column" in attribute.metadata
}
#: Columns of the table that :class:`Exchanges` holds.
NAMES = frozenset(declared.name for declared in COLUMNS.values() if declared.name)


def count_users(end_users: Sequence[str]) -> int:
    """Count users or sessions; an exchange without one counts by itself."""
    return len({user for user in end_users if user}) + sum(not user for user in end_users)
