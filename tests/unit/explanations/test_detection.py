"""Explanations of planted changes: kind, shares, order, and nothing beside them."""

import base64
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from monitor.explanations import FoundExplanation, TextSide, find_explanations, take_out
from tests.unit.explanations.natural_prompts import make_prompts

N = 600
BASELINE, WINDOW = make_prompts(N, 1), make_prompts(N, 2)


def explain(current: list[str], reference: list[str] = BASELINE) -> tuple[FoundExplanation, ...]:
    return find_explanations(TextSide(texts=reference), TextSide(texts=current))


def change_share(change: Callable[[str], str], share: float) -> list[str]:
    rng = random.Random(3)
    return [change(prompt) if rng.random() < share else prompt for prompt in WINDOW]


def kinds(explanations: tuple[FoundExplanation, ...]) -> list[str]:
    return [explanation.kind for explanation in explanations]


SPANISH = (
    *(
        "quiero saber el saldo de mi cuenta",
        "bloquea la tarjeta de mi marido",
        "donde está mi maleta",
    ),
    *("reserva una mesa para dos personas", "cuánto cuesta un vuelo a roma", "cancela el pedido"),
    *("qué tiempo hace en la ciudad", "pon una alarma para las seis", "cambia la clave secreta"),
)
SPANISH_ENDINGS = (
    "por favor",
    "hoy mismo",
    "esta semana",
    "otra vez",
    "con mi mujer",
    "sin pagar más",
)


def to_spanish(prompt: str) -> str:
    rng = random.Random(prompt)
    return f"{rng.choice(SPANISH)} {rng.choice(SPANISH_ENDINGS)} {rng.choice(SPANISH_ENDINGS)}"


NAMES = ("Ann Lee", "Tom Becker", "Aisha Khan", "Wei Chen", "Olga Petrova", "Priya Nair", "Jo")


def name_of(text: str) -> str:
    return random.Random(text).choice(NAMES)


PLANTED: dict[str, tuple[Callable[[str], str], list[str], str]] = {
    "header": (lambda text: f"[web widget, phone] {text}", ["prefix"], "[web widget, phone]"),
    "names": (
        lambda text: f"Customer: {name_of(text)}\nOpened: {len(text)} May\nMessage: {text}",
        ["prefix"],
        "Customer: …\nOpened: …\nMessage:",
    ),
    "name first": (lambda text: f"{name_of(text)} writes: {text}", ["prefix"], "… writes:"),
    "signature": (
        lambda text: f"{text}\n\nBest regards,\n{name_of(text)}",
        ["suffix"],
        "Best regards,\n…",
    ),
    "signed phone": (
        lambda text: f"{text}\nBest regards,\n{name_of(text)}\nSent from my phone",
        ["suffix"],
        "Best regards,\n… Sent from my phone",
    ),
    "words": (lambda text: f"answer this for me {text}", ["prefix"], "answer this for me"),
    "capitals": (lambda text: f"CUSTOMER SAYS: {text}", ["prefix"], "CUSTOMER SAYS:"),
    "date": (
        lambda text: f"[2026-11-{len(text):02} 12:01] {text}",
        ["prefix"],
        "[…]",
    ),
    "footer": (
        lambda text: f"{text}\n\n--\nSent from my phone",
        ["suffix"],
        "--\nSent from my phone",
    ),
    "slot": (
        lambda text: f"Answer the question: {text}\nBe brief.",
        ["prefix"],
        "Answer the question: … Be brief.",
    ),
    "shouting": (str.upper, ["letter_case"], "in capitals"),
    "signs": (lambda text: f"{text}!!", ["punctuation"], "“!!” at the end"),
    "bullets": (lambda text: "- " + text.replace(" ", "\n- ", 1), ["markup"], "bullet lists"),
    "HTML": (
        lambda text: " <b>".join(text.split(" ", 1)) + "</b>",
        ["markup"],
        "HTML",
    ),
    "base64": (
        lambda text: base64.b64encode(text.encode()).decode(),
        ["encoding"],
        "base64",
    ),
    "entities": (lambda text: text.replace(" ", "&nbsp;"), ["encoding"], "HTML entities"),
    "invisible": (lambda text: f"\u200b{text}", ["encoding"], "invisible characters"),
    "broken": (
        lambda text: " “".join(text.rsplit(" ", 1)).encode().decode("latin-1"),
        ["encoding"],
        "UTF-8 read as Latin-1",
    ),
    "JSON": (lambda text: f'{{"text": "{text}"}}', ["prefix"], '{"text": " … "}'),
    "emoji": (lambda text: f"👋 {text}", ["prefix"], "👋"),
    "Spanish": (to_spanish, ["language"], "Spanish"),
    "cut": (lambda text: text[:24], ["cut_off"], "at 24 characters"),
    "copies": (lambda _: "what does the fox say", ["copies"], "what does the fox say"),
}


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.05, pytest.param(1.0, marks=pytest.mark.drill)])
@pytest.mark.parametrize("name", PLANTED)
def test_planted_change_is_the_one_explanation(name: str, share: float) -> None:
    change, expected, text = PLANTED[name]
    current = change_share(change, share)
    explanations = explain(current)
    assert kinds(explanations) == expected
    assert explanations[0].text == text
    assert explanations[0].difference.lower > 0.0
    if name != "cut":  # shorter prompts are as they were
        truth = sum(after != before for after, before in zip(current, WINDOW, strict=True)) / N
        assert explanations[0].current.lower <= truth <= explanations[0].current.upper
        assert explanations[0].reference.mean <= 0.01


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_drift_free_texts_have_no_explanation(seed: int) -> None:
    reference, current = make_prompts(N, 100 + seed), make_prompts(N, 200 + seed)
    assert explain(current, reference) == ()


@pytest.mark.slow
def test_natural_beginning_of_a_new_topic_is_no_template() -> None:
    words = [f"{opening} {place}" for opening in "abcdefgh" for place in ("shop", "bank", "inn")]
    translations = [
        f"how do you say {word} in {language}" for word in words for language in LANGUAGES
    ]
    current = WINDOW[:400] + random.Random(1).sample(translations, 100) + WINDOW[400:500]
    assert not {"prefix", "suffix"}.intersection(kinds(explain(current)))


LANGUAGES = ("french", "german", "polish", "greek", "danish")


@pytest.mark.slow
def test_rise_of_a_natural_beginning_is_no_template() -> None:
    current = [
        f"is it possible to {text}" if row % 8 == 0 else text for row, text in enumerate(WINDOW)
    ]
    assert explain(current) == ()


@pytest.mark.slow
def test_lost_template_is_explained_by_its_text() -> None:
    (explanation,) = explain(WINDOW, [f"Answer the question: {text}" for text in BASELINE])
    assert (explanation.kind, explanation.text) == ("prefix", "Answer the question:")
    assert (explanation.reference.mean, explanation.current.mean) == (1.0, 0.0)
    assert explanation.difference.upper < 0.0


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.3, 1.0])
def test_replaced_template_is_one_explanation(share: float) -> None:
    old = "Answer the question:"
    current = [
        f"Be kind. User: {text}" if row < share * N else f"{old} {text}"
        for row, text in enumerate(WINDOW)
    ]
    reference = [f"{old} {text}" for text in BASELINE]
    (explanation,) = explain(current, reference)
    assert (explanation.text, explanation.before) == ("Be kind. User:", old)
    assert explanation.current.mean == pytest.approx(share)
    assert take_out(current, (explanation,), "current").texts == WINDOW
    assert take_out(reference, (explanation,), "reference").texts == BASELINE


@pytest.mark.slow
def test_templates_at_two_shares_are_two_explanations() -> None:
    headers = ["[web] ", "[web] ", "[web app] ", "", ""]
    current = [headers[row % 5] + text for row, text in enumerate(WINDOW)]
    explanations = explain(current)
    shares = {explanation.text: explanation.current.mean for explanation in explanations}
    assert shares == {"[web]": pytest.approx(0.4), "[web app]": pytest.approx(0.2)}


@pytest.mark.slow
def test_header_on_long_prompts_is_found() -> None:
    current = [f"[long] {text}" if len(text) > 40 else text for text in WINDOW]
    assert [explanation.text for explanation in explain(current)] == ["[long]"]


@pytest.mark.slow
def test_header_of_one_end_user_is_that_users_burst_alone() -> None:
    users = [f"user {row % 90}" for row in range(N)]
    current = TextSide(
        texts=[f"[bot] {text}" for text in WINDOW[:150]] + WINDOW[150:],
        end_users=["bot"] * 150 + users[150:],
        times=[datetime(2026, 11, 2, tzinfo=UTC) + timedelta(minutes=row) for row in range(N)],
    )
    (explanation,) = find_explanations(TextSide(texts=BASELINE, end_users=users), current)
    assert explanation.kind == "one_user"
    assert (explanation.n_end_users, explanation.since) == (1, current.times[0])
    assert explanation.current.mean == 0.25


@pytest.mark.slow
def test_few_end_users_with_a_header_explain_nothing() -> None:
    users = [f"user {row % 90}" for row in range(N)]
    current = [
        f"[bot] {text}" if users[row] in {"user 1", "user 2"} else text
        for row, text in enumerate(WINDOW)
    ]
    sides = (TextSide(texts=texts, end_users=users) for texts in (BASELINE, current))
    assert find_explanations(*sides) == ()


@pytest.mark.slow
def test_since_is_the_first_time_in_the_window() -> None:
    times = [datetime(2026, 11, 2, tzinfo=UTC) + timedelta(minutes=row) for row in range(N)]
    current = [f"[web] {text}" if row >= 400 else text for row, text in enumerate(WINDOW)]
    (explanation,) = find_explanations(
        TextSide(texts=BASELINE),
        TextSide(texts=current, times=times, end_users=[str(row // 2) for row in range(N)]),
    )
    assert explanation.since == times[400]
    assert explanation.n_end_users == 100


@pytest.mark.slow
def test_capitals_with_signs_are_two_and_leave_the_words() -> None:
    current = [f"{text.upper()}!!" for text in WINDOW]
    explanations = explain(current)
    assert kinds(explanations) == ["letter_case", "punctuation"]
    assert take_out(current, explanations, "current").texts == WINDOW


@pytest.mark.slow
def test_header_is_decoded_before_it_is_cut_off() -> None:
    current = [f"&lt;web&gt; user: {text}" for text in WINDOW]
    explanations = explain(current)
    assert kinds(explanations) == ["prefix", "encoding"]
    assert take_out(current, explanations, "current").texts == WINDOW


@pytest.mark.slow
def test_capitals_in_spanish_are_two_explanations() -> None:
    current = [to_spanish(text).upper() for text in WINDOW]
    assert kinds(explain(current)) == ["language", "letter_case"]


@pytest.mark.slow
def test_copies_of_a_spanish_text_are_one_explanation() -> None:
    current = WINDOW[:500] + ["quiero saber el saldo de mi cuenta"] * 100
    explanations = explain(current)
    assert kinds(explanations) == ["copies"]
    rest = take_out(current, explanations, "current")
    assert rest.is_left.sum() == 500
    assert not rest.is_changed.any()


@pytest.mark.parametrize(
    "texts", [[], [""] * 50, ["x"] * 50, [" \n"] * 50, ["\ud800"] * 50, ["\u200f"] * 50]
)
def test_degenerate_texts_are_compared_without_error(texts: list[str]) -> None:
    assert explain(texts, texts) == ()
    explain(texts, BASELINE[:50])
    explain(BASELINE[:50], texts)
