"""Detector of e-mail addresses."""

import re
from collections.abc import Iterator

from monitor.traffic.redaction.text_scan import LINE_BREAK as BREAK
from monitor.traffic.redaction.text_scan import Place, TextScan

#: Latin, Greek and Cyrillic. In scripts without spaces an address would include the sentence.
ALPHABETS = "A-Za-z\u00c0-\u024f\u0370-\u04ff"
MAX_LOCAL_CHARACTERS = 64
#: Matched backwards from the ``@``.
LOCAL = re.compile(rf"[{ALPHABETS}0-9_.+%'&-]{{1,{MAX_LOCAL_CHARACTERS + 1}}}")
DOMAIN = re.compile(
    rf"(?:[{ALPHABETS}0-9_](?:[{ALPHABETS}0-9_-]{{0,62}})\.){{1,8}}"
    rf"(?:[{ALPHABETS}]{{2,24}}|xn--[A-Za-z0-9-]{{2,59}})(?![{ALPHABETS}0-9_-])"
)
#: In Chinese and Japanese texts the dots may be ideographic.
WIDE_DOMAIN = re.compile(
    r"(?:[A-Za-z0-9_][A-Za-z0-9_-]{0,62}[.\u3002]){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9_-])"
)
#: A domain after a line break, or with one: after a dot, or marked as a soft one.
BROKEN_DOMAIN = re.compile(
    rf"{BREAK}(?P<next>[A-Za-z0-9-]{{1,63}}\.(?:[A-Za-z0-9-]{{1,63}}\.){{0,8}}[A-Za-z]{{2,24}})"
    rf"(?![A-Za-z0-9_-])"
    rf"|[A-Za-z0-9-]{{1,63}}(?:\.[A-Za-z0-9-]{{1,63}}){{0,8}}(?:(?:\.{BREAK}|{BREAK}\.)"
    r"(?:[a-z0-9-]{1,63}\.){0,3}(?:com|org|net|edu|gov|info|io|[a-z]{2})(?![A-Za-z0-9_-])"
    r"|(?:=\r?\n|-\r?\n)[A-Za-z0-9-]{0,63}(?:\.[A-Za-z0-9-]{1,63}){0,8}\.[A-Za-z]{2,24}"
    r"(?![A-Za-z0-9_-]))"
)
BREAK_BEFORE = re.compile(rf"(?<=[A-Za-z0-9])({BREAK})$")
#: Longest line break before an ``@``.
BREAK_CHARACTERS = 32
#: An ``@`` before a label and a dot or line break, or before a line break.
AT = re.compile(rf"@(?=(?:[{ALPHABETS}0-9_-]{{1,64}}[.\u3002])|[{ALPHABETS}0-9-]{{0,64}}[\s=\\])")
#: ``git@host.example:group/repository.git`` is a repository, not an address.
REMOTE_PATH = re.compile(r":[\w.~-]{1,200}/")

#: In an address of the web.
ENCODED = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}%40(?:[\w-]{1,62}\.){1,8}[A-Za-z]{2,24}(?![\w-])")
#: The ``%`` of an encoded character of a name.
PERCENT = re.compile(r"%(?=3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa])")


def find_emails(scan: TextScan) -> Iterator[Place]:
    """Yield addresses: a local part before each ``@``, and a domain after it."""
    text = scan.text
    for sign in AT.finditer(text):
        at = sign.start()
        domain = (
            DOMAIN.match(text, at + 1)
            or WIDE_DOMAIN.match(text, at + 1)
            or BROKEN_DOMAIN.match(text, at + 1)
        )
        end_of_local = at
        local = domain and _local(text, at)
        if domain and not local and domain.re is DOMAIN:
            gap = BREAK_BEFORE.search(text, max(0, at - BREAK_CHARACTERS), at)
            if gap:
                end_of_local = gap.start()
                local = _local(text, end_of_local)
        if domain and local and not REMOTE_PATH.match(text, domain.end()):
            name = local.group().rstrip("'.+&%-")  # an address doesn't start with these
            if 0 < len(name) <= MAX_LOCAL_CHARACTERS:
                yield _whole_start(scan, end_of_local - len(name)), domain.end()
    if "%40" in text:
        for match in ENCODED.finditer(text):
            yield _whole_start(scan, match.start()), match.end()


def _local(text: str, end: int) -> re.Match[str] | None:
    """Return the local part before a position, backwards."""
    return LOCAL.match(text[max(0, end - MAX_LOCAL_CHARACTERS - 1) : end][::-1])


def _whole_start(scan: TextScan, start: int) -> int:
    """Return where a local part begins, of which the part after ``%`` was matched."""
    return start - 1 if start and PERCENT.match(scan.text, start - 1) else start
