"""A person as the store knows them: their exchanges, and what leads from those to the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import Engine

from monitor.privacy.id_matcher import SHORTEST_WORD, IdMatcher
from monitor.privacy.quotes import Quotes
from monitor.store.engine import transaction
from monitor.store.privacy import end_user_rows, end_user_traces
from monitor.store.privacy.deletion import evaluations_against
from monitor.store.privacy.end_user_rows import PersonRow
from monitor.store.windows.sample_scores import sample_scores
from monitor.traffic.parsing.cleaning import clean_name
from monitor.traffic.redaction import Redactor, pseudonym_of


@dataclass(frozen=True)
class ErasureRequest:
    """Whom, or what, somebody asked to be removed."""

    #: The id as production sends it; empty where only exchanges are named.
    subject: str
    exchange_ids: tuple[str, ...] = ()

    @cached_property
    def users(self) -> list[str]:
        """Return how the id may be stored: as it came, or as a pseudonym."""
        name = clean_name(self.subject)
        return [name, pseudonym_of(name)] if name else []

    @cached_property
    def mentions(self) -> list[IdMatcher]:
        """Return what finds the id, and those of the exchanges, in raw records."""
        return [IdMatcher(one) for one in (self.subject, *self.exchange_ids) if one]


@dataclass(frozen=True)
class EndUser:
    """What was found of them at first; counted again when it should be gone."""

    request: ErasureRequest
    rows: list[PersonRow]
    #: How many of the rows are others' that mention the id.
    n_mentions: int
    items: list[int]
    #: Evaluations whose window or baseline held one of the exchanges.
    evaluations: list[int]

    @property
    def ids(self) -> list[int]:
        """Return the exchanges."""
        return [row.id for row in self.rows]

    @property
    def blocks(self) -> list[int]:
        """Return the blocks of the exchanges' vectors."""
        return sorted({row.block_id for row in self.rows})

    @property
    def records(self) -> set[tuple[str, int, int]]:
        """Return the records that the exchanges came from."""
        return {row.record for row in self.rows if row.baseline_id is None}

    def quotes(self, own: Redactor) -> Quotes:
        """Return how evaluations would quote them, under the patterns of now or without any."""
        return Quotes.of_exchanges(
            [(row.prompt, row.response) for row in self.rows],
            {row.end_user for row in self.rows},
            [own, _Nothing()],
        )

    def owns(self, row: dict[str, Any]) -> bool:
        """Return whether a row of a training set, benchmark or export came from them."""
        metadata = row.get("metadata") or row.get("meta")  # the second in tasks of Label Studio
        if isinstance(metadata, dict) and str(metadata.get("exchange_id")) in self._exchange_ids:
            return metadata.get("model") in {None, "", *self._models}
        name = str(row.get("id", ""))
        if len(name) >= SHORTEST_WORD and name in self._exchange_ids:
            return True
        texts = _strings(row)
        return any(text in self.request.users for text in texts) or any(
            mention.in_text(text) for mention in self.request.mentions for text in texts
        )

    def asked(self, row: dict[str, Any]) -> bool:
        """Return whether a row that names no exchange came from them, by what is asked in it."""
        return self.owns(row) or any(text in self._prompts for text in _strings(row))

    @cached_property
    def _prompts(self) -> set[str]:
        return {row.prompt for row in self.rows if row.prompt}

    @cached_property
    def _exchange_ids(self) -> set[str]:
        return {row.exchange_id for row in self.rows} | set(self.request.exchange_ids)

    @cached_property
    def _models(self) -> set[str]:
        return {row.model for row in self.rows}


def find_end_user(engine: Engine, request: ErasureRequest) -> EndUser:
    """Find the exchanges of a person, those that mention them, and their review items."""
    with transaction(engine) as connection:
        rows = {
            row.id: row
            for row in end_user_rows.rows_of(connection, request.users, list(request.exchange_ids))
        }
    mentioned = [one for one in _mentioning(engine, request) if one not in rows]
    with transaction(engine) as connection:
        rows |= {row.id: row for row in end_user_rows.rows_by_id(connection, mentioned)}
        items = end_user_rows.item_ids(connection, list(rows))
        scored = end_user_traces.scored_evaluations(connection)
        baselines = {row.baseline_id for row in rows.values() if row.baseline_id is not None}
        evaluations = evaluations_against(connection, baselines)  # they quote the baseline too
    # One at a time: each holds the ids of a whole window.
    for evaluation_id in set(scored).difference(evaluations):
        with transaction(engine) as connection:
            if not set(rows).isdisjoint(sample_scores(connection, evaluation_id).ids.tolist()):
                evaluations.append(evaluation_id)
    return EndUser(
        request, [rows[one] for one in sorted(rows)], len(mentioned), items, sorted(evaluations)
    )


def _mentioning(engine: Engine, request: ErasureRequest) -> list[int]:
    """Return the exchanges whose texts mention the id, looked for in short transactions."""
    if not request.subject:
        return []
    mention = IdMatcher(request.subject)
    found: list[int] = []
    with transaction(engine) as connection:
        last = end_user_rows.last_exchange(connection)
    for after_id in range(0, last, end_user_rows.ROWS_PER_SCAN):
        with transaction(engine) as connection:
            for row_id, texts in end_user_rows.texts_with(connection, request.subject, after_id):
                if any(mention.in_text(text) for text in texts):
                    found.append(row_id)
    return found


class _Nothing(Redactor):
    """Leaves texts as they are stored."""

    def redact(self, text: str) -> str:
        """Return the text."""
        return text


def _strings(value: Any) -> Sequence[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for one in value.values() for text in _strings(one)]
    if isinstance(value, list):
        return [text for one in value for text in _strings(one)]
    return []
