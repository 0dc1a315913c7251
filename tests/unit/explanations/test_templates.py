"""Templates around any text: what they match, and the text inside."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.explanations.punctuation import without_final_signs
from monitor.explanations.templates.number_masks import NUMBER, mask_numbers
from monitor.explanations.templates.template import Template

TEXTS = st.text(max_size=60)
PARTS = st.text(
    st.characters(codec="utf-8", exclude_characters=NUMBER), min_size=1, max_size=20
).map(lambda part: mask_numbers(part.strip()))


@settings(max_examples=50)
@given(TEXTS, PARTS, PARTS)
@example("what is 12", "[web]", "")
@example("?!", "Q:", "A")
def test_text_inside_a_template_is_recovered(text: str, beginning: str, end: str) -> None:
    template = Template(beginning.replace(NUMBER, "n"), end.replace(NUMBER, "n"))
    whole = f"{template.beginning} {text.strip()} {template.end}"
    if template.beginning and without_final_signs(template.end):
        assert template.unwrap(whole) == text.strip()


@given(TEXTS, PARTS, PARTS)
def test_text_outside_a_template_stays_as_it_is(text: str, beginning: str, end: str) -> None:
    template = Template(beginning, end)
    if not template.matches(text):
        assert template.unwrap(text) == text


@given(TEXTS, PARTS, PARTS)
@example("", "Question:", "")
def test_template_takes_only_a_beginning_and_an_end(text: str, beginning: str, end: str) -> None:
    assert Template(beginning, end).unwrap(text) in text


@given(TEXTS)
def test_masking_numbers_twice_is_masking_once(text: str) -> None:
    assert mask_numbers(mask_numbers(text)) == mask_numbers(text)


def test_number_in_a_template_matches_any_number() -> None:
    template = Template(mask_numbers("[Mon, 2 Nov 2026 08:15]"))
    assert template.text == "[…]"
    assert template.unwrap("[Tue, 17 Dec 2026 23:59] block my card") == "block my card"
    assert not template.matches("[today] block my card")


def test_beginning_does_not_end_within_a_word() -> None:
    assert Template("can").unwrap("cancel it") == "cancel it"
    assert Template("can").unwrap("Can cancel it") == "cancel it"


def test_template_longer_than_the_text_does_not_match() -> None:
    assert not Template("Please answer:", "Be brief").matches("Please answer:")
    assert Template("Please answer:").unwrap("Please answer:") == ""
