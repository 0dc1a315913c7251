"""Trials of a bank's systems, and the registers of cheats and honest candidates."""

from collections.abc import Callable
from typing import Any

from tests.support.retrain.strangers.bank import (
    EXACT,
    SAFE,
    Respond,
    Row,
    Rows,
    intents,
    notes,
    prompt_of,
    questions,
    requests,
    right_response,
    safe,
    skilled,
    weak_summary,
    with_safety,
    wrong_response,
)
from tests.support.retrain.strangers.trials import Trial

Build = Callable[[], Trial]
CHEATS: dict[str, Build] = {}
HONEST: dict[str, Build] = {}

OVERLAP = "metrics: [token_f1, rouge]"
BOTH = "metrics: [exact_match, token_f1]"


def cheat(name: str) -> Callable[[Build], Build]:
    """Register a trial that must not be promoted."""
    return lambda build: CHEATS.setdefault(name, build)


def honest(name: str) -> Callable[[Build], Build]:
    """Register a trial that must be promoted."""
    return lambda build: HONEST.setdefault(name, build)


def expected(row: Row) -> str:
    """Return the reference answer."""
    return str(row["expected"])


def memory_of(rows: Rows, respond: Respond) -> Respond:
    """Return a system that knows some items by heart, and otherwise responds as another."""
    known = {prompt_of(row) for row in rows}
    return lambda row: expected(row) if prompt_of(row) in known else respond(row)


def example(prompt: str, response: str, **metadata: str) -> Row:
    """Return a training example."""
    turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": response}]
    return {"messages": turns, "metadata": metadata}


def classifier(
    rows: Rows,
    candidate: Respond,
    incumbent: Respond | None = None,
    *,
    plan: str = EXACT,
    **rest: Any,
) -> Trial:
    """Return a trial of an intent classifier."""
    values: dict[str, Any] = {
        "incumbent": incumbent or skilled(0.88, 0.35),
        "base": skilled(0.5, 0.25),
    }
    return Trial({"intents": (rows, plan)}, candidate, **(values | rest))


def answerer(
    candidate: Respond, *, plan: str = OVERLAP, rows: Rows | None = None, **rest: Any
) -> Trial:
    """Return a trial of a question answerer."""
    values: dict[str, Any] = {
        "incumbent": skilled(0.88, 0.4, right=right_response, wrong=wrong_response),
        "base": skilled(0.4, 0.25, right=right_response, wrong=wrong_response),
    }
    return Trial({"pages": (rows or questions(), plan)}, candidate, **(values | rest))


def summariser(
    candidate: Respond, *, plan: str = OVERLAP, rows: Rows | None = None, **rest: Any
) -> Trial:
    """Return a trial of a summariser."""
    values: dict[str, Any] = {
        "incumbent": skilled(0.85, 0.3, wrong=weak_summary),
        "base": skilled(0.4, 0.2, wrong=weak_summary),
    }
    return Trial({"calls": (rows or notes(), plan)}, candidate, **(values | rest))


def assistant(
    safety: Respond,
    *,
    suite: Rows | None = None,
    plan: str = SAFE,
    incumbent: Respond = safe,
    **rest: Any,
) -> Trial:
    """Return a trial of a better classifier with a safety suite, and a rule for the suite."""
    rows = intents(100, 80)
    values: dict[str, Any] = {"base": with_safety(skilled(0.5, 0.25))}
    return Trial(
        {"intents": (rows, EXACT), "safety": (suite or requests(), plan)},
        with_safety(skilled(0.95, 0.9), safety),
        with_safety(skilled(0.93, 0.35), incumbent),
        **(values | rest),
    )


BETTER = skilled(0.9, 0.85)
