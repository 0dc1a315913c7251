"""An end user in the database: their exchanges, and what refers to those."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import InstrumentedAttribute

from monitor.privacy.end_users.id_matcher import MIN_WORD_LENGTH, IdMatcher
from monitor.privacy.erasure.quotes import Quotes
from monitor.store.engine import transaction
from monitor.store.model_history import earlier_names
from monitor.store.privacy import end_user_rows, end_user_traces
from monitor.store.privacy.deletion import evaluations_of_baselines
from monitor.store.privacy.end_user_rows import EndUserExchange
from monitor.store.privacy.numbered_rows import (
    ROWS_PER_SCAN,
    NumberedTable,
    TextColumn,
    last_id,
    rows_containing,
)
from monitor.store.tables import Exchange
from monitor.store.windows.sample_scores import sample_scores
from monitor.traffic.end_users.user_ids import UserIds
from monitor.traffic.parsing.cleaning import clean_name
from monitor.traffic.redaction import Redactor, pseudonym_of, pseudonym_of_id


@dataclass(frozen=True)
class ErasureRequest:
    """The end user, or the exchanges, to be erased."""

    #: The id as production sends it; empty where only exchanges are to be erased.
    subject: str
    exchange_ids: tuple[str, ...] = ()
    #: The keys and rules of ids, by :func:`~monitor.privacy.end_users.erasure_request.resolve`;
    #: ``None``: only the id as sent and its unkeyed pseudonym are searched for.
    ids: UserIds | None = None
    #: Other spellings of the id that the database has.
    other_spellings: tuple[str, ...] = ()
    #: Further ids of the same end user.
    further: tuple[str, ...] = ()

    @classmethod
    def of(cls, subjects: Iterable[str], exchange_ids: Iterable[str] = ()) -> "ErasureRequest":
        """Return the request of an end user with one id, several or none."""
        first, *further = [*dict.fromkeys(filter(None, subjects))] or [""]
        return cls(first, tuple(exchange_ids), further=tuple(further))

    @property
    def subjects(self) -> tuple[str, ...]:
        """Return all ids as production sends them."""
        return tuple(filter(None, (self.subject, *self.further)))

    @cached_property
    def stored_ids(self) -> list[str]:
        """Return the forms in which the id may be stored: all spellings, and all pseudonyms."""
        names = list(filter(None, map(clean_name, self.subjects)))
        if self.ids is None:
            return [form for name in names for form in (name, pseudonym_of(name))]
        if not names:
            return []
        spelled = (*names, *self.other_spellings)
        return list(dict.fromkeys(form for name in spelled for form in self.ids.forms(name)))

    @cached_property
    def spellings(self) -> list[str]:
        """Return the forms in which texts may name the id: as sent, normalized, as stored."""
        if not self.subject:
            return []
        ids = self.ids
        own = (
            spelling
            for subject in self.subjects
            for spelling in ([subject] if ids is None else ids.spellings(subject))
        )
        return list(dict.fromkeys([*own, *self.other_spellings]))

    @cached_property
    def stored_exchange_ids(self) -> list[str]:
        """Return the forms in which the exchanges' ids may be stored."""
        return [form for id_ in self.exchange_ids for form in (id_, pseudonym_of_id(id_))]

    @cached_property
    def matchers(self) -> list[IdMatcher]:
        """Return the patterns of the id, in all spellings, and of the exchanges' ids."""
        named = dict.fromkeys([*self.spellings, *self.stored_ids, *self.stored_exchange_ids])
        return [IdMatcher(id_) for id_ in named if id_]


@dataclass(frozen=True)
class EndUser:
    """The traces that lead to everything else that is stored of an end user."""

    request: ErasureRequest
    rows: list[EndUserExchange]
    items: list[int]
    #: The models of the rows, with the names that they had before.
    models: frozenset[str]
    #: Drift evaluations whose window or baseline held one of the exchanges.
    evaluations: list[int]

    @property
    def ids(self) -> list[int]:
        """Return the ids of the exchanges' rows."""
        return [row.id for row in self.rows]

    @cached_property
    def own_rows(self) -> list[EndUserExchange]:
        """Return the exchanges that are the end user's, without others' that mention the id."""
        users = set(self.request.stored_ids)
        exchange_ids = set(self.request.stored_exchange_ids)
        return [
            row for row in self.rows if row.end_user in users or row.exchange_id in exchange_ids
        ]

    @property
    def own_ids(self) -> list[int]:
        """Return the ids of the rows of exchanges that are the end user's."""
        return [row.id for row in self.own_rows]

    def mentions(self) -> list[str]:
        """Return the exchanges that are other end users', each with where it has the id."""
        own = set(self.own_ids)
        return [
            f"exchange {row.exchange_id} of {row.model}: {', '.join(self._places(row))}"
            for row in self.rows
            if row.id not in own
        ]

    def _places(self, row: EndUserExchange) -> list[str]:
        values: dict[str, Any] = {
            "id": row.exchange_id,
            "model": row.model,
            "prompt": row.prompt,
            "response": row.response,
            "earlier turns": row.messages,
        }
        places = [
            name
            for name, value in values.items()
            if any(matcher.in_text(text) for matcher in self.request.matchers
                   for text in _strings(value))
        ]  # fmt: skip
        return places or ["metadata or task type"]

    @property
    def texts(self) -> list[str]:
        """Return the prompts and responses of the exchanges."""
        return [text for row in self.rows for text in (row.prompt, row.response)]

    @property
    def blocks(self) -> list[int]:
        """Return the embedding blocks of the exchanges."""
        return sorted({row.block_id for row in self.rows})

    @property
    def records(self) -> set[tuple[str, int, int]]:
        """Return source, partition and offset of the records of the exchanges."""
        return {row.record for row in self.rows if row.baseline_id is None}

    def quotes(self, redactor: Redactor) -> Quotes:
        """Return how evaluations quote the exchanges, redacted as now or not at all."""
        return Quotes.of_exchanges(
            [(row.prompt, row.response) for row in self.rows],
            {row.end_user for row in self.rows} | set(self.request.stored_ids),
            [redactor, _NoRedactor()],
        )

    def owns(self, row: dict[str, Any]) -> bool:
        """Return whether a row of a training set, benchmark or export is of this end user."""
        metadata = row.get("metadata") or row.get("meta")  # the second in tasks of Label Studio
        if isinstance(metadata, dict) and str(metadata.get("exchange_id")) in self._exchange_ids:
            return metadata.get("model") in {None, "", *self.models}
        name = str(row.get("id", ""))
        if len(name) >= MIN_WORD_LENGTH and name in self._exchange_ids:
            return True
        texts = _strings(row)
        return any(text in self.request.stored_ids for text in texts) or any(
            matcher.in_text(text) for matcher in self.request.matchers for text in texts
        )

    def owns_by_prompt(self, row: dict[str, Any]) -> bool:
        """Return whether a row without an exchange id is of this end user, by its prompt."""
        return self.owns(row) or bool(self.prompts_in(row))

    def prompts_in(self, row: dict[str, Any]) -> list[str]:
        """Return the texts of a row that are prompts of this end user."""
        return [text for text in _strings(row) if text in self._prompts]

    @cached_property
    def _prompts(self) -> set[str]:
        return {row.prompt for row in self.rows if row.prompt}

    @cached_property
    def _exchange_ids(self) -> set[str]:
        return {row.exchange_id for row in self.rows} | set(self.request.stored_exchange_ids)


def find_end_user(engine: Engine, request: ErasureRequest) -> EndUser:
    """Find the exchanges of an end user, those that mention the id, and their review items."""
    with transaction(engine) as connection:
        rows = {
            row.id: row
            for row in end_user_rows.exchanges_of_end_user(
                connection, request.stored_ids, request.stored_exchange_ids
            )
        }
    mentioned = [row_id for row_id in _mentioning(engine, request) if row_id not in rows]
    with transaction(engine) as connection:
        rows |= {row.id: row for row in end_user_rows.exchanges_by_id(connection, mentioned)}
        items = end_user_rows.items_of_exchanges(connection, list(rows))
        scored = end_user_traces.scored_evaluations(connection)
        models = earlier_names(connection, {row.model for row in rows.values()})
        baselines = {row.baseline_id for row in rows.values() if row.baseline_id is not None}
        evaluations = evaluations_of_baselines(
            connection, baselines
        )  # these quote the baseline too
    # One by one, because each holds the ids of a whole window.
    for evaluation_id in set(scored).difference(evaluations):
        with transaction(engine) as connection:
            if not set(rows).isdisjoint(sample_scores(connection, evaluation_id).ids.tolist()):
                evaluations.append(evaluation_id)
    return EndUser(
        request,
        [rows[row_id] for row_id in sorted(rows)],
        items,
        frozenset(models),
        sorted(evaluations),
    )


def _mentioning(engine: Engine, request: ErasureRequest) -> list[int]:
    """Return the exchanges that mention the id in a text, in their id or a label."""
    columns = (
        Exchange.prompt,
        Exchange.response,
        Exchange.exchange_id,
        Exchange.task_type,
        Exchange.model,
    )
    documents = (Exchange.messages, Exchange.attributes)
    return sorted(rows_mentioning(engine, request, Exchange, columns, documents))


def rows_mentioning(
    engine: Engine,
    request: ErasureRequest,
    table: NumberedTable,
    columns: Sequence[TextColumn],
    json_columns: Sequence[InstrumentedAttribute[Any]] = (),
) -> set[int]:
    """Return the ids of rows whose texts mention the id in any spelling.

    Each scan is a short transaction.
    """
    with transaction(engine) as connection:
        last = last_id(connection, table)
    row_ids: set[int] = set()
    for spelling in request.spellings:
        matcher = IdMatcher(spelling)
        for after_id in range(0, last, ROWS_PER_SCAN):
            with transaction(engine) as connection:
                rows = rows_containing(
                    connection, table, columns, spelling, after_id, json_columns=json_columns
                )
                row_ids.update(row_id for row_id, texts in rows if any(map(matcher.in_text, texts)))
    return row_ids


class _NoRedactor(Redactor):
    """A redactor that returns texts unchanged."""

    def redact(self, text: str) -> str:
        """Return the text."""
        return text


def _strings(value: Any) -> Sequence[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in _strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    return []
