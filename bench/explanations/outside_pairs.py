"""Known pairs by somebody who knows neither the rules nor the wording of the tool."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from pandas import DataFrame

from bench.explanations.known_pair import KnownPair
from bench.explanations.sources import Sources

N_PROMPTS = 600
N_EXCHANGES = 380
Rows = list[dict[str, Any]]
Item = TypeVar("Item")

NO_CHANGE = r"no (significant|material|relevant) (change|drift|difference)"
EVERY = r"(?<!of )(?:\b(?:every|all|each)\b|(?<![\d.])100%)"
EVERY_PROMPT = rf"{EVERY} (?:(?:of )?the )?(?:window's )?(?:prompts?|messages?|requests?)\b"
EVERY_RESPONSE = rf"{EVERY} (?:(?:of )?the )?(?:window's )?(?:responses?|answers?|outputs?)\b"
NEW = r"\b(?:new|unseen)\b"
OTHER_LANGUAGES = (
    r"\b(?:are|is|were|written)(?: (?:in|mostly))? "
    r"(?:Spanish|French|Italian|Portuguese|Romanian|Catalan|Latin|Dutch|Danish|Swedish"
    r"|Norwegian|Afrikaans|Luxembourgish|Tagalog|Welsh|Somali|Indonesian|Polish|Finnish)\b"
)
REFUSED = r"(?<!\bno )(?<!\bwithout )\brefus"
DENIED = r"\b(?:no|none|not|only|never|without)\b"

GREETING = "Hi there, this is a message from the tablet app: "
GERMAN = (
    "bitte stell mir den Wecker auf {} Uhr morgens",
    "wie viel Geld habe ich noch auf meinem Konto mit der Nummer {}?",
    "ich möchte die Stromrechnung über {} Euro noch heute bezahlen",
    "kannst du für heute Abend einen Tisch für {} Personen reservieren?",
    "wie wird das Wetter in den nächsten {} Tagen bei uns?",
    "ich habe mein Passwort schon {} Mal eingegeben, was mache ich falsch?",
)
FIRST_NAMES = (
    *("Maria", "Ahmed", "Julia", "Kofi", "Priya", "Thomas", "Wei", "Olga", "Diego", "Hannah"),
    *("Yusuf", "Chloe", "Marek", "Aiko", "Samuel", "Ines", "Ravi", "Greta", "Pedro", "Leila"),
)
LAST_NAMES = (
    *("Lopez", "Haddad", "Becker", "Mensah", "Nair", "Clarke", "Zhang", "Petrova", "Rojas"),
    *("Cohen", "Demir", "Dubois", "Nowak", "Tanaka", "Osei", "Ferreira", "Iyer", "Lindqvist"),
)
FUNCTIONS = ("load_rows", "parse_date", "send_mail", "merge_users", "read_config", "sum_costs")
ARGUMENTS = ("rows", "payload", "path", "customer", "value", "batch")
BODIES = (
    "    for item in {argument}:\n        total += item['price'] * {number}\n    return total",
    "    with open({argument}) as file:\n        return file.read()[:{number}]",
    "    if not {argument} or len({argument}) > {number}:\n        raise ValueError({argument})",
    "    return [{argument}[i] for i in range({number}) if {argument}[i] != '']",
    "    try:\n        return int({argument}) // {number}\n    except TypeError:\n        pass",
)
QUESTIONS = (
    "why does this fail?",
    "can you find the bug in my function",
    "this worked yesterday, what is wrong with it now?",
    "how do i make this faster",
    "please write a unit test for this",
)
ERRORS = ("KeyError: 'price'", "IndexError: list index out of range", "TypeError: 'NoneType'")
SIGNATURE = "\n\nKind regards,\n{} from the Northbank team"
APOLOGIES = (
    "I'm sorry, but I can't come to the {} on {}.",
    "I'm sorry, but I cannot help with the {} on {}.",
    "I apologize, but I am unable to assist with the {} on {}.",
    "Sorry, I can't answer any questions about the {} on {}.",
)
OCCASIONS = ("wedding", "budget meeting", "school fair", "move", "audit", "garden party")
DAYS = ("Monday", "Tuesday", "Thursday", "Friday", "Saturday")
ADVICE = (
    "You could add a reason.",
    "A suggestion of another date would make it warmer.",
    "Nothing needs to be corrected.",
    "I would put the day first.",
)
NOT_MEDICAL = (
    "I'm sorry, but I can't give medical advice. Please ask your doctor.",
    "I'm sorry, I am not able to help with medical questions.",
    "I cannot advise on health topics. Please contact a medical professional.",
)
SPACES = ("{}\n", "{}   ", "\n\n{}", "\t{}", "{}\r\n", "  {} \n")
CATEGORIES = ("general", "writing", "facts", "advice")


def outside_pairs(sources: Sources) -> Iterator[KnownPair]:
    """Yield twelve pairs; in four of them nothing that matters changed."""
    yield _greeting_and_german(sources)
    yield _dated_templates(sources)
    yield _two_topics(sources)
    yield _whitespace(sources)
    yield _code(sources)
    yield _shuffled_copies(sources)
    yield _signature(sources)
    yield _quoted_prompts(sources)
    yield _refused_topic(sources)
    yield _empty_task_type(sources)
    yield _scale(sources)
    yield _json_field(sources)


def _says(*patterns: str) -> str:
    """Return a pattern of a sentence that matches each pattern, in any order."""
    return "^" + "".join(f"(?=.*(?:{pattern}))" for pattern in patterns)


def _unless(excuse: str, wrong: str) -> str:
    """Return a pattern of a sentence that is wrong unless it also says the excuse."""
    return f"^(?!.*(?:{excuse}))(?=.*(?:{wrong}))"


def _percent(low: int, high: int) -> str:
    """Return a pattern of a percentage from low to below high + 1."""
    numbers = "|".join(str(number) for number in range(low, high + 1))
    return rf"(?<![\d.])(?:{numbers})(?:\.\d+)?%"


def _new_share(low: int, high: int) -> str:
    """Return a pattern of "so many percent of the prompts are new", or differ."""
    of_what = r"(?: of (?:(?:the|all) )?(?:window's )?(?:window|prompts|messages|requests))?"
    verb = rf"(?:(?:is|are|seem|look)(?: on)?(?: an?)? {NEW}|differ)"
    return rf"{_percent(low, high)}{of_what} {verb}"


def _shuffled(sources: Sources, items: Sequence[Item]) -> list[Item]:
    return [items[row] for row in sources.rng.permutation(len(items))]


def _choice(sources: Sources, items: Sequence[str]) -> str:
    return items[int(sources.rng.integers(len(items)))]


def _prompts(
    name: str, reference: Sequence[str], current: Sequence[str], **truth: Any
) -> KnownPair:
    frames = [
        DataFrame({"prompt": list(texts), "user": [f"{side}{row}" for row in range(len(texts))]})
        for side, texts in (("a", reference), ("b", current))
    ]
    never = (r"\bresponses", *truth.pop("never", ()))
    return KnownPair(name=name, reference=frames[0], current=frames[1], never=never, **truth)


def _exchanges(name: str, reference: Rows, current: Rows, **truth: Any) -> KnownPair:
    return KnownPair(name=name, reference=DataFrame(reference), current=DataFrame(current), **truth)


def _sides(sources: Sources) -> tuple[Rows, Rows]:
    """Return exchanges of one release that share no prompt."""
    drawn = sources.release(1, sources.instructions(2 * N_EXCHANGES))
    rows = [
        {"prompt": prompt, "response": response, "user": f"u{at}"}
        for at, (prompt, response) in enumerate(drawn)
    ]
    return rows[:N_EXCHANGES], rows[N_EXCHANGES:]


def _greeting_and_german(sources: Sources) -> KnownPair:
    """A new client greets in 240 of 600 prompts; 30 others are German."""
    reference, current = sources.two(N_PROMPTS)
    greeted = [GREETING + text for text in current[:240]]
    german = [GERMAN[row % len(GERMAN)].format(row + 2) for row in range(30)]
    return _prompts(
        "a new client greets in 40% of the prompts, 5% are German",
        reference,
        _shuffled(sources, greeted + german + current[270:]),
        alarms=True,
        first=_says(_percent(37, 43), r"hi there|tablet"),
        also=(_says(_percent(3, 8), r"German"),),
        never=(
            rf"{EVERY_PROMPT}[^;.]*(hi there|tablet)",
            _new_share(12, 100),
            _unless(r"German", r"\b(bitte|ich|wecker|konto|heute|uhr|meinem)\b"),
            OTHER_LANGUAGES,
        ),
    )


def _dated_templates(sources: Sources) -> KnownPair:
    """One template on both sides; names are drawn alike, the dates are of the next month."""

    def filled(texts: list[str], month: int) -> list[str]:
        return [
            f"2026-{month}-{int(sources.rng.integers(1, 31)):02} | {_choice(sources, FIRST_NAMES)}"
            f" {_choice(sources, LAST_NAMES)} (customer {int(sources.rng.integers(10**4, 10**5))})"
            f" writes: {text}"
            for text in texts
        ]

    reference, current = sources.two(N_PROMPTS)
    return _prompts(
        "the same template with date, name and number on both sides, a month later",
        filled(reference, 10),
        filled(current, 11),
        alarms=False,
        first=rf"{NO_CHANGE}|\bdates?\b|2026",
        never=(
            NEW,
            rf"{EVERY}[^;.]*(customer|writes)",
            rf"\b({'|'.join((*FIRST_NAMES, *LAST_NAMES))})\b",
            r"\b(longer|shorter|grew|rose)\b",
            OTHER_LANGUAGES,
        ),
    )


def _two_topics(sources: Sources) -> KnownPair:
    """Of 600 prompts 78 are on vaccines and 12 on traffic, none before."""
    reference, current = sources.two(N_PROMPTS)
    new = sources.of_intent("vaccines", 78) + sources.of_intent("traffic", 12)
    return _prompts(
        "two new topics, 13% and 2%",
        reference,
        _shuffled(sources, new + current[90:]),
        alarms=True,
        first=_says(_percent(9, 20), NEW),
        also=(r"vaccin|\bshots?\b|immuni",),
        never=(
            rf"{_percent(6, 100)} (are|is|on|about|ask|mention)[^:;,.]{{0,20}}traffic",
            r"(vaccin|traffic|shots)[^;.]*\b(grew|rose) from (?!(about )?(0%|0\.0%|none|zero))",
            _new_share(22, 100),
            EVERY_PROMPT,
            OTHER_LANGUAGES,
        ),
    )


def _whitespace(sources: Sources) -> KnownPair:
    """Every prompt has other blanks, line ends or tabs; no word differs."""
    reference, current = sources.two(N_PROMPTS)

    def spaced(text: str) -> str:
        between = _choice(sources, (" ", "  ", "\u00a0"))
        return _choice(sources, SPACES).format(between.join(text.split(" ")))

    blanks = r"spac(?:e|ing)|blank|\blines?\b|\btabs?\b"
    return _prompts(
        "other blanks and line ends in every prompt",
        reference,
        [spaced(text) for text in current],
        alarms=None,
        first=rf"{NO_CHANGE}|{blanks}|newline",
        never=(
            _unless(blanks, r"\bnew\b|\d% (of the \w+ )?differ"),
            _unless(blanks, r"\b(longer|encod\w*|markup)\b"),
            r"\b(topics?|intents?) [^;.]*\b(grew|rose|fell|gone)\b",
            OTHER_LANGUAGES,
        ),
    )


def _code(sources: Sources) -> KnownPair:
    """Of 600 prompts 60 ask about Python code that they hold, none before."""
    reference, current = sources.two(N_PROMPTS)

    def make_question() -> str:
        name, argument = _choice(sources, FUNCTIONS), _choice(sources, ARGUMENTS)
        number = int(sources.rng.integers(2, 500))
        body = _choice(sources, BODIES).format(argument=argument, number=number)
        code = f"```python\ndef {name}({argument}):\n{body}\n```"
        error = f'\nFile "jobs.py", line {number}, in {name}\n{_choice(sources, ERRORS)}'
        return f"{_choice(sources, QUESTIONS)}\n{code}{error if number % 2 else ''}"

    return _prompts(
        "10% ask about code",
        reference,
        _shuffled(sources, [make_question() for _ in range(60)] + current[60:]),
        alarms=True,
        first=_says(_percent(7, 14), rf"code|python|program|```|def\b|function|bug|{NEW}"),
        never=(
            OTHER_LANGUAGES,
            EVERY_PROMPT,
            r"\bHTML\b|malformed|\bcapitals\b",
            _new_share(17, 100),
            r"\b(one|a single) user\b",
        ),
    )


def _shuffled_copies(sources: Sources) -> KnownPair:
    """The window holds the exchanges of the baseline in another order, its users anonymous."""
    reference, _ = _sides(sources)
    current = [row | {"user": "anonymous"} for row in _shuffled(sources, reference)]
    return _exchanges(
        "the same exchanges in another order, users anonymous",
        reference,
        current,
        alarms=False,
        first=rf"{NO_CHANGE}|\b(same|equal|identical)\b",
        never=(
            NEW,
            r"\b(longer|shorter|fell|rose|grew|worse|shifted)\b",
            r"\b(one|single|1) user\b",
            r"not enough (data|users|exchanges)|too few",
            r"[1-9]\d*(\.\d+)?% (of the \w+ )?differ",
        ),
    )


def _signature(sources: Sources) -> KnownPair:
    """Of 380 responses 228 end with a signature of one of 20 names."""
    reference, current = _sides(sources)
    signed = [
        row | {"response": row["response"] + SIGNATURE.format(_choice(sources, FIRST_NAMES))}
        for row in current[:228]
    ]
    return _exchanges(
        "60% of the responses end with a signature of various names",
        reference,
        _shuffled(sources, signed + current[228:]),
        alarms=True,
        first=_says(_percent(56, 64), r"kind regards|northbank|signature|sign.?off"),
        never=(
            EVERY_RESPONSE,
            REFUSED,
            r"cut off|truncat|\bshorter\b",
            r"\d% of (the )?prompts\b[^;.]*(kind regards|northbank)",
            _unless(r"regards|northbank|signature", rf"\b({'|'.join(FIRST_NAMES)})\b"),
            _new_share(1, 100),
        ),
    )


def _quoted_prompts(sources: Sources) -> KnownPair:
    """Every response quotes its prompt; on both sides 30 of 380 prompts hold an apology."""

    def with_apologies(rows: Rows) -> Rows:
        apologies = [
            _choice(sources, APOLOGIES).format(_choice(sources, OCCASIONS), _choice(sources, DAYS))
            for _ in range(30)
        ]
        proofread = [
            row | {"prompt": text, "response": f"It reads well. {_choice(sources, ADVICE)}"}
            for row, text in zip(rows[:30], apologies, strict=True)
        ]
        return _shuffled(sources, proofread + rows[30:])

    reference, current = (with_apologies(rows) for rows in _sides(sources))
    quoted = [
        row
        | {
            "response": "\n".join(f"> {line}" for line in row["prompt"].splitlines())
            + f"\n\n{row['response']}"
        }
        for row in current
    ]
    return _exchanges(
        "every response quotes its prompt, apologies among them",
        reference,
        quoted,
        alarms=True,
        first=_says(EVERY, r"respon|answer|output", r"quot|repeat|echo|prompt|begin|start|“>"),
        never=(
            REFUSED,
            r"empty|cut off|truncat|\bshorter\b",
            _new_share(1, 100),
            rf"{EVERY_PROMPT} (now )?(begin|start|quote|contain|repeat)",
        ),
    )


def _refused_topic(sources: Sources) -> KnownPair:
    """Of 380 prompts 46 are on vaccines and refused; no other prompt is refused more often."""
    reference, current = _sides(sources)
    refused = [
        row | {"prompt": prompt, "response": _choice(sources, NOT_MEDICAL)}
        for row, prompt in zip(current[:46], sources.of_intent("vaccines", 46), strict=True)
    ]
    known = r"\b(comparable|same|equal|similar|known|other) (prompts?|topics?|requests?|questions?)"
    return _exchanges(
        "12% on a new topic, and only these are refused",
        reference,
        _shuffled(sources, refused + current[46:]),
        alarms=True,
        first=r"refus",
        also=(r"vaccin|\bshots?\b|medical|health", _says(_percent(10, 17), r"refus")),
        never=(
            _unless(DENIED, rf"{known}[^;.]*refus|refus[^;.]*{known}"),
            _unless(DENIED, r"apart from (that|this)[^;.]*(refus|shorter)"),
            _unless(DENIED, _says(r"\bshorter\b", known)[1:]),
            EVERY_PROMPT,
            EVERY_RESPONSE,
            r"\bempty\b|cut off|truncat",
            _new_share(22, 100),
        ),
    )


def _empty_task_type(sources: Sources) -> KnownPair:
    """Half of the 92 summaries are empty, 46 of 380 responses, and these come fast."""

    def with_types(rows: Rows) -> Rows:
        types = ["summarize"] * 92 + ["extract"] * 98 + ["chat"] * 190
        return [
            row | {"task_type": of_type, "latency_seconds": float(sources.rng.normal(3.0, 0.5))}
            for row, of_type in zip(rows, types, strict=True)
        ]

    reference, current = (with_types(rows) for rows in _sides(sources))
    failed = [
        row | {"response": "", "latency_seconds": float(sources.rng.normal(0.2, 0.02))}
        for row in current[:46]
    ]
    summaries = rf"summar\w*[^;.]*{_percent(48, 52)}|{_percent(48, 52)}[^;.]*summar"
    return _exchanges(
        "half of one task type is empty, and fast",
        _shuffled(sources, reference),
        _shuffled(sources, failed + current[46:]),
        alarms=True,
        first=_says(r"\bempty\b|\bempties\b", rf"{_percent(11, 13)}|{summaries}"),
        never=(
            _unless(DENIED, r"\b(chat|extract)\b[^;.,]*empty|empty[^;.,]*\b(chat|extract)\b"),
            r"latency_seconds[^;.,]*(improv|better|faster|worse|slower|rose)",
            r"apart from (that|this)[^;.]*shorter",
            REFUSED,
            r"cut off|truncat|“various",
            _new_share(1, 100),
            EVERY_RESPONSE,
        ),
    )


def _scale(sources: Sources) -> KnownPair:
    """A metric from 0 to 1 is now given from 0 to 100, as good as before; another is as before."""

    def rated(rows: Rows, scale: float) -> Rows:
        return [
            row
            | {
                "quality": scale * float(sources.rng.beta(8, 2)),
                "latency_seconds": float(sources.rng.normal(3.0, 0.5)),
            }
            for row in rows
        ]

    reference, current = _sides(sources)
    scale = r"\bscal|\bunits?\b|\branges?\b|factor|\btimes\b|-?fold|100 ?x|\b0 to 100\b"
    return _exchanges(
        "a metric from 0 to 1 is now from 0 to 100",
        rated(reference, 1.0),
        rated(current, 100.0),
        alarms=None,
        first=_says(r"\bquality\b", scale),
        never=(
            _unless(scale, r"\bquality\b[^;]*\b(rose|grew|increased|higher)\b"),
            r"\bquality\b[^;]*\b(improved|better|fell|worse)\b",
            r"latency_seconds[^;,]*\b(rose|fell|improved|better|worse)\b",
            _new_share(1, 100),
            r"\b(shorter|longer)\b",
        ),
    )


def _json_field(sources: Sources) -> KnownPair:
    """All responses are valid JSON; those of the window have one more field."""

    def as_json(rows: Rows, *, has_confidence: bool) -> Rows:
        written = []
        for row in rows:
            content: dict[str, Any] = {
                "answer": row["response"][:120],
                "category": _choice(sources, CATEGORIES),
            }
            if has_confidence:
                content["confidence"] = round(float(sources.rng.beta(9, 2)), 2)
            written.append(row | {"response": json.dumps(content)})
        return written

    reference, current = _sides(sources)
    return _exchanges(
        "every JSON response has one more field",
        as_json(reference, has_confidence=False),
        as_json(current, has_confidence=True),
        alarms=True,
        first=r"confidence|\bfields?\b|\bkeys?\b",
        never=(
            _unless(DENIED, r"malformed|invalid|broken|not valid|\bpars(e|ing)"),
            r"cut off|truncat|\bempty\b|\bshorter\b",
            REFUSED,
            _new_share(1, 100),
            _unless(r"confidence", r"\bmore (negative|positive|numbers)\b"),
        ),
    )
