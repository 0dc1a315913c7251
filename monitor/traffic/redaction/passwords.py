"""Detector of passwords after words that announce them, whatever they look like."""

import re
from collections.abc import Iterator
from pathlib import Path

from monitor.traffic.redaction.any_case import AnyCase
from monitor.traffic.redaction.text_scan import Place, TextScan
from monitor.traffic.redaction.word_index import needles

MIN_LENGTH, MAX_LENGTH = 4, 256
#: What a password was replaced by names none.
MASK = "[PASSWORD]"
#: Beginnings of the words.
NEEDLES = needles(
    "pas pwd pw mdp kennwort contrase clave senha parol wachtwoord haslo losenord sifre"
)
OTHER_NEEDLES = needles(
    "hasł Hasł lösenord Lösenord şifre Şifre парол Парол ПАРОЛ 密码 密碼 口令"
    " パスワード 비밀번호 암호 पासवर्ड المرور السر"
)
WORD = re.compile(
    r"pas{1,2}(?:wor[dt]\w{0,2}|wrod|wort\w{0,2}|code|phrase|e\b|wd| ?key\b|\b)|pwd"
    r"|(?<![a-z0-9])pw\b"
    r"|(?<![a-z])mdp\b|kennwort\w{0,2}|contrase(?:ñ|n)as?|(?<![a-z])clave\b"
    r"|senhas?\b|parola(?: d'ordine)?\w{0,2}|wachtwoord\w{0,2}|hasł[oa]|haslo"
    r"|l[öo]senord\w{0,2}|[şs]ifre(?:m|si|niz)?|парол[ьяе]\w{0,2}|密[码碼]|口令|パスワード"
    r"|비밀번호|암호"
    r"|पासवर्ड|المرور|السر",
    re.IGNORECASE,
)
#: An assignment: ``: x``, ``= x``, ``"password": "x"``, also in JSON inside JSON.
ASSIGNED = re.compile(
    r"[\w ()/-]{0,40}?\\{0,7}[\"'`*]{0,2}\]?[\s ]{0,3}(?::=|=>|->"
    r"|:(?=\s)|[:=>](?!\s*\n))\s{0,6}(?:[bru]?\\{0,7}[\"'`«»“„「]|\*\*\s?)?"
)
#: Characters from a word to the end of the sign.
FURTHEST_SIGN = 40 + 7 + 2 + 1 + 3 + 2
#: A sentence: ``my password is x``.
STATED = re.compile(
    r"(?:[ -](?:for|zu[mr]?|für|pour|para|per|voor|van|von|vom|della|del|du|des|von|fürs|do"
    r"|till?|от|к)(?: [\w.-]{1,24}){1,4}?)?"
    r"(?: ?(?:now|again|still|currently|jetzt|noch|maintenant|ahora|adesso|nu|teraz|agora))?"
    r"(?:\s{1,3}(?:is|ist|lautet|war|was|wäre|are|est|était|es|era|é|è|jest|to|är|-|это"
    r"|olarak|هي|هو|है)\b"
    r"|\s{0,2}c['\u2019]est|\s{0,2}(?:は|是|为|為|는|은|が|이|가)):?\s{0,3}(?:\\{0,7}[\"'`«“„「])?"
)
VALUE = re.compile(
    rf"[^\s\"'`<>,;&\\«»“”„\u2018\u2019「」。、\uff0c؛]{{{MIN_LENGTH},{MAX_LENGTH}}}"
)
QUOTES = "\"'`«“„「"
QUOTED = re.compile(rf"[^\s\"'`\\»”\u2018\u2019」]{{{MIN_LENGTH},{MAX_LENGTH}}}")
#: A quoted value with blanks, by its opening quote.
CLOSING = {'"': '"', "'": "'", "`": "`", "«": "»", "“": '”"', "„": '“”"', "「": "」"}
#: A value of words: the rest of a line, to the end of a sentence or the next field.
WORD_OF_PHRASE = r"[^\s\"'`<>,;&\\«»“”„「」。、\uff0c؛|]{1,40}"
PHRASE = re.compile(
    rf"(?:{WORD_OF_PHRASE}[ \t]{{1,2}}){{1,11}}?{WORD_OF_PHRASE}"
    r"(?=[ \t]{0,4}(?:$|[\r\n|<,;&\"\\])|(?<=[.!?])\s)"
)
#: Words that mean more than passwords: nothing but one word is read after them.
OTHER_PASSES = frozenset({"pas", "pass", "passcode"})
#: What is said of passwords: no password has these words.
REMARK = AnyCase(
    r"\b(?:chars?\b|character|zeichen|caract|caratter|znak|tekens?\b|tecken|karakter|символ|знак|digits?\b|ziffer"
    r"|letters?\b|buchstab|symbol|upper|lower|min(?:imum|\.|\b)|max(?:imum|\.|\b)|least|days?\b"
    r"|tagen?\b|jours|d[ií]as|giorni|dagen|dni\b|дн|attempt|tries|versuch|tentativ|intent|expir"
    r"|expire|ablauf|läuft|fail|fehl|erreur|error|fout|błąd|ошибк|field|feld|champs?\b|campo|login|log\b|logs\b"
    r"|sign|enter|ein(?:geb|gib)|click|klick|hier|here|must|muss|doit|debe|deve|moet\b|musi\b|should"
    r"|how|wie\b|comment|cómo|como\b|hoe\b|jak\b|как\b|why|warum|pourquoi|por\b|perché"
    r"|waarom|dlaczego|почему|reset|forgot|change|änder|chang|cambi|wijzig|zmien|смен|step|version"
    r"|page|seite|bits?\b|bytes?\b|policy|regeln?\b|rules?\b|ask|tell|works?\b|worked|help|hilfe"
    r"|see\b|siehe|same\b|user|account|konto|compte|cuenta|name|e-?mail|box|times?\b|mal\b|once"
    r"|we\b|they|she\b|he\b|but\b|or\b|oder\b|ou\b|if\b|wenn\b|si\b|not\b|nicht|pas\b|no\b|non\b"
    r"|niet\b|nie\b|не\b|can\b|cannot|could|does|did\b|was\b|were\b|wird|werden|wurde|ist\b|est\b"
    r"|are\b|from\b|type|typed|stor(?:e|ed|es|age)\b|sav(?:e|ed|es)\b|secret|hint|question|manager|security)"
)
#: Between the word and the sign: a text about a password, in a form or a program.
OF_FORMS = AnyCase(
    r"hint|label|placeholder|help|err|text|title|mess|msg|desc|rule|polic|prompt|field|question"
    r"|reset|forgot|hash|info|note"
)
#: Words of other use in the list of those about passwords, which occur in sentences too.
FILLERS = frozenset(
    {"a", "an", "and", "at", "for", "have", "in", "is", "it", "my", "of", "the", "this", "to"}
    | {"too", "very", "with", "your", "always", "never"}
)
#: Such a word that is known from passwords of several words.
OF_PHRASES = frozenset({"correct"})
#: Unquoted, a phrase has so many words where none has a digit or mark.
MIN_WORDS = 4
#: Where a word of prose follows, the value is none.
GOES_ON = re.compile(r"[ \t]{1,2}[^\W\d_]{2}")
#: Code, a placeholder or a mask, not a password.
NO_VALUE = re.compile(
    r"[$%{\[(<*•.…_x-]+.*|.*[(\[{].*|(?:os|process|self|config|settings|env|secrets?|args"
    r"|this|vault"
    r"|request|req|data|form|user|cfg|app)\.[\w.]{2,}|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+"
    r"|.*\bENV\b.*|/.*|.*(.)\1{5}.*|Secret[A-Z]\w*|[A-Z_]+=.*",
    re.DOTALL,
)
#: Words that say something of a password instead of being one.
WORDS = frozenset(
    (Path(__file__).parent / "no_passwords.txt").read_text(encoding="utf-8").splitlines()
)
NO_PHRASE = WORDS - FILLERS - OF_PHRASES

#: Without a link, digits among alphabetic characters: ``user bob password hunter22``.
BARE = re.compile(
    r"(?: (?:от|для|for|zum?|für|di|de|del|van|till) [\w.-]{1,24})? {1,2}"
    r"(?=\S{0,40}[0-9])(?=\S{0,40}[^\W\d_])([\w!@#$%^&*.+-]{8,64})(?![\w/.])"
)


def find_passwords(scan: TextScan) -> Iterator[Place]:
    """Yield passwords: assigned to a word for them, or said to be one."""
    text = scan.text
    end_of_last = 0
    starts = scan.places_of(NEEDLES, OTHER_NEEDLES)
    if not starts:
        return
    has_mask, has_sign = "[" in text and MASK in text, _has_sign(text, 0, len(text))
    for start in starts:
        if start < end_of_last or (has_mask and text.startswith(MASK, max(0, start - 1))):
            continue
        name = WORD.match(text, start)
        place = name and _value(scan, name, has_sign=has_sign)
        if place:
            end_of_last = place[1]
            yield place


def _has_sign(text: str, start: int, last: int) -> bool:
    """Return whether there is a sign of an assignment."""
    return (
        text.find(":", start, last) >= 0
        or text.find("=", start, last) >= 0
        or text.find(">", start, last) >= 0
    )


def _value(scan: TextScan, name: re.Match[str], *, has_sign: bool) -> Place | None:
    """Return the place of the password after a word for it."""
    text, end = scan.text, name.end()
    has_sign = has_sign and _has_sign(text, end, end + FURTHEST_SIGN)
    assigned = ASSIGNED.match(text, end) if has_sign else None
    link = assigned or STATED.match(text, end)
    if link is None:
        return _direct_value(scan, end)
    is_quoted = link[0][-1:] in QUOTES and link[0] != ""
    if not OF_FORMS.is_in(link[0]):
        word = name[0].lower()
        is_line = word == "passphrase" or (bool(assigned) and word not in OTHER_PASSES)
        phrase = _phrase(text, link, is_quoted=is_quoted, is_line=is_line)
        if phrase:
            return phrase
    return _value_of_one_word(scan, name, link, is_quoted=is_quoted, is_assigned=bool(assigned))


def _value_of_one_word(
    scan: TextScan, name: re.Match[str], link: re.Match[str], *, is_quoted: bool, is_assigned: bool
) -> Place | None:
    """Return the place of a password without blanks after its link to a word for it."""
    text = scan.text
    value = (QUOTED if is_quoted else VALUE).match(text, link.end())
    if value is None:
        return None
    word = value[0] if is_quoted else value[0].rstrip(".)]}|*:?")
    place = value.start(), value.start() + len(word)
    if not _is_password(word):
        return None
    goes_on = GOES_ON.match(text, place[1])
    if is_quoted:
        return place if _is_marked(word) or not goes_on else None
    if IDEOGRAPHIC.search(word):
        return None
    is_announced = is_assigned or " " in link[0].strip() or _is_owned(scan, name.start())
    is_word = (
        (goes_on and "lautet" not in link[0].lower())
        or INFLECTED.fullmatch(word)
        or not is_announced
    )
    return place if _is_marked(word) or not is_word else None


def _direct_value(scan: TextScan, end: int) -> Place | None:
    """Return the place of a password directly after a word for it."""
    text = scan.text
    opened = OPENED.match(text, end) if text[end + 1 : end + 2] in QUOTES else None
    phrase = opened and _phrase(text, opened, is_quoted=True, is_line=False)
    if phrase and MARKED.search(text, *phrase):
        return phrase
    bare = (scan.has_digit and BARE.match(text, end)) or DIRECT.match(text, end)
    return bare.span(1) if bare and _is_password(bare[1]) else None


def _phrase(text: str, link: re.Match[str], *, is_quoted: bool, is_line: bool) -> Place | None:
    """Return the place of a password of several words; ``None`` if none."""
    start = link.end()
    if is_quoted:
        line = text[start : start + MAX_LENGTH + 1]
        escape = "" if "\\" in link[0] else r"(?<!\\)"
        end = re.search(rf"{escape}[{CLOSING[link[0][-1]]}]", line)
        value = line[: end.start()].rstrip("\\") if end else ""
        if "\n" in value or "<" in value or "{" in value:
            return None
    else:
        is_line = is_line and link[0][-1:] in {" ", "\t", ":", ">"} and "\n" not in link[0]
        match = PHRASE.match(text, start) if is_line else None
        value = match[0].rstrip(".") if match else ""
        if any(map(value.__contains__, ":=(){}[]?@")):
            return None
    words = value.split()
    if len(words) < 2 or len(value) < MIN_LENGTH or REMARK.is_in(value) or WORD.search(value):
        return None
    bare = [_bare(word) for word in words]
    if NO_PHRASE.intersection(bare) or "" in bare:
        return None
    marked = any(map(_is_marked, words)) or any(map(str.isdigit, words)) or value[-1] in "!#$%*"
    if is_quoted:
        is_phrase = marked or len(words) >= MIN_WORDS - 1 or value.islower()
    elif marked:
        is_pair = len(words[1]) >= MIN_LENGTH and _is_marked(words[0])
        is_phrase = (len(words) > 2 or is_pair) and not IDEOGRAPHIC.search(value)
    else:
        plain = all(word.isascii() and word.isalpha() and len(word) > 2 for word in words)
        is_phrase = len(words) >= MIN_WORDS and plain and value.islower()
        is_phrase = is_phrase and not FILLERS.intersection(bare)
    return (start, start + len(value)) if is_phrase else None


def _bare(word: str) -> str:
    return word.lower().strip(".,!?*_-")


def _is_password(word: str) -> bool:
    """Return whether a value may be one: no code, no placeholder, no word about passwords."""
    if len(word) < MIN_LENGTH or NO_VALUE.fullmatch(word):
        return False
    return word.lower().strip(".!?*_-") not in WORDS and any(map(str.isalnum, word))


def _is_marked(word: str) -> bool:
    """Return whether no word of a language looks like this."""
    alphabetic = any(character.isalpha() for character in word)
    digits = any(character.isdigit() for character in word)
    inner = word[1:].rstrip("!")
    return (
        (alphabetic and digits)
        or any(c in "!@#$%^&*_+=~?" for c in inner)
        or (any(c.isupper() for c in inner) and any(c.islower() for c in inner))
    )


#: Scripts without spaces: a value would include the sentence.
IDEOGRAPHIC = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
#: A quoted value, or one with marks inside, directly after the word.
DIRECT = re.compile(
    r" {1,2}[\"'`«“„「]?((?=\S{0,40}[^\W\d_])[\w¡.+-]{2,40}[!_;&@#$%^*][\w!_;&@#$%^*.+-]{1,40})"
)
#: The quote before a value directly after the word.
OPENED = re.compile(r" [\"'`«“„「]")
MARKED = re.compile("[0-9!#$%*]")
#: Ends of participles, which say something of a password.
INFLECTED = re.compile(r"[a-z]{3,}(?:ed|ing|ated|iert|able|ible)|ge[a-zäöü]{3,}(?:t|en)")
#: Words of the one whose password it is, before the word for it.
OWNED = AnyCase(
    r"(?:\b(?:my|our|his|her|their|the|your|mein\w{0,2}|unser\w{0,2}|das|mon|notre|le|mi"
    r"|nuestra|la|mia|il"
    r"|mijn|ons|het|minha|nossa|a|moje|min|mitt|vårt|мой|наш)\b|我的|私の|내|제|मेरा"
    r"|şifrem)[^.!?\n]{0,24}$"
)


def _is_owned(scan: TextScan, start: int) -> bool:
    if not scan.text[start].isascii():
        return True
    return OWNED.of(scan.cases).search(scan.cases.lower, max(0, start - 40), start) is not None
