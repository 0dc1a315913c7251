"""Personal data that is divided between adjacent turns of one role."""

import re
from collections.abc import Sequence
from itertools import pairwise

from monitor.traffic.exchange import Message
from monitor.traffic.redaction.redactor import Redactor
from monitor.traffic.redaction.text_scan import Span

#: Characters of each turn that are searched together; no card number or address is longer.
CHARACTERS = 120
JOINT = "\n"
#: What a value that goes on ends with, or begins with.
GOES_ON = re.compile(r"(?:[0-9@._:=+-]|\b(?:is|ist|est|es))\W{0,4}$", re.IGNORECASE)
BEGINS = re.compile(r"\W{0,4}[@.]")


def find_in_turns(turns: Sequence[Message], redactor: Redactor) -> list[list[Span]]:
    """Return the spans of personal data in each turn, also of what the next turn completes."""
    spans_of_turns = [redactor.find(turn.content) for turn in turns]
    for index, (turn, following) in enumerate(pairwise(turns)):
        if turn.role != following.role:
            continue
        tail, head = turn.content[-CHARACTERS:].rstrip(), following.content[:CHARACTERS]
        if not (GOES_ON.search(tail[-8:]) or BEGINS.match(head)):
            continue
        offset = max(0, len(turn.content) - CHARACTERS)
        second = len(tail) + len(JOINT)
        for span in redactor.find_forms(tail + JOINT + head):
            if span.start < second < span.end:
                end = min(span.end, len(tail))
                _add(spans_of_turns[index], Span(offset + span.start, offset + end, span.kind))
                _add(spans_of_turns[index + 1], Span(0, span.end - second, span.kind))
            elif span.start == second + len(head) - len(head.lstrip()):
                _add(
                    spans_of_turns[index + 1],
                    Span(span.start - second, span.end - second, span.kind),
                )
    return spans_of_turns


def _add(spans: list[Span], added: Span) -> None:
    """Put a span in the place of those that it overlaps."""
    near = [span for span in spans if span.start < added.end and added.start < span.end]
    rest = [span for span in spans if span not in near]
    first = min([added, *near], key=lambda span: span.start).start
    last = max(span.end for span in [added, *near])
    spans[:] = sorted([*rest, Span(first, last, added.kind)])
