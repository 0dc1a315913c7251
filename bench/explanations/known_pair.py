"""Pairs of windows whose truth is known, and what their sentences must and must not say."""

import re
from dataclasses import dataclass

from pandas import DataFrame

from monitor.store.windows.assessment import Assessment

#: Most words of a headline.
MAX_WORDS = 30


@dataclass(frozen=True, kw_only=True)
class KnownPair:
    """Two windows with what was planted between them; patterns ignore case."""

    name: str
    reference: DataFrame
    current: DataFrame
    #: Whether it must alarm, or must not; ``None`` where either is right.
    alarms: bool | None
    #: A pattern that the first finding must match; empty where nothing was planted.
    first: str = ""
    #: Patterns that some finding must match.
    also: tuple[str, ...] = ()
    #: Patterns of false sentences: no finding may match any.
    never: tuple[str, ...] = ()


@dataclass(frozen=True)
class Score:
    """Score of the sentences on a pair."""

    is_first: bool
    says_all: bool
    false_sentences: tuple[str, ...]
    alarm_is_right: bool
    n_words: int


def score(pair: KnownPair, assessment: Assessment) -> Score:
    """Score the sentences of a comparison against the truth."""
    findings = assessment.findings or (assessment.headline,)
    sentences = (assessment.headline, *findings)
    return Score(
        is_first=_matches(pair.first, findings[0]) and _matches(pair.first, assessment.headline),
        says_all=all(any(_matches(also, sentence) for sentence in findings) for also in pair.also),
        false_sentences=tuple(
            sentence
            for sentence in sentences
            if any(_matches(wrong, sentence) for wrong in pair.never)
        ),
        alarm_is_right=pair.alarms is None or assessment.alarm == pair.alarms,
        n_words=len(assessment.headline.split()),
    )


def _matches(pattern: str, text: str) -> bool:
    return re.search(pattern, text, re.IGNORECASE | re.DOTALL) is not None
