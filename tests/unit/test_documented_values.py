"""Defaults and tables of the documentation: as the code has them."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from monitor.alerts.channels import KINDS
from monitor.alerts.incident_states import Status as IncidentStatus
from monitor.cli.retrain.evaluation import EXIT_STATUS
from monitor.drift.result import Verdict as DriftVerdict
from monitor.review.decision.rule import Recommendation
from monitor.review.items.states import Status as ItemStatus
from monitor.review.items.verdicts import Answerable
from monitor.review.items.verdicts import Verdict as ReviewVerdict
from monitor.settings import all_sections
from monitor.store.alerts.outbox import Kind as MessageKind
from monitor.store.alerts.slack_actions import Outcome
from monitor.store.training import children
from monitor.store.training.candidate_results import GateResult
from monitor.web.decisions.decision_pages import OUTCOMES
from retrain.recipes.recipe import Serving
from retrain.recipes.recipe_file import RecipeFile
from retrain.registry.stages import TRANSITIONS as STAGES
from retrain.rollout.checks.check import Kind as CheckKind
from retrain.rollout.checks.check import default_checks
from retrain.rollout.states import Status as RolloutStatus

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
#: Not written for the present: records of decisions. The references are generated.
LEFT_OUT = ("adr/", "reference/settings.md", "reference/commands.md", "reference/personal-data.md")
PAGES = [
    path
    for path in sorted([ROOT / "README.md", *DOCS.rglob("*.md")])
    if not path.is_relative_to(DOCS) or not path.relative_to(DOCS).as_posix().startswith(LEFT_OUT)
]
Row = tuple[str, ...]


def rows_of(page: str, header: str) -> list[Row]:
    """Return the rows of the table whose header line begins so."""
    _, head, rest = f"\n{(DOCS / page).read_text(encoding='utf-8')}".partition(f"\n{header}")
    assert head, f"{page} has no table {header!r}"
    lines = rest.split("\n")[2:]
    end = next(at for at, line in enumerate(lines) if not line.startswith("|"))
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines[:end]]


def coded(text: str) -> list[str]:
    """Return the words in backticks, before any remark."""
    return re.findall(r"`\"?([^`\"]+)\"?`", re.split(r"[;:]", text)[0])


def words_of_column(page: str, header: str, column: int = 0) -> set[str]:
    return {word for row in rows_of(page, header) for word in coded(row[column]) or [row[column]]}


def literal(kind: Any) -> set[str]:
    return {str(value) for value in get_args(kind) if value}


def setting(name: str) -> Any:
    section, _, key = name.rpartition(".")
    return all_sections()[section].model_fields[key]


def reasons_of_dead_letters() -> set[str]:
    """Return the reasons of the errors that ingest raises."""
    sources = (
        path.read_text(encoding="utf-8") for path in (ROOT / "monitor/traffic").rglob("*.py")
    )
    return {reason for text in sources for reason in re.findall(r'RecordError\(\s*"(\w+)"', text)}


#: A column of a page's table, and what it restates.
TABLES: Mapping[tuple[str, str, int], Callable[[], set[str]]] = {
    ("how-to/roll-out.md", "| status | means |", 0): lambda: literal(RolloutStatus),
    ("how-to/roll-out.md", "| `rollout.gateway` |", 0): lambda: literal(
        setting("rollout.gateway").annotation
    ),
    ("how-to/many-models.md", "| value | effect |", 0): lambda: literal(
        setting("monitoring.unlisted_models").annotation
    ),
    ("how-to/launch-elsewhere.md", "| `launcher` |", 0): lambda: literal(
        setting("retrain.launcher").annotation
    ),
    ("how-to/alerts.md", "| kind | `ALERTS_NAME_SECRET` holds |", 0): lambda: set(KINDS),
    ("how-to/review.md", "| decision | reason |", 0): lambda: set(OUTCOMES.values()),
    ("explanation/rollout.md", "| kind | checks |", 0): lambda: {
        kind.replace("_", " ") for kind in literal(CheckKind)
    },
}
#: The values of columns that docs/reference/database.md lists.
VALUES: Mapping[str, set[str]] = {
    "drift_evaluations.status": {"running", "done", "failed"},
    "drift_evaluations.verdict": literal(DriftVerdict),
    "slack_actions.outcome": literal(Outcome),
    "incidents.status": literal(IncidentStatus),
    "outbox.kind": literal(MessageKind),
    "review_items.status": literal(ItemStatus),
    "review_items.slice": {"control", "drift", "cluster", "chosen"},
    "reviews.verdict": literal(ReviewVerdict),
    "reviews.answerable": literal(Answerable),
    "gold_examples.resolution": {"agreed", "discussed", "adjudicated", "audited"},
    "decisions.recommendation": literal(Recommendation),
    "training_runs.status": literal(children.Status) - {"awaiting_ratings"},
    "candidate_evaluations.status": literal(children.Status) - {"draft"},
    "candidate_evaluations.gate_result": literal(GateResult),
    "model_versions.stage": set(STAGES),
    "rollouts.status": literal(RolloutStatus),
}


@pytest.mark.parametrize("place", TABLES, ids=lambda place: f"{place[0]} {place[1]}")
def test_table_restates_the_code(place: tuple[str, str, int]) -> None:
    assert words_of_column(*place) == TABLES[place]()


def test_values_of_columns_are_those_of_the_code() -> None:
    page = "reference/database.md"
    text = (DOCS / page).read_text(encoding="utf-8")
    listed = {}
    for table in text.split("| column | values |\n")[1:]:
        for line in table.split("\n")[1:]:
            if not line.startswith("|"):
                break
            name, values = (cell.strip() for cell in line.strip("|").split("|"))
            # Words in brackets explain a value.
            listed[name.strip("`")] = set(coded(re.sub(r"\([^)]*\)|^[^`]*: ", "", values)))
    open_ended = {"incidents.cause", "incident_events.event"}
    assert {name: listed[name] for name in listed if name not in open_ended} == VALUES


DEFAULTS = [
    ("| `base` |", RecipeFile, "how-to/train.md"),
    ("| `max_lora_rank` |", Serving, "how-to/train.md"),
]


@pytest.mark.parametrize(("first", "kind", "page"), DEFAULTS, ids=["recipe", "serving"])
def test_defaults_in_a_table_are_those_of_the_code(
    first: str, kind: type[msgspec.Struct], page: str
) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    table = text[text.index(f"\n{first}") + 1 :].split("\n\n")[0]
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    documented = set()
    for line in table.split("\n"):
        keys, written, _ = line.strip("|").split("|", 2)
        names = coded(keys)
        values = [value.strip(" `") for value in written.split(",")]
        for name, value in zip(
            names, values * len(names) if len(values) == 1 else values, strict=True
        ):
            documented.add(name)
            if value != "by the order":
                assert json.loads(value) == default_of(fields[name]), f"{page}: {name}"
    assert documented == fields.keys() - {"serving"}


def default_of(field: msgspec.structs.FieldInfo) -> Any:
    default = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    return list(default) if isinstance(default, tuple) else default


KEY = r"`(?P<key>[a-z_]+(?:\.[a-z_]+)+)`"
NUMBER = r"(?<![\w.])[\d.]*\d(?:%| (?:ms|seconds|minutes|hours|days|weeks|points))?"
#: "`section.key`, by default VALUE", and "VALUE of something (`section.key`)".
CLAIMS = (
    re.compile(rf"{KEY},? \(?(?:by default|default:?) (?P<value>`[^`]+`|{NUMBER})"),
    re.compile(rf"(?P<value>{NUMBER})[^.()|`\d]{{0,60}}\({KEY}\)"),
)
UNITS = {"seconds": "s", "minutes": "m", "hours": "h", "days": "d", "weeks": "w"}


def claims() -> Iterator[tuple[str, str, str]]:
    """Yield page, setting and value of each sentence that names a setting with its default."""
    for path in PAGES:
        text = path.read_text(encoding="utf-8").replace("\n", " ")
        for match in (match for claim in CLAIMS for match in claim.finditer(text)):
            if match["key"].rpartition(".")[0] in all_sections():
                yield path.name, match["key"], match["value"].strip('`"')


def as_written(value: Any) -> set[str]:
    """Return the forms of a default in a sentence."""
    texts = {str(value), json.dumps(value, default=str).strip('"')}
    if hasattr(value, "total_seconds"):
        seconds = int(value.total_seconds())
        sizes = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400, "weeks": 604800}
        for unit, size in sizes.items():
            if seconds % size == 0:
                texts |= {f"{seconds // size} {unit}", f"{seconds // size}{UNITS[unit]}"}
    if isinstance(value, int | float) and not isinstance(value, bool):
        texts |= {f"{value:g}", f"{100 * value:g}%", f"{100 * value:g} points", f"{value:g}%"}
    return texts


def test_defaults_in_sentences_are_those_of_the_settings() -> None:
    defaults = list(claims())
    assert len(defaults) >= 7
    for page, key, value in defaults:
        assert value in as_written(setting(key).default), f"{page}: {key} is {value}"


def test_checks_of_a_rollout_are_named_in_their_row() -> None:
    rows = {
        kind: checks for kind, checks, _ in rows_of("explanation/rollout.md", "| kind | checks |")
    }
    words = {"malformed": "`malformed`", "length": "length"}
    for check in default_checks({"length": 100.0}):
        name = check.name.split(",")[0]
        kind = check.kind.replace("_", " ")
        place = f"the row of {kind} in the table of docs/explanation/rollout.md"
        assert words.get(name, name) in rows[kind], f"name {check.name} in {place}"


def test_gate_results_have_their_exit_status() -> None:
    rows = rows_of("how-to/evaluate-a-candidate.md", "| exit status | gate result |")
    written = {result.split(",")[0]: status for status, result, _ in rows}
    assert {result: written[result] for result in EXIT_STATUS} == {
        result: str(status) for result, status in EXIT_STATUS.items()
    }


def test_steps_of_children_are_those_of_the_code() -> None:
    rows = rows_of("how-to/train.md", "| step | from | to |")
    written = {
        (step.split(" (")[0], frozenset(before.split(", ")), after)
        for step, before, after, _ in rows
    }
    assert written == {
        (step.event.replace("_", " "), frozenset(step.sources), step.target)
        for step in children.TRANSITIONS
    }
    for (step, _, _, actions), known in zip(rows, children.TRANSITIONS, strict=True):
        assert all(action.endswith(f".{known.action}") for action in coded(actions)), step


def test_reasons_of_dead_letters_are_documented() -> None:
    documented = words_of_column("reference/formats.md", "| reason | the record |")
    assert len(reasons_of_dead_letters()) > 10
    assert reasons_of_dead_letters() <= documented
