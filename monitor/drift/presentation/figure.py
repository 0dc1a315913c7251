"""Figures of results, drawn by plotly: a map, and shares with their intervals."""

import html
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.arrays import Vectors
from monitor.drift.layout import lay_out
from monitor.drift.presentation.optional import import_optional
from monitor.drift.samples.embeddings import check_sides

#: Points of each side on a map.
MAP_POINTS = 1_000
MAP_SEED = 6
#: Clusters or topics that are drawn.
GROUPS_SHOWN = 10
NAME_CHARACTERS = 40
TITLE_CHARACTERS = 95
REFERENCE_COLOUR, CURRENT_COLOUR, INTERVAL_COLOUR = "#c4beb0", "#7f8a8d", "#1f6f6b"
#: Colours that stay apart for colour-blind eyes; further groups share the last.
GROUP_COLOURS = ("#2a86cf", "#dd6414", "#12806c", "#7a1f63", "#5c4210", "#7d5be6", "#a3342b")
ROW_HEIGHT = 34


@dataclass(frozen=True)
class Dots:
    """Dots of one kind on a map."""

    name: str
    #: float64 ``[m, 2]``.
    places: NDArray[np.floating[Any]]
    colour: str


@dataclass(frozen=True)
class Interval:
    """An estimated share with its 95% interval."""

    name: str
    estimate: float
    lower: float
    upper: float


@dataclass(frozen=True)
class SharePair:
    """The share of a group on both sides."""

    name: str
    reference: float
    current: float


def draw_figure(
    title: str,
    dots: Sequence[Dots],
    intervals: Sequence[Interval],
    pairs: Sequence[SharePair],
) -> Any:
    """Return a plotly figure: the map where there are dots, and the shares.

    Names are escaped, since plotly reads some tags.

    Raises:
        ImportError: plotly is not installed.
    """
    graph = import_optional("plotly.graph_objects", "plot()")
    subplots = import_optional("plotly.subplots", "plot()")
    widths = [0.6, 0.4] if dots else [1.0]
    titles = ["Map", "Shares"] if dots else ["Shares"]
    figure = subplots.make_subplots(
        1, len(widths), column_widths=widths, subplot_titles=titles, horizontal_spacing=0.03
    )
    shares = len(widths)
    for kind in dots:
        figure.add_trace(
            graph.Scattergl(
                x=kind.places[:, 0],
                y=kind.places[:, 1],
                mode="markers",
                name=_label(kind.name),
                marker={"size": 5, "color": kind.colour},
                hoverinfo="name",
            ),
            row=1,
            col=1,
        )
    if intervals:
        figure.add_trace(_interval_trace(graph, intervals), row=1, col=shares)
    for trace in _pair_traces(graph, pairs) if pairs else ():
        figure.add_trace(trace, row=1, col=shares)
    if dots:
        figure.update_xaxes(visible=False, row=1, col=1)
        figure.update_yaxes(visible=False, row=1, col=1)
    figure.update_xaxes(title="share, with its 95% interval", tickformat=".0%", row=1, col=shares)
    side = "right" if dots else "left"  # where labels cover no dots
    figure.update_yaxes(autorange="reversed", automargin=True, side=side, row=1, col=shares)
    n_rows = len(intervals) + len(pairs)
    lines = textwrap.wrap(title, TITLE_CHARACTERS, max_lines=3, placeholder=" …") or [""]
    figure.update_layout(
        title={"text": "<br>".join(map(_plain, lines)), "font": {"size": 15}, "yanchor": "top"},
        margin={"t": 80 + 18 * len(lines), "b": 120},
        template="plotly_white",
        height=max(520 if dots else 240, 260 + ROW_HEIGHT * n_rows),
        legend={"orientation": "h", "yref": "container", "yanchor": "bottom", "y": 0.02},
    )
    return figure


def _interval_trace(graph: Any, intervals: Sequence[Interval]) -> Any:
    estimates = [interval.estimate for interval in intervals]
    return graph.Scatter(
        x=estimates,
        y=[_label(interval.name) for interval in intervals],
        mode="markers",
        name="estimate (95%)",
        marker={"size": 10, "color": INTERVAL_COLOUR},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [max(0.0, interval.upper - interval.estimate) for interval in intervals],
            "arrayminus": [max(0.0, interval.estimate - interval.lower) for interval in intervals],
        },
        hovertemplate="%{y}: %{x:.1%}<extra></extra>",
    )


def _pair_traces(graph: Any, pairs: Sequence[SharePair]) -> list[Any]:
    names = [_label(pair.name) for pair in pairs]
    return [
        graph.Scatter(
            x=[getattr(pair, side) for pair in pairs],
            y=names,
            mode="markers",
            name=label,
            marker={"size": 9, "symbol": "diamond", "color": colour},
            hovertemplate=f"%{{y}}: %{{x:.1%}} of the {side}<extra></extra>",
        )
        for side, label, colour in (
            ("reference", "share of the reference", REFERENCE_COLOUR),
            ("current", "share of the current window", GROUP_COLOURS[1]),
        )
    ]


def _plain(text: str) -> str:
    return html.escape(" ".join(text.split()), quote=False)


def _label(name: str) -> str:
    return _plain(
        textwrap.shorten(name, NAME_CHARACTERS, placeholder=" …") or name[:NAME_CHARACTERS]
    )


def map_of_vectors(
    reference: Vectors | None,
    current: Vectors | None,
    sizes: tuple[int, int],
    clusters: Sequence[NDArray[np.int64]],
) -> list[Dots]:
    """Return the dots of a map of vectors, without vectors none.

    The vectors are ``[n_reference, d]`` and ``[n_current, d]``; clusters are indices into
    ``current``.

    Raises:
        ValueError: Vectors of one side only, or not those that were compared.
    """
    if reference is None and current is None:
        return []
    if reference is None or current is None:
        raise ValueError("plot() needs the vectors of both sides for a map; pass both, or neither")
    sides = check_sides(reference, current)
    if tuple(map(len, sides)) != sizes:
        raise ValueError(
            f"plot() got {len(sides[0])} and {len(sides[1])} vectors of a comparison of "
            f"{sizes[0]} and {sizes[1]}; pass the vectors that were compared"
        )
    if not min(sizes):
        return []
    rng = np.random.default_rng(MAP_SEED)
    rows = [
        np.sort(rng.choice(n, min(n, MAP_POINTS), replace=False)).astype(np.int64) for n in sizes
    ]
    places = lay_out(np.concatenate([sides[0][rows[0]], sides[1][rows[1]]]), rng)
    before, after = places[: len(rows[0])], places[len(rows[0]) :]
    cluster_of = np.full(sizes[1], -1)
    for number, members in enumerate(clusters):
        cluster_of[members] = number
    drawn = cluster_of[rows[1]]
    dots = [
        Dots("reference", before, REFERENCE_COLOUR),
        Dots("current", after[drawn < 0], CURRENT_COLOUR),
    ]
    return dots + [
        Dots(f"cluster {number}", after[drawn == number], group_colour(number))
        for number in range(len(clusters))
    ]


def group_colour(number: int) -> str:
    """Return the colour of a cluster or topic."""
    return GROUP_COLOURS[min(number, len(GROUP_COLOURS) - 1)]
