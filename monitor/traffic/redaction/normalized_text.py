"""A text as the detectors read it: normalised for the search, with a map back of positions."""

import html
import re
import unicodedata
from bisect import bisect_left, bisect_right
from functools import cache, cached_property, lru_cache

#: Zero-width and bidirectional controls, the soft hyphen, fillers and variation selectors.
INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0"
)
#: ``\u0040``, ``\x40``, ``&#64;``, ``&commat;``, also escaped once more, and a pair of surrogates.
#: Each alternative begins with its character, which is searched faster than a repetition.
ESCAPE = (
    r"\\\\{0,7}(?:u[dD][89abAB][0-9A-Fa-f]{2}\\{1,8}u[dD][c-fC-F][0-9A-Fa-f]{2}"
    r"|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2})"
    r"|&(?:amp;(?:amp;){0,2}(?:[A-Za-z]{2,24}|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6})"
    r"|[A-Za-z]{2,24}|#(?:[0-9]{1,7}|[xX][0-9A-Fa-f]{1,6}));"
)
_ESCAPES = re.compile(f"({ESCAPE})")
#: Marks that end a clause; as ASCII they could stand inside a number.
KEPT = frozenset("\uff0c\uff01\uff1f\uff1b")
#: Kinds of compatibility characters with a meaning of their own: footnotes, fractions.
KEPT_KINDS = ("<super>", "<sub>", "<fraction>", "<compat> 0020", "<square>")
#: Longest run of characters that is read at once.
RUN = "{0,63}"
#: Bytes that begin plain characters of UTF-8, ASCII, Western European and Cyrillic, or none.
PLAIN = bytes(range(0xC0)) + b"\xc3\xd0\xd1"
#: First byte in UTF-8, which is looked up faster, and first bytes of combining marks, half-width
#: voicing, mathematical alphabets and tags.
OF_CLUSTERS = (
    (b"\xcc", b"\xcc"),
    (b"\xcd", b"\xcd"),
    (b"\xef", b"\xef\xbe\x9e"),
    (b"\xef", b"\xef\xbe\x9f"),
    (b"\xf0", b"\xf0\x9d"),
    (b"\xf3", b"\xf3\xa0"),
)


@cache
def _forms() -> dict[str, str]:
    """Return characters of the basic plane -> what they mean: NFKC, digits, hyphens, spaces."""
    forms = {}
    for code in range(0x80, 0x10000):
        character = chr(code)
        category = unicodedata.category(character)
        if category == "Nd":
            forms[character] = str(unicodedata.digit(character))
        elif category == "Pd" or character == "\u2212":
            forms[character] = "-"
        elif category == "Zs":
            forms[character] = " "
        elif (
            category not in {"Cs", "Cn"}
            and character not in KEPT
            and character not in "\u2025\u2026\u2116"
            and not unicodedata.decomposition(character).startswith(KEPT_KINDS)
        ):
            forms[character] = unicodedata.normalize("NFKC", character)
    return {character: form for character, form in forms.items() if form != character}


@cache
def _pattern(clusters: bool, escapes: bool) -> re.Pattern[str]:
    """Return the pattern of what is not plain; made for the first text with any.

    A class with characters beyond the basic plane, and clusters of characters, take a multiple of
    the time: only where a text has some.
    """
    forms = re.escape("".join(form for form in _forms()))
    other = f"[{forms}{INVISIBLE}]"
    parts = [f"{other}{other}{RUN}"]  # a class in front is searched faster than a repetition
    if clusters:
        parts = [
            "[^\\W\\d_][\u0300-\u036f]{1,8}",
            "[\uff66-\uff9d][\uff9e\uff9f]",
            f"[{forms}{INVISIBLE}\U0001d400-\U0001d7ff\U000e0000-\U000e01ef]",
        ]
    if escapes:
        parts.append(ESCAPE)
    return re.compile(f"({'|'.join(parts)})")


@cache
def _invisible() -> re.Pattern[str]:
    return re.compile(f"[{INVISIBLE}\U000e0000-\U000e01ef]")


class NormalizedText:
    """A normalised text and the places of its characters in the original.

    Its segments are what was changed: ``text[first:end]`` stands for ``original[begin:stop]``.
    """

    def __init__(self, original: str) -> None:
        """Normalise a text; one that is plain costs a look at its bytes."""
        self.original = self.text = original
        #: Plain text and what is replaced, in turns.
        self._parts: list[str] = []
        escapes = "&" in original
        if not escapes and "\\" in original:
            escapes = "\\u" in original or "\\x" in original
        if not original.isascii():
            raw = original.encode("utf-8", "surrogatepass")
            if raw.translate(None, PLAIN):
                clusters = any(lead in raw and start in raw for lead, start in OF_CLUSTERS)
                self._replace(_pattern(clusters, escapes))
                return
        if escapes:
            self._replace(_ESCAPES)

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Return the place in the original of one in the normalised text, which isn't empty."""
        firsts, ends, begins, stops = self._segments
        if not firsts:
            return start, end
        after = bisect_right(ends, start)
        if after < len(firsts) and firsts[after] < start:
            start = begins[after]
        elif after:
            start += stops[after - 1] - ends[after - 1]
        before = bisect_left(firsts, end) - 1
        if before >= 0:
            end = stops[before] + max(0, end - ends[before])
        return start, end

    def _replace(self, pattern: re.Pattern[str]) -> None:
        parts = pattern.split(self.original)
        if len(parts) > 1:
            self._parts = parts.copy()
            parts[1::2] = map(_replacement, parts[1::2])
            self.text = "".join(parts)

    @cached_property
    def _segments(self) -> tuple[list[int], list[int], list[int], list[int]]:
        """Return first and end of each segment, and begin and stop in the original.

        Few texts have a place that is asked for.
        """
        length = begin = 0
        segments: list[tuple[int, int, int, int]] = []
        for plain, segment in zip(self._parts[::2], self._parts[1::2], strict=False):
            length, begin = length + len(plain), begin + len(plain)
            for n_characters, form, is_aligned in _meaning(segment):
                if not is_aligned:
                    segments.append((length, length + len(form), begin, begin + n_characters))
                length, begin = length + len(form), begin + n_characters
        if not segments:
            return [], [], [], []
        firsts, ends, begins, stops = map(list, zip(*segments, strict=True))
        return firsts, ends, begins, stops


@lru_cache(maxsize=8192)
def _replacement(segment: str) -> str:
    return "".join(form for _, form, _ in _meaning(segment))


@lru_cache(maxsize=8192)
def _meaning(segment: str) -> tuple[tuple[int, str, bool], ...]:
    """Return the pieces of a segment: length, meaning, and whether character by character."""
    if segment[0] in "\\&":
        meaning = _unescape(segment)
        return ((len(segment), meaning, meaning == segment),)
    if len(segment) > 1 and (unicodedata.combining(segment[1]) or segment[1] in "\uff9e\uff9f"):
        return ((len(segment), unicodedata.normalize("NFKC", segment), False),)
    forms = [_form(character) for character in segment]
    if all(len(form) == 1 for form in forms):
        return ((len(segment), "".join(forms), True),)
    return tuple((1, form, len(form) == 1) for form in forms)


def _form(character: str) -> str:
    """Return what one character means; nothing for an invisible one."""
    if _invisible().match(character):
        return ""
    if character > "\uffff":
        return unicodedata.normalize("NFKC", character)
    return _invisible().sub("", _forms().get(character, character))


def _unescape(segment: str) -> str:
    """Return the character of an escape; unknown ones and control characters stay."""
    name = ""
    if segment[0] == "\\":
        codes = [int(code[1:], 16) for code in segment.split("\\") if code]
        character = "".join(map(chr, codes))
        if len(codes) == 2:
            character = character.encode("utf-16", "surrogatepass").decode("utf-16")
    else:
        name = segment[1:-1].rpartition(";")[2]
        character = html.unescape(f"&{name};")
    if character < " " or "\ud800" <= character <= "\udfff" or (name and len(character) > 2):
        return segment
    return "".join(map(_form, character))
