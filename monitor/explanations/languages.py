"""Languages of texts: those that more texts are in than before, or fewer."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import partial

import numpy as np

from monitor.descriptors import map_distinct
from monitor.descriptors.language import identify_among, identify_language
from monitor.explanations.found_explanation import FoundExplanation
from monitor.explanations.language_names import NAMES
from monitor.explanations.letter_case import CAPITALS, letter_case
from monitor.explanations.scripts import script_of
from monitor.explanations.share_changes import Candidate, Mask, Shares

#: Texts of each side among which languages are searched.
MAX_SEARCHED = 5_000
#: Fewer texts in a language are errors of the identification.
MIN_TEXTS = 3
#: So is a language with a smaller part of the texts of the most frequent other one of its script
#: (Galician beside Spanish).
MIN_PART = 0.2
#: Least probability that a text is in a language, given that it is in one of those found.
MIN_PROBABILITY = 0.9


def find_languages(shares: Shares) -> list[FoundExplanation]:
    """Return the languages whose share changed, but for the baseline's most frequent one."""
    sides = (shares.reference, shares.current)
    left = shares.reference_left, shares.current_left
    counts = [_search(side.texts, rows) for side, rows in zip(sides, left, strict=True)]
    if not counts[0]:
        return []
    codes, main = _present(counts[0], counts[1]), counts[0].most_common(1)[0][0][1]
    if len(codes) < 2:
        return []
    identify = partial(_identify, codes=codes)
    values = shares.map(identify)
    candidates = [
        candidate
        for code in codes
        if code != main
        and (
            candidate := Candidate(
                (values[0] == code, values[1] == code),
                text=NAMES.get(code, code),
                before=NAMES.get(main, main),
            )
        ).is_frequent
    ]
    explanations = (
        shares.explain("language", candidate, n_candidates=len(candidates))
        for candidate in candidates
    )
    return [explanation for explanation in explanations if explanation is not None]


def _search(texts: Sequence[str], rows: Mask) -> Counter[tuple[str, str]]:
    """Return how many of a sample of the texts are in each language, by script."""
    own = np.flatnonzero(rows)
    if len(own) > MAX_SEARCHED:
        own = np.sort(np.random.default_rng(0).choice(own, MAX_SEARCHED, replace=False))
    sample = [texts[row] for row in own.tolist()]
    codes = map_distinct(sample, lambda text: (script_of(text), identify_language(_plain(text))))
    return Counter(key for key in codes if key[1])


def _present(*sides: Counter[tuple[str, str]]) -> tuple[str, ...]:
    """Return the languages that are no errors of the identification."""
    present: set[str] = set()
    for counts in sides:
        by_script: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
        for (script, code), n in counts.items():
            by_script[script].append((n, code))
        main = counts.most_common(1)[0][0][1] if counts else ""
        present |= {main} - {""}
        for own in by_script.values():
            minor = [(n, code) for n, code in own if code != main]
            most = max((n for n, _ in minor), default=0)
            present |= {code for n, code in minor if n >= max(MIN_TEXTS, MIN_PART * most)}
    return tuple(sorted(present))


def _identify(text: str, codes: tuple[str, ...]) -> str:
    return identify_among(_plain(text), codes, MIN_PROBABILITY)


def _plain(text: str) -> str:
    # The model has seen few texts in capitals.
    return text.lower() if letter_case(text) == CAPITALS else text
