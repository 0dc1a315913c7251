"""Slack's rendering of a message: which spans are links, mentions, emoji or styled.

Where Slack's rules are not written down, the renderer takes more for markup than Slack does.
"""

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

#: Styles and their marks; a mark opens at a boundary before, and closes at a boundary after it.
MARKS = {"bold": "*", "italic": "_", "strike": "~"}
CODE = re.compile(r"```(?P<block>.+?)```|`(?P<span>[^`\n]+)`", re.DOTALL)
ANGLE = re.compile(r"<([^<>]+)>")
EMOJI = re.compile(r":[^\s:]+:")
QUOTE = re.compile(r"^(?:>|&gt;)", re.MULTILINE)
#: What Slack links and mentions of its own accord where a text is not verbatim.
AUTOMATIC = re.compile(
    r"\bhttps?://\S+|\bmailto:\S+|\b[\w.-]+@[\w-]+\.\w+|\bwww\.\S+|\b[\w-]+\.(?:com|example|org)\b|"
    r"(?<!\w)[@#][\w-]+"
)


@dataclass(frozen=True)
class Span:
    """A run of text with its styles."""

    text: str
    #: ``bold``, ``italic``, ``strike``, ``code``, ``quote``, ``emoji``, ``link`` or ``mention``.
    styles: frozenset[str] = frozenset()
    #: Address of a link, or target of a mention.
    target: str = ""


def render(payload: dict[str, Any]) -> list[Span]:
    """Return the spans of a message; neighbours of the same kind are one."""
    spans: list[Span] = []
    for span in _spans(payload):
        if spans and (spans[-1].styles, spans[-1].target) == (span.styles, span.target):
            spans[-1] = Span(spans[-1].text + span.text, span.styles, span.target)
        else:
            spans.append(span)
    return spans


def _spans(payload: dict[str, Any]) -> Iterator[Span]:
    if not payload.get("blocks"):
        yield from _automatic([Span(html.unescape(payload["text"]))])
    for block in payload.get("blocks", ()):
        for text in _texts(block):
            if text["type"] == "plain_text":
                plain = [Span(text["text"])]
                yield from _emoji(plain) if text.get("emoji", True) else plain
            else:
                spans = render_mrkdwn(text["text"])
                yield from spans if text.get("verbatim") else _automatic(spans)
            yield Span("\n")


def _texts(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the text objects of a block, wherever they are."""
    if isinstance(value, dict):
        if value.get("type") in {"plain_text", "mrkdwn"}:
            yield value
        else:
            for inner in value.values():
                yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def render_mrkdwn(text: str) -> list[Span]:
    """Return the spans of mrkdwn."""
    spans = []
    end = 0
    for match in CODE.finditer(text):
        spans += _outside_code(text[end : match.start()], text[: match.start()])
        inner = match["block"] or match["span"]
        spans.append(Span(html.unescape(inner), frozenset({"code"})))
        end = match.end()
    return spans + _outside_code(text[end:], text[:end])


def _outside_code(text: str, before: str) -> list[Span]:
    spans = []
    at_line_begin = not before or before.endswith("\n")
    for number, line in enumerate(text.split("\n")):
        if number:
            spans.append(Span("\n"))
        quoted = QUOTE.match(line) if number or at_line_begin else None
        line_spans = _emoji(_styled(_angles(line)))
        for span in line_spans:
            styles = span.styles | {"quote"} if quoted else span.styles
            spans.append(Span(html.unescape(span.text), styles, span.target))
    return spans


def _angles(line: str) -> list[Span]:
    spans = []
    end = 0
    for match in ANGLE.finditer(line):
        spans.append(Span(line[end : match.start()]))
        target, _, label = match[1].partition("|")
        kind = "mention" if target[0] in "!@#" else "link"
        spans.append(Span(label or target, frozenset({kind}), html.unescape(target)))
        end = match.end()
    return [*spans, Span(line[end:])]


def _styled(spans: list[Span]) -> list[Span]:
    for style, mark in MARKS.items():
        closed = re.escape(mark)
        styled = re.compile(
            rf"(?<![A-Za-z0-9]){closed}(?=[^\s{closed}])([^{closed}]*[^\s{closed}])"
            rf"{closed}(?![A-Za-z0-9])"
        )
        spans = list(_split(spans, styled, style))
    return spans


def _emoji(spans: Iterable[Span]) -> list[Span]:
    return list(_split(spans, EMOJI, "emoji"))


def _automatic(spans: Iterable[Span]) -> list[Span]:
    return list(_split(spans, AUTOMATIC, "link"))


def _split(spans: Iterable[Span], pattern: re.Pattern[str], style: str) -> Iterator[Span]:
    for span in spans:
        end = 0
        for match in pattern.finditer(span.text):
            yield Span(span.text[end : match.start()], span.styles, span.target)
            inner = match[1] if match.groups() else match[0]
            yield Span(inner, span.styles | {style}, span.target)
            end = match.end()
        yield Span(span.text[end:], span.styles, span.target)
