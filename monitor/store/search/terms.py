"""Terms of the full-text index, the same for both databases.

A text is split into words here: the databases' own splitting fails for scripts without spaces,
whose runs become overlapping pairs of characters. A fact, such as a task type, is a code that no
text contains.
"""

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from hashlib import blake2b
from typing import Any

#: Longer words are cut; a lexeme of PostgreSQL has at most 2 KiB.
MAX_WORD_CHARACTERS = 64
#: Characters of the beginning of a word that can be searched for: a shorter one begins too many.
LEAST_BEGIN = 3
#: Bytes of terms of an exchange; a tsvector has at most 1 MiB.
MAX_BYTES = 400_000
#: Scripts without spaces between words: Thai, Lao, Myanmar, Khmer, kana, Han; and Hangul, whose
#: particles are joined with words.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
    "\U00020000-\U0003134f"
)
_ACCENTS = re.compile("[\u0300-\u036f]")
#: Octaves of the values of metrics; values beyond are in the last one.
LEAST_OCTAVE, LAST_OCTAVE = -30, 60
#: Parts of an octave.
PARTS = 4


def words_of(text: str) -> Iterator[str]:
    """Yield the words of a text; of a script without spaces, each two neighbours."""
    for run, word in _pattern().findall(_normalize(text)):
        if word:
            yield word[:MAX_WORD_CHARACTERS]
        else:
            yield from (run[at : at + 2] for at in range(len(run)))


def wanted_words(text: str) -> dict[str, bool]:
    """Return the words that a search needs, and whether each is the beginning of a word.

    ``refund*`` is a beginning, and so is a single character of a script without spaces.
    """
    normal = _normalize(text)
    wanted: dict[str, bool] = {}
    for match in _pattern().finditer(normal):
        run, word = match.groups()
        if word:
            is_begin = normal[match.end() : match.end() + 1] == "*" and len(word) >= LEAST_BEGIN
            wanted[word[:MAX_WORD_CHARACTERS]] = is_begin
        elif len(run) == 1:
            wanted[run] = True
        else:
            wanted |= {run[at : at + 2]: False for at in range(len(run) - 1)}
    return wanted


def terms_of(texts: Iterable[str], task_type: str, version: str, metrics: Mapping[str, Any]) -> str:
    """Return the distinct terms of an exchange, with spaces between.

    Texts with too many words keep the first ones.
    """
    terms = {task_type_term(task_type), version_term(version)}
    for name, value in metrics.items():
        if isinstance(value, int | float):
            terms |= {_metric_term(name, bucket) for bucket in _buckets(float(value))}
    n_bytes = sum(map(len, terms))
    for text in texts:
        for word in words_of(text):
            if word not in terms:
                terms.add(word)
                n_bytes += len(word.encode()) + 1
                if n_bytes > MAX_BYTES:
                    return " ".join(terms)
    return " ".join(terms)


def task_type_term(task_type: str) -> str:
    """Return the code of a task type."""
    return f"=t{_digest(task_type)}"


def version_term(version: str) -> str:
    """Return the code of a version; empty: an unknown one."""
    return f"=v{_digest(version)}"


def metric_terms(name: str, low: float, high: float) -> list[str]:
    """Return codes of which a metric from ``low`` to ``high`` has one.

    So may one a little outside: the caller compares the value.
    """
    buckets: list[str] = []
    if low <= 0.0 <= high:
        buckets.append("0")
    if high > 0.0:
        buckets += [f"+{bucket}" for bucket in _cover(max(low, 0.0), high)]
    if low < 0.0:
        buckets += [f"-{bucket}" for bucket in _cover(max(-high, 0.0), -low)]
    return [_metric_term(name, bucket) for bucket in buckets]


def _cover(low: float, high: float) -> Iterator[str]:
    """Yield octaves, and parts of the outer ones, that cover ``[low, high]``, both from 0."""
    (first, first_part), (last, last_part) = _place(low), _place(high)
    for octave in range(first, last + 1):
        begin = first_part if octave == first else 0
        end = last_part if octave == last else PARTS - 1
        if (begin, end) == (0, PARTS - 1):
            yield str(octave)
        else:
            yield from (f"{octave}.{part}" for part in range(begin, end + 1))


def _buckets(value: float) -> list[str]:
    if value == 0.0 or math.isnan(value):
        return ["0"] if value == 0.0 else []
    octave, part = _place(abs(value))
    sign = "+" if value > 0.0 else "-"
    return [f"{sign}{octave}", f"{sign}{octave}.{part}"]


def _place(value: float) -> tuple[int, int]:
    """Return the octave of a number from 0, and the part of the octave."""
    if value == 0.0:
        return LEAST_OCTAVE, 0
    mantissa, octave = math.frexp(min(value, 2.0**LAST_OCTAVE))
    if octave < LEAST_OCTAVE:
        return LEAST_OCTAVE, 0
    return octave, int((mantissa - 0.5) * 2 * PARTS)


def _metric_term(name: str, bucket: str) -> str:
    return f"=m{_digest(name)}{bucket}"


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def _normalize(text: str) -> str:
    """Return a text in lower case without accents of letters."""
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFC", _ACCENTS.sub("", parts).casefold())


@cache
def _pattern() -> re.Pattern[str]:
    """Return the pattern of a run without spaces, or else of a word with its marks."""
    marks = "".join(
        re.escape(chr(code))
        for code in range(0x300, 0x20000)
        if unicodedata.category(chr(code))[0] == "M"
    )
    return re.compile(f"([{_UNSPACED}]+)|((?:(?![{_UNSPACED}])(?:[^\\W_]|[{marks}]))+)")
