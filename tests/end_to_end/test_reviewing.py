"""Review in a browser: by keyboard, two reviewers at once, and all other actions."""

import pytest
from playwright.sync_api import expect

from monitor.store.engine import transaction
from monitor.store.review.items import item_by_id, items_of_batches
from monitor.store.review.reviews import gold_of_batches, reviews_of
from monitor.web.review.review_pages import DIMENSIONS
from tests.support.web.reviewer_actions import accept, correct, number, see, start, submit
from tests.support.web.site import Site
from tests.support.web.support_desk import ARABIC, CODE, queue_of

pytestmark = pytest.mark.browser


def test_a_full_review_by_keyboard_alone(site: Site) -> None:
    page = site.open("Ada")
    expect(
        page.get_by_role("heading", name="Your reviews decide what the model learns")
    ).to_be_visible()
    # A slow machine gives the button its focus only some time after the page has loaded.
    expect(page.get_by_role("button", name="Start with the first of 40")).to_be_focused()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    first = number(page)
    accept(page)
    second = number(page)
    assert first != second

    for key in "4325":
        page.keyboard.press(key)
    page.keyboard.press("e")
    page.keyboard.type(" Please call us at once.")
    expect(page.locator("#diff ins")).to_contain_text("Please call us at once.")
    page.keyboard.press("Escape")
    page.keyboard.press("d")
    expect(page.locator("#diff")).to_be_hidden()
    page.keyboard.press("d")
    page.locator("#comment").focus()
    page.keyboard.type("The guidelines are silent on this.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#problem")).to_have_text("Select the kind of error.")
    page.keyboard.press("4")  # the focus is where the answer is missing, and moves on
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator("[name=answerable][value=facts_missing]")).to_be_checked()
    submit(page)

    with transaction(site.engine) as connection:
        accepted, corrected = reviews_of(connection, [first, second])
    assert (
        accepted.verdict, accepted.accuracy, accepted.completeness, accepted.tone,
        accepted.compliance,
    ) == ("accept", 5, 5, 5, 5)  # fmt: skip
    assert (
        corrected.verdict, corrected.accuracy, corrected.completeness, corrected.tone,
        corrected.compliance,
    ) == ("correct", 4, 3, 2, 5)  # fmt: skip
    assert corrected.corrected_response.endswith("Please call us at once.")
    assert (corrected.error_kind, corrected.answerable) == ("tone", "facts_missing")
    assert corrected.comment == "The guidelines are silent on this."


def test_a_missing_kind_of_error_is_requested(site: Site) -> None:
    page = site.open("Ada")
    start(page)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#problem")).to_contain_text("Select a verdict")
    page.keyboard.press("x")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#problem")).to_have_text("Select the kind of error.")
    assert page.evaluate("document.activeElement.name") == "error_kind"


@pytest.mark.parametrize("by", ["keys", "mouse"])
def test_digits_change_the_marked_field_and_no_other(site: Site, by: str) -> None:
    page = site.open("Ada")
    start(page)
    marked = "[...document.querySelectorAll('.score.active')].map((row) => row.dataset.score)"
    if by == "keys":
        for key in "2433":
            page.keyboard.press(key)
        page.keyboard.press("x")
    else:
        page.locator("#review .choice.reject").click()
        for name, value in zip(DIMENSIONS, "2433", strict=True):
            page.locator(f"[data-score={name}] .choice").nth(int(value) - 1).click()
        page.locator("[data-field=error_kind]").focus()
    assert page.evaluate(marked) == [], "the scores are done"
    for key in "4", "1", "5", "5":  # the kind of error, the question; then nothing is marked
        page.keyboard.press(key)
    values = page.evaluate("Object.fromEntries(new FormData(document.getElementById('review')))")
    assert [values[name] for name in DIMENSIONS] == ["2", "4", "3", "3"]
    assert (values["error_kind"], values["answerable"], values["comment"]) == ("tone", "yes", "")
    expect(page.get_by_role("button", name="Submit")).to_be_focused()
    expect(page.locator("#hint")).to_contain_text("No field takes this digit")
    for group in page.locator("#review .numbered").all():
        n = group.locator("input").count()
        assert [str(place) for place in range(1, n + 1)] == [
            key.inner_text() for key in group.locator("kbd").all() if key.is_visible()
        ]


def test_two_reviewers_at_once_make_gold(site: Site) -> None:
    ada, ben = site.open("Ada"), site.open("Ben")
    item = start(ada)
    assert item == start(ben)
    accept(ada)
    response = ben.request.get(f"{site.url}/api/items/{item}")
    assert response.json()["reviews"] == []
    ben.reload()
    assert "Ada" not in ben.locator("main").inner_text()
    accept(ben)
    site.settle()
    with transaction(site.engine) as connection:
        (gold,) = gold_of_batches(connection, [site.world.batch_id])
    assert (item, "accept", "agreed") == (gold.item_id, gold.verdict, gold.resolution)


def test_the_last_review_can_be_withdrawn(site: Site) -> None:
    page = site.open("Ada")
    item = start(page)
    correct(page, "Call us at once.", kind="tone", answerable="needs_judgement")
    expect(page.locator(".toast")).to_contain_text(f"Item {item} submitted.")
    with page.expect_navigation():
        page.keyboard.press("u")
    assert item == number(page)
    expect(page.locator("#corrected")).to_have_value("Call us at once.")
    expect(page.locator("[name=answerable][value=needs_judgement]")).to_be_checked()
    with transaction(site.engine) as connection:
        assert reviews_of(connection, [item]) == []
    see(page)
    page.keyboard.press("a")  # over an edit, one key is not enough
    expect(page.locator("#hint")).to_contain_text("Enter accepts it as the model wrote it")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    ben = site.open("Ben")
    assert item == start(ben)
    accept(ben)
    site.settle()
    page.keyboard.press("u")
    expect(page.locator(".toast")).to_contain_text("both reviews are compared")
    page.keyboard.press("u")
    expect(page.locator(".toast")).to_contain_text("nothing to undo")


def test_skipping_flagging_and_help(site: Site) -> None:
    page = site.open("Ada")
    first = start(page)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("a")  # keys rest while a dialog is open
    page.keyboard.press("Escape")
    expect(page.locator("[name=verdict]:checked")).to_have_count(0)
    with page.expect_navigation():
        page.keyboard.press("s")
    second = number(page)
    assert first != second
    page.keyboard.press("f")
    dialog = page.get_by_role("dialog", name="Flag this item")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    page.keyboard.press("f")
    dialog.get_by_label("Details").fill("an IBAN")
    with page.expect_navigation():
        page.keyboard.press("Enter")  # the button that flags, not the one that closes
    expect(page.locator(".toast")).to_have_text(f"Item {second} is flagged. A lead will decide.")
    with transaction(site.engine) as connection:
        items = {item.id: item for item in items_of_batches(connection, [site.world.batch_id])}
    assert (
        items[second].status, items[second].excluded_reason,
    ) == ("flagged", "Personal data: an IBAN")  # fmt: skip
    assert items[first].status == "queued"
    page.goto(f"{site.url}/review/{second}")
    expect(page.get_by_role("heading", name="Waiting for a lead")).to_be_visible()

    lead = site.open("Lea", f"/review/{second}")
    expect(lead.get_by_text("Personal data: an IBAN")).to_be_visible()
    with lead.expect_navigation():
        lead.get_by_role("button", name="Restore").click()
    with transaction(site.engine) as connection:
        assert item_by_id(connection, second).status == "queued"


def test_guidelines_stay_open_from_item_to_item(site: Site) -> None:
    page = site.open("Ada")
    start(page)
    guidelines = page.get_by_role("complementary", name="Guidelines")
    expect(guidelines).to_be_hidden()
    page.keyboard.press("g")
    expect(guidelines).to_be_focused()
    expect(guidelines).to_contain_text("A card is lost or stolen")
    expect(guidelines).to_contain_text("Guidelines 0633d4ae70")
    guidelines.get_by_text("Abroad, without any money").click()
    expect(guidelines).to_contain_text("emergency cash paid out to you in Lisbon")
    accept(page)
    expect(guidelines).to_be_visible()
    expect(guidelines).to_contain_text("There are no guidelines for this task type.")
    page.keyboard.press("g")
    expect(guidelines).to_be_hidden()


def test_texts_keep_their_form(site: Site) -> None:
    _, code, arabic = queue_of(site.world)[:3]
    page = site.open("Ada")
    start(page)
    accept(page)
    assert code == number(page)
    prompt = CODE[0][1]["content"]
    turn = page.locator(".turn.user")
    assert prompt == "".join(
        turn.locator(".text").evaluate_all("all => all.map(e => e.textContent)")
    )
    block = turn.locator("pre.code")
    assert block.evaluate("e => getComputedStyle(e).whiteSpace") == "pre"
    assert "    print(" in block.inner_text()
    accept(page)
    assert arabic == number(page)
    response = page.locator("#response .text")
    assert response.evaluate("e => getComputedStyle(e).direction") == "rtl"
    assert ARABIC[1] == response.evaluate("e => e.textContent")
    page.keyboard.press("e")
    assert page.locator("#corrected").evaluate("e => getComputedStyle(e).direction") == "rtl"


def test_the_diff_gives_back_both_texts(site: Site) -> None:
    page = site.open("Ada")
    script = """async ([before, after]) => {
        const { diffWords } = await import("/static/diff.js");
        const began = performance.now();
        return [diffWords(before, after), performance.now() - began];
    }"""
    pairs = [
        ("a b c", "a x c"),
        ("", "new"),
        ("one two", ""),
        ("a b c d", "x y c z"),
        ("é 1", "é 2"),
        ("日本語の文", "日本の短い文"),
    ]
    words = [f"word{n * 7919 % 1999}{'.' if n % 9 else chr(10)}" for n in range(6000)]
    for every in (2500, 250, 25, 3):
        changed = [f"new{n}" if n % every == 0 else word for n, word in enumerate(words)]
        pairs.append((" ".join(words), " ".join(changed)))
    pairs.append((" ".join(words), " ".join(f"other{n}" for n in range(6000))))
    assert len(pairs[-1][0]) > 50_000
    slowest = 0.0
    for before, after in pairs:
        parts, took = page.evaluate(script, [before, after])
        assert before == "".join(text for kind, text in parts if kind != "added")
        assert after == "".join(text for kind, text in parts if kind != "removed")
        slowest = max(slowest, took)
    assert slowest < 1000, f"{slowest:.0f} ms"
    parts, _ = page.evaluate(script, ["a b c", "x y c"])
    assert parts == [["removed", "a b"], ["added", "x y"], ["same", " c"]]
    parts, _ = page.evaluate(script, ["日本語の文", "日本の文"])
    assert parts == [["same", "日本"], ["removed", "語"], ["same", "の文"]]


def test_the_colour_theme_is_remembered(site: Site) -> None:
    page = site.open("Ada", color_scheme="light")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(ground)
    button = page.locator("#theme-button")
    button.click()
    button.click()
    expect(button).to_have_accessible_name("Colours: dark")
    dark = page.evaluate(ground)
    assert light != dark
    page.reload()
    assert dark == page.evaluate(ground)
    button.click()
    assert light == page.evaluate(ground), "as the system has it"


def test_a_problem_of_the_connection_goes_with_it(site: Site) -> None:
    page = site.open("Ada")
    start(page)
    page.keyboard.press("x")
    for key in "41":
        page.keyboard.press(key)
    page.context.set_offline(True)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#problem")).to_contain_text("The server does not respond.")
    page.context.set_offline(False)
    expect(page.locator("#problem")).to_be_hidden(timeout=20_000)
    with page.expect_navigation():
        page.keyboard.press("Control+Enter")


def test_redaction_is_shown_while_typing_and_after_submission(site: Site) -> None:
    page = site.open("Ada")
    start(page)
    box, comment = page.locator("#redacted"), page.locator("#comment")
    expect(box).to_be_hidden()

    comment.fill("Ask zebra@example.org first.")
    expect(box).to_contain_text("1 × [EMAIL]")  # noqa: RUF001
    expect(box).to_contain_text("Ask [EMAIL] first.")
    comment.fill("Ask support first.")
    expect(box).to_be_hidden()  # the draft is edited
    comment.fill("Ask zebra@example.org first.")
    expect(box).to_be_visible()
    page.keyboard.press("Escape")
    item = number(page)
    accept(page)

    expect(box).to_contain_text("Ask [EMAIL] first.")
    expect(box).to_contain_text(f"Your text on item {item} contained personal data")
    box.get_by_role("button", name="Close").click()
    expect(box).to_be_hidden()
    page.reload()
    expect(box).to_be_hidden()
