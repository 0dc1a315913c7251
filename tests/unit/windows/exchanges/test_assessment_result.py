"""Assessments in a notebook: text, documents, frames, HTML, figures."""

import json
import math
import pickle
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import msgspec
import numpy as np
import pytest

from monitor.store.windows import assessment as document
from monitor.store.windows.map_points import DELETED, PromptMap
from monitor.windows.exchanges.result import Assessment
from monitor.windows.report.page import render_page
from tests.support.windows.assessment_cases import (
    input_drift,
    no_drift,
    output_drift,
    responses_untested,
    slow_drift,
)
from tests.support.windows.assessments import (
    HOSTILE,
    huge,
    make_assessment,
    make_examples,
    make_family,
    make_numeric_column,
    make_topic,
    not_enough_data,
)

SCHEMA = Path(__file__).parents[4] / "docs" / "reference" / "assessment.schema.json"
CASES = (
    *(input_drift, no_drift, output_drift, responses_untested, slow_drift),
    *(not_enough_data, huge),
)


def hostile() -> document.Assessment:
    """Build an alarm with hostile texts everywhere."""
    family = make_family(
        verdict="drift",
        alarm=True,
        p_value=0.0001,
        topics=(make_topic(name=HOSTILE, examples=make_examples(HOSTILE)),),
        outliers=make_examples(HOSTILE),
    )
    return make_assessment(
        0.3,
        model=HOSTILE,
        headline=HOSTILE,
        input=family,
        numeric_columns=(make_numeric_column(name=HOSTILE),),
        remarks=(HOSTILE,),
        mix_current={HOSTILE: 1.0},
        mix_reference={"</style><script>": 1.0},
    )


def small_map() -> PromptMap:
    places = np.random.default_rng(0).random((6, 2)).astype(np.float32)
    ids = np.full(3, DELETED)
    return PromptMap(ids, places[:3], np.array([0, 0, -1]), ids, places[3:])


@pytest.mark.parametrize("case", [*CASES, hostile])
def test_the_repr_is_short(case) -> None:
    text = repr(Assessment.of(case()))
    assert len(text) < 600
    assert case().verdict in text
    assert "\n" not in text


@pytest.mark.parametrize("case", CASES[:-1])
def test_document_is_valid_by_the_published_schema(case) -> None:
    content = Assessment.of(case(), small_map()).to_dict()
    assert content == msgspec.json.decode(msgspec.json.encode(case()))
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(content)
    assert json.loads(json.dumps(content, allow_nan=False)) == content


def test_an_untested_family_has_null_in_json_and_nan_here() -> None:
    written = Assessment.of(not_enough_data())
    assert written.to_dict()["input"]["p_value"] is None
    read = msgspec.json.decode(msgspec.json.encode(written), type=Assessment)
    assert math.isnan(read.input.p_value)
    assert read == written
    assert not read.input.p_value <= 0.05
    earlier = written.to_dict()
    earlier["input"]["p_value"] = 1.0  # as stored before
    assert msgspec.convert(earlier, document.Assessment).input.p_value == 1.0


def test_the_frame_has_a_row_for_each_finding() -> None:
    result = Assessment.of(input_drift())
    frame = result.to_frame()
    assert frame.query("kind == 'drifted_share'").family.tolist() == ["input", "output"]
    topic = frame.query("kind == 'topic'").iloc[0]
    assert (topic["name"], topic.current) == (
        result.input.topics[0].name,
        result.input.topics[0].share_current,
    )
    (metric,) = frame.query("kind == 'metric'").verdict
    assert metric == "degraded"
    assert set(frame.query("kind == 'task_type'").name) == {"cards", "other"}
    untested = Assessment.of(not_enough_data()).to_frame()
    assert untested.p_value.isna().all()


class Tags(HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attributes}


def test_the_html_runs_nothing_and_loads_nothing() -> None:
    html = Assessment.of(hostile(), small_map())._repr_html_()
    tags = Tags(html)
    assert "svg" in tags.names
    assert not tags.names & {"script", "link", "img", "iframe", "object", "base", "meta"}
    assert not {name for name in tags.attributes if name.startswith("on") or name == "src"}
    assert "url(" not in html


def test_the_styles_apply_to_the_fragment_only() -> None:
    html = Assessment.of(input_drift(), small_map())._repr_html_()
    style = html.split("<style>")[1].split("</style>")[0].strip()
    assert style.startswith(".driftwarden {")
    depth = 0
    for at, character in enumerate(style):
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth > 0 or at < len(".driftwarden ") or at == len(style) - 1
    assert ":root" not in style
    assert "& {" in style  # the colours, where a page has :root
    assert "&amp;" not in style


def test_the_report_is_the_page_of_the_command(tmp_path: Path) -> None:
    written = Assessment.of(input_drift(), small_map()).report(tmp_path / "drift.html")
    page = render_page(input_drift(), prompt_map=small_map())
    assert written.read_text(encoding="utf-8") == page


def test_the_figure_shows_the_map_and_shares_with_intervals() -> None:
    result = Assessment.of(hostile(), small_map())
    figure = result.plot()
    on_map = [trace for trace in figure.data if trace.type == "scattergl"]
    assert sum(len(trace.x) for trace in on_map) == 6
    share = next(trace for trace in figure.data if trace.error_x.array is not None)
    drifted = result.input.drifted_share
    assert share.x[0] + share.error_x.array[0] == pytest.approx(drifted.upper)
    assert share.x[0] - share.error_x.arrayminus[0] == pytest.approx(drifted.lower)
    assert "<script" not in figure.to_json()
    assert len(Assessment.of(hostile()).plot().data) == len(figure.data) - len(on_map)
    assert not Assessment.of(not_enough_data()).plot().data


def test_a_result_can_be_pickled() -> None:
    result = Assessment.of(input_drift(), small_map())
    copy = pickle.loads(pickle.dumps(result))
    assert copy == result
    assert type(copy) is Assessment
    assert copy._repr_html_() == result._repr_html_()
