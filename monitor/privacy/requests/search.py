"""Search for sentences of staff about an end user: by ids, quotes and names."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Literal

from sqlalchemy import Engine, String

from monitor.errors import InputError
from monitor.privacy.end_users.end_user import EndUser
from monitor.privacy.erasure.end_user_observations import find_observations
from monitor.privacy.erasure.masking import read_table
from monitor.privacy.erasure.passages import Span
from monitor.privacy.erasure.traces import Traces
from monitor.privacy.requests.sentences import digest_of, sentences, texts_in
from monitor.store.engine import transaction
from monitor.store.privacy import end_user_rows, end_user_traces
from monitor.store.privacy.columns import Key
from monitor.store.tables import metadata
from monitor.store.tables.facts import columns_of, period_of, table_names
from monitor.table_types.contents import Content, Erasure

Kind = Literal["access", "erasure"]
FoundBy = Literal["id", "quote", "name", "item"]
#: Corrected responses, which staff wrote for the end user, and no words about anybody.
RESPONSES = frozenset({"corrected_response", "response"})

#: Shorter names are too many other words.
MIN_NAME = 3
#: Tables of the requests themselves, whose reasons an export has as they are.
OF_REQUESTS = frozenset({"staff_sentences", "privacy_requests"})
#: Tables of what erasures say, which programs wrote.
OF_ERASURES = frozenset({"erasures", "erasure_checks"})
#: JSON that holds what staff typed: unfinished reviews, and reasons in the audit log.
TYPED_JSON = frozenset({"draft", "details"})
#: Words before and after an id in brackets, as mail programs write a name.
_BEFORE = re.compile(r"((?:[^\W\d_][\w'’.-]*[ \u00a0]){1,4})[\"']?[(<\[]\Z")  # noqa: RUF001
_AFTER = re.compile(r"\A\s?[(<\[]((?:[^\W\d_][\w'’.-]*[ \u00a0]?){2,4})[)>\]]")  # noqa: RUF001
_CHARACTERS_BESIDE = 120


@dataclass(frozen=True)
class FoundSentence:
    """A sentence of staff, by its place."""

    table: str
    key: Key
    column: str
    digest: str
    found_by: FoundBy
    #: Digest of the words that it is a copy of, after a label such as ``Lea: ``, or its own.
    original: str


def staff_columns(table: str, kind: Kind) -> list[str]:
    """Return the columns of a table with words of staff; for an erasure, those that it changes."""
    return [
        name
        for name, column in columns_of(table).items()
        if column.content is Content.STAFF_WORDS
        and (kind == "access" or column.erasure is Erasure.MASKED)
    ]


def find_sentences(
    engine: Engine, end_user: EndUser, traces: Traces, kind: Kind, names: Iterable[str] = ()
) -> tuple[list[FoundSentence], list[str]]:
    """Return the sentences of staff that may be about an end user, and the names searched for.

    Rows of the end user's review items are deleted by an erasure; for an access all sentences in
    them are found, as they may name others, but those of corrected responses. In other rows those
    are found that name the end user: by ids, by the names given, and by names that stand beside the
    id. What is an id or a quote and nothing else is no sentence: both find it without a decision.
    So they do in what programs wrote, where names count, and copies of sentences of staff.

    Raises:
        InputError: A name is too short.
    """
    named = {_checked(name) for name in names} | set(_names_beside(engine, end_user, traces, kind))
    pattern = re.compile("|".join(map(_pattern, sorted(named, key=len, reverse=True))) or r"(?!)")
    matches: dict[tuple[str, Key, str, str], FoundSentence] = {}
    words: set[str] = set()
    for is_typed in (True, False):
        for table, key, column, text in _texts(engine, end_user, kind, is_typed=is_typed):
            for sentence, found_by in _in_text(text, traces, pattern):
                if is_typed:
                    words.add(sentence)
                elif found_by != "name" and not any(copied in sentence for copied in words):
                    continue
                digest = digest_of(sentence)
                original = digest if is_typed else digest_of(_original(sentence, words))
                place = FoundSentence(table, key, column, digest, found_by, original)
                matches.setdefault((table, key, column, digest), place)
    for table, key, column, text in _texts_of_items(engine, end_user) if kind == "access" else ():
        of_traces = traces.spans(text)
        for span in sentences(text):
            if not is_trace_only(text, span, of_traces):
                digest = digest_of(text[slice(*span)])
                place = FoundSentence(table, key, column, digest, "item", digest)
                matches.setdefault((table, key, column, digest), place)
    return list(matches.values()), sorted(named)


def _original(sentence: str, words: Collection[str]) -> str:
    """Return the typed sentence that a program copied after a label, or the sentence itself."""
    copied = [typed for typed in words if sentence.endswith(f": {typed}")]
    return max(copied, key=len, default=sentence)


def _in_text(text: str, traces: Traces, names: re.Pattern[str]) -> Iterator[tuple[str, FoundBy]]:
    of_names = [match.span() for match in names.finditer(text)]
    of_traces = traces.spans(text)
    if not of_names and not of_traces:
        return
    of_ids = traces.without_quotes().spans(text)
    for sentence in sentences(text):
        inside = partial(_overlapping, sentence)
        if is_trace_only(text, sentence, of_traces):
            continue
        words = text[slice(*sentence)]
        if inside(of_ids):
            yield words, "id"
        elif inside(of_traces):
            yield words, "quote"
        elif inside(of_names):
            yield words, "name"


def is_trace_only(text: str, sentence: Span, traces: Sequence[Span]) -> bool:
    """Return whether a sentence has nothing besides ids and quotes of the end user."""
    rest = _outside(text, sentence, _overlapping(sentence, traces))
    return not rest.strip("\"'.,;:!?…()[]<>“”„ \t")


def _overlapping(sentence: Span, spans: Iterable[Span]) -> list[Span]:
    return [(first, last) for first, last in spans if first < sentence[1] and sentence[0] < last]


def _outside(text: str, sentence: Span, spans: Iterable[Span]) -> str:
    """Return what a sentence has besides some spans."""
    parts, at = [], sentence[0]
    for first, last in spans:
        parts.append(text[at : max(at, first)])
        at = last
    return "".join([*parts, text[at : sentence[1]]])


def _texts(
    engine: Engine, end_user: EndUser, kind: Kind, *, is_typed: bool
) -> Iterator[tuple[str, Key, str, str]]:
    """Yield the texts that staff typed, or the others: table, primary key, column, text."""
    own = _own_rows(engine, end_user, kind)
    for table in table_names():
        columns = [
            name for name in staff_columns(table, kind) if _is_typed(table, name) is is_typed
        ]
        is_left = table in OF_ERASURES or (kind == "access" and table in OF_REQUESTS)
        if is_left or not columns:
            continue
        for key, values in read_table(engine, table, columns):
            if key[0] in own.get(table, ()):
                continue
            for column, value in zip(columns, values, strict=True):
                for text in filter(has_words, texts_in(value)):
                    yield table, key, column, text


def has_words(text: str) -> bool:
    """Return whether a text may be a sentence: programs write names, codes and paths."""
    return " " in text or not text.isascii()


def _texts_of_items(engine: Engine, end_user: EndUser) -> Iterator[tuple[str, Key, str, str]]:
    """Yield the texts that staff typed on the end user's review items, but responses."""
    for table, ids in _rows_of_items(engine, end_user, "access").items():
        columns = columns_of_items(table)
        for key, values in read_table(engine, table, columns) if columns else ():
            for column, value in zip(columns, values, strict=True) if key[0] in ids else ():
                for text in filter(has_words, texts_in(value)):
                    yield table, key, column, text


def columns_of_items(table: str) -> list[str]:
    """Return the columns of a table of review items whose sentences an access decides."""
    names = staff_columns(table, "access")
    return [name for name in names if _is_typed(table, name) and name not in RESPONSES]


def _is_typed(table: str, column: str) -> bool:
    """Return whether staff types a column: texts, but errors, and some JSON."""
    is_text = isinstance(metadata.tables[table].c[column].type, String)
    return column in TYPED_JSON or (is_text and period_of(table, column) != "errors")


def _rows_of_items(engine: Engine, end_user: EndUser, kind: Kind) -> dict[str, Collection[int]]:
    with transaction(engine) as connection:
        items = (
            end_user.items
            if kind == "erasure"
            else end_user_rows.items_of_exchanges(connection, end_user.own_ids)
        )
        own: dict[str, Collection[int]] = dict(end_user_rows.rows_of_items(connection, items))
        own["audit_log"] = end_user_traces.audit_entries_with_reasons(connection, items)
    return own


def _own_rows(engine: Engine, end_user: EndUser, kind: Kind) -> Mapping[str, Collection[int]]:
    own = _rows_of_items(engine, end_user, kind)
    own["rollout_observations"] = set(find_observations(engine, end_user))
    return own


def _names_beside(engine: Engine, end_user: EndUser, traces: Traces, kind: Kind) -> Iterator[str]:
    """Yield names that stand beside the id, as in ``Ann Miller <ann@example.org>``."""
    ids = traces.without_quotes()
    own = (row.prompt for row in end_user.own_rows)
    typed = (text for *_, text in _texts(engine, end_user, kind, is_typed=True))
    for text in chain(own, typed):
        for first, last in ids.spans(text):
            before = _BEFORE.search(text[max(0, first - _CHARACTERS_BESIDE) : first])
            after = _AFTER.search(text[last : last + _CHARACTERS_BESIDE])
            for match in filter(None, (before, after)):
                words = match[1].split()
                yield from (" ".join(words[-n:]) for n in range(2, 5) if _is_name(words, n))


def _is_name(words: list[str], n: int) -> bool:
    """Return whether the last words are as many, and each begins as names do."""
    return len(words) >= n and all(word[0] != word[0].lower() for word in words[-n:])


def _checked(name: str) -> str:
    stripped = " ".join(name.split())
    if len(stripped) < MIN_NAME and stripped.isascii():
        raise InputError(
            f"--name is too short: {name!r}; give at least {MIN_NAME} characters, such as first "
            "and last name",
            code="name_too_short",
        )
    return stripped


def _pattern(name: str) -> str:
    """Return the pattern of a name as a word; scripts without case have no spaces either."""
    words = r"\s+".join(map(re.escape, name.split()))
    return words if name.lower() == name.upper() else rf"(?<!\w){words}(?!\w)"
