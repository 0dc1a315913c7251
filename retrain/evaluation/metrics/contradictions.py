"""Contradictions of a claim with its source: figures, dates, names, negations and roles.

Each rule needs a positive sign of a contradiction: other words than the source's are a paraphrase,
not an error.
"""

# ruff: noqa: E501, RUF001, SIM905 - long expressions; full-width punctuation; lists of words

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from monitor.descriptors.refusals.phrases import ABSTAINS, compile_phrases
from monitor.descriptors.stop_words import WORDS
from retrain.evaluation.metrics.facts import (
    MONTHS,
    Date,
    contains_derivation,
    dates,
    derivable,
    figures,
    neighbours,
)
from retrain.evaluation.metrics.tokens import tokens

#: Share of a claim's content words in a clause above which the clause says the same or its opposite.
SAME = 0.6
#: Share of a claim's content words in a clause above which the order of names is compared.
ROLES = 0.65
#: Share of a clause's content words in the claim for the same.
COVERED = 0.34
_STEM = 5

_SENTENCE = re.compile(r"(?<=[.!?;])\s+|(?<=[。!?;！？；])|\n+")
_CLAUSE = re.compile(
    r"[,;:,、]\s*|\s+(?:but|while|whereas|although|aber|jedoch|während|obwohl|mais|tandis que|pero"
    r"|mientras|aunque|sino)\s+|但是?|不过"
)
_AND = re.compile(r"\s+(?:and|or|und|oder|et|ou|y|e|o)\s+")
_NEGATION = re.compile(
    r"\b(?:no|not|none|nobody|nothing|never|neither|nor|cannot|without|can't|unable|nicht|nichts"
    r"|keine?[nmrs]?|nie|niemals|niemand|ohne|pas|jamais|aucune?|rien|sans|nul|ne (?:peu\w+|saurai\w+)"
    r"|nunca|jamás|ningun[ao]?|ningún|nadie|nada|tampoco|sin)\b|n't\b"
    r"|不(?![同仅但止过少])|没|未|无(?!论)|勿"
)
#: Words that deny by themselves; "not forbidden" is allowed.
_FORBIDS = re.compile(
    r"\b(?:prohibit\w*|forbidden|excluded?|ineligible|impossible|verboten|untersagt|ausgeschlossen"
    r"|unmöglich|interdit\w*|exclu\w?|prohibid\w+|excluid\w+|imposible|barred|banned|denied)\b|禁止"
)
_ABSTAINS = compile_phrases(ABSTAINS)
_YES = re.compile(
    r"^(?:yes|yeah|yep|sure|ja|jawohl|doch|oui|si|sí|claro|是的?|对|可以|会的?|能|要|需要|有|行|好的?)\b"
    r"|^(?:是的?|对|可以|会的?|能|要|需要|有的?|行)[,。!.]*$"
)
_NO = re.compile(
    r"^(?:no|nope|nein|non|不是?|不行|不可以|不会|不能|不用|不需要|没有)\b"
    r"|^(?:不是?|不行|不可以|不会|不能|不用|不需要|不必|没有)[,。!.]*$"
)
_PASSIVE = re.compile(
    r"\b(?:by|von|vom|durch|wird|werden|wurden?|worden|par|por)\b|\b(?:is|are|was|were|be|been)"
    r" \w+(?:ed|en|wn|nt)\b|由|被|向|给"
)
_EXCEPTS = re.compile(
    r"\b(?:except|unless|apart from|other than|only|sauf|excepté|hormis|à moins|uniquement|außer|bis auf"
    r"|nur|excepto|salvo|menos|solo|sólo)\b|除|只|仅"
)
_GERMAN = re.compile(
    r"\b(?:der|die|das|und|ist|nicht|ein|eine|im|zu|den|dem|von|für|mit|am|beim)\b"
)
_TITLES = frozenset(
    "frau herr herrn firma dr prof familie gasthof hotel café professor doktor".split()
)
_ADVERBIAL = re.compile(
    r"(?:on|in|at|by|during|after|before|from|am|im|in|ab|nach|vor|le|en|du|à|el|desde|tras)\b"
)
_CAPITAL = re.compile(r"[^\W\d_][^\W\d_]+(?:-[^\W\d_]+)*")
_CHINESE_NAME = re.compile(
    "([\u4e00-\u9fff]{2})(公司|农场|牧场|银行|大学|学校|医院|酒店|集团|师傅|先生|女士|经理|老师|医生|律师|餐厅|超市)"
)
_OPPOSITES = tuple(
    (frozenset(first.split("|")), frozenset(second.split("|")))
    for first, second in (
        ("before|prior|vor|avant|antes|之前|以前", "after|nach|après|después|之后|以后"),
        (
            "rises|rise|increases|increase|higher|grows|steigt|höher|augmente|hausse|sube|aumenta|增加|上涨|提高",
            "falls|drops|decreases|decrease|lower|shrinks|sinkt|niedriger|diminue|baisse|baja|disminuye|减少|下降|降低",
        ),
        (
            "free|kostenlos|gratis|gratuit|gratuite|gratuito|免费",
            "charged|paid|pay|kostenpflichtig|payant|payante|pago|收费|付费",
        ),
        ("more|mehr|plus|más|多于|超过", "less|fewer|weniger|moins|menos|少于|不足"),
        (
            "least|minimum|mindestens|minimal|moins|mínimo|至少|最少",
            "most|maximum|höchstens|maximal|máximo|最多",
        ),
        (
            "open|opens|geöffnet|öffnet|ouvert|ouverte|abierto|abre|开放|开门",
            "closed|closes|geschlossen|schließt|fermé|ferme|cerrado|cierra|关闭|关门",
        ),
        (
            "first|erste|ersten|premier|première|primero|primera",
            "last|letzte|letzten|dernier|dernière|último|última",
        ),
        (
            "daily|täglich|quotidien|diario|每天|每日",
            "weekly|wöchentlich|hebdomadaire|semanal|每周",
        ),
        (
            "monthly|monatlich|mensuel|mensual|每月|月结",
            "yearly|annual|annually|jährlich|annuel|anual|每年|年结",
        ),
        (
            "mandatory|required|must|pflicht|obligatoire|obligatorio|必须",
            "optional|voluntary|freiwillig|facultatif|opcional|自愿",
        ),
        (
            "allowed|permitted|erlaubt|autorisé|permitido|允许|可以",
            "prohibited|forbidden|banned|verboten|interdit|prohibido|禁止|不得",
        ),
        (
            "automatically|itself|automatisch|automatiquement|automáticamente|自动",
            "manually|hand|manuell|manuellement|manualmente|手动|人工",
        ),
        (
            "inside|indoors|drinnen|intérieur|dentro|室内",
            "outside|outdoors|draußen|extérieur|fuera|室外",
        ),
        ("north|norden|nord|norte", "south|süden|sud|sur"),
        ("left|links|gauche|izquierda", "right|rechts|droite|derecha"),
        ("early|früh|tôt|temprano|提前", "late|spät|tard|tarde|推迟"),
        (
            "morning|morgens|matin|mañana|上午|清晨",
            "afternoon|evening|nachmittags|abends|après-midi|soir|noche|下午|晚上",
        ),
        (
            "approved|accepted|agreed|genehmigt|accepté|aprobado|同意|批准",
            "rejected|refused|declined|abgelehnt|refusé|rechazado|拒绝",
        ),
        ("winter|hiver|invierno|冬季", "summer|sommer|été|verano|夏季"),
        (
            "always|immer|toujours|siempre|总是",
            "sometimes|rarely|manchmal|selten|parfois|rarement|a|raramente",
        ),
    )
)
_DIGITS = re.compile(r"\d[\d.,]*")
_STOP = frozenset(word for words in WORDS.values() for word in words.split()) | frozenset(
    "there also only just then than them him his her our your any some each per will may can must"
    " yes one does did doesn't don't isn't aren't won't wasn't weren't didn't needn't anything something anyone anybody"
    " etwas jemand algo alguien quelque chose"
    " auch nur dann man kann darf muss wird werden hat hatte"
    " est sont être peut peuvent doit cette cet ces elle elles ils"
    " es son está están puede pueden debe hay este esta".split()
)


@dataclass(frozen=True)
class SourceText:
    """The text that claims are held against: the item's context and messages."""

    context: str
    messages: str = ""

    @cached_property
    def text(self) -> str:
        """Context and messages."""
        return f"{self.context}\n{self.messages}"

    @cached_property
    def clauses(self) -> list["Clause"]:
        """Sentences and clauses of the context."""
        matches = []
        for sentence in _SENTENCE.split(unicodedata.normalize("NFKC", self.context)):
            parts = [part for part in _CLAUSE.split(sentence) if part and part.strip()]
            parts += [piece for part in parts for piece in _AND.split(part) if piece != part]
            matches += [Clause(part) for part in dict.fromkeys([*parts, sentence])]
        return matches

    @cached_property
    def stems(self) -> frozenset[str]:
        """Stems of all words."""
        return frozenset(_stem(word) for word in tokens(self.text)) | _pairs(self.text)

    @cached_property
    def figures(self) -> frozenset[float]:
        """All figures, also those written as words."""
        return frozenset(figures(self.text))

    @cached_property
    def dates(self) -> frozenset[Date]:
        """All days of a month."""
        return frozenset(dates(self.text))


@dataclass(frozen=True)
class Clause:
    """A clause with its content words and its polarity."""

    text: str

    @cached_property
    def content(self) -> frozenset[str]:
        """Stems of content words without negations; pairs of characters in Chinese."""
        return content(self.text)

    @cached_property
    def negated(self) -> bool:
        """Whether the clause denies."""
        text = _fold(self.text)
        return (_NEGATION.search(text) is None) == (_FORBIDS.search(text) is not None)


def contradictions(claim: str, source: SourceText, response: str) -> list[str]:
    """Return what of a claim contradicts its source; empty: empty: nothing.

    Args:
        claim: A sentence of the response.
        source: What the response may state.
        response: The complete response, for derived figures.
    """
    problems = [*_figure_problems(claim, source, response), *_name_problems(claim, source)]
    if not problems and not abstains(claim):
        problems += [*_negation_problems(claim, source), *_opposite_problems(claim, source)]
    if not problems and not abstains(claim):
        problems += _role_problems(claim, source)
    return problems


def abstains(sentence: str) -> bool:
    """Return whether a sentence says that something is unknown."""
    folded = _fold(sentence)
    return any(pattern.search(folded) for pattern in _ABSTAINS.values())


def contradicts_question(response: str, question: str, source: SourceText) -> bool:
    """Return whether a bare "yes" or "no" contradicts the clause that the question is about."""
    folded = _fold(response)
    yes, no = _YES.match(folded) is not None, _NO.match(folded) is not None
    if yes == no or len(content(response)) > 1:
        return False
    query = Clause(question)
    clauses = _same_clauses(query.content, source, covered=0.0)
    denies = {clause.negated != query.negated for clause in clauses}
    return denies == {yes}


def content(text: str) -> frozenset[str]:
    """Return the stems of content words without figures and negations."""
    words = tokens(_FORBIDS.sub(" ", _NEGATION.sub(" ", _fold(text))))
    latin = {
        _stem(word)
        for word in words
        if len(word) > 2 and word not in _STOP and not any(c.isdigit() for c in word)
    }
    return frozenset(latin) | _pairs(_NEGATION.sub("", text))


def _figure_problems(claim: str, source: SourceText, response: str) -> Iterator[str]:
    known = source.figures | {float(date.day) for date in source.dates}
    for date in dates(claim):
        if date not in source.dates:
            yield str(date)
    derived = contains_derivation(response) or contains_derivation(source.messages)
    is_short = len(tokens(response)) <= 3
    small = (
        set() if is_short else {figure for figure in figures(_DIGITS.sub("", claim)) if figure <= 3}
    )
    for figure in figures(claim):
        if (
            figure in known
            or figure in small
            or derivable(figure, claim, source.text, free=derived)
        ):
            known |= {figure}
        else:
            yield f"{figure:g}"
    where = neighbours(source.text)
    for figure, words in neighbours(claim).items():
        rivals = {other for other, near in where.items() if near & words and other != figure}
        if not derived and rivals and not where.get(figure, frozenset()) & words:
            yield f"{figure:g}"


def _name_problems(claim: str, source: SourceText) -> Iterator[str]:
    for name, kind in _CHINESE_NAME.findall(claim):
        if name not in source.stems and not set(name) & set("这那该本家的一各每某"):
            yield name + kind
    words = list(_CAPITAL.finditer(claim))
    german = _GERMAN.search(claim) is not None
    after = _followers(source.text)
    for place, match in enumerate(words):
        word = match.group()
        folded = _fold(word)
        if not word[0].isupper() or _stem(folded) in source.stems or folded in _STOP:
            continue
        if folded in MONTHS or folded in _fold(source.text):
            continue
        previous = words[place - 1] if place else None
        follows = previous is not None and not re.search(
            r"[.!?:]", claim[previous.end() : match.start()].replace("Dr.", "").replace("Mr", "")
        )
        title = previous.group() if previous is not None and follows else ""
        if german:
            if _fold(title) in _TITLES and after.get(_fold(title)):
                yield word
        elif follows or not word[1:].islower():
            yield word


def _followers(text: str) -> dict[str, set[str]]:
    """Return the capitalized words that follow each capitalized word."""
    matches: dict[str, set[str]] = {}
    for first, second in re.findall(r"\b([A-ZÄÖÜÉÈ][\w-]+)\.? (?:Dr\. )?([A-ZÄÖÜÉÈ][\w-]+)", text):
        matches.setdefault(_fold(first), set()).add(second)
    return matches


def _negation_problems(claim: str, source: SourceText) -> Iterator[str]:
    if _EXCEPTS.search(_fold(claim)):
        return
    for part in _CLAUSE.split(claim):
        statement = Clause(part or "")
        if len(statement.content) < 2:
            continue
        clauses = _same_clauses(statement.content, source, covered=COVERED)
        if clauses and all(clause.negated != statement.negated for clause in clauses):
            yield clauses[0].text.strip()


def _opposite_problems(claim: str, source: SourceText) -> Iterator[str]:
    statement = Clause(claim)
    words = set(tokens(claim)) | _pairs(claim)
    for clause in _same_clauses(statement.content, source, covered=COVERED):
        other = set(tokens(clause.text)) | _pairs(clause.text)
        for first, second in _OPPOSITES:
            for here, there in ((first, second), (second, first)):
                if words & here and other & there and not (words & there or other & here):
                    yield " ".join(sorted(words & here))


def _same_clauses(words: frozenset[str], source: SourceText, *, covered: float) -> list[Clause]:
    """Return the clauses that share the most content words, if they share enough."""
    scored = []
    for clause in source.clauses:
        shared = len(words & clause.content)
        if shared < min(2, len(words)) or not shared:
            continue
        recall, precision = shared / len(words), shared / len(clause.content)
        if recall >= SAME and precision >= covered:
            scored.append((recall, clause))
    best = max((recall for recall, _ in scored), default=0.0)
    return [clause for recall, clause in scored if recall >= best - 0.15]


def _role_problems(claim: str, source: SourceText) -> Iterator[str]:
    statement = Clause(claim)
    if len(statement.content) < 3 or _ADVERBIAL.match(_fold(claim)) or _GERMAN.search(claim):
        return
    passive = _PASSIVE.search(_fold(claim)) is not None
    swaps = []
    for clause in source.clauses:
        shared = len(statement.content & clause.content)
        if shared < ROLES * len(statement.content) or shared < ROLES * len(clause.content):
            continue
        if passive != (_PASSIVE.search(_fold(clause.text)) is not None):
            continue
        order, other = _places(claim), _places(clause.text)
        names = _names(clause.text)
        anchors = [stem for stem in order if stem in other and stem in names]
        swaps.append(
            next(
                (
                    f"{first} {second}"
                    for first, second in combinations(anchors, 2)
                    if (order[first] < order[second]) != (other[first] < other[second])
                ),
                "",
            )
        )
    if swaps and all(swaps):
        yield swaps[0]


def _places(text: str) -> dict[str, int]:
    matches: dict[str, int] = {}
    for place, word in enumerate(tokens(text)):
        matches.setdefault(_stem(word), place)
    return matches


def _names(text: str) -> set[str]:
    return {
        _stem(_fold(match.group()))
        for match in _CAPITAL.finditer(text)
        if match.group()[0].isupper()
    }


def _stem(word: str) -> str:
    return word[:_STEM]


def _pairs(text: str) -> frozenset[str]:
    runs = re.findall("[\u4e00-\u9fff]+", text)
    return frozenset(run[i : i + 2] for run in runs for i in range(len(run) - 1))


def _fold(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold()
    return re.sub("[\u2018\u2019\u02bc]", "'", text)
