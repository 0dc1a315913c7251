"""Each drawing says what it shows: a chart has axes, units and a sentence; a cell has a header."""

import re
from pathlib import Path

import jinja2
import pytest

from monitor.rendering.axes import Axes, Scale, Tick, hour_ticks

ROOT = Path(__file__).resolve().parents[3]
TEMPLATES = sorted(
    path
    for part in ("monitor", "retrain")
    for ending in ("html", "html.j2")
    for path in (ROOT / part).rglob(f"templates/*.{ending}")
)
#: Drawings in table cells repeat the figures beside them. The header names the ends of the axis.
IN_CELLS = {
    "candidate_evaluation.html": '<th scope="col">{{ names[system] }} <small>0 to 1</small>',
    "decision.html": '<th scope="col" class="plot">0 to {{ top|axis_end }}</th>',
    "human_evaluation_parts.html": '<th scope="col" class="plot">{{ x.scale[0] }} to',
    "score_pairs.html": '<th scope="col">Drawn, 0 to 1</th>',
    "progress_parts.html": "",
}
#: Of the drawings of progress: the statuses of all items in a bar, and the days of a reviewer.
CELLS_OF_PROGRESS = ('class="status', 'class="days')
DRAWING = re.compile(r"<svg\b[^>]*?(?:>|\{%|\{\{)[^\n]*")


def drawings(source: str) -> list[tuple[int, str]]:
    """Return place and first line of each drawing that is not hidden from screen readers."""
    matches = [(match.start(), match[0]) for match in DRAWING.finditer(source)]
    return [(at, line) for at, line in matches if "role=" in line]


def is_in_figure(source: str, at: int) -> bool:
    """Return whether a place is in a figure that has a caption."""
    begin, end = source.rfind("<figure", 0, at), source.find("</figure>", at)
    figure = source[begin:end]
    return begin >= 0 and end >= 0 and "</figure>" not in figure and "<figcaption" in figure


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_drawing_has_name_and_sentence_or_header(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    for at, line in drawings(source):
        assert 'role="img"' in line or 'role="group"' in line, line
        assert "aria-label=" in line, line
        in_progress = path.name == "progress_parts.html" and not any(
            kind in line for kind in CELLS_OF_PROGRESS
        )
        if path.name in IN_CELLS and not in_progress:
            assert IN_CELLS[path.name] in source
        else:
            assert is_in_figure(source, at), f"{line}\ngive it a figure with a figcaption"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_drawing_without_role_is_hidden_or_part_of_one(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    for match in DRAWING.finditer(source):
        if "role=" in match[0] or "aria-hidden" in match[0]:
            continue
        before = source[: match.start()]
        assert before.count("<svg") > before.count("</svg>"), match[0]


def test_frame_of_a_chart_has_ticks_units_and_sentence() -> None:
    folder = ROOT / "monitor" / "web" / "layout" / "templates"
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(folder), autoescape=True)
    hours, unit = hour_ticks(26.0)
    axes = Axes((Tick(20.0, "+2"), Tick(80.0, "-2")), "Difference, points", hours, unit)
    source = (
        '{% from "charts.html" import plot %}'
        '{% call plot("errors", axes, "It <rose>.", "of") %}<line/>{% endcall %}'
    )
    page = environment.from_string(source).render(axes=axes)
    assert re.findall(r"<text[^>]*>([^<]+)<", page) == [
        "+2",
        "-2",
        "0",
        "5",
        "10",
        "15",
        "20",
        "25",
    ]
    assert re.findall(r'<p class="unit[^>]*>([^<]+)<', page) == ["Difference, points", "hours"]
    described = re.search(r'aria-describedby="([^"]+)"', page)
    assert described is not None
    assert f'<figcaption id="{described[1]}">It &lt;rose&gt;.<' in page


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0.0, 1.0, ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        (-4.9, 3.4, ["-4", "-2", "0", "2"]),
        (3.0, 3.0, ["3"]),
        (0.0, float("nan"), ["0"]),
    ],
)
def test_ticks_are_at_round_values(low: float, high: float, labels: list[str]) -> None:
    assert [tick.label for tick in Scale(low, high).ticks(lambda value: f"{value:g}")] == labels


def test_value_beyond_the_axis_is_at_its_end() -> None:
    scale = Scale(0.0, 10.0)
    assert [scale.along(value) for value in (-5.0, 5.0, 50.0)] == [0.0, 50.0, 100.0]
    assert scale.down(50.0) == 0.0
