"""Import of baselines: immutable reference exchanges, identified by their content."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import msgspec
import numpy as np
from sqlalchemy import Engine

from monitor.errors import InputError
from monitor.input_files import InputSource, open_source
from monitor.settings import Traffic
from monitor.settings.models.names import ModelNames
from monitor.store.engine import transaction
from monitor.store.traffic.baselines import baseline_by_digest, create_baseline
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.traffic.exchanges import insert_exchanges
from monitor.store.traffic.position import Position
from monitor.traffic.embedding import TextEncoder, embed
from monitor.traffic.exchange import Exchange, name_model
from monitor.traffic.files.bad_lines import BadLine, summarize_bad_lines
from monitor.traffic.files.reading import FileContent, read_exchanges
from monitor.traffic.redaction import Redactor
from monitor.traffic.rows import exchange_row
from monitor.traffic.same_prompt import check_prompts
from monitor.traffic.sampling.design import baseline_outcome

#: Exchanges embedded at once, and vectors in a block.
BLOCK_ROWS = 1024


@dataclass(frozen=True)
class ImportedBaseline:
    """Result of a baseline import."""

    baseline_id: int
    digest: str
    n_exchanges: int
    #: ``False`` if the same content was imported before; then nothing was written.
    is_new: bool
    bad_lines: tuple[BadLine, ...] = ()
    #: Exchanges of other models, left out: how many of each name of the file.
    other_models: Mapping[str, int] = field(default_factory=dict)
    #: Exchanges whose texts the source withholds.
    n_withheld: int = 0


def import_baseline(
    engine: Engine,
    settings: Traffic,
    load_encoder: Callable[[], TextEncoder],
    place: Path | InputSource,
    *,
    names: ModelNames,
    model_version: str = "",
    redactor: Redactor | None,
    now: datetime,
    max_same_prompt_share: float = 1.0,
) -> ImportedBaseline:
    """Import a file as the baseline of a model, or of one version of it.

    Args:
        engine: The database.
        settings: The format and the limits.
        load_encoder: Loads the encoder, once the file is accepted.
        place: The file.
        names: The one model whose baseline it is, with its other names.
        model_version: The version that responded; empty: of all versions.
        redactor: Replaces personal data; ``None`` leaves it.
        now: The time to record.
        max_same_prompt_share: Larger shares of one text are refused.

    Lines that name another model are left out.

    Raises:
        InputError: The file can't be read, holds no exchange of the model, or more than
            ``max_same_prompt_share`` of its prompts are one text.
    """
    model = names.default
    source = open_source(place)
    content = read_exchanges(
        source, settings, default_model=model, redactor=redactor, requires_response=True
    )
    named = [name_model(exchange, names) for exchange in content.exchanges]
    own = [exchange for exchange in named if exchange.model == model]
    if not own:
        raise InputError(_nothing_usable(source, model, content))
    check_prompts(source.label, own, max_same_prompt_share)
    stored = store_baseline(
        engine, load_encoder(), own, model=model, model_version=model_version, now=now
    )
    return ImportedBaseline(
        stored.baseline_id,
        stored.digest,
        stored.n_exchanges,
        stored.is_new,
        tuple(content.bad_lines),
        Counter(exchange.model for exchange in named if exchange.model != model),
        content.n_withheld,
    )


def store_baseline(
    engine: Engine,
    encoder: TextEncoder,
    exchanges: Sequence[Exchange],
    *,
    model: str,
    model_version: str = "",
    now: datetime,
) -> ImportedBaseline:
    """Embed and store exchanges as a baseline, unless the same content is stored."""
    rows = [
        exchange_row(
            exchange,
            baseline_outcome(exchange.exchange_id),
            position=Position("", 0, index),
            received_at=now,
        )
        for index, exchange in enumerate(exchanges)
    ]
    columns = Exchanges.from_rows(rows)
    digest = _digest(columns, model=model, model_version=model_version, encoder=encoder.identity)
    columns = replace(columns, sources=[f"baseline:{digest[:16]}"] * len(columns))
    with transaction(engine) as connection:
        known = baseline_by_digest(connection, digest)
    if known:
        return ImportedBaseline(known.id, digest, known.n_exchanges, is_new=False)
    blocks = [
        embed(columns.take(np.arange(first, min(first + BLOCK_ROWS, len(columns)))), encoder)
        for first in range(0, len(columns), BLOCK_ROWS)
    ]  # long; no transaction waits for it
    with transaction(engine) as connection:
        known = baseline_by_digest(connection, digest)
        if known:  # imported by another process meanwhile
            return ImportedBaseline(known.id, digest, known.n_exchanges, is_new=False)
        baseline_id = create_baseline(
            connection,
            model,
            digest,
            n_exchanges=len(columns),
            encoder=encoder.identity,
            created_at=now,
            model_version=model_version,
        )
        for block in blocks:
            insert_exchanges(connection, block, created_at=now, baseline_id=baseline_id)
    return ImportedBaseline(baseline_id, digest, len(columns), is_new=True)


def _digest(exchanges: Exchanges, *, model: str, model_version: str, encoder: str) -> str:
    """Return the digest of what a comparison sees: content, metrics, version and encoder.

    Times are left out: those of lines that carry none are the time of the import.
    """
    named = [model, model_version, encoder, exchanges.digest(only_content=True)]
    return sha256(msgspec.json.encode(named)).hexdigest()


def _nothing_usable(source: InputSource, model: str, content: FileContent) -> str:
    if content.exchanges:
        models = Counter(exchange.model for exchange in content.exchanges).most_common(5)
        named = ", ".join(f"{name!r} ({count})" for name, count in models)
        return (
            f"{source.label}: no exchange of the model {model!r}; the file names {named}. See "
            "--model."
        )
    if content.bad_lines:
        n_bad = len(content.bad_lines)
        problem = summarize_bad_lines(content.bad_lines, 1)[0]
        return f"{source.label}: none of {n_bad} {source.unit}s is an exchange; {problem}"
    if content.n_withheld:
        return f"{source.label}: all {content.n_withheld:,} exchanges have their texts withheld"
    return f"{source.label}: the file is empty"
