"""The page of an assessment: complete, escaped, small whatever the window holds, and readable."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from monitor.rendering.wording import format_change, format_mean, format_share, format_window
from monitor.store.windows.assessment import Assessment, Basis, DriftTest, Example, Quote, Source
from monitor.windows.report.figures import GROWTH_HEIGHT, growth, reach_of, whisker
from monitor.windows.report.page import STYLES, render_findings, render_page, render_verdict
from tests.support.windows.assessments import (
    HOSTILE,
    huge,
    make_assessment,
    make_examples,
    make_family,
    make_growth,
    make_numeric_column,
    make_slow,
    make_topic,
    make_version_assessment,
    not_enough_data,
)

WEEK = (datetime(2026, 11, 2, tzinfo=UTC), datetime(2026, 11, 9, tzinfo=UTC))


class Outline(HTMLParser):
    """Reads a page as a browser's outline does."""

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
        basis=Basis(seed=1, settings={HOSTILE: HOSTILE}, reference=Source(name=HOSTILE)),
    )


def test_the_page_says_who_is_hit_and_tells_input_from_output() -> None:
    topic = make_topic(
        first_seen=datetime(2026, 11, 3, 14, 5, tzinfo=UTC),
        known_since=datetime(2026, 10, 20, 9, 0, tzinfo=UTC),
        growth=make_growth(0.004, 0.05, 0.18),
    )
    family = make_family(
        verdict="drift", alarm=True, drifted_share_lower_bound=0.31, topics=(topic,)
    )
    assessment = make_assessment(
        0.31, input=family, estimated_current=10_000.0, numeric_columns=(make_numeric_column(),)
    )
    text = Outline(render_page(assessment, window=WEEK)).text
    for expected in (
        "People ask about new things.",
        "assistant, 2 Nov to 8 Nov 2026 (UTC): 500 sampled of about 10,000 exchanges against 2,000",
        "at least 31% of the prompts are unlike the baseline: 3,100 or more of 10,000 exchanges",
        "Every exchange, on average: resolved 0.82 before, 0.54 now.",
        "Input: the prompts People ask about new things",
        "Output: the answers, given the prompts Given what they ask, the answers are",
        "61 exchanges of 48 users; first seen 3 Nov 2026, 14:05 UTC in this window; known since",
        "known since 20 Oct 2026, 09:00 UTC",
        "0.3% before, 12% now: at least 18 times as frequent (95%)",
        "By day: 0.4% on 2 Nov, 18% on 4 Nov. Dashed: the baseline.",
        "How do I move my crypto wallet?",
        "resolved worse higher is better 0.82 0.54 -34.0% (-39.0 to -29.0) -0.28",
    ):
        assert expected in text


def test_of_answers_the_factor_is_among_like_prompts() -> None:
    topics = tuple(make_topic(index=index, name=f"topic {index}") for index in range(20))
    output = make_family("output", verdict="drift", alarm=True, topics=topics)
    text = Outline(render_page(make_assessment(output=output))).text
    assert "12% now: at least 18 times as frequent among like prompts (95%)" in text
    assert "0.3% 12% at least 18 times as frequent among like prompts (95%)" in text


def test_of_several_versions_the_share_is_that_of_the_one_that_speaks() -> None:
    family = make_family(verdict="drift", alarm=True, drifted_share_lower_bound=0.08)
    versions = (make_version_assessment(version="v1", is_reported=False), make_version_assessment())
    text = Outline(render_page(make_assessment(0.08, input=family, versions=versions))).text
    assert "unlike the baseline: 32 or more of 400 exchanges of version v2." in text
    sampled = (make_version_assessment(estimated_current=8000.0),)
    text = Outline(render_page(make_assessment(0.08, input=family, versions=sampled))).text
    assert "unlike the baseline: 640 or more of 8,000 exchanges of version v2." in text


def test_what_figures_rest_on_names_the_seed_and_level_of_each_version() -> None:
    versions = (
        make_version_assessment(version="v1", is_reported=False, n_users=1),
        make_version_assessment(n_users=390, seed=77, alpha=0.0025),
    )
    basis = Basis(seed=5, settings={"alpha": 0.005}, current=Source(n_users=391))
    text = Outline(render_page(make_assessment(versions=versions, basis=basis))).text
    assert "500 exchanges of 391 users or sessions" in text
    assert "Seed 5; on the same exchanges it gives the same figures" in text
    assert "v2: 400 exchanges of 390 users or sessions, seed 77, from that of the window" in text
    assert "alpha 0.0025" in text
    assert "Each version" not in Outline(render_page(make_assessment(basis=basis))).text


def test_what_was_compared_is_shown_where_the_rest_was_not_enough() -> None:
    text = Outline(render_page(make_assessment(verdict="not_enough_data"))).text
    assert "Input and output, told apart" in text
    assert "Input and output, told apart" not in Outline(render_page(not_enough_data())).text


def test_slow_drift_is_told_beside_the_window_by_itself() -> None:
    drifting = make_assessment(
        verdict="drift", alarm=True, input=make_family(slow=make_slow()), numeric_columns=()
    )
    page = render_page(drifting, window=WEEK)
    text = Outline(page).text
    share = "about 2.1% of the prompts, at least 1.4%, are unlike those before it began."
    assert f"Who is hit Prompts: {share}" in text
    assert "What people ask has been drifting slowly since 5 Oct Slow drift since" in text
    assert "began. This window by itself: p = 0.40, all tests together" in text
    assert (
        f"Slow drift since 5 Oct, found in the window of 26 Oct (p = 2e-06 over 9 windows): {share}"
        in text
    )
    assert '<div class="finding drift">' in page
    watched = make_family(
        slow=make_slow(verdict="no_drift", alarm=False, since=None, found=None, p_value=0.3)
    )
    text = Outline(render_page(make_assessment(input=watched))).text
    assert "No slow drift over 9 windows (p = 0.30)." in text
    assert "Nothing that chance doesn't explain." in text
    little = make_assessment(input=make_family(slow=make_slow(alarm=False)))
    assert (
        "What people ask has been moving a little since 5 Oct" in Outline(render_page(little)).text
    )


def test_an_answer_stands_beside_what_was_answered_before() -> None:
    example = Example(
        prompt="Is my card insured?",
        response="No.",
        before=Quote(prompt="Is my card covered?", response="Yes, it is."),
    )
    output = make_family(
        "output", verdict="drift", alarm=True, topics=(make_topic(examples=(example,)),)
    )
    text = Outline(render_page(make_assessment(output=output))).text
    assert "What is answered otherwise" in text
    assert "Before Is my card covered? Yes, it is. Now Is my card insured? No." in text


def test_what_the_figures_rest_on_is_folded_away() -> None:
    basis = Basis(
        seed=17,
        settings={"alpha": 0.005},
        encoder="minilm@1/max256",
        reference=Source(name="may.jsonl", digest="ab12", n_users=300, first=WEEK[0], last=WEEK[1]),
        current=Source(name="june.jsonl", n_users=90),
        versions={"numpy": "2.4.6"},
    )
    test = DriftTest(
        name="scattered", statistic=2.5, p_value=0.01, adjusted_p_value=0.02, effect_size=None
    )
    family = make_family(tests=(test,))
    page = render_page(make_assessment(basis=basis, input=family))
    folded = Outline(page[page.index("<details") : page.index("</details>")]).text
    for expected in (
        "2,000 exchanges of 300 users or sessions; may.jsonl; 2 Nov 2026, 00:00 UTC to 9 Nov",
        "digest ab12",
        "500 exchanges of 90 users or sessions; june.jsonl",
        "minilm@1/max256",
        "17; on the same exchanges",
        "alpha 0.005",
        "numpy 2.4.6",
        "scattered 2.5 0.01 0.02 undefined",
    ):
        assert expected in folded
    assert "500 exchanges of june.jsonl against 2,000 of may.jsonl" in Outline(page).text


def test_the_page_escapes_everything_and_fetches_nothing() -> None:
    page = render_page(hostile(), evidently="report%22.html")
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "\u202e" not in page
    tags = Outline(page).tags
    assert {"img", "link", "iframe", "object", "script"}.isdisjoint(tag for tag, _ in tags)
    targets = [
        value for _, given in tags for name, value in given.items() if name in {"src", "href"}
    ]
    assert targets == ["report%22.html"]
    assert "url(" not in page
    assert "@import" not in page


def test_its_parts_obey_the_policy_of_the_review_page() -> None:
    """There styles come from files only, and nothing runs."""
    parts = render_verdict(hostile(), WEEK) + render_findings(hostile(), evidently="")
    for _, attributes in Outline(parts).tags:
        assert not {name for name in attributes if name == "style" or name.startswith("on")}


@pytest.mark.parametrize("character", ["x", '"', "\N{GRINNING FACE}", "語"])
def test_the_page_stays_small_whatever_the_window_holds(character: str) -> None:
    page = render_page(huge(character), window=WEEK, evidently="evidently.html")
    assert len(page.encode()) < 190_000
    for counted in (
        "and 174 more, each of a smaller share",
        "and 170 more, of smaller effect",
        "and 985 more that moved less",
        "and 88 more remarks",
    ):
        assert counted in page


def test_long_texts_are_cut_by_what_they_weigh() -> None:
    topic = make_topic(examples=make_examples("語" * 240, "y" * 240))
    family = make_family(verdict="drift", alarm=True, topics=(topic,))
    page = render_page(make_assessment(0.3, input=family))
    assert "<li>" + "y" * 199 + "…</li>" in page
    assert "<li>" + "語" * 133 + "…</li>" in page


def test_an_ordinary_page_is_a_few_tens_of_kilobytes() -> None:
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
def test_every_verdict_is_told_in_words_beside_an_icon(assessment: Assessment, words: str) -> None:
    page = render_page(assessment, window=WEEK)
    assert f"<span>{words}</span>" in page
    assert page.index("<svg") < page.index(f"<span>{words}</span>") < page.index("<h1>")
    assert assessment.headline in page


def test_a_screen_reader_finds_its_way() -> None:
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
    linear = [one / 12.92 if one <= 0.03928 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return sum(weight * one for weight, one in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


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


def test_the_change_of_mix_is_told_where_it_was_tested() -> None:
    mix = {"mix_reference": {"cards": 1.0}, "mix_current": {"cards": 0.8, "other": 0.2}}
    tested = render_page(make_assessment(**mix, mix_p_value=0.0015, mix_effect_size=0.2))
    assert "20.0% of the traffic moved between task types, p = 0.0015" in tested
    assert "moved between task types" not in render_page(make_assessment(**mix))


def test_the_mix_of_a_side_that_names_no_task_is_unknown() -> None:
    page = render_page(make_assessment(mix_current={"cards": 0.75, "loans": 0.25}))
    assert re.search(r"cards \S 75%", Outline(page).text)
    assert page.count('<rect class="now"') == 2
    assert '<rect class="before"' not in page


@pytest.mark.parametrize(
    ("before", "told"), [(0.0, "14:05 UTC"), (0.045, "14:05 UTC in this window")]
)
def test_what_was_there_before_is_not_first_seen_now(before: float, told: str) -> None:
    topic = make_topic(first_seen=datetime(2026, 11, 3, 14, 5, tzinfo=UTC), share_reference=before)
    family = make_family(verdict="drift", alarm=True, topics=(topic,))
    text = Outline(render_page(make_assessment(0.3, input=family))).text
    assert text.partition("first seen 3 Nov 2026, ")[2].startswith(f"{told} ")


def test_growth_is_drawn_to_scale() -> None:
    drawn = growth(make_topic(share_reference=0.05, growth=make_growth(0.0, None, 0.1)))
    assert drawn is not None
    assert [bar.height for bar in drawn.bars] == [0.0, 0.0, GROWTH_HEIGHT]
    assert [bar.y for bar in drawn.bars] == [GROWTH_HEIGHT, GROWTH_HEIGHT, 0.0]
    assert drawn.baseline == GROWTH_HEIGHT / 2
    assert drawn.bars[1].label == "3 Nov: no traffic"
    assert growth(make_topic()) is None


def test_whiskers_lie_on_one_axis() -> None:
    wide = make_numeric_column(effect_size=-0.28, effect_lower=-0.34, effect_upper=-0.2)
    narrow = make_numeric_column(effect_size=0.1)
    assert reach_of([wide, narrow]) == 0.4
    assert reach_of([]) == 0.1
    assert reach_of([make_numeric_column(effect_size=-1.0)]) == 1.0
    drawn = whisker(wide, 0.4)
    assert drawn.lower is not None
    assert drawn.upper is not None
    assert 0 < drawn.lower < drawn.dot < drawn.upper < 60
    assert whisker(make_numeric_column(effect_size=0.0), 0.4).dot == 60
    assert whisker(narrow, 0.4).lower is None


def test_numbers_are_short() -> None:
    assert [format_mean(one) for one in (0.0, 0.01234, 812.4, 12345.6)] == [
        "0", "0.0123", "812", "12,346",
    ]  # fmt: skip
    assert [format_share(one) for one in (0.0, 0.004, 0.0994, 0.0996, 0.31)] == [
        "0%", "0.4%", "9.9%", "10%", "31%",
    ]  # fmt: skip
    undefined = {"relative_change": None, "relative_change_lower": None}
    assert format_change(make_numeric_column(**undefined, reference_mean=0.0)) == "from 0"
    assert format_change(make_numeric_column(**undefined)) == "undefined"
    new_year = (datetime(2026, 12, 28, tzinfo=UTC), datetime(2027, 1, 4, tzinfo=UTC))
    assert format_window(new_year) == "28 Dec 2026 to 3 Jan 2027"
    assert format_window((WEEK[0], datetime(2026, 11, 3, tzinfo=UTC))) == "2 Nov 2026"
