"""Language of a text, by py3langid.

The model is in the package: nothing is downloaded. A label or a few words have no language.
"""

from copy import copy
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

#: Characters of a text that are read.
MAX_CHARACTERS = 500

#: Least probability of the language.
MIN_PROBABILITY = 0.5

#: Codes of the model that stand for another one here: Norwegian for Bokmål, written Cantonese for
#: Chinese, Pidgin for English; ``zxx`` is no language.
ALIASES = {"no": "nb", "yue": "zh", "pcm": "en", "zxx": ""}
#: Codes by which the model knows a language that has another one here.
MODEL_CODES = {"nb": "no"}


@cache
def _identifier() -> "LanguageIdentifier":
    from py3langid.langid import (  # noqa: PLC0415 - loads a model
        MODEL_DIR,
        MODEL_FILE,
        LanguageIdentifier,
    )

    return LanguageIdentifier.from_modelpath(MODEL_DIR / MODEL_FILE, norm_probs=True)


@cache
def _identifier_of(codes: tuple[str, ...]) -> "LanguageIdentifier":
    # The model's arrays are shared.
    identifier = copy(_identifier())
    identifier.set_languages(codes)
    return identifier


def load_language_model() -> None:
    """Load the model, such as beside other work: it takes half a second, once a process."""
    _identifier()


def identify_language(text: str) -> str:
    """Return the ISO 639 code of the language; empty where it is uncertain.

    Example:
        >>> identify_language("What is the balance of my account?")
        'en'
        >>> identify_language("Wie hoch ist mein Kontostand?")
        'de'
        >>> identify_language("block card")
        ''
    """
    head = _head(text)
    if not head:
        return ""
    code, probability = _identifier().classify(head)
    return ALIASES.get(code, code) if probability >= MIN_PROBABILITY else ""


def identify_among(text: str, codes: tuple[str, ...], min_probability: float) -> str:
    """Return which of these languages a text is in; empty where it is uncertain.

    Among few languages, the language of a few words is certain too.

    Args:
        text: Any text.
        codes: As :func:`identify_language` returns them.
        min_probability: Of the language, given that it is one of them.

    Example:
        >>> identify_among("cuanto debo", ("en", "es"), 0.9)
        'es'
    """
    head = _head(text)
    if not head:
        return ""
    known = tuple(sorted({MODEL_CODES.get(code, code) for code in codes}))
    code, probability = _identifier_of(known).classify(head)
    return ALIASES.get(code, code) if probability >= min_probability else ""


def _head(text: str) -> str:
    return text[:MAX_CHARACTERS].encode("utf-8", "replace").decode("utf-8").strip()
