"""Files with personal data: those of training runs, and those that commands write and read."""

from dataclasses import dataclass

from monitor.privacy.run_files import RUN_FILES
from monitor.setting_types.durations import format_duration
from monitor.settings import Sections
from monitor.table_types.contents import Content


@dataclass(frozen=True)
class StoredFile:
    """A kind of file with personal data."""

    name: str
    purpose: str
    content: Content
    erasure: str
    period: str
    reason: str = ""


BY_OPERATOR = "no period: until an operator deletes the file"
_TEXT, _WORDS = Content.END_USER_TEXT, Content.STAFF_WORDS
_ROWS = "rows of the end user are removed"
_NOT_SEARCHED = "not searched"
_BY_NAME = "searched where `forget --file` names it; rows are removed from JSON lines only"
#: Files outside the folders of runs.
OTHER_FILES = (
    StoredFile(
        "exports of gold and of the queue, and files that were imported",
        "review elsewhere, and train models", _TEXT, _ROWS, BY_OPERATOR,
    ),
    StoredFile(
        "retrain.training_data", "train the model without forgetting", _TEXT, _ROWS, BY_OPERATOR
    ),
    StoredFile(
        "data sets that evaluation.yaml names", "compare versions on benchmarks", _TEXT, _ROWS,
        BY_OPERATOR,
    ),
    StoredFile(
        "rollout.journal", "revert a rollout without the database", _WORDS, _NOT_SEARCHED,
        BY_OPERATOR, "models, versions and the reason that the operator gave",
    ),
    StoredFile(
        "files of `compare`, `evaluate` and human evaluations (HTML, JSON, sheets)",
        "read figures and examples elsewhere", _TEXT, _BY_NAME, BY_OPERATOR,
        "only whoever ran the command knows where they are",
    ),
    StoredFile(
        "exports of `driftwarden subject export`", "answer a request for access", _TEXT,
        _BY_NAME, BY_OPERATOR, "delete them once they are handed out",
    ),
    StoredFile(
        "backups by `driftwarden db backup`, and copies before a change of the schema",
        "restore the database", _TEXT, _BY_NAME, BY_OPERATOR,
        "restore, then erase again; let backups end in time",
    ),
    StoredFile(
        "privacy.suppression_file", "store nothing more of end users after a restoration",
        _WORDS, "masked in place; the rest of the text stays", BY_OPERATOR,
        "keyed digests of ids, and reasons",
    ),
    StoredFile(
        "temporary files of commands and of the daemon",
        "read what can be read once, or is larger than the memory", _TEXT, _NOT_SEARCHED,
        "removed when the command or the daemon ends",
        "a killed one may leave .driftwarden-* beside an archive or in TMPDIR, and *.partial "
        "beside a restored file; delete them",
    ),
    StoredFile(
        "log of the daemon and of commands", "find the cause of a failure", _WORDS, _NOT_SEARCHED,
        BY_OPERATOR, "numbers of rows, names of models and staff; no texts of end users",
    ),
)  # fmt: skip


def list_files(settings: Sections) -> list[StoredFile]:
    """Return the kinds of files with personal data, with the periods as configured."""
    of_runs = [
        StoredFile(
            f"{settings.retrain.work_dir}/*/{kind.pattern}",
            kind.purpose,
            kind.content,
            kind.erasure.value,
            BY_OPERATOR,
            kind.reason,
        )
        for kind in RUN_FILES
        if kind.content is not Content.NONE
    ]
    cache = StoredFile(
        f"embedding.cache ({settings.embedding.cache or 'not set'})",
        "compute the vector of a text once",
        _TEXT,
        "vectors of the end user's texts are removed",
        f"{format_duration(settings.embedding.max_cache_age)} (embedding.max_cache_age)",
    )
    return [*of_runs, cache, *OTHER_FILES]
