"""Collection of everything stored about an end user, in one snapshot of the database."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine

from monitor.embedding.cached_encoder import existing_cache
from monitor.privacy.end_users.end_user import EndUser, ErasureRequest, find_end_user
from monitor.privacy.end_users.erasure_request import resolve
from monitor.privacy.end_users.near_matches import near_matches
from monitor.privacy.erasure.end_user_feedback import find_feedback
from monitor.privacy.erasure.end_user_files import Files, find_files
from monitor.privacy.erasure.erasure_record import subject_digest, subject_digests
from monitor.privacy.erasure.search_plan import plan_search
from monitor.privacy.proof.findings import stored_name
from monitor.privacy.requests.requests import included_sentences, search_request, waiting_for
from monitor.privacy.retention.period_text import READERS
from monitor.privacy.subject_export.document import (
    FORM,
    DocumentColumn,
    DocumentEntry,
    DocumentPart,
    Export,
    Omission,
)
from monitor.privacy.subject_export.file_rows import FileRows
from monitor.privacy.subject_export.ownership import Ownership
from monitor.privacy.subject_export.table_rows import TableRows, join_ids_of
from monitor.privacy.subject_export.third_parties import ThirdParties
from monitor.setting_types.durations import format_duration
from monitor.settings import Sections
from monitor.store.audit_log import SYSTEM, append_entry
from monitor.store.engine import snapshot, transaction
from monitor.store.privacy.observations import observed_exchanges
from monitor.table_types.contents import Content
from monitor.traffic.end_users.suppression_list import main_digest_of
from monitor.traffic.redaction import Redactor

ACTION = "end_user.exported"
LEFT_OUT = (
    Omission(
        "names of reviewers and other staff",
        "their own data; they appear as “a reviewer” and “a member of staff”",
    ),
    Omission(
        "texts of third parties",
        "of a row that is not this end user's, only the parts that name or quote them are here",
    ),
    Omission(
        "third parties in texts of the end user and in what staff wrote",
        "ids of other end users are masked, in words of staff also names of accounts and personal "
        "data with a recognizable form; other names have none: read the document before it is "
        "handed out",
    ),
    Omission(
        "the operator's instructions to the model",
        "they are the same for everybody, and no personal data; their place is marked",
    ),
    Omission(
        "what was replaced before it was stored",
        "redaction and pseudonyms replace it for good; the original is not stored here",
    ),
    Omission(
        "sums and figures over many end users",
        "they name nobody, and no end user's part can be told from them",
    ),
    Omission(
        "Kafka's log, backups, log files, posted messages and copies made by hand",
        "this program has no access to them; they are searched by whoever operates them",
    ),
)


def collect_export(
    engine: Engine,
    settings: Sections,
    request: ErasureRequest,
    now: datetime,
    *,
    by: str = SYSTEM,
    extra_files: Iterable[Path] = (),
) -> Export:
    """Collect everything stored about an end user.

    The request has the id of the end user, or ids of exchanges. The settings have the redaction
    patterns and the periods, and name the files of retraining; further ones, of JSON lines, are
    searched too. Sentences of staff are proposed to a lead; those that the open request of the end
    user includes are in the export. A request that this opens is ``by`` an account.
    """
    request = resolve(engine, settings, request)
    redactor = Redactor(settings.redaction.patterns)
    end_user = find_end_user(engine, request)
    retrain = [of_model.retrain for of_model in settings.by_model]
    plan = plan_search(engine, end_user, retrain, extra_files, now)
    traces = plan.terms.traces
    digests = subject_digests(request)
    search_request(
        engine,
        end_user,
        traces,
        kind="access",
        digests=digests,
        period=settings.privacy.request_period,
        by=by,
        now=now,
    )
    observations, feedback = plan.observations, find_feedback(engine, end_user)
    files = find_files(engine, end_user, plan.terms, retrain, plan.declared)
    with snapshot(engine) as connection:
        ownership = Ownership(
            end_user,
            join_ids_of(connection, request.stored_ids),
            observed_exchanges(connection, request.stored_ids),
            _digests(request),
            settings.traffic.fields.user,
        )
        third_parties = ThirdParties(connection, request, traces, redactor)
        tables = TableRows(
            connection,
            end_user=end_user,
            observations=observations,
            feedback=feedback,
            ownership=ownership,
            traces=traces,
            third_parties=third_parties,
            included=included_sentences(connection, digests),
            retention=settings.retention,
        )
        staff_sentences = list(_staff_sentences(connection, digests))
        parts = [*tables.parts(), *FileRows(files, ownership, traces, third_parties).parts()]
    parts += _cached(settings, end_user)
    return Export(
        form=FORM,
        created_at=now.isoformat(timespec="seconds"),
        end_user=", ".join(request.subjects),
        stored_ids=tuple(request.stored_ids),
        exchange_ids=request.exchange_ids,
        near_matches=tuple(near_matches(engine, request)),
        parts=sorted(
            (part for part in parts if part.entries), key=lambda part: part.name != "exchanges"
        ),
        searched_without_result=tuple(part.name for part in parts if not part.entries),
        left_out=(*LEFT_OUT, *staff_sentences, *_weights(files), *_unread(files)),
    )


def write_audit_entry(
    engine: Engine, request: ErasureRequest, export: Export, now: datetime, actor: str
) -> None:
    """Record that an export was made, under a digest of the id, with the number of its rows."""
    rows = {part.name: len(part.entries) for part in export.parts if part.place == "database"}
    files = sum(len(part.entries) for part in export.parts if part.place != "database")
    details = {"rows": rows, "rows_in_files": files}
    with transaction(engine) as connection:
        append_entry(connection, now, actor, ACTION, f"end_user:{subject_digest(request)}", details)


def _digests(request: ErasureRequest) -> list[str]:
    """Return the digests under which the id stands in records of erasures, exports and the list."""
    digests = subject_digests(request)
    # A restoration erases by the stored id: it knows no other.
    forms = request.stored_ids if request.subject else ()
    digests += [
        digest
        for form in forms
        for digest in subject_digests(replace(request, subject=form, further=()))
    ]
    if request.ids is not None and request.subject:
        ring = request.ids.ring
        digests += [
            main_digest_of(ring, request.ids, subject, key)
            for subject in request.subjects
            for key in ring.keys
        ]
    return digests


def _staff_sentences(connection: Connection, digests: Sequence[str]) -> Iterator[Omission]:
    waiting = waiting_for(connection, digests, "access")
    if waiting is None:
        return
    request, n_waiting, n_excluded = waiting
    if n_waiting:
        yield Omission(
            f"sentences of staff that may be about this end user: {n_waiting}",
            f"it is being decided whether they are handed out, until {request.due_at:%Y-%m-%d}",
        )
    if n_excluded:
        yield Omission(
            f"sentences of staff: {n_excluded}",
            "it was decided that the rights of others outweigh, or that they are about others",
        )


def _weights(files: Files) -> Iterator[Omission]:
    for version in files.versions:
        yield Omission(
            f"the weights of {version.model} version {version.version} ({version.stage})",
            "it was trained on rows of this end user; no text can be read out of weights reliably",
        )


def _unread(files: Files) -> Iterator[Omission]:
    for path in files.held:
        yield Omission(
            stored_name(str(path)), "it holds something of this end user that is not in rows"
        )
    for path, reason in files.unreachable.items():
        yield Omission(stored_name(str(path)), f"it can't be read: {reason}")
    for name in files.missing:
        yield Omission(f"the export to {name}", "the file is no longer there; search its copies")


def _cached(settings: Sections, end_user: EndUser) -> Iterator[DocumentPart]:
    cache = existing_cache(settings.embedding)
    if cache is None:
        return
    n = cache.count([text for row in end_user.own_rows for text in (row.prompt, row.response)])
    if n:
        age = format_duration(settings.embedding.max_cache_age)
        yield DocumentPart(
            place="file",
            name=settings.embedding.cache,
            purpose="compute the vector of a text once",
            period=f"{age} (embedding.max_cache_age)",
            readers=READERS["operator"],
            columns=(DocumentColumn("vectors", Content.END_USER_TEXT.value),),
            entries=[DocumentEntry({}, values={"vectors": n, "same_as": "embedding_blocks"})],
        )
