"""Results of arrays as HTML, without scripts or external resources."""

import html
import math
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor.drift.result import DriftResult

#: Clusters and descriptors that are listed.
ROWS_SHOWN = 20
TITLES = {"drift": "Drift", "no_drift": "No drift", "not_enough_data": "Not enough data"}
COLOURS = {"drift": "#a3342b", "no_drift": "#2c6e49", "not_enough_data": "#835500"}
_CELL = "padding:.25em .8em;text-align:right;border-bottom:1px solid #8884"


def render_core(result: "DriftResult") -> str:
    """Render the verdict, the shares, the tests and the clusters, for a notebook."""
    colour = COLOURS[result.verdict]
    parts = [
        f'<p><b style="color:{colour}">{_text(describe(result))}</b></p>',
        _table(
            ("Test", "p", "p, adjusted", "Effect (95%)"),
            [
                (
                    test.name,
                    _number(test.p_value),
                    _number(test.adjusted_p_value),
                    _interval(test.effect_size, test.effect_lower, test.effect_upper),
                )
                for test in result.tests
            ],
        ),
        _table(
            ("Descriptor", "Change (95%)", "p, adjusted"),
            [
                (
                    change.name,
                    _interval(change.change, change.lower, change.upper),
                    _number(change.adjusted_p_value),
                )
                for change in result.descriptors[:ROWS_SHOWN]
            ],
        ),
        _table(
            ("Cluster", "Samples", "Reference", "Current", "Frequency ratio (95%)"),
            [
                (
                    str(number),
                    f"{cluster.size:,}",
                    f"{cluster.share_reference:.1%}",
                    f"{cluster.share_current:.1%}",
                    _interval(
                        cluster.enrichment, cluster.enrichment_lower, cluster.enrichment_upper
                    ),
                )
                for number, cluster in enumerate(result.clusters[:ROWS_SHOWN])
            ],
        ),
    ]
    return '<div class="driftwarden">' + "".join(parts) + "</div>"


def describe(result: "DriftResult") -> str:
    """Return the conclusion in a line that begins with the verdict."""
    return f"{TITLES[result.verdict]}: {str(result).partition(': ')[2]}"


def write_page(result: "DriftResult", path: str | Path) -> Path:
    """Write the result as an HTML page, and return its path."""
    target = Path(path)
    title = f"{TITLES[result.verdict]} · driftwarden"
    target.write_text(
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="color-scheme" content="light dark"></head>'
        '<body style="font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;'
        f'padding:0 1rem">{render_core(result)}</body></html>\n',
        encoding="utf-8",
    )
    return target


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    cells = "".join(f'<th scope="col" style="{_CELL}">{_text(name)}</th>' for name in head)
    lines = "".join(
        f'<tr><th scope="row" style="{_CELL};font-weight:normal">{_text(row[0])}</th>'
        + "".join(f'<td style="{_CELL}">{_text(cell)}</td>' for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    return (
        '<table style="border-collapse:collapse;margin:.6em 0">'
        f"<thead><tr>{cells}</tr></thead><tbody>{lines}</tbody></table>"
    )


def _interval(estimate: float, lower: float, upper: float) -> str:
    if not math.isfinite(estimate):
        return "undefined"
    if not math.isfinite(lower) or not math.isfinite(upper):
        return _number(estimate)
    return f"{_number(estimate)} ({_number(lower)} to {_number(upper)})"


def _number(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) else "undefined"


def _text(text: str) -> str:
    return html.escape(text)
