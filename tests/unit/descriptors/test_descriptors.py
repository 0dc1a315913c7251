"""Descriptors in several languages and on extreme texts."""

# ruff: noqa: RUF001 - letters of other scripts look like Latin ones

import math
import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor import descriptors as texts
from monitor.descriptors.catalogue import DESCRIPTORS
from monitor.descriptors.refusals import rule

#: Least and largest value of each function of a text. The catalogue lacks those that are compared
#: together with a finish reason.
RANGES = {entry.function: (entry.lowest, entry.highest) for entry in DESCRIPTORS} | {
    texts.refusal: (0, 1),
    texts.cut_off: (0, 1),
    texts.stopped_by_limit: (0, 1),
    texts.declined_by_api: (0, 1),
}
#: Any text: hypothesis leaves lone surrogates out unless told otherwise.
ANY_TEXT = st.text(st.characters(exclude_categories=()))
PIECES = st.lists(
    st.sampled_from(
        [
            *"aé あ字한ก؟ы.!?\n\t\0 '\"{}[]`|-1",
            "```",
            "\ud800",
            "\U0001f600",
            "i can't ",
            "не могу ",
        ]
    ),
    max_size=300,
).map("".join)


def prose(sentence: str, length: int = 600) -> str:
    """Repeat a numbered sentence up to about a length."""
    n = length // len(sentence) + 1
    return " ".join(sentence.replace("#", str(number)) for number in range(n))


@pytest.mark.parametrize("function", RANGES, ids=lambda function: function.__name__)
@settings(max_examples=40, deadline=None)
@given(text=ANY_TEXT | PIECES)
@example(text="")
@example(text="\0" * 300)
@example(text="\ud800" * 300)
@example(text="\udfff\ud800a")
def test_any_text_has_a_value_in_range(function, text: str) -> None:
    value = function(text)
    least, largest = RANGES[function]
    assert math.isnan(value) or least <= value <= largest


@pytest.mark.parametrize("piece", [" ", "\n", "a", "字", "```", "i can't ", "[", "\ud800", "a.\n"])
def test_huge_texts_are_read_in_bounded_time(piece: str) -> None:
    """Three million characters: quadratic work or backtracking would never end."""
    huge = piece * (3_000_000 // len(piece))
    for function, (least, largest) in RANGES.items():
        value = function(huge)
        assert math.isnan(value) or least <= value <= largest
    assert re.fullmatch("(?:[a-z]{2,3})?", texts.identify_language(huge))
    for responses in (['{"a": 1}'] * 60, ["yes"] * 60, ["```\nx\n```"] * 60):
        assert isinstance(texts.learn_format(responses).admits(huge), bool)


@given(text=ANY_TEXT | PIECES)
def test_any_text_has_a_language_code_or_none(text: str) -> None:
    assert re.fullmatch("(?:[a-z]{2,3})?", texts.identify_language(text))


@given(text=ANY_TEXT | PIECES)
def test_any_text_can_be_checked_by_a_format(text: str) -> None:
    for form in (
        texts.learn_format(['{"a": 1}'] * 60),
        texts.learn_format(["yes", "no"] * 30),
        texts.learn_format(["```\nx\n```"] * 60),
    ):
        assert form is not None
        assert isinstance(form.admits(text), bool)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("Hello, world!", 4),
        ("don't", 1),
        ("Donaudampfschifffahrt", 3),
        ("2026-11-24", 6),
        ("私の口座", 4),
        ("안녕하세요", 5),
        ("word " * 10_000, 10_000),
    ],
)
def test_tokens_are_words_syllables_numbers_and_signs(text: str, tokens: float) -> None:
    assert texts.token_count(text) == pytest.approx(tokens)


@pytest.mark.parametrize(
    ("text", "share"),
    [("ab 12", 0.4), ("", 0.0), ("été", 0.0), ("हिन्दी", 0.0), ("e\u0301", 0.0), ("字、", 0.5)],
)
def test_accents_and_vowel_signs_count_as_words(text: str, share: float) -> None:
    assert texts.non_letter_share(text) == pytest.approx(share)


def test_lines_that_hold_nothing_are_not_counted() -> None:
    assert texts.line_count("") == 0.0
    assert texts.line_count("one") == 1.0
    assert texts.line_count("Translate:\r\n \r\nGuten Tag\u2028und\n") == 3.0
    assert texts.line_count("line\n" * 100_000) == pytest.approx(100_000, rel=0.01)


@pytest.mark.parametrize("mark", ["?", "？", "؟", "՞"])
def test_questions_of_several_scripts(mark: str) -> None:
    assert texts.question(f"x{mark}") == 1.0
    assert texts.question("x") == 0.0


def test_a_loop_repeats_more_than_prose() -> None:
    text = "The bank checks every transfer before it leaves, and says so in a message to you."
    assert texts.compressible("I can help. " * 40) > 0.8 > 0.4 > texts.compressible(text)
    assert texts.compressible("\ud800" * 200) > 0.8
    assert (texts.compressible("short"), texts.compressible("")) == (0.0, 0.0)
    assert texts.repeated_phrases(text) == 0.0
    assert texts.repeated_phrases("I can help. " * 40) > 0.9
    assert texts.repeated_phrases("カードを止めます。" * 40) > 0.9


@pytest.mark.parametrize(
    ("text", "loops"),
    [
        ("I can help. " * 20, 1.0),
        ("Sure. " + "and so on " * 20 + "and so", 1.0),  # it stopped within a round
        ("ha" * 60, 1.0),
        ("カードを止めます。" * 20, 1.0),
        ("First the reason.\n" + "- your card\n" * 12, 1.0),
        ((prose("A piece may be as long as a # of sentences.", 400) + "\n") * 5, 1.0),
        ("I can help. " * 4, 0.0),  # too short to tell from emphasis
        ("| --- | --- |\n" + "-" * 200, 0.0),
        (prose("Step # is another step than the one before."), 0.0),
        ("", 0.0),
        ("x", 0.0),
    ],
)
def test_loop_counts_repetitions_at_the_end_only(text: str, loops: float) -> None:
    assert texts.loop(text) == loops


REFUSALS = {
    "en": (
        "I’m sorry, but I can’t help with that.",
        "As an AI language model, I have no opinion.",
        "Thank you for asking. Unfortunately, I cannot share account details.",
        "I'm not able to discuss other customers.",
    ),
    "de": (
        "Es tut mir leid, aber ich kann Ihnen dabei nicht helfen.",
        "Leider kann ich diese Frage nicht beantworten.",
        "Als KI habe ich keine eigene Meinung.",
    ),
    "fr": (
        "Je suis désolé, mais je ne peux pas vous aider.",
        "En tant qu’IA, je n'ai pas d'opinion.",
    ),
    "es": ("Lo siento, pero no puedo ayudarte con eso.", "Como modelo de lenguaje, no opino."),
    "it": ("Mi dispiace, ma non posso aiutarti.", "Non sono in grado di rispondere."),
    "pt": ("Desculpe, mas não posso ajudar com isso.", "Não consigo fornecer esses dados."),
    "nl": ("Het spijt me, maar ik kan u daar niet mee helpen.", "Als taalmodel weet ik dat niet."),
    "pl": ("Przepraszam, ale nie mogę w tym pomóc.", "Nie jestem w stanie odpowiedzieć."),
    "tr": ("Üzgünüm, bu konuda yardımcı olamam.",),
    "ru": ("Извините, но я не могу помочь с этим.", "Как языковая модель, я не имею мнения."),
    "ja": ("申し訳ありませんが、その質問にはお答えできません。", "AIとして意見はありません。"),
    "zh": ("抱歉，我无法回答这个问题。", "作为一个人工智能，我没有观点。"),
    "ko": ("죄송합니다. 그 요청은 도와드릴 수 없습니다.", "죄송하지만 답변드릴 수 없습니다."),
    "ar": ("آسف، لا أستطيع مساعدتك في ذلك.",),
}
HELP = (
    "Sure",
    "Sorry for the delay: your card is on its way.",
    "I'm sorry that your card was stolen. I have blocked it.",
    "You cannot pay with it any more, but you can order a new one here.",
    "Es tut mir leid, dass Ihre Karte weg ist. Ich habe sie gesperrt.",
    "Sie können das Konto nicht online schließen. Kommen Sie in eine Filiale.",
    "Je suis désolé pour ce retard : votre carte est en route.",
    "Siento la espera. Su tarjeta no tiene comisiones.",
    "Non c'è nessun costo per il bonifico.",
    "O cartão não tem anuidade.",
    "De pas is niet geblokkeerd.",
    "Карта не заблокирована.",
    "カードは停止されていません。",
    "您的卡没有被冻结。",
    "카드가 정지되지 않았습니다.",
    "لا توجد رسوم على الحساب.",
)


def test_every_language_of_refusals_is_tested() -> None:
    assert REFUSALS.keys() == rule.LANGUAGES


@pytest.mark.parametrize("text", [sentence for texts_ in REFUSALS.values() for sentence in texts_])
def test_refusals_are_seen(text: str) -> None:
    assert texts.refusal(text) == 1.0
    assert texts.refusal(text.upper() if text.isascii() else text) == 1.0
    assert texts.refusal("word " * 100 + text) == 0.0  # at the beginning only


@pytest.mark.parametrize("text", HELP)
def test_help_is_no_refusal(text: str) -> None:
    assert texts.refusal(text) == 0.0


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("word " * 60, 1.0),
        ("word " * 60 + "end.", 0.0),
        ("word " * 60 + "**Good luck!**\n", 0.0),
        ("word " * 60 + "👍🏽", 0.0),
        ("transfer", 0.0),
        ("word " * 10 + "and the", 0.0),
        ("word " * 12 + "and the", 1.0),
        ("", 0.0),
        ("口座の残高を確認します。" * 20, 0.0),
        ("口座の残高を確認します。" * 20 + "次に", 1.0),
        ("मेरे खाते का शेष। " * 20, 0.0),
        ("رصيد الحساب؟ " * 20, 0.0),
        ("We refund it. " * 20 + "\n\nKind regards,\nAnna from the bank", 0.0),
        ("We refund it. " * 20 + "\n— Anna, the bank", 0.0),
        ("We refund it. " * 20 + "\n- open the app and", 1.0),
        ("We refund it. " * 20 + "\n\nOpen the app and", 1.0),
    ],
)
def test_long_text_that_ends_within_a_sentence_is_cut_off(text: str, cut: float) -> None:
    assert texts.cut_off(text) == cut


def test_thai_does_not_show_its_end() -> None:
    assert math.isnan(texts.cut_off("ยอดเงินในบัญชีของฉัน " * 20))


@pytest.mark.parametrize(
    "reason", ["length", "max_tokens", "MAX_TOKENS", "max_output_tokens", "model_length"]
)
def test_limits_of_apis(reason: str) -> None:
    assert texts.stopped_by_limit(reason) == 1.0
    assert texts.declined_by_api(reason) == 0.0


@pytest.mark.parametrize("reason", ["content_filter", "refusal", "SAFETY", "guardrail_intervened"])
def test_filters_of_apis(reason: str) -> None:
    assert texts.declined_by_api(reason) == 1.0
    assert texts.stopped_by_limit(reason) == 0.0


@pytest.mark.parametrize("reason", ["stop", "tool_calls", "end_turn", "STOP", ""])
def test_finish_reasons_of_complete_responses(reason: str) -> None:
    assert texts.stopped_by_limit(reason) == texts.declined_by_api(reason) == 0.0


def test_lix_of_a_law_is_above_that_of_a_story() -> None:
    story = "The dog ran to the lake. It saw a duck. The duck flew away. The dog sat and was sad. "
    law = (
        "Notwithstanding subsection (2), proceedings concerning contraventions of regulations "
        "established under this paragraph require authorisation from the competent supervisory "
        "authority, provided that the applicable limitation period hasn't already expired. "
    )
    assert texts.lix(story * 2) < 10 < 60 < texts.lix(law * 2)


def test_lix_counts_words_and_sentences() -> None:
    ten = "one two three four five six seven eight nine elephant"
    assert texts.lix(f"{ten}. {ten}.") == pytest.approx(10 + 100 / 10)
    assert texts.lix(f"{ten}.\n\n{ten}.") == pytest.approx(20)
    assert texts.lix(f"“{ten}.” {ten}.") == pytest.approx(20)
    assert texts.lix(f"- {ten}\n- {ten}") == pytest.approx(20)


@pytest.mark.parametrize(
    "text", ["block card", "", "口座の残高。" * 50, "ยอดเงินในบัญชี " * 50, "한국어 문장입니다. " * 50]
)
def test_lix_does_not_apply_to_labels_and_scripts_of_syllables(text: str) -> None:
    assert math.isnan(texts.lix(text))


LANGUAGES = {
    "en": ("What is the balance of my card?", "how do i change my pin"),
    "de": ("Wie ist mein Kontostand?", "Kann ich das morgen machen?"),
    "fr": ("Quel est le solde de mon compte ?", "Comment puis-je changer mon code ?"),
    "es": ("¿Cuál es el saldo de mi cuenta?", "como puedo cambiar mi pin"),
    "it": ("Qual è il saldo del mio conto?", "come posso cambiare il mio pin"),
    "pt": ("Qual é o saldo da minha conta?", "O cartão foi bloqueado porque não está correto."),
    "nl": ("Wat is het saldo van mijn rekening?", "De kaart is geblokkeerd omdat het niet klopt."),
    "sv": ("Vad är saldot på mitt konto?", "Kortet är spärrat för att koden inte stämmer."),
    "da": ("Hvad er saldoen på min konto?",),
    "nb": ("Hva er saldoen på kontoen min, og hva koster det å gjøre det?",),
    "fi": ("Mikä on tilini saldo ja mitä voin tehdä?",),
    "pl": ("Jakie jest saldo na moim koncie?",),
    "cs": ("Jaký je zůstatek na mém účtu?",),
    "ro": ("Care este soldul contului meu?",),
    "hu": ("Mennyi az egyenleg a számlámon?",),
    "tr": ("Hesabımdaki bakiye ne kadar?",),
    "vi": ("Số dư tài khoản của tôi là bao nhiêu?",),
    "id": ("Berapa saldo di rekening saya?",),
    "ja": ("私の口座の残高はいくらですか。", "カードを止めたい", "API の URL を教えて、pandas で"),
    "zh": ("我的账户余额是多少？", "請問如何更改密碼"),
    "ko": ("제 계좌 잔액이 얼마인가요?",),
    "ru": ("Какой баланс на моём счёте?",),
    "uk": ("Який баланс на моєму рахунку?",),
    "bg": ("Какъв е балансът по сметката ми?",),
    "be": ("Які баланс на маім рахунку ў банку?",),
    "sr": ("Какво је стање на мом рачуну?",),
    "ar": ("ما هو رصيد حسابي؟",),
    "fa": ("موجودی حساب من چقدر است؟",),
    "ur": ("میرے اکاؤنٹ میں کتنے پیسے ہیں؟",),
    "hi": ("मेरे खाते का शेष कितना है?",),
    "th": ("ยอดเงินในบัญชีของฉันเท่าไร",),
    "el": ("Ποιο είναι το υπόλοιπο;",),
    "he": ("מה היתרה בחשבון שלי?",),
}


@pytest.mark.parametrize(
    ("code", "text"),
    [(code, sentence) for code, sentences in LANGUAGES.items() for sentence in sentences],
)
def test_languages_are_distinguished(code: str, text: str) -> None:
    assert texts.identify_language(text) == code
    assert texts.identify_language(text.upper()) == code


@pytest.mark.parametrize("text", ["", "block card", "12:30", "{}[]", "x = y + 1;", "👍", "OK"])
def test_labels_and_signs_have_no_language(text: str) -> None:
    assert texts.identify_language(text) == ""


def test_equal_texts_are_looked_at_once() -> None:
    calls: list[str] = []
    values = texts.describe(["a", "b", "a"], lambda text: float(len(calls.append(text) or calls)))
    assert values.tolist() == [1, 2, 1]


def test_relevance_is_the_cosine_of_both_vectors() -> None:
    prompts = np.array([[1, 0], [0, 1], [1, 0]], dtype=np.float16)
    responses = np.array([[1, 0], [1, 0], [-1, 0]], dtype=np.float16)
    assert texts.relevance(prompts, responses).tolist() == [1, 0, -1]
    with pytest.raises(ValueError, match=r"\(3, 2\) and \(2, 2\)"):
        texts.relevance(prompts, responses[:2])


def test_unrelated_threshold_is_the_relevance_of_other_prompts() -> None:
    """Two topics, half a window apart, so that responses to other prompts are orthogonal."""
    prompts = np.repeat(np.eye(2, dtype=np.float32), 50, axis=0)
    assert texts.unrelated_threshold(prompts, prompts) == 0.0
    assert texts.unrelated_threshold(prompts[:50], prompts[:50]) == 1.0
