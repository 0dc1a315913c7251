"""Names of users that can't be taken for another's.

A name has letters of one script, and no two users, nor a user and the daemon, have names that look
the same: a verdict, a message and the audit log show who did something by name alone.
"""

import unicodedata

from monitor.errors import InputError
from monitor.store.audit_log import SYSTEM

MAX_NAME_LENGTH = 80
#: Scripts that one language writes together.
_TOGETHER = (
    frozenset({"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"}),
    frozenset({"CJK", "HANGUL"}),
    frozenset({"CJK", "BOPOMOFO"}),
)
#: Letters of other scripts that look like Latin ones, in small letters.
_ALIKE = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u051b\u051d\u04bb\u0432"
    "\u043c\u043d\u0442\u043a\u03bf\u03bd\u03c1\u03b1\u03b9\u03ba\u03c4\u03c5\u03c7\u03b2\u03b5"
    "\u03b7\u03bc\u03b3\u0131\u0261\u217c",
    "aeopcyxijsdqwhbmhtkovpaiktuxbenuyigl",
)
#: Characters that are taken for one another, whatever the script.
_DIGITS = str.maketrans("01|", "oll")


def check_name(name: str) -> None:
    """Raise ``InputError`` for a name that is too long, unprintable or of two scripts."""
    if not name or len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise InputError(
            f"user name {name!r} is refused; use 1 to {MAX_NAME_LENGTH} printable characters"
        )
    if appearance(name) == appearance(SYSTEM):
        raise InputError(
            f"user name {name!r} is refused: it looks like {SYSTEM}, the author of what the daemon "
            "does by itself; use another one",
            code="reserved_name",
        )
    scripts = {
        _script(symbol) for symbol in unicodedata.normalize("NFKC", name) if symbol.isalpha()
    }
    if len(scripts) > 1 and not any(scripts <= together for together in _TOGETHER):
        listed = " and ".join(sorted(script.capitalize() for script in scripts))
        raise InputError(
            f"user name {name!r} mixes {listed} letters, some of which look alike; "
            "use the letters of one script",
            code="mixed_scripts",
        )


def appearance(name: str) -> str:
    """Return what a name looks like: equal for names that can be taken for one another."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    return "".join(folded.translate(_ALIKE).translate(_DIGITS).split())


def _script(symbol: str) -> str:
    """Return the script of a symbol of an alphabet: the first word of its name in Unicode."""
    return unicodedata.name(symbol, "UNKNOWN").split(" ", 1)[0]
