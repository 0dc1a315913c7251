"""Known pairs whose prompts changed, or did not."""

import html
from collections.abc import Callable, Iterator, Sequence

from pandas import DataFrame

from bench.explanations.known_pair import KnownPair
from bench.explanations.sources import Sources

N = 600
HEADER = "Sent from the web widget, please reply by phone.\n"
FOOTER = "\nBest regards from the mobile app, version 4.2"
OTHER_HEADER = "Context: the customer is logged in on the phone. Question: "
ALL = r"\b(every|all|100%)"
NO_CHANGE = r"no significant change"
SPANISH = (
    "oye, pon una alarma para las {} de la mañana",
    "¿cuánto dinero tengo ahora en mi cuenta número {}?",
    "necesito pagar la factura de la luz antes del día {}",
    "reserva una mesa para {} personas esta noche, por favor",
    "¿qué tiempo hará mañana a las {} en la ciudad?",
    "quiero cambiar mi contraseña, ya lo intenté {} veces",
)
RUSSIAN = (
    "поставь будильник на {} утра, пожалуйста",
    "сколько денег осталось на моём счёте номер {}",
    "закажи такси на {} часов вечера к моему дому",
    "какая погода будет завтра в {} часов",
)
BURST = "why was my payment of {} dollars declined again yesterday"


def prompt_pairs(sources: Sources) -> Iterator[KnownPair]:
    """Yield the pairs."""
    yield from _around(sources)
    yield from _topics(sources)
    yield from _forms(sources)
    yield from _unchanged(sources)


def _pair(
    name: str,
    reference: Sequence[str],
    current: Sequence[str],
    *,
    alarms: bool | None = True,
    first: str = "",
    also: tuple[str, ...] = (),
    never: tuple[str, ...] = (),
    users: tuple[Sequence[str], Sequence[str]] | None = None,
) -> KnownPair:
    of_users = users or (
        [f"a{row}" for row in range(len(reference))],
        [f"b{row}" for row in range(len(current))],
    )
    return KnownPair(
        name=name,
        reference=DataFrame({"prompt": list(reference), "user": list(of_users[0])}),
        current=DataFrame({"prompt": list(current), "user": list(of_users[1])}),
        alarms=alarms,
        first=first,
        also=also,
        never=(r"responses", *never),
    )


def _replace(texts: list[str], share: float, change: Callable[[str], str]) -> list[str]:
    n = round(share * len(texts))
    return [change(text) for text in texts[:n]] + texts[n:]


def _with_new(sources: Sources, texts: list[str], share: float) -> list[str]:
    n = round(share * len(texts))
    new = sources.of_intent("international_visa", n // 2) + sources.of_intent("taxes", n - n // 2)
    return new + texts[n:]


def _around(sources: Sources) -> Iterator[KnownPair]:
    reference, current = sources.two(N)
    yield _pair(
        "header around every prompt",
        reference,
        [HEADER + text for text in current],
        first=rf"{ALL}.*sent from the web widget",
        also=(r"(apart from that|without it).*no significant change",),
        never=(r"“sent, web", r"\d+% .*new\b"),
    )
    reference, current = sources.two(N)
    yield _pair(
        "another template around every prompt",
        [HEADER + text for text in reference],
        [OTHER_HEADER + text for text in current],
        first=rf"{ALL}.*context: the customer",
        also=(r"sent from the web widget",),
    )
    reference, current = sources.two(N)
    yield _pair(
        "header around every prompt, 20% new topics",
        reference,
        [HEADER + text for text in _with_new(sources, current, 0.2)],
        first=rf"{ALL}.*sent from the web widget",
        also=(r"apart from that.*\b(1[5-9]|2[0-5])%.*new", r"visa|tax"),
        never=(r"100% differ",),
    )
    reference, current = sources.two(N)
    yield _pair(
        "footer on 30% of the prompts",
        reference,
        _replace(current, 0.3, lambda text: text + FOOTER),
        first=r"\b(2[6-9]|3[0-4])%.*best regards from the mobile app",
        never=(ALL,),
    )
    reference, current = sources.two(N)
    yield _pair(
        "the header of the baseline is gone",
        [HEADER + text for text in reference],
        current,
        first=r"(no|none|without|no longer).*sent from the web widget",
    )
    reference, current = sources.two(N)
    dated = [f"[2026-11-{1 + row % 28:02} 12:{row % 60:02}] {t}" for row, t in enumerate(current)]
    yield _pair(
        "a date before every prompt",
        reference,
        dated,
        first=rf"{ALL}.*2026|{ALL}.*(date|time|\[)",
        never=(r"\d+% .*\bnew\b",),
    )


def _topics(sources: Sources) -> Iterator[KnownPair]:
    reference, current = sources.two(N)
    yield _pair(
        "20% new topics",
        reference,
        _with_new(sources, current, 0.2),
        first=r"\b(1[5-9]|2[0-5])%.*new",
        also=(r"visa|tax",),
        never=(r"grew from", ALL),
    )
    reference, current = sources.two(N, left_out=("transfer",))
    grown = sources.of_intent("transfer", 64)
    yield _pair(
        "an intent grows from 0.7% to 10%",
        grown[:4] + reference[4:],
        grown[4:] + current[60:],
        first=r"transfer.*(grew|rose) from (about )?(0?\.[4-9]|1)(\.\d)?% to (about )?(9|10|11)",
        never=(r"new topics?[^.]*transfer", r"\bare new\b(?! or)"),
    )
    reference, current = sources.two(N)
    yield _pair(
        "5% out-of-domain topic",
        reference,
        sources.of_intent("recipe", 30) + current[30:],
        alarms=None,
        never=(ALL,),
    )
    reference, current = sources.two(N, left_out=("transfer", "balance", "bill_due", "pay_bill"))
    banking = [
        text for name in ("transfer", "balance", "bill_due") for text in sources.of_intent(name, 60)
    ]
    yield _pair(
        "30% banking in the baseline are gone",
        banking + reference[180:],
        current,
        alarms=None,
        first=r"“[^”]*(account|bank|balance|bill|transfer|money)[^”]*” fell from",
        never=(r"new topic", r"\bare new\b(?! or)"),
    )


def _forms(sources: Sources) -> Iterator[KnownPair]:
    reference, current = sources.two(N)
    yield _pair(
        "in capitals with !!",
        reference,
        [text.upper() + "!!" for text in current],
        first=rf"{ALL}.*capital",
        also=(r"form",),
        never=(r"\bnew\b", r"3\d% (differ|are)"),
    )
    reference, current = sources.two(N)
    spanish = [SPANISH[row % len(SPANISH)].format(row) for row in range(30)]
    yield _pair(
        "5% in Spanish",
        reference,
        spanish + current[30:],
        first=r"\b[4-7]%.*Spanish",
        never=(r"“ahora", r"“[^”]*alarma"),
    )
    reference, current = sources.two(N)
    russian = [RUSSIAN[row % len(RUSSIAN)].format(row) for row in range(36)]
    yield _pair(
        "6% in Russian",
        reference,
        russian + current[36:],
        alarms=None,
        first=r"Russian|Cyrillic|no significant change",
    )
    reference, current = sources.two(N)
    yield _pair(
        "HTML entities in 20%",
        reference,
        _replace(
            current, 0.2, lambda text: html.escape(f'<p>{text} isn\'t & "done"</p>', quote=True)
        ),
        alarms=None,
        first=r"encod|entit|HTML|&|markup|no significant change",
    )
    reference, current = sources.two(N)
    yield _pair(
        "one text is 15% of the prompts",
        reference,
        ["health check of the assistant, ignore this message"] * 90 + current[90:],
        first=r"\b1[2-8]%.*health check",
    )
    reference, current = sources.two(N)
    burst = [BURST.format(row) for row in range(150)]
    yield _pair(
        "one user sends a quarter of the window",
        reference,
        burst + current[150:],
        alarms=None,
        never=(r"\b(2[0-9])% of the prompts are new",),
        users=(
            [f"a{row}" for row in range(N)],
            ["b0"] * 150 + [f"b{row}" for row in range(150, N)],
        ),
    )


def _unchanged(sources: Sources) -> Iterator[KnownPair]:
    reference, current = sources.two(N)
    yield _pair("prompts only, nothing changed", reference, current, alarms=False, first=NO_CHANGE)
    reference, current = sources.two(N)
    yield _pair(
        "the same header on both sides",
        [HEADER + text for text in reference],
        [HEADER + text for text in current],
        alarms=False,
        first=NO_CHANGE,
        never=(r"web widget",),
    )
    intents = ("transfer", "weather", "timer", "uber", "translate", "text")
    drawn = [sources.of_intent(intent, 150) for intent in intents]
    sides = [[text for texts in drawn for text in texts[half::2]] for half in range(2)]
    names = [[f"{side}{row // 15}" for row in range(len(sides[0]))] for side in "ab"]
    yield _pair(
        "users with 15 messages on one topic, nothing changed",
        *sides,
        alarms=False,
        first=NO_CHANGE,
        users=(names[0], names[1]),
    )
