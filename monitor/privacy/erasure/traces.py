"""Traces of an end user in any text: the id, the ids of the exchanges, and quotes."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Self

from sqlalchemy import Engine

from monitor.privacy.end_users.end_user import EndUser, ErasureRequest
from monitor.privacy.end_users.id_matcher import IdMatcher
from monitor.privacy.erasure.passages import Passages, Span, Words, contains_words
from monitor.store.engine import transaction
from monitor.store.privacy.end_user_rows import exchanges_with_words

#: What replaces a trace.
ERASED = "[erased]"
#: A shorter id of an exchange may be any number.
MIN_EXCHANGE_ID = 8
#: Roles of messages that an end user or the model wrote for them; the others are shared by all.
OWN_ROLES = frozenset({"user", "assistant"})
#: A word with the characters that ids have.
_NAME = re.compile(r"[\w.:@+-]{8,}")


@dataclass(frozen=True)
class Traces:
    """The terms to search for, find and mask."""

    #: The id in all spellings, and ids of exchanges that the request names.
    matchers: tuple[IdMatcher, ...]
    #: Ids of the end user's exchanges.
    exchange_ids: frozenset[str]
    #: The texts whose quotes are searched for.
    passages: Passages

    @classmethod
    def of(cls, request: ErasureRequest, exchange_ids: Iterable[str], passages: Passages) -> Self:
        """Return the traces of a request, the end user's exchanges and their texts."""
        matchers = {matcher.subject: matcher for matcher in request.matchers}
        for stored_id in request.stored_ids:
            matchers.setdefault(stored_id, IdMatcher(stored_id))
        return cls(
            tuple(matchers.values()),
            frozenset(id_ for id_ in exchange_ids if len(id_) >= MIN_EXCHANGE_ID),
            passages,
        )

    def without_quotes(self) -> Self:
        """Return the ids alone."""
        return replace(self, passages=Passages(()))

    def spans(self, text: str) -> list[Span]:
        """Return begin and end of each trace, merged, in the order of the text."""
        matches = [span for matcher in self.matchers for span in matcher.spans(text)]
        if self.exchange_ids:
            matches += [
                match.span()
                for match in _NAME.finditer(text)
                if match[0].strip(".:-") in self.exchange_ids
            ]
        matches += [passage.span for passage in self.passages.find(text)]
        merged: list[Span] = []
        for first, last in sorted(matches):
            if merged and first <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
            else:
                merged.append((first, last))
        return merged

    def mask(self, text: str) -> str:
        """Return a text with its traces replaced."""
        parts, end = [], 0
        for first, last in self.spans(text):
            parts += [text[end:first], ERASED]
            end = last
        return "".join([*parts, text[end:]])

    def mask_value(self, value: Any) -> Any:
        """Return a JSON value with the traces in its texts and keys replaced."""
        if isinstance(value, str):
            return self.mask(value)
        if isinstance(value, list):
            return [self.mask_value(part) for part in value]
        if isinstance(value, dict):
            masked: dict[str, Any] = {}
            for key, part in value.items():
                name = self.mask(key)
                while name in masked:
                    name += "'"
                masked[name] = self.mask_value(part)
            return masked
        return value

    def in_value(self, value: Any) -> bool:
        """Return whether a text, or a text or key in a JSON value, has a trace."""
        if isinstance(value, str):
            return bool(self.spans(value))
        if isinstance(value, list):
            return any(map(self.in_value, value))
        if isinstance(value, dict):
            return any(map(self.in_value, (*value, *value.values())))
        return False


#: Nothing to search for.
NO_TRACES = Traces((), frozenset(), Passages(()))


def find_traces(engine: Engine, end_user: EndUser) -> Traces:
    """Return the traces of an end user whose exchanges were found.

    Words that another end user's exchange has too are no quote: whoever wrote them can't be told.
    """
    own_ids = set(end_user.own_ids)
    texts = {text for row in end_user.own_rows for text in (row.prompt, row.response)}
    texts |= {
        str(message.get("content") or "")
        for row in end_user.own_rows
        for message in row.messages
        if isinstance(message, dict) and message.get("role") in OWN_ROLES
    }

    def is_shared(words: Words) -> bool:
        with transaction(engine) as connection:
            return any(
                contains_words(text, words)
                for row_id, texts_of_row in exchanges_with_words(connection, words)
                if row_id not in own_ids
                for text in texts_of_row
            )

    exchange_ids = [row.exchange_id for row in end_user.own_rows]
    return Traces.of(end_user.request, exchange_ids, Passages(texts, is_shared))
