"""Tables of sampled traffic: offsets, exchanges, vectors, dead letters and baselines."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from monitor.table_types import contents
from monitor.table_types.base import Base, BigId


class SourceOffset(Base):
    """The next offset to read of a partition, the source of truth of ingest."""

    __tablename__ = "source_offsets"
    __table_args__ = contents.table(
        "read each record once",
        contents.OPERATOR,
        no_period=contents.ONE_ROW,
        access=contents.Access(ingest="raw", schedule="r", web="r"),
    )

    source: Mapped[str] = mapped_column(primary_key=True, info=contents.NAME)
    partition: Mapped[int] = mapped_column(primary_key=True)
    next_offset: Mapped[int] = mapped_column(BigId)
    updated_at: Mapped[datetime]
    #: All records written to the partition before this time are stored.
    caught_up_at: Mapped[datetime | None]


class OffsetGap(Base):
    """A range of offsets that no longer existed when it was read: ``[first, last]``, inclusive."""

    __tablename__ = "offset_gaps"
    __table_args__ = contents.table(
        "say which records were never read",
        contents.OPERATOR,
        no_period=contents.COUNTS,
        access=contents.Access(ingest="ra", schedule="r", columns=contents.ID_ONLY),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    source: Mapped[str] = mapped_column(info=contents.NAME)
    partition: Mapped[int]
    first_offset: Mapped[int] = mapped_column(BigId)
    last_offset: Mapped[int] = mapped_column(BigId)
    detected_at: Mapped[datetime]


class EmbeddingBlock(Base):
    """The vectors of one ingest batch: two row-major float16 arrays ``[n_rows, dimension]``.

    A block never changes. A new one replaces it when rows are deleted or small blocks are merged.
    """

    __tablename__ = "embedding_blocks"
    __table_args__ = contents.table(
        "detect that a model's traffic has changed",
        contents.OPERATOR,
        period="parent",
        access=contents.Access(ingest="ra", schedule="rad", columns=contents.ID_ONLY),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: Encoder, revision and truncation. Vectors of different encoders are never compared.
    encoder: Mapped[str] = mapped_column(info=contents.NAME)
    dimension: Mapped[int]
    n_rows: Mapped[int]
    prompt_vectors: Mapped[bytes] = mapped_column(LargeBinary, info=contents.END_USER_TEXT)
    response_vectors: Mapped[bytes] = mapped_column(LargeBinary, info=contents.END_USER_TEXT)
    created_at: Mapped[datetime]


class Baseline(Base):
    """The immutable reference exchanges of a model, named by the digest of their content."""

    __tablename__ = "baselines"
    __table_args__ = contents.table(
        "the reference that a model's traffic is compared with",
        contents.LEADS,
        period="baselines",
        access=contents.Access(schedule="rad", web="r"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    model: Mapped[str] = mapped_column(index=True, info=contents.NAME)
    digest: Mapped[str] = mapped_column(unique=True, info=contents.DIGEST)
    n_exchanges: Mapped[int]
    encoder: Mapped[str] = mapped_column(info=contents.NAME)
    #: Version of the model that returned the responses; empty if unknown.
    model_version: Mapped[str] = mapped_column(default="", info=contents.NAME)
    created_at: Mapped[datetime]


class Exchange(Base):
    """One sampled prompt and response. Rows of a baseline carry its id; traffic carries none."""

    __tablename__ = "exchanges"
    __table_args__ = (
        # Named by hand: the automatic name would hold only the first column.
        UniqueConstraint(
            "source", "partition", "offset", "record_index", name="uq_exchanges_position"
        ),
        Index("ix_exchanges_window", "model", "occurred_at"),
        Index("ix_exchanges_age", "received_at", "id"),
        contents.table(
            "detect that a model's traffic has changed, and review samples of it",
            contents.STAFF,
            period="exchanges",
            access=contents.Access(ingest="ra", schedule="rawd", web="r", columns=contents.ID_ONLY),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    source: Mapped[str] = mapped_column(info=contents.NAME)
    partition: Mapped[int]
    offset: Mapped[int] = mapped_column(BigId)
    #: Position inside a record that carries several exchanges.
    record_index: Mapped[int] = mapped_column(default=0)
    baseline_id: Mapped[int | None] = mapped_column(ForeignKey("baselines.id"), index=True)
    exchange_id: Mapped[str] = mapped_column(index=True, info=contents.END_USER_ID)
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime]
    model: Mapped[str] = mapped_column(info=contents.NAME)
    task_type: Mapped[str] = mapped_column(default="", info=contents.END_USER_TEXT)
    #: The user or session: the unit that is exchangeable under the null hypothesis.
    end_user: Mapped[str] = mapped_column(default="", index=True, info=contents.END_USER_ID)
    #: ``[{"role", "content"}, ...]``
    messages: Mapped[list[Any]] = mapped_column(info=contents.END_USER_TEXT)
    #: The last user message: what is embedded and compared.
    prompt: Mapped[str] = mapped_column(info=contents.END_USER_TEXT)
    response: Mapped[str] = mapped_column(info=contents.END_USER_TEXT)
    #: Numbers are metrics; booleans are stored as they come and count as 0 and 1.
    attributes: Mapped[dict[str, Any]] = mapped_column(info=contents.END_USER_TEXT)
    #: Set when text was cut at ``traffic.max_text_characters``.
    truncated: Mapped[bool] = mapped_column(default=False)
    #: 56 bits of randomness R. Where R >= threshold, the exchange is in the sample of its rate;
    #: else it is a candidate for the floor, and the evaluation tells whether it counts.
    randomness: Mapped[int] = mapped_column(BigId)
    threshold: Mapped[int] = mapped_column(BigId)
    #: Probability with which an exchange like this is in the sample of its rate.
    inclusion_probability: Mapped[float]
    #: Whatever of its kind had a randomness of at least this was decoded.
    candidate_threshold: Mapped[int] = mapped_column(BigId)
    #: ``traffic.min_samples_per_task_type`` when it was stored.
    min_sample_size: Mapped[int]
    block_id: Mapped[int] = mapped_column(ForeignKey("embedding_blocks.id"), index=True)
    block_row: Mapped[int]


class PendingHalf(Base):
    """A redacted request or response that waits for its counterpart."""

    __tablename__ = "pending_halves"
    __table_args__ = (
        UniqueConstraint("source", "join_id", "side", name="uq_pending_halves_side"),
        Index("ix_pending_halves_occurred_at", "source", "occurred_at"),
        # Partial, because nearly all rows are unclaimed and would mislead the query planner.
        Index(
            "ix_pending_halves_claimed_until",
            "claimed_until",
            sqlite_where=text("claimed_until IS NOT NULL"),
            postgresql_where=text("claimed_until IS NOT NULL"),
        ),
        contents.table(
            "join a request with its response",
            contents.OPERATOR,
            period="exchanges",
            access=contents.Access(ingest="rawd", schedule="rd"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    source: Mapped[str] = mapped_column(info=contents.NAME)
    partition: Mapped[int]
    offset: Mapped[int] = mapped_column(BigId)
    record_index: Mapped[int] = mapped_column(default=0)
    #: The id that the request and the response share.
    join_id: Mapped[str] = mapped_column(info=contents.ID_EXAMINED)
    #: ``request`` or ``response``.
    side: Mapped[str] = mapped_column(info=contents.CODE)
    end_user: Mapped[str] = mapped_column(default="", index=True, info=contents.ID_EXAMINED)
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime] = mapped_column(index=True)
    randomness: Mapped[int] = mapped_column(BigId)
    threshold: Mapped[int] = mapped_column(BigId)
    inclusion_probability: Mapped[float]
    #: The decoded and redacted half of the exchange.
    payload: Mapped[dict[str, Any]] = mapped_column(info=contents.TEXT_EXAMINED)
    stored_at: Mapped[datetime] = mapped_column(index=True)
    #: End of the claim by which one replica reserves the pair.
    claimed_until: Mapped[datetime | None]


class WithheldExchanges(Base):
    """Number of sampled exchanges of a day whose texts the source withheld."""

    __tablename__ = "withheld_exchanges"
    __table_args__ = contents.table(
        "say how much of the traffic was withheld",
        contents.LEADS,
        no_period=contents.COUNTS,
        access=contents.Access(ingest="raw", schedule="rawd"),
    )

    source: Mapped[str] = mapped_column(primary_key=True, info=contents.NAME)
    model: Mapped[str] = mapped_column(primary_key=True, info=contents.NAME)
    #: Midnight UTC at the start of the day.
    day: Mapped[datetime] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(BigId)
    #: Number of exchanges of the traffic that they represent: sum of 1 / inclusion probability.
    estimated_total: Mapped[float]


class UnlistedExchanges(Base):
    """Number of sampled exchanges of a day that are of a model that the configuration omits."""

    __tablename__ = "unlisted_exchanges"
    __table_args__ = contents.table(
        "find models that the settings omit",
        contents.LEADS,
        period="exchanges",
        access=contents.Access(ingest="raw", schedule="rawd", web="r"),
    )

    source: Mapped[str] = mapped_column(primary_key=True, info=contents.NAME)
    #: As in the traffic.
    model: Mapped[str] = mapped_column(primary_key=True, info=contents.ID_EXAMINED)
    #: Midnight UTC at the start of the day.
    day: Mapped[datetime] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(BigId)
    #: Number of exchanges of the traffic that they represent: sum of 1 / inclusion probability.
    estimated_total: Mapped[float]


class StoredExchanges(Base):
    """Number of a model's sampled exchanges of a day that were ever stored: it never falls.

    It is written with the exchanges, so what an evaluation has not read is a difference, whatever
    was erased since.
    """

    __tablename__ = "stored_exchanges"
    __table_args__ = contents.table(
        "say how many exchanges arrived after the evaluation of their window",
        contents.LEADS,
        no_period=contents.COUNTS,
        access=contents.Access(ingest="raw", schedule="rawd", web="r"),
    )

    model: Mapped[str] = mapped_column(primary_key=True, info=contents.NAME)
    #: Midnight UTC at the start of the day on which they occurred.
    day: Mapped[datetime] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(BigId)


class RecordCount(Base):
    """Number of records of the sample that were read in a quarter of an hour, by their reason."""

    __tablename__ = "record_counts"
    __table_args__ = contents.table(
        "notice that more records than usual can't be read",
        contents.OPERATOR,
        period="exchanges",
        access=contents.Access(ingest="raw", schedule="rd"),
    )

    source: Mapped[str] = mapped_column(primary_key=True, info=contents.NAME)
    #: Start of the quarter of an hour.
    read_from: Mapped[datetime] = mapped_column(primary_key=True)
    #: Of a dead letter; empty: all records, readable or not.
    reason: Mapped[str] = mapped_column(primary_key=True, info=contents.CODE)
    count: Mapped[int] = mapped_column(BigId)


class DeadLetter(Base):
    """A record, or a range of records, that could not be processed."""

    __tablename__ = "dead_letters"
    __table_args__ = (
        UniqueConstraint(
            "source", "partition", "offset", "record_index", name="uq_dead_letters_position"
        ),
        Index("ix_dead_letters_age", "received_at", "id"),
        contents.table(
            "process records that could not be read, once their cause is mended",
            contents.OPERATOR,
            period="dead_letters",
            access=contents.Access(ingest="raw", schedule="rd", web="r", columns=contents.POSITION),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    source: Mapped[str] = mapped_column(info=contents.NAME)
    partition: Mapped[int]
    offset: Mapped[int] = mapped_column(BigId)
    record_index: Mapped[int] = mapped_column(default=0)
    #: Last offset of a range whose records can't be separated, such as a damaged batch.
    last_offset: Mapped[int | None] = mapped_column(BigId)
    key: Mapped[bytes | None] = mapped_column(LargeBinary, info=contents.ID_EXAMINED)
    #: ``NULL`` for a record without a value (a tombstone), or whose value isn't stored.
    value: Mapped[bytes | None] = mapped_column(LargeBinary, info=contents.TEXT_EXAMINED)
    reason: Mapped[str] = mapped_column(info=contents.CODE)
    detail: Mapped[str] = mapped_column(info=contents.TEXT_EXAMINED)
    #: As in ``exchanges``, before decoding.
    randomness: Mapped[int] = mapped_column(BigId)
    threshold: Mapped[int] = mapped_column(BigId)
    inclusion_probability: Mapped[float]
    received_at: Mapped[datetime]
    replayed_at: Mapped[datetime | None]
