"""Marks at characters that nobody sees: zero-width and bidirectional ones, and controls.

A reviewer judges what is displayed; the model read what is stored. A mark keeps the character in
the text, and ends its effect on the order of what follows.
"""

import re
import unicodedata

from markupsafe import Markup, escape

#: Marks in a text; a text of nothing else would make a page of many megabytes.
MAX_MARKS = 1_000
#: Characters without ink outside of the categories of controls and formats.
_BLANKS = "\u115f\u1160\u3164\uffa0\u2800"
#: Formats that are not marked: the soft hyphen, which shows where it breaks a word, is marked too.
_CANDIDATE = re.compile(
    "[\\0-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x84\\x86-\\x9f\\xad\\u061c\\u070f\\u180e\\u200b-\\u200f"
    "\\u202a-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb"
    "\\U000110bd\\U0001bca0-\\U0001bca3\\U0001d173-\\U0001d17a\\U000e0000-\\U000e007f"
    f"{_BLANKS}]"
)
#: They join letters of some scripts and parts of an emoji, where they belong to the text.
_JOINERS = "\u200c\u200d"


def mark_hidden(text: str) -> Markup:
    """Escape a text, and mark its hidden characters; equal neighbours have one mark."""
    parts: list[Markup | str] = []
    end = n = 0
    for match in _CANDIDATE.finditer(text):
        at = match.start()
        if at < end or (match[0] in _JOINERS and _joins(text, at)):
            continue
        if n == MAX_MARKS:
            parts += [escape(text[end:]), _REST]
            return Markup("").join(parts)
        n += 1
        after = at + 1
        while after < len(text) and text[after] == match[0]:
            after += 1
        parts += [escape(text[end:at]), _mark(match[0], after - at)]
        end = after
    parts.append(escape(text[end:]))
    return Markup("").join(parts)


_REST = Markup('<span class="unseen" data-name="more hidden characters in this text"></span>')


def _joins(text: str, at: int) -> bool:
    """Return whether a joiner stands between characters beyond ASCII, as in an emoji."""
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    return bool(before and after) and not (before.isascii() or after.isascii())


def _mark(character: str, n: int) -> Markup:
    code = f"U+{ord(character):04X}"
    title = unicodedata.name(character, "control character").lower()
    name = code if n == 1 else f"{code} \N{MULTIPLICATION SIGN}{n}"
    # HTML has no place for these; the replacement character is what a parser would show.
    content = "\ufffd" * n if character == "\0" else character * n
    return Markup('<span class="unseen" data-name="{}" title="{}">{}</span>').format(
        name, title, content
    )
