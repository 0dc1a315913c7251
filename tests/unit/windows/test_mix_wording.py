"""Another mix of known topics: both shares are named wherever the drifted share is."""

from msgspec.structs import replace

from monitor.rendering.numbers import format_estimate
from monitor.rendering.response_changes import describe_extent
from monitor.rendering.wording import count_affected
from monitor.store.windows.assessment import Assessment, FamilyAssessment
from monitor.web.drift.window_chart import _describe
from monitor.windows.exchanges.rows import rows_of_assessment
from monitor.windows.exchanges.text import describe
from monitor.windows.report.page import render_page
from tests.support.windows.assessments import estimated, make_assessment, make_family

MOVED, DRIFTED = estimated(0.25), estimated(0.033)


def mixed(*, is_mix: bool = True) -> FamilyAssessment:
    return make_family(
        verdict="drift",
        alarm=True,
        p_value=0.001,
        drifted_share=DRIFTED,
        moved_share=MOVED,
        is_mix=is_mix,
    )


def assessment(family: FamilyAssessment) -> Assessment:
    return make_assessment(input=family, alarm=True, verdict="drift", n_current=1000)


def test_both_shares_are_named_on_every_surface() -> None:
    mix = assessment(mixed())
    shares = [format_estimate(share).removeprefix("about ") for share in (MOVED, DRIFTED)]
    texts = (
        describe_extent(mix.input),
        describe(mix),
        _describe("prompts", mix.input),
        render_page(mix),
    )
    for text in texts:
        assert [share for share in shares if share not in text] == [], text


def test_affected_exchanges_are_those_that_moved() -> None:
    assert "about 250 of 1,000 exchanges" in count_affected(mixed(), assessment(mixed()))
    new = mixed(is_mix=False)
    assert "about 33 of 1,000 exchanges" in count_affected(new, assessment(new))


def test_moved_share_is_left_out_where_new_prompts_explain_it() -> None:
    text = render_page(assessment(mixed(is_mix=False)))
    assert format_estimate(MOVED).removeprefix("about ") not in text
    assert format_estimate(DRIFTED).removeprefix("about ") in text


def test_frame_has_both_moved_shares_with_intervals() -> None:
    document = replace(
        assessment(mixed()), mix_p_value=0.01, mix_effect_size=0.3, mix_moved_share=estimated(0.2)
    )
    rows = {
        (row["family"], row["kind"]): row
        for row in rows_of_assessment(document)
        if row["kind"] == "moved_share"
    }
    assert rows["input", "moved_share"]["estimate"] == 0.25
    assert rows["mix", "moved_share"]["lower"] == 0.1
    assert rows["mix", "moved_share"]["p_value"] == 0.01
