"""HTML report of an assessment: figures, escaping, bounded size, accessibility."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from monitor.rendering.numbers import (
    format_estimate,
    format_mean,
    format_share,
    format_window,
)
from monitor.statistics.alarm_levels import DEFAULT_LEVELS
from monitor.store.windows.assessment import Assessment, Basis, ShareEstimate, Source
from monitor.windows.report.figures import GROWTH_HEIGHT, growth
from monitor.windows.report.page import STYLES, render_findings, render_page, render_verdict
from tests.support.windows.assessment_cases import (
    WEEK,
    input_drift,
    no_drift,
    output_drift,
    responses_untested,
    slow_drift,
)
from tests.support.windows.assessments import (
    HOSTILE,
    estimated,
    huge,
    make_assessment,
    make_examples,
    make_family,
    make_growth,
    make_numeric_column,
    make_topic,
    make_version_assessment,
    not_enough_data,
)


class Outline(HTMLParser):
    """A parser that reads a page's headings, like a browser's outline."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def hostile() -> Assessment:
    topic = make_topic(name=HOSTILE, examples=make_examples(HOSTILE, "\u202eevil\x00"))
    return make_assessment(
        0.3,
        model=HOSTILE,
        headline=HOSTILE,
        input=make_family(
            verdict="drift", alarm=True, topics=(topic,), outliers=make_examples(HOSTILE)
        ),
        numeric_columns=(make_numeric_column(name=HOSTILE),),
        mix_current={HOSTILE: 0.5, "": 0.5},
        mix_reference={"cards": 1.0},
        remarks=(HOSTILE,),
        versions=(make_version_assessment(version=HOSTILE),),
        basis=Basis(
            seed=1,
            settings={HOSTILE: HOSTILE},
            levels=DEFAULT_LEVELS,
            reference=Source(name=HOSTILE),
        ),
    )


def test_page_shows_figures_of_input_drift() -> None:
    text = Outline(render_page(input_drift(), window=WEEK)).text
    for figure in (
        "assistant, 2 Nov to 8 Nov 2026 (UTC)",
        "500 sampled of about 10,000 exchanges",
        "About 31% (16% to 46%) of the prompts",
        "about 3,100 of 10,000 exchanges",
        "61 exchanges of 48 end users",
        "first seen 3 Nov 2026, 14:05 UTC in this window; known since 20 Oct 2026, 09:00 UTC",
        "at least 18 times as frequent (95% each)",
        "0.4% on 2 Nov, 18% on 4 Nov",
        "0.82 0.54 -34% (-39% to -29%)",
    ):
        assert figure in text


def test_enrichment_of_responses_names_comparable_prompts() -> None:
    topics = tuple(make_topic(index=index, name=f"topic {index}") for index in range(20))
    output = make_family("output", verdict="drift", alarm=True, topics=topics)
    text = Outline(render_page(make_assessment(output=output))).text
    assert text.count("at least 18 times as frequent among comparable prompts (95% each)") == 20


@pytest.mark.parametrize(("total", "affected"), [(None, "32"), (8000.0, "640")])
def test_drifted_share_counts_the_reported_version(total: float | None, affected: str) -> None:
    family = make_family(verdict="drift", alarm=True, drifted_share=estimated(0.08))
    versions = (
        make_version_assessment(version="v1", is_reported=False),
        make_version_assessment(estimated_current=total),
    )
    text = Outline(render_page(make_assessment(0.08, input=family, versions=versions))).text
    assert f"about {affected} of {total or 400:,.0f} exchanges of version v2" in text


def test_basis_names_seed_and_level_of_each_version() -> None:
    folded = Outline(render_page(output_drift())).text.partition("Basis of these figures")[2]
    for figure in (
        "391 end users",
        "v2: 400 exchanges of 390 end users",
        "seed 77",
        "level of the prompts 0.0025",
    ):
        assert figure in folded
    basis = output_drift().basis
    assert "Each version" not in Outline(render_page(make_assessment(basis=basis))).text


def test_basis_is_folded_and_complete() -> None:
    page = render_page(output_drift())
    folded = Outline(page[page.rindex("<details") : page.rindex("</details>")]).text
    for value in (
        "may.jsonl; 2 Nov 2026, 00:00 UTC to 9 Nov 2026, 00:00 UTC; digest ab12",
        "june.jsonl",
        "minilm@1/max256",
        "Seed 5;",
        "false_alarms_a_year 0.5",
        "prompts 0.005, responses 0.00075, their events 0.00025, metrics 0.000288 (one-sided)",
        "numpy 2.4.6",
        "scattered 2.5 0.01 0.02 undefined",
    ):
        assert value in folded


def test_findings_are_shown_where_only_a_part_was_compared() -> None:
    partly = render_page(responses_untested())
    assert '<div class="finding no_drift">' in partly
    assert '<div class="finding not_enough_data">' in partly
    assert '<div class="finding' not in render_page(not_enough_data())


def test_slow_drift_is_marked_as_drift_with_its_figures() -> None:
    page = render_page(slow_drift(), window=WEEK)
    assert '<div class="finding drift">' in page
    text = Outline(page).text
    assert text.count(f"{format_estimate(estimated(0.021))} of the prompts") == 1
    assert "p ≤ 0.0001, level 0.013, over 9 windows" in text
    assert "p = 0.30" in Outline(render_page(no_drift())).text


def test_response_is_next_to_the_baselines_response() -> None:
    text = Outline(render_page(output_drift())).text
    assert "Is my card covered? Yes, it is. Window Is my card insured? No." in text


def test_page_escapes_everything_and_fetches_nothing() -> None:
    page = render_page(hostile(), evidently="report%22.html")
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "\u202e" not in page
    tags = Outline(page).tags
    assert {"img", "link", "iframe", "object", "script"}.isdisjoint(tag for tag, _ in tags)
    targets = [
        value
        for _, attributes in tags
        for name, value in attributes.items()
        if name in {"src", "href"}
    ]
    assert targets == ["report%22.html"]
    assert "url(" not in page
    assert "@import" not in page


def test_parts_obey_the_content_policy_of_the_web_page() -> None:
    """The web page loads styles from files only and runs no inline code."""
    parts = render_verdict(hostile(), WEEK) + render_findings(hostile(), evidently="")
    for _, attributes in Outline(parts).tags:
        assert not {name for name in attributes if name == "style" or name.startswith("on")}


@pytest.mark.parametrize("character", ["x", '"', "\N{GRINNING FACE}", "語"])
def test_page_size_is_bounded(character: str) -> None:
    page = render_page(huge(character), window=WEEK, evidently="evidently.html")
    assert len(page.encode()) < 190_000
    for n_omitted in (174, 170, 88):
        assert f"and {n_omitted} " in page
    assert "985 other task types" in page


def test_long_texts_are_truncated_by_bytes() -> None:
    topic = make_topic(examples=make_examples("語" * 240, "y" * 240))
    family = make_family(verdict="drift", alarm=True, topics=(topic,))
    page = render_page(make_assessment(0.3, input=family))
    assert "<li>" + "y" * 199 + "…</li>" in page
    assert "<li>" + "語" * 133 + "…</li>" in page


def test_ordinary_page_has_less_than_30_kilobytes() -> None:
    assessment = make_assessment(
        0.3, numeric_columns=tuple(make_numeric_column(name=f"m{i}") for i in range(12))
    )
    assert len(render_page(assessment, window=WEEK).encode()) < 30_000


@pytest.mark.parametrize(
    ("assessment", "words"),
    [
        (make_assessment(), "No drift"),
        (make_assessment(0.2), "Drift"),
        (not_enough_data(), "Not enough data"),
    ],
)
def test_verdict_is_shown_as_icon_and_words(assessment: Assessment, words: str) -> None:
    page = render_page(assessment, window=WEEK)
    assert f"<span>{words}</span>" in page
    assert page.index("<svg") < page.index(f"<span>{words}</span>") < page.index("<h1>")
    assert assessment.headline in page


def test_page_has_headings_and_labels_for_screen_readers() -> None:
    tags = Outline(render_page(huge("x"), window=WEEK)).tags
    levels = [int(tag[1]) for tag, _ in tags if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    for tag, attributes in tags:
        if tag == "svg":
            assert attributes.get("aria-hidden") == "true" or attributes.get("aria-label")
        if tag == "th":
            assert attributes["scope"] in {"col", "row"}


def luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def palettes() -> list[dict[str, str]]:
    text = (STYLES / "palette.css").read_text(encoding="utf-8")
    colours = re.findall(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", text)
    return [{name: pair[theme] for name, *pair in colours} for theme in (0, 1)]


@pytest.mark.parametrize("palette", palettes(), ids=["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "ground"),
    [(ink, ground) for ink in ("ink", "soft") for ground in ("paper", "card", "sunk")]
    + [("accent", "paper"), ("accent", "card"), ("bad", "card"), ("soft", "bad-soft")]
    + [("ink", "warn-soft"), ("ink", "bad-soft")]
    + [(tone, f"{tone}-soft") for tone in ("good", "warn", "bad")]
    + [(tone, "card") for tone in ("good", "warn")],
)
def test_colours_have_the_contrast_of_wcag_aa(palette: dict, ink: str, ground: str) -> None:
    lighter, darker = sorted((luminance(palette[ink]), luminance(palette[ground])), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5


def test_mix_change_is_shown_where_it_was_tested() -> None:
    mix = {"mix_reference": {"cards": 1.0}, "mix_current": {"cards": 0.8, "other": 0.2}}
    moved = estimated(0.2)
    tested = render_page(make_assessment(**mix, mix_p_value=0.0015, mix_moved_share=moved))
    change = f"{format_estimate(moved)} of the traffic moved between task types"
    assert change.capitalize() in tested
    assert "p = 0.0015, level 0.05" in tested
    assert "moved between task types" not in render_page(make_assessment(**mix))


def test_mix_of_a_side_without_task_types_is_unknown() -> None:
    page = render_page(make_assessment(mix_current={"cards": 0.75, "loans": 0.25}))
    assert re.search(r"cards \S 75%", Outline(page).text)
    assert page.count('<rect class="now"') == 2
    assert '<rect class="before"' not in page


@pytest.mark.parametrize(
    ("share_reference", "expected"), [(0.0, "14:05 UTC"), (0.045, "14:05 UTC in this window")]
)
def test_first_seen_of_a_known_topic_names_the_window(
    share_reference: float, expected: str
) -> None:
    topic = make_topic(
        first_seen=datetime(2026, 11, 3, 14, 5, tzinfo=UTC), share_reference=share_reference
    )
    family = make_family(verdict="drift", alarm=True, topics=(topic,))
    text = Outline(render_page(make_assessment(0.3, input=family))).text
    assert text.partition("first seen 3 Nov 2026, ")[2].startswith(f"{expected} ")


def test_growth_chart_is_to_scale() -> None:
    drawn = growth(make_topic(share_reference=0.05, growth=make_growth(0.0, None, 0.1)), 0.1)
    assert drawn is not None
    assert [bar.height for bar in drawn.bars] == [0.0, 0.0, GROWTH_HEIGHT]
    assert [bar.y for bar in drawn.bars] == [GROWTH_HEIGHT, GROWTH_HEIGHT, 0.0]
    assert drawn.baseline == GROWTH_HEIGHT / 2
    assert drawn.bars[1].label == "3 Nov: no traffic"
    assert growth(make_topic(), 0.1) is None


def test_numbers_are_rounded() -> None:
    assert [format_mean(mean) for mean in (0.0, 0.01234, 812.4, 12345.6)] == [
        "0", "0.0123", "812", "12,346",
    ]  # fmt: skip
    assert [format_share(share) for share in (0.0, 0.004, 0.0994, 0.0996, 0.31)] == [
        "0%", "0.4%", "9.9%", "10%", "31%",
    ]  # fmt: skip
    for share, text in (
        (ShareEstimate(estimate=0.179, lower=0.14, upper=0.21), "about 18% (14% to 21%)"),
        (ShareEstimate(estimate=0.0123, lower=0.004, upper=0.026), "about 1.2% (0.4% to 2.6%)"),
        (
            ShareEstimate(estimate=0.2004, lower=0.2, upper=0.2008),
            "about 20.04% (20.00% to 20.08%)",
        ),
    ):
        assert format_estimate(share) == text
    new_year = (datetime(2026, 12, 28, tzinfo=UTC), datetime(2027, 1, 4, tzinfo=UTC))
    assert format_window(new_year) == "28 Dec 2026 to 3 Jan 2027"
    assert format_window((WEEK[0], datetime(2026, 11, 3, tzinfo=UTC))) == "2 Nov 2026"
