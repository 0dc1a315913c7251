"""Detection of templates that one side's texts have: headers, footers, greetings, instructions."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from monitor.explanations.found_explanation import FoundExplanation, Reduce
from monitor.explanations.share_changes import MIN_CANDIDATE_ROWS, Candidate, Mask, Shares
from monitor.explanations.templates.fillers import extend_over_fillers, find_filled
from monitor.explanations.templates.number_masks import mask_numbers
from monitor.explanations.templates.sample import Sample
from monitor.explanations.templates.search import USUAL_SHARE, Part, search_parts
from monitor.explanations.templates.template import Template

#: Texts of each side that are searched; shares are of all.
MAX_SEARCHED = 5_000
#: Templates of a comparison.
MAX_TEMPLATES = 8
#: A beginning and an end are one template where they have this part of their texts in common.
MIN_OVERLAP = 0.9


def find_templates(shares: Shares) -> list[FoundExplanation]:
    """Return the templates that explain a change.

    Each is searched in the texts without those before it.
    """
    explanations: list[FoundExplanation] = []
    while len(explanations) < MAX_TEMPLATES:
        explanation = _find_one(shares)
        if explanation is None:
            break
        explanations.append(explanation)
        shares = shares.after(explanation)
    return _pair_replaced(explanations)


def _find_one(shares: Shares) -> FoundExplanation | None:
    reference = _draw(shares.reference.texts, shares.reference_left)
    current = _draw(shares.current.texts, shares.current_left)
    if min(len(reference), len(current)) < MIN_CANDIDATE_ROWS:
        return None
    sample = Sample([*reference], [*current])
    beginnings, n_beginnings = search_parts(sample, "beginning")
    ends, n_ends = search_parts(sample, "end")
    sized = [
        (abs(part.excess), template, (n_beginnings if template.beginning else n_ends)[border])
        for part, template, border in _pair_ends(beginnings, ends)
    ]
    sides = [*reference.values()], [*current.values()]
    for inside, outside in (sides, sides[::-1]):
        filled = (find_filled(inside, outside, end) for end in ("beginning", "end"))
        sized += [(part.excess, part.template, part.n_candidates) for part in filled if part]
    for _, template, n_candidates in sorted(sized, key=lambda item: -item[0]):
        explanation = _explain(shares, template, 2 * n_candidates)
        if explanation is None:
            continue
        inside, outside = sides[::-1] if explanation.difference.mean > 0 else sides
        longer = extend_over_fillers(template, inside, outside)
        extended = explanation if longer == template else _explain(shares, longer, 2 * n_candidates)
        return extended or explanation
    return None


def _explain(shares: Shares, template: Template, n_candidates: int) -> FoundExplanation | None:
    rows = template.rows(shares.reference.texts), template.rows(shares.current.texts)
    return shares.explain(
        "prefix" if template.beginning else "suffix",
        Candidate(rows, text=template.text, reduce=template.unwrap),
        n_candidates=n_candidates,
    )


def _draw(texts: Sequence[str], left: Mask) -> dict[str, str]:
    """Return texts of a sample, distinct with placeholders for numbers, by these."""
    rows: NDArray[np.int64] = np.flatnonzero(left)
    if len(rows) > MAX_SEARCHED:
        rows = np.sort(np.random.default_rng(0).choice(rows, MAX_SEARCHED, replace=False))
    drawn = (texts[row].strip() for row in rows.tolist())
    return {mask_numbers(text): text for text in drawn if text}


def _pair_ends(beginnings: list[Part], ends: list[Part]) -> list[tuple[Part, Template, bool]]:
    """Return the templates, and whether a sign is their border.

    A beginning and an end of the same texts are one.
    """
    templates: list[tuple[Part, Template]] = []
    alone = list(ends)
    for first in (part for part in beginnings if part.has_words):
        overlapping = [part for part in alone if _overlap(first, part)]
        last = max(overlapping, key=lambda part: part.n_tokens, default=None)
        if last is None:
            template = Template(first.text)
        else:
            alone.remove(last)
            template = Template(first.text, last.text, last.signs)
        templates.append((first, template))
    templates += [(last, Template("", last.text, last.signs)) for last in alone if last.has_words]
    return [(part, template, part.has_border) for part, template in templates]


def _overlap(first: Part, last: Part) -> bool:
    common = len(first.rows & last.rows)
    return common >= MIN_OVERLAP * max(len(first.rows), len(last.rows))


def _pair_replaced(explanations: list[FoundExplanation]) -> list[FoundExplanation]:
    """Return the explanations with what most texts of the baseline had in place of a new one.

    A template that the window lost to new ones is no explanation of its own.
    """
    lost = next(
        (
            item
            for item in explanations
            if item.difference.mean < 0 and item.reference.mean > USUAL_SHARE
        ),
        None,
    )
    gained = [item for item in explanations if item.difference.mean > 0]
    if lost is None or not gained:
        return explanations
    margin = lost.difference.upper - lost.difference.lower
    explained = -lost.difference.mean <= sum(item.difference.mean for item in gained) + margin
    return [
        replace(item, before=lost.text, reduce=_both(lost.reduce, item.reduce))
        if item.difference.mean > 0
        else item
        for item in explanations
        if not (explained and item is lost)
    ]


def _both(first: Reduce | None, second: Reduce | None) -> Reduce:
    return lambda text: second(first(text)) if first and second else text
