"""Changes of system messages and of definitions of tools."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.assessment import Explanation
from monitor.traffic.parsing.tools import describe_tools
from monitor.windows.explanations.instructions import Instructions, find_instruction_changes

N = 300
START = datetime(2026, 11, 2, tzinfo=UTC)
NEXT_WEEK = START + timedelta(days=7)
FIRST = ("Anna", "Ben", "Cara", "Dirk", "Eva", "Finn", "Gita")
LAST = ("Smith", "Jones", "Brown", "Meier", "Rossi", "Novak")
BANK = (
    "You are the assistant of a bank. Today is {day}. Keep responses short.\n"
    "The user is {name}. Never give legal advice."
)


def side(
    messages: Sequence[str],
    start: datetime = START,
    *,
    end_user: Callable[[int], str] = "user {}".format,
    tools: object = None,
) -> Instructions:
    """Return exchanges of a week with these system messages, in order of time."""
    n = len(messages)
    exchanges = Exchanges(
        prompts=["hello"] * n,
        end_users=[end_user(row) for row in range(n)],
        attributes=[{"tools": described} if (described := describe_tools(tools)) else {}] * n,
        occurred_at=[start + timedelta(days=7) * row / n for row in range(n)],
    )
    return Instructions(exchanges, messages)


def filled(template: str, start: datetime = START, form: str = "%A, %d %B %Y") -> list[str]:
    """Return a system message with the date and a name for each exchange."""
    return [
        template.format(
            day=(start + timedelta(days=7) * row / N).strftime(form),
            name=f"{FIRST[row % 7]} {LAST[row % 6]}",
        )
        for row in range(N)
    ]


def only(changes: Sequence[Explanation]) -> Explanation:
    (change,) = changes
    return change


@pytest.mark.parametrize(
    "form", ["%A, %d %B %Y", "%Y-%m-%d", "%B %d, %Y", "%d/%m/%Y %H:%M", "%A", "%d.%m.%y"]
)
def test_instructions_date_and_name_filled_in_no_change(form: str) -> None:
    reference, current = filled(BANK, form=form), filled(BANK, NEXT_WEEK, form)

    assert not find_instruction_changes(side(reference), side(current, NEXT_WEEK))
    of_a_day = [message for message in current if message][:40]
    assert not find_instruction_changes(side(reference), side(of_a_day, NEXT_WEEK))


def test_instructions_weekday_of_unknown_language_no_change() -> None:
    days = ("maanantai", "tiistai", "keskiviikko", "torstai", "perjantai", "lauantai")
    reference = [f"Nyt on {days[row % 6]}. Vastaa lyhyesti." for row in range(N)]

    assert not find_instruction_changes(
        side(reference), side(["Nyt on maanantai. Vastaa lyhyesti."] * N)
    )


def test_instructions_sentence_replaced_quotes_it_with_shares() -> None:
    other = BANK.replace("Keep responses short.", "Explain each step in detail.")

    change = only(find_instruction_changes(side(filled(BANK)), side(filled(other), NEXT_WEEK)))

    assert (change.kind, change.side) == ("system_message", "prompt")
    assert change.text == "Explain each step in detail."
    assert change.before == "Keep responses short."
    assert (change.reference.estimate, change.current.estimate) == (0.0, 1.0)
    assert 0.0 < change.reference.upper < 0.03
    assert change.since == NEXT_WEEK
    assert change.n_end_users == N


def test_instructions_of_last_days_have_share_and_since() -> None:
    other = BANK.replace("Keep responses short.", "Explain each step in detail.")
    current = [*filled(BANK, NEXT_WEEK)[:200], *filled(other, NEXT_WEEK)[200:]]

    change = only(find_instruction_changes(side(filled(BANK)), side(current, NEXT_WEEK)))

    assert change.current.estimate == pytest.approx(1 / 3)
    assert change.since == NEXT_WEEK + timedelta(days=7) * 200 / N
    assert change.before == "Keep responses short."


def test_instructions_sentence_gone_counts_exchanges_without_it() -> None:
    other = BANK.replace(" Never give legal advice.", "")

    change = only(find_instruction_changes(side(filled(BANK)), side(filled(other), NEXT_WEEK)))

    assert (change.text, change.before) == ("", "Never give legal advice.")
    assert (change.reference.estimate, change.current.estimate) == (0.0, 1.0)


def test_instructions_sentence_around_name_changed_hides_name() -> None:
    other = BANK.replace("The user is {name}.", "You talk with {name}, a customer.")

    change = only(find_instruction_changes(side(filled(BANK)), side(filled(other), NEXT_WEEK)))

    assert (change.text, change.before) == ("You talk with …, a customer.", "The user is ….")


def test_instructions_number_changed_is_a_change() -> None:
    change = only(
        find_instruction_changes(side(["Use 200 words."] * N), side(["Use 500 words."] * N))
    )

    assert (change.text, change.before) == ("Use 500 words.", "Use 200 words.")


def test_instructions_long_sentence_is_shown_around_difference() -> None:
    long = "This assistant helps with all that concerns the bank, its cards, its loans, " * 2

    change = only(
        find_instruction_changes(
            side([f"{long}in English."] * N), side([f"{long}in any language."] * N)
        )
    )

    assert change.text.endswith("in any language.")
    assert len(change.text) < 70


def test_instructions_of_tenants_in_same_mix_no_change() -> None:
    tenants = [f"You sell {goods}. Respond like a {goods} seller." for goods in FIRST]
    reference = [tenants[row % 7] for row in range(N)]
    current = [tenants[row * row % 7] for row in range(N)]

    assert not find_instruction_changes(side(reference), side(reference[::-1]))
    changed = find_instruction_changes(side(reference), side(current))
    assert all(change.before == "" for change in changed)  # of another mix nothing is replaced


def test_instructions_of_one_end_user_are_not_quoted() -> None:
    current = ["Call me Ann."] * 150 + [""] * 150
    few = side(current, end_user=lambda row: "ann" if row < 150 else f"user {row}")

    change = only(find_instruction_changes(side([""] * N), few))

    assert (change.text, change.n_end_users) == ("", 1)
    assert change.current.upper - change.current.lower > 0.3


def test_tools_changed_are_named_with_parameters() -> None:
    search = {
        "type": "function",
        "function": {"name": "search", "parameters": {"properties": {"q": {}}}},
    }
    other = {"name": "pay", "input_schema": {"properties": {"to": {}, "amount": {}}}}

    change = only(
        find_instruction_changes(
            side([""] * N, tools=[search]), side([""] * N, tools=[search, other])
        )
    )

    assert change.kind == "tools"
    assert change.text.startswith("pay(amount, to)")
    assert (
        find_instruction_changes(side([""] * N, tools=[search]), side([""] * N, tools=[search]))
        == ()
    )
