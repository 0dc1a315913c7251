"""What of a person no command can remove, said so that somebody does what is left to do."""

from collections.abc import Iterator

from sqlalchemy import Engine

from monitor.privacy.end_user import EndUser
from monitor.privacy.end_user_files import Files
from monitor.store.engine import transaction
from monitor.store.privacy import end_user_traces
from monitor.traffic.redaction import Redactor


def find_manual_steps(
    engine: Engine, person: EndUser, files: Files, own: Redactor
) -> Iterator[str]:
    """Yield what can't be undone here, and what to do about it."""
    for version in files.versions:
        yield (
            f"{version.model} version {version.version} ({version.stage}) was trained on this "
            "person's exchanges, or goes on from a version that was: its weights can't forget; "
            "train a new one without them and retire it"
        )
    for run in files.runs:
        if run.status == "running":
            yield (
                f"training run {run.id} is under way with rows of this person in its memory: "
                f"`driftwarden retrain cancel {run.id}`, or retire what it makes"
            )
    for one in files.missing:
        yield f"an export to {one}: not there any more; look through its copies by hand"
    for path, reason in files.unreachable.items():
        yield f"{path}: can't be read ({reason}); look through it by hand"
    quotes = person.quotes(own)
    with transaction(engine) as connection:
        quoting = [
            message_id
            for evaluation_id in person.evaluations
            for message_id, payload in end_user_traces.messages_of_evaluation(
                connection, evaluation_id
            )
            if quotes.remove_from_payload(payload)[1]
        ]
        for place in end_user_traces.posted_places(connection, quoting):
            yield f"Slack, channel {place}: a message there quotes this person; delete it in Slack"
        for evaluation_id in end_user_traces.running_evaluations(connection):
            yield (
                f"evaluation {evaluation_id} is under way and may quote this person when it ends: "
                "run this command again then"
            )
        entries = end_user_traces.reasons_in_audit(connection, person.items)
        if entries:
            yield (
                f"audit log entries {', '.join(map(str, entries))}: reasons that reviewers "
                "wrote about these items; the log is append-only"
            )
        for baseline_id in sorted({row.baseline_id for row in person.rows if row.baseline_id}):
            yield (
                f"baseline {baseline_id} gets smaller; its digest stays that of the file that was "
                "imported, so that importing it again doesn't bring the person back"
            )
    yield (
        "Kafka's own log until its retention, backups of the database and of files, and logs of "
        "processes: what was not read yet would be stored when it is"
    )
