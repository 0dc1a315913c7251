"""Traces of an end user that no command can erase, with what to do about each."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from sqlalchemy import Connection, Engine

from monitor.plurals import pluralize
from monitor.privacy.end_users.end_user import EndUser
from monitor.privacy.erasure.end_user_files import Files
from monitor.privacy.erasure.masking import MaskedRow, read_table
from monitor.privacy.erasure.traces import Traces
from monitor.settings import Embedding
from monitor.store.access_log import PRINTS_REPORTS, CopiesRow, copies_by_commands
from monitor.store.engine import transaction
from monitor.store.privacy import end_user_traces
from monitor.traffic.redaction import Redactor

Code = Literal[
    "model_version",
    "weights",
    "training_run",
    "unknown_run",
    "missing_export",
    "file",
    "slack_message",
    "running_evaluation",
    "audit_log",
    "baseline",
    "database_files",
    "vector_cache",
    "copies",
    "replayed_file",
    "outside",
]
CODES: tuple[Code, ...] = get_args(Code)


#: How the sources of replayed files begin.
FILE = "file:"
#: The command whose files the audit log names.
EXPORT = "driftwarden review export"
SEARCH_COPIES = (
    "delete the files and their copies, or search them: `driftwarden forget --subject ID --verify "
    "--file FILE`"
)


@dataclass(frozen=True)
class ManualStep:
    """A trace that remains, and what to do about it."""

    code: Code
    text: str


def find_manual_steps(
    engine: Engine, end_user: EndUser, files: Files, redactor: Redactor
) -> Iterator[ManualStep]:
    """Yield the steps that an operator has to take.

    The files hold rows of theirs. The redactor redacts as the settings say, to find quotes.
    """
    for run in files.runs:
        if run.status == "running":
            yield ManualStep(
                "training_run",
                f"training run {run.id} is running on rows of this end user; cancel it "
                f"(`driftwarden retrain cancel {run.id}`) or retire the version that it produces",
            )
    for folder in files.unknown_runs:
        places = [str(path) for path in (folder.checkpoints, folder.adapter) if path.is_dir()]
        if places:
            yield ManualStep(
                "unknown_run",
                f"run folder {folder.root}, which the database doesn't know, held rows of this end "
                f"user, and its weights can't forget: {' and '.join(places)}; delete them",
            )
    for name in files.missing:
        yield ManualStep(
            "missing_export", f"export to {name}: not found; search its copies by hand"
        )
    for path in files.held:
        yield ManualStep(
            "file",
            f"{path}: holds something of this end user, and is not rewritten; delete it, or what "
            "it holds of them",
        )
    for path, reason in files.unreachable.items():
        yield ManualStep("file", f"{path}: unreadable ({reason}); search it by hand")
    quotes = end_user.quotes(redactor)
    with transaction(engine) as connection:
        quoting = [
            message_id
            for evaluation_id in end_user.evaluations
            for message_id, payload in end_user_traces.messages_of_evaluation(
                connection, evaluation_id
            )
            if quotes.remove_from_payload(payload)[1]
        ]
        yield from _slack_messages(connection, quoting)
        for evaluation_id in end_user_traces.running_evaluations(connection):
            yield ManualStep(
                "running_evaluation",
                f"drift evaluation {evaluation_id} is running and may quote this end user; run "
                "this command again when it is done",
            )
        entries = end_user_traces.audit_entries_with_reasons(connection, end_user.items)
        if entries:
            yield ManualStep(
                "audit_log",
                f"audit log entries {', '.join(map(str, entries))} hold reasons that reviewers "
                "wrote about these items; the audit log is append-only",
            )
    for baseline_id in sorted({row.baseline_id for row in end_user.rows if row.baseline_id}):
        yield ManualStep(
            "baseline",
            f"baseline {baseline_id} has fewer exchanges now and keeps its digest, so that "
            "importing its file again doesn't restore this end user",
        )
    yield ManualStep(
        "outside",
        "Kafka's log until its retention ends, backups of the database and of files, and log "
        "files: records that driftwarden hasn't read yet are stored when it reads them",
    )


def copies_outside(engine: Engine, end_user: EndUser) -> list[ManualStep]:
    """Return the steps of what left the database for files, by the commands that wrote them.

    The access log tells which command ran on which machine, as far as its period goes, and where it
    wrote an archive; the audit log has the paths of exports of gold and of the queue, which are
    searched. `compare` has no database, so that nothing tells of its files.
    """
    if not end_user.rows:
        return []
    with transaction(engine) as connection:
        copies = copies_by_commands(connection, min(row.received_at for row in end_user.rows))
        exports = end_user_traces.exported_files(connection)
    steps = [ManualStep("copies", _what_copied(copy, exports)) for copy in copies]
    steps.append(
        ManualStep(
            "copies",
            "files that `driftwarden compare` wrote (--html, --evidently, --json, --markdown) "
            f"quote prompts and responses, and no log has their paths; {SEARCH_COPIES}",
        )
    )
    files = sorted({row.record[0] for row in end_user.rows if row.record[0].startswith(FILE)})
    return steps + [
        ManualStep(
            "replayed_file",
            "a file that was replayed holds records of this end user; the first 16 digits of its "
            f"SHA-256 are {name.removeprefix(FILE)} (`sha256sum FILE`); delete it and its copies",
        )
        for name in files
    ]


def _what_copied(copy: CopiesRow, exports: Sequence[str]) -> str:
    """Return what a command did with texts, and the paths that are known."""
    paths = exports if copy.place == EXPORT else copy.paths
    to = f" to {', '.join(paths)}" if paths else ""
    when = (
        f"{pluralize(copy.n, 'time')}{to} on {copy.address}, last {copy.last_at:%Y-%m-%d}, since "
        "the first record of this end user"
    )
    if copy.place in PRINTS_REPORTS:
        return f"`{copy.place}` printed texts {when}; where it was sent to a file: {SEARCH_COPIES}"
    return f"`{copy.place}` wrote {when}; {SEARCH_COPIES}"


def messages_sent(engine: Engine, rows: Iterable[MaskedRow]) -> list[ManualStep]:
    """Return the steps of sent messages in whose words the end user is named or quoted."""
    ids = [row.key[0] for row in rows if row.table == "outbox"]
    with transaction(engine) as connection:
        return list(_slack_messages(connection, ids))


def _slack_messages(connection: Connection, message_ids: Sequence[int]) -> Iterator[ManualStep]:
    for place in end_user_traces.posted_messages(connection, message_ids):
        yield ManualStep(
            "slack_message",
            f"Slack message in channel {place} quotes this end user; delete it in Slack",
        )


def audit_entries_left(engine: Engine, traces: Traces) -> list[ManualStep]:
    """Return the step of entries of the audit log whose words name or quote the end user."""
    entries = [
        key[0]
        for key, values in read_table(engine, "audit_log", ["subject", "details"])
        if any(map(traces.in_value, values))
    ]
    if not entries:
        return []
    text = (
        f"audit log entries {', '.join(map(str, entries))} name or quote this end user in a reason "
        "or a path; the audit log is append-only"
    )
    return [ManualStep("audit_log", text)]


def vectors_left(embedding: Embedding) -> list[ManualStep]:
    """Return the step for the cache of vectors, where a folder is configured."""
    if not embedding.cache:
        return []
    text = (
        f"cache of vectors in {embedding.cache}: vectors of texts that are not in the database, "
        "such as those of compared files, name nobody and stay up to embedding.max_cache_age; "
        "delete the folder if this end user's may be among them"
    )
    return [ManualStep("vector_cache", text)]
