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

from monitor.errors import InputError, RulesChangedError
from monitor.input_files import InputSource, open_source
from monitor.settings import Traffic
from monitor.settings.models.names import ModelNames
from monitor.store.engine import transaction
from monitor.store.privacy.suppressions import RulesVersion
from monitor.store.traffic.baselines import baseline_by_digest, create_baseline
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.traffic.exchanges import insert_exchanges
from monitor.store.traffic.position import Position
from monitor.traffic.embedding import TextEncoder, embed
from monitor.traffic.end_users.rules import EndUserRules, require_unchanged
from monitor.traffic.exchange import Exchange, name_model
from monitor.traffic.files.bad_lines import BadLine, summarize_bad_lines
from monitor.traffic.files.reading import FileContent, read_exchanges
from monitor.traffic.ingest.own_id import replace_own_id
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
    #: Exchanges of end users on the suppression list, which are not stored.
    n_suppressed: int = 0


@dataclass(frozen=True)
class EndUsersOfFile:
    """The end users of the exchanges of a file, and the rules by which they are stored."""

    rules: EndUserRules
    redactor: Redactor | None
    #: The ids as the file has them, one for each exchange.
    sent_ids: Sequence[str]

    def stored(self, exchanges: Sequence[Exchange]) -> list[Exchange]:
        """Return the exchanges with the stored ids, without those of end users on the list."""
        return [
            self._clean(exchange, sent_id)
            for exchange, sent_id in zip(exchanges, self.sent_ids, strict=True)
            if not self.rules.present.suppressed.has(sent_id)
        ]

    def has_own_ids(self, exchanges: Sequence[Exchange]) -> bool:
        """Return whether an exchange has an id of its own that is stored as a pseudonym."""
        return any(
            msgspec.structs.replace(self._clean(exchange, sent_id), end_user=exchange.end_user)
            != exchange
            for exchange, sent_id in zip(exchanges, self.sent_ids, strict=True)
        )

    def _clean(self, exchange: Exchange, sent_id: str) -> Exchange:
        ids = self.rules.ids
        end_user = ids.stored_id(sent_id, self.redactor)
        if end_user != sent_id:
            exchange = replace_own_id(exchange, ids.spellings(sent_id), end_user)
        return msgspec.structs.replace(exchange, end_user=end_user)


def import_baseline(
    engine: Engine,
    settings: Traffic,
    load_encoder: Callable[[], TextEncoder],
    place: Path | InputSource,
    *,
    names: ModelNames,
    model_version: str = "",
    redactor: Redactor | None,
    rules: EndUserRules,
    now: datetime,
    max_same_prompt_share: float = 1.0,
) -> ImportedBaseline:
    """Import a file as the baseline of a model, or of one version of it.

    The encoder is loaded once the file is accepted. Without a redactor personal data stays; without
    a ``model_version`` it is the baseline of all versions. A text with a larger share than
    ``max_same_prompt_share`` is refused.

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
    sent_ids = [
        sent_id
        for exchange, sent_id in zip(named, content.sent_ids, strict=True)
        if exchange.model == model
    ]
    if not own:
        raise InputError(_nothing_usable(source, model, content))
    check_prompts(source.label, own, max_same_prompt_share)
    stored = store_baseline(
        engine,
        load_encoder(),
        own,
        EndUsersOfFile(rules, redactor, sent_ids),
        model=model,
        model_version=model_version,
        now=now,
    )
    return ImportedBaseline(
        stored.baseline_id,
        stored.digest,
        stored.n_exchanges,
        stored.is_new,
        tuple(content.bad_lines),
        Counter(exchange.model for exchange in named if exchange.model != model),
        content.n_withheld,
        stored.n_suppressed,
    )


def store_baseline(
    engine: Engine,
    encoder: TextEncoder,
    exchanges: Sequence[Exchange],
    end_users: EndUsersOfFile,
    *,
    model: str,
    model_version: str = "",
    now: datetime,
) -> ImportedBaseline:
    """Embed and store exchanges as a baseline, unless the same content is stored.

    The digest is that of the file: it depends neither on the keys nor on the suppression list, so
    that a file is recognized after a change of them.

    Raises:
        InputError: All exchanges are of end users on the suppression list.
    """
    digest = _digest(
        _columns(exchanges, now),
        model=model,
        model_version=model_version,
        encoder=encoder.identity,
        has_pseudonyms=end_users.has_own_ids(exchanges),
    )
    with transaction(engine) as connection:
        known = baseline_by_digest(connection, digest)
    if known:
        return ImportedBaseline(known.id, digest, known.n_exchanges, is_new=False)
    while True:
        end_users.rules.refresh()
        accepted = end_users.stored(exchanges)
        if not accepted:
            raise InputError(
                f"all {len(exchanges):,} exchanges are of end users on the suppression list; "
                "import another file",
                code="all_suppressed",
            )
        columns = _columns(accepted, now, source=f"baseline:{digest[:16]}")
        try:
            stored = _insert(
                engine,
                encoder,
                columns,
                digest,
                version=end_users.rules.present.version,
                model=model,
                model_version=model_version,
                now=now,
            )
        except RulesChangedError:
            continue
        return replace(stored, n_suppressed=len(exchanges) - len(accepted))


def _columns(exchanges: Sequence[Exchange], now: datetime, source: str = "") -> Exchanges:
    rows = [
        exchange_row(
            exchange,
            baseline_outcome(exchange.exchange_id),
            position=Position(source, 0, index),
            received_at=now,
        )
        for index, exchange in enumerate(exchanges)
    ]
    return Exchanges.from_rows(rows)


def _insert(
    engine: Engine,
    encoder: TextEncoder,
    columns: Exchanges,
    digest: str,
    *,
    version: RulesVersion,
    model: str,
    model_version: str,
    now: datetime,
) -> ImportedBaseline:
    blocks = [
        embed(columns.take(np.arange(first, min(first + BLOCK_ROWS, len(columns)))), encoder)
        for first in range(0, len(columns), BLOCK_ROWS)
    ]  # long; no transaction waits for it
    with transaction(engine) as connection:
        known = baseline_by_digest(connection, digest)
        if known:  # imported by another process meanwhile
            return ImportedBaseline(known.id, digest, known.n_exchanges, is_new=False)
        require_unchanged(connection, version)
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


def _digest(
    exchanges: Exchanges, *, model: str, model_version: str, encoder: str, has_pseudonyms: bool
) -> str:
    """Return the digest of what a comparison sees: content, metrics, version and encoder.

    Times are left out: those of lines that carry none are the time of the import.
    """
    named = [model, model_version, encoder, exchanges.digest(only_content=True)]
    if has_pseudonyms:
        named.append("pseudonyms")
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
