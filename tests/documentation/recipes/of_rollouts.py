"""Recipes for rollouts: a check, and a kind of stored record."""

from tests.documentation.recipes.of_pages import SENTENCES
from tests.documentation.recipes.recipe import Edit, Mistake, Recipe, before

MEASURES = "monitor/descriptors/response_measures.py"
CHECK = Recipe(
    title="A check of a rollout",
    edits=(
        before(MEASURES, "empty, token_count", "question, "),
        before(MEASURES, '    "length": token_count,', '    "questions": question,\n'),
        before(
            "retrain/rollout/checks/check.py",
            '    "errors": "errors",\n',
            '    "questions": "responses that ask back",\n',
        ),
        before("docs/explanation/rollout.md", "truncation, errors, latency", "questions, "),
        before(SENTENCES, "  check {}: range {} to {};", "  responses that ask back\n"),
    ),
    commands=("make snapshots",),
    tests=("tests/unit/retrain/rollout/test_checks.py", "tests/unit/test_documented_values.py"),
    mistake=Mistake("docs/explanation/rollout.md", "name questions in the row of advance"),
    own=frozenset({SENTENCES}),
    other={
        "retrain/rollout/wording/checks.py": "a check of another kind",
        "tests/support/retrain/measured_desk.py": "a new measure",
        "tests/integration/retrain/rollout/test_measurement.py": "a new measure",
        "tests/unit/descriptors/test_descriptors.py": "a new measure",
        "retrain/rollout/measurement/starting_point.py": "a check that some rollouts have",
    },
)
TABLE = '''

class RolloutNote(Base):
    """A note about a rollout."""

    __tablename__ = "rollout_notes"
    __table_args__ = contents.table(
        "tell what is known of a rollout",
        contents.LEADS,
        no_period=contents.HISTORY,
        access=contents.Access(schedule="rw", web="r"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    rollout_id: Mapped[int] = mapped_column(ForeignKey("rollouts.id"), index=True)
    note: Mapped[str] = mapped_column(info=contents.REASON)
    written_by: Mapped[str] = mapped_column(info=contents.ACCOUNT)
    written_at: Mapped[datetime]
'''
QUERY = '''"""Notes about rollouts."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from monitor.store.rows import columns_of, read_rows
from monitor.store.tables import RolloutNote


@dataclass(frozen=True)
class NoteRow:
    """A note. See the table ``rollout_notes``."""

    note: str
    written_by: str


def notes_of(connection: Connection, rollout_id: int) -> Sequence[NoteRow]:
    """Return the notes about a rollout, the oldest first."""
    statement = select(*columns_of(NoteRow, RolloutNote)).order_by(RolloutNote.id)
    return read_rows(connection, NoteRow, statement.where(RolloutNote.rollout_id == rollout_id))
'''
VIEW = "retrain/rollout/pages/rollout_view.py"
EXPIRY = "monitor/store/privacy/expiry.py"
ROOM_OF_ROLLOUTS = (
    Edit("retrain/rollout/rows/notes.py", QUERY),
    before(
        VIEW,
        "from retrain.rollout.rows.rollouts import",
        "from retrain.rollout.rows.notes import NoteRow, notes_of\n",
    ),
    before(VIEW, "    comparison: ComparisonRow | None\n", "    notes: Sequence[NoteRow]\n"),
    before(
        VIEW,
        "        comparison=comparison,\n",
        "        notes=notes_of(connection, rollout.id),\n",
    ),
    before(
        "retrain/rollout/pages/templates/rollout.html",
        '<section class="card" aria-labelledby="history">',
        '{% if leads and view.notes %}<section class="card"><h2>Notes</h2>'
        "{% for row in view.notes %}<p>{{ row.note }} ({{ row.written_by }})</p>{% endfor %}"
        "</section>{% endif %}\n",
    ),
)
RECORD = Recipe(
    title="A table or column",
    edits=(
        Edit("retrain/rollout/tables.py", TABLE),
        before(
            EXPIRY,
            '    Expiry("reasons", Rollout.finished_at',
            '    Expiry("reasons", RolloutNote.written_at.expression, (RolloutNote.note,)),\n',
        ),
        before(
            EXPIRY, "    StageChange,\n    TrafficWeights,\n    TrainingRun", "    RolloutNote,\n"
        ),
        before(
            "docs/reference/database.md",
            "| `rollout_labels` |",
            "| `rollout_notes` | a note about a rollout |\n",
        ),
        *ROOM_OF_ROLLOUTS,
    ),
    commands=("make migration", "make docs"),
    tests=(
        "tests/unit/store/tables/test_facts.py",
        "tests/unit/store/test_database_roles.py",
        "tests/migration/test_schema.py",
        "tests/unit/scripts/test_write_migration.py",
        "tests/unit/test_repository.py::test_every_table_is_in_the_reference",
        "tests/integration/privacy/test_aged_database.py",
    ),
    mistake=Mistake(EXPIRY, "add the column to monitor/store/privacy/expiry.py"),
    own=frozenset(edit.path for edit in ROOM_OF_ROLLOUTS),
    other={
        "monitor/store/tables/": "a table that isn't of rollouts",
        "make snapshots": "a record of all tables, which is not compared here",
        'make migration NAME="add nickname"': "after a release",
        "monitor/table_types/contents.py": "the kinds that a column names",
        "tests/migration/released/": "digests and dumps of releases",
        "tests/migration/made_up.py": "made-up migrations",
    },
)
