"""Removal of third parties from the words and texts that are handed out about an end user."""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from monitor.privacy.end_users.end_user import ErasureRequest
from monitor.privacy.erasure.traces import Traces
from monitor.store.privacy.export_rows import known_end_users, names_of_staff
from monitor.traffic.redaction import Redactor

ANOTHER = "(another end user)"
STAFF = "a member of staff"
#: Words that may be an id.
_WORD = re.compile(r"[^\s\"'<>()\[\]{},;]{4,}")


class ThirdParties:
    """Masks third parties; what names or quotes the end user stays.

    The redactor finds personal data by its form.
    """

    def __init__(
        self,
        connection: Connection,
        request: ErasureRequest,
        traces: Traces,
        redactor: Redactor,
    ) -> None:
        self._connection = connection
        self._request = request
        self._traces = traces
        self._redactor = redactor
        names = sorted(names_of_staff(connection), key=len, reverse=True)
        self._staff = re.compile(
            rf"(?<!\w)(?:{'|'.join(map(re.escape, names))})(?!\w)" if names else r"(?!)"
        )
        #: Words that were looked up -> whether they are ids of other end users.
        self._is_id: dict[str, bool] = {}

    def mask_words(self, value: Any) -> Any:
        """Return what staff or programs wrote without ids, names of staff and personal data."""
        return map_strings(value, lambda text: self._outside_traces(text, self._mask_all))

    def mask_ids(self, value: Any) -> Any:
        """Return texts of the end user without the ids of other end users."""
        return map_strings(value, lambda text: self._outside_traces(text, self._mask_ids))

    def _outside_traces(self, text: str, mask: Callable[[str], str]) -> str:
        masked, last = [], 0
        for start, end in self._traces.spans(text):
            # A quote of the end user's text may name another end user.
            masked += [mask(text[last:start]), self._mask_ids(text[start:end])]
            last = end
        return "".join([*masked, mask(text[last:])])

    def _mask_all(self, text: str) -> str:
        return self._redactor.redact(self._staff.sub(STAFF, self._mask_ids(text)))

    def _mask_ids(self, text: str) -> str:
        words = {word.rstrip(".:!?") for word in _WORD.findall(text)}
        self._look_up(words - self._is_id.keys())
        for word in sorted(filter(self._is_id.get, words), key=len, reverse=True):
            text = text.replace(word, ANOTHER)
        return text

    def _look_up(self, words: Iterable[str]) -> None:
        own = set(self._request.stored_ids)
        requests = {
            word: replace(self._request, subject=word, other_spellings=(), further=())
            for word in words
        }
        forms = {word: set(request.stored_ids) for word, request in requests.items()}
        known = known_end_users(
            self._connection, sorted({form for of_word in forms.values() for form in of_word})
        )
        for word, of_word in forms.items():
            self._is_id[word] = bool(known & of_word) and not own & of_word


def map_strings(value: Any, change: Callable[[str], str]) -> Any:
    """Return a JSON value with each string changed; keys of objects stay."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: map_strings(content, change) for key, content in value.items()}
    if isinstance(value, list | tuple):
        return [map_strings(content, change) for content in value]
    return value
