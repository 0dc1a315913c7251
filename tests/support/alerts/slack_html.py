"""HTML page of a channel in Slack: a message with its thread, as Slack would draw them."""

import html
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.support.alerts.slack_rendering import render_mrkdwn

STYLE = (Path(__file__).parent / "slack.css").read_text(encoding="utf-8")
TAGS = {"bold": "b", "italic": "i", "strike": "s", "code": "code"}
#: Colours of dots that stand for emoji, which a browser without their font shows as boxes.
DOTS = {"🚨": "#e01e5a", "🔴": "#e01e5a", "🟡": "#ecb22e", "🟢": "#2eb67d", "⚪": "#bbb"}
COLOURS = ("#1264a3", "#e8912d", "#2bac76", "#e01e5a")


def page(messages: Iterable[dict[str, Any]], replies: Iterable[dict[str, Any]]) -> str:
    """Return the page of messages, the last with its thread."""
    body = "".join(map(_message, messages))
    thread = "".join(map(_message, replies))
    content = f'{body}<div class="thread">{thread}</div>'
    for emoji, colour in DOTS.items():
        content = content.replace(emoji, f'<span style="color:{colour}">●</span>')
    return f'<!doctype html><meta charset="utf-8"><style>{STYLE}</style>{content}'


def _message(payload: dict[str, Any]) -> str:
    blocks = "".join(map(_block, payload["blocks"]))
    return f'<div><span class="name">driftwarden</span> <span class="app">APP</span>{blocks}</div>'


def _block(block: dict[str, Any]) -> str:
    kind = block["type"]
    if kind == "header":
        return f"<h3>{html.escape(block['text']['text'])}</h3>"
    if kind == "section":
        return f"<p>{_mrkdwn(block['text']['text'])}</p>"
    if kind == "context":
        inner = " ".join(_mrkdwn(element["text"]) for element in block["elements"])
        return f'<p class="context">{inner}</p>'
    if kind == "actions":
        return f"<p>{''.join(map(_element, block['elements']))}</p>"
    if kind == "data_visualization":
        return _chart(block)
    raise ValueError(kind)


def _element(element: dict[str, Any]) -> str:
    label = element.get("text", element.get("placeholder", {})).get("text", element["type"])
    return f'<button class="{element.get("style", "")}">{html.escape(label)}</button>'


def _mrkdwn(text: str) -> str:
    parts = []
    for line in text.split("\n"):
        spans = "".join(_span(span.text, span.styles, span.target) for span in render_mrkdwn(line))
        is_quote = line.startswith((">", "&gt;"))
        spans = spans.removeprefix("&gt;").lstrip() if is_quote else spans
        parts.append(f'<span class="quote">{spans}</span>' if is_quote else spans)
    return "\n".join(parts)


def _span(text: str, styles: frozenset[str], target: str) -> str:
    inner = html.escape(text)
    for style in styles & set(TAGS):
        inner = f"<{TAGS[style]}>{inner}</{TAGS[style]}>"
    return f'<a href="{html.escape(target)}">{inner}</a>' if "link" in styles else inner


def _chart(block: dict[str, Any]) -> str:
    """Return a line chart as SVG."""
    chart = block["chart"]
    categories = chart["axis_config"]["categories"]
    width, height, left, top = 680, 190, 40, 10
    highest = max([1, *(p["value"] for line in chart["series"] for p in line["data"])])
    step = (width - left - 20) / max(len(categories) - 1, 1)
    parts = []
    for share in (0.0, 0.5, 1.0):
        y = top + height * (1 - share)
        parts.append(
            f'<line x1="{left}" x2="{width}" y1="{y}" y2="{y}" stroke="#eee"/>'
            f'<text x="0" y="{y + 4}" font-size="11">{highest * share:g}</text>'
        )
    for number, day in enumerate(categories):
        parts.append(
            f'<text x="{left + number * step}" y="{top + height + 18}" font-size="11" '
            f'text-anchor="middle">{html.escape(day)}</text>'
        )
    for colour, line in zip(COLOURS, chart["series"], strict=False):
        points = " ".join(
            f"{left + n * step:.1f},{top + height * (1 - p['value'] / highest):.1f}"
            for n, p in enumerate(line["data"])
        )
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.5"/>'
        )
    legend = " &nbsp; ".join(
        f'<span style="color:{colour}">■</span> {html.escape(line["name"])}'
        for colour, line in zip(COLOURS, chart["series"], strict=False)
    )
    return (
        f"<figure><figcaption>{html.escape(block['title'])}</figcaption>"
        f'<svg width="{width + 20}" height="{height + 40}">{"".join(parts)}</svg>'
        f'<div class="context">{legend}</div></figure>'
    )
