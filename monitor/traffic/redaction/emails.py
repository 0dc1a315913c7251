"""Detector of e-mail addresses."""

import re
from collections.abc import Iterator

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
#: ``git@host.example:group/repository.git`` is a repository, not an address.
REMOTE_PATH = re.compile(r":[\w.~-]{1,200}/")

#: In an address of the web.
ENCODED = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}%40(?:[\w-]{1,62}\.){1,8}[A-Za-z]{2,24}(?![\w-])")


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
                yield at - len(name), domain.end()
        at = text.find("@", at + 1)
    if "%40" in text:
        for match in ENCODED.finditer(text):
            yield match.span()
