"""Detector of e-mail addresses."""

import re
from collections.abc import Iterator

from monitor.traffic.redaction.text_scan import INVISIBLE, Place, TextScan

#: Latin, Greek and Cyrillic. In scripts without spaces an address would include the sentence.
ALPHABETS = "A-Za-z\u00c0-\u024f\u0370-\u04ff"
MAX_LOCAL_CHARACTERS = 64
#: Matched backwards from the ``@``.
LOCAL = re.compile(rf"[{ALPHABETS}0-9_.+%'&-]{{1,{MAX_LOCAL_CHARACTERS + 1}}}")
DOMAIN = re.compile(
    rf"(?:[{ALPHABETS}0-9_](?:[{ALPHABETS}0-9_-]{{0,62}})\.){{1,8}}"
    rf"(?:[{ALPHABETS}]{{2,24}}|xn--[A-Za-z0-9-]{{2,59}})(?![{ALPHABETS}0-9_-])"
)
#: ``git@host.example:group/repository.git`` is a repository, not an address.
REMOTE_PATH = re.compile(r":[\w.~-]{1,200}/")

#: In an address of the web.
ENCODED = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}%40(?:[\w-]{1,62}\.){1,8}[A-Za-z]{2,24}(?![\w-])")
#: The ``%`` of an encoded character of a name.
PERCENT = re.compile(r"%(?=3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa])")


def find_emails(scan: TextScan) -> Iterator[Place]:
    """Yield addresses: a local part before each ``@``, and a domain after it."""
    text = scan.text
    at = text.find("@")
    while at >= 0:
        domain = DOMAIN.match(text, at + 1)
        before = text[max(0, at - MAX_LOCAL_CHARACTERS - 1) : at][::-1]
        local = LOCAL.match(before)
        if domain and local and not REMOTE_PATH.match(text, domain.end()):
            name = local.group().rstrip("'.+&%-")  # an address doesn't start with these
            if 0 < len(name) <= MAX_LOCAL_CHARACTERS:
                yield _whole_start(scan, at - len(name)), domain.end()
        at = text.find("@", at + 1)
    if "%40" in text:
        for match in ENCODED.finditer(text):
            yield _whole_start(scan, match.start()), match.end()


def _whole_start(scan: TextScan, start: int) -> int:
    """Return where a local part begins, of which the part after ``%`` or a blank was matched."""
    if start and PERCENT.match(scan.text, start - 1):
        return start - 1
    first = start
    while first and scan.original[first - 1] in INVISIBLE:
        before = scan.text[max(0, start - MAX_LOCAL_CHARACTERS) : first - 1][::-1]
        rest = LOCAL.match(before)
        if not rest:
            break
        first -= 1 + rest.end()
    return first
