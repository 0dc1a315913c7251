"""Personal data of each column of the database: its purpose, period, readers and erasure.

`driftwarden forget`, its verification, the export for an end user and the inventory read this. A
test compares it with the schema: a column of text, JSON or bytes has a row here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Content(StrEnum):
    """The content of a column."""

    END_USER_ID = "identifier of an end user"
    END_USER_TEXT = "text of an end user, or text or vectors made of it"
    STAFF_WORDS = "words that staff or programs write, which may name an end user"
    STAFF_ACCOUNT = "account of staff"
    FIGURE = "derived figure"
    NONE = "no personal data"


class Erasure(StrEnum):
    """How `driftwarden forget` reaches what a column holds of an end user."""

    DELETED = "deleted with the exchange of the end user"
    MASKED = "masked in place; the rest of the text stays"
    EXAMINED = "examined by prompts and id, and removed"
    UNCHANGED = "not changed"


#: Who reads a table: on the page by role, or in the database only.
Reader = Literal["reviewer", "adjudicator", "lead", "admin", "operator"]


@dataclass(frozen=True)
class PersonalColumn:
    """The content of a column, and its erasure."""

    content: Content
    erasure: Erasure
    #: Why the column is not changed; empty where it is.
    reason: str = ""
    #: A key of ``[retention]`` of its own; empty: that of the table.
    period: str = ""


@dataclass(frozen=True)
class PersonalTable:
    """The purpose of a table's rows, their period, and their readers."""

    purpose: str
    #: A key of ``[retention]``; ``parent``: as long as the row that it refers to; empty: none but
    #: those of columns.
    period: str
    readers: tuple[Reader, ...]
    #: Every column that can hold text, JSON or bytes.
    columns: Mapping[str, PersonalColumn]
    #: Why there is no period; empty where there is one.
    no_period: str = ""


def _unchanged(reason: str, content: Content = Content.NONE) -> PersonalColumn:
    return PersonalColumn(content, Erasure.UNCHANGED, reason)


# Columns of an end user.
_ID = PersonalColumn(Content.END_USER_ID, Erasure.DELETED)
_TEXT = PersonalColumn(Content.END_USER_TEXT, Erasure.DELETED)
_ID_EXAMINED = PersonalColumn(Content.END_USER_ID, Erasure.EXAMINED)
_TEXT_EXAMINED = PersonalColumn(Content.END_USER_TEXT, Erasure.EXAMINED)
_TEXT_MASKED = PersonalColumn(Content.END_USER_TEXT, Erasure.MASKED)
# Columns of words.
_WORDS = PersonalColumn(Content.STAFF_WORDS, Erasure.MASKED)
_QUOTES = PersonalColumn(Content.END_USER_TEXT, Erasure.EXAMINED, period="exchanges")
_MASKED_QUOTES = PersonalColumn(Content.END_USER_TEXT, Erasure.MASKED, period="exchanges")
_ERROR = PersonalColumn(Content.STAFF_WORDS, Erasure.MASKED, period="errors")
_REASON = PersonalColumn(Content.STAFF_WORDS, Erasure.MASKED, period="reasons")
_NOTE = PersonalColumn(Content.STAFF_WORDS, Erasure.MASKED, period="incidents")
# Columns of staff.
_ACCOUNT = _unchanged("staff, who use the product, are not its end users", Content.STAFF_ACCOUNT)
# Other columns.
_CODE = _unchanged("a word of a fixed list")
_NAME = _unchanged("a name that the settings, a command or a benchmark gives")
_DIGEST = _unchanged("a digest from which no text can be derived")
_PATH = _unchanged("a path that this program chose")
_KEY = _unchanged("a key that this program builds of codes, names and numbers")
_SETTINGS = _unchanged("settings and versions of programs")
_FIGURES = _unchanged("figures over many exchanges", Content.FIGURE)
_CREDENTIAL = _unchanged("a digest or a random secret", Content.STAFF_ACCOUNT)

_STAFF: tuple[Reader, ...] = ("reviewer", "adjudicator", "lead", "admin")
_LEADS: tuple[Reader, ...] = ("lead", "admin")
_OPERATOR: tuple[Reader, ...] = ("operator",)

_HISTORY = "the history of a model: what was decided, when, by whom and why"
_ONE_ROW = "overwritten in place; as many rows as there are sources, models or holders"
_COUNTS = "counts that name no exchange"


#: Every table has a row; `tests/unit/store/tables/test_personal_data.py` compares both.
PERSONAL_DATA: Mapping[str, PersonalTable] = {
    "access_log": PersonalTable(
        purpose="prove who signed in, and who read texts of end users",
        period="access_log",
        readers=(*_LEADS, "operator"),
        columns={
            "source": _CODE,
            "actor": _ACCOUNT,
            "action": _CODE,
            "kind": _CODE,
            "object_id": _unchanged("the number of a row, which stays when the row is erased"),
            "model": _NAME,
            "place": _unchanged("a path of numbers, or the name of a command"),
            "address": _unchanged("of staff, who are not end users", Content.STAFF_ACCOUNT),
        },
    ),
    "audit_log": PersonalTable(
        purpose="prove who did what",
        period="",
        readers=("admin", "operator"),
        columns={
            "actor": _ACCOUNT,
            "action": _CODE,
            "subject": _unchanged("append-only, under a chain of hashes", Content.STAFF_WORDS),
            "details": _unchanged("append-only, under a chain of hashes", Content.STAFF_WORDS),
            "previous_hash": _DIGEST,
            "hash": _DIGEST,
        },
        no_period="evidence; an entry that were removed would break the chain",
    ),
    "baseline_plans": PersonalTable(
        purpose="create the baseline of a promoted version",
        period="",
        readers=_LEADS,
        columns={"model": _NAME},
        no_period=_HISTORY,
    ),
    "baselines": PersonalTable(
        purpose="the reference that a model's traffic is compared with",
        period="baselines",
        readers=_LEADS,
        columns={"model": _NAME, "digest": _DIGEST, "encoder": _NAME, "model_version": _NAME},
    ),
    "candidate_evaluations": PersonalTable(
        purpose="decide whether a candidate may be promoted",
        period="",
        readers=_LEADS,
        columns={
            "status": _CODE,
            "launcher": _CODE,
            "handle": _WORDS,
            "work_dir": _PATH,
            "request": _WORDS,
            "file_digest": _DIGEST,
            "dataset_digests": _WORDS,
            "results": _WORDS,
            "gate_result": _CODE,
            "error": _ERROR,
            "termination_error": _ERROR,
            "planned_by": _ACCOUNT,
            "approved_by": _ACCOUNT,
            "approved_reason": _REASON,
        },
        no_period=_HISTORY,
    ),
    "dead_letters": PersonalTable(
        purpose="process records that could not be read, once their cause is mended",
        period="dead_letters",
        readers=_OPERATOR,
        columns={
            "source": _NAME,
            "key": _ID_EXAMINED,
            "value": _TEXT_EXAMINED,
            "reason": _CODE,
            "detail": _TEXT_EXAMINED,
        },
    ),
    "decisions": PersonalTable(
        purpose="decide whether a model is trained again",
        period="",
        readers=_LEADS,
        columns={
            "model": _NAME,
            "recommendation": _CODE,
            "inputs": _WORDS,
            "confirmed_by": _ACCOUNT,
        },
        no_period=_HISTORY,
    ),
    "drift_evaluations": PersonalTable(
        purpose="detect that a model's traffic has changed",
        period="",
        readers=_LEADS,
        columns={
            "model": _NAME,
            "status": _CODE,
            "verdict": _CODE,
            "provenance": _WORDS,
            "assessment": _MASKED_QUOTES,
            "sample_scores": _QUOTES,
            "prompt_map": _QUOTES,
            "error": _ERROR,
        },
        no_period="figures; the quotes in them go with the exchanges",
    ),
    "embedding_blocks": PersonalTable(
        purpose="detect that a model's traffic has changed",
        period="parent",
        readers=_OPERATOR,
        columns={"encoder": _NAME, "prompt_vectors": _TEXT, "response_vectors": _TEXT},
    ),
    "erasures": PersonalTable(
        purpose="say again what an erasure had to say",
        period="",
        readers=_OPERATOR,
        columns={
            "subject_digest": _unchanged(
                "a keyed digest of the pseudonym, by which a second command finds it"
            ),
            "steps": _WORDS,
            "traces": _FIGURES,
        },
        no_period="evidence of the erasure",
    ),
    "exchanges": PersonalTable(
        purpose="detect that a model's traffic has changed, and review samples of it",
        period="exchanges",
        readers=_STAFF,
        columns={
            "source": _NAME,
            "exchange_id": _ID,
            "model": _NAME,
            "task_type": _TEXT,
            "end_user": _ID,
            "messages": _TEXT,
            "prompt": _TEXT,
            "response": _TEXT,
            "attributes": _TEXT,
        },
    ),
    "feedback": PersonalTable(
        purpose="decide about a rollout",
        period="exchanges",
        readers=_OPERATOR,
        columns={
            "source": _NAME,
            "exchange_id": _ID_EXAMINED,
            "model": _NAME,
            "name": _unchanged("a name of letters, digits and . : / _ -, which the producer gives"),
        },
    ),
    "gold_examples": PersonalTable(
        purpose="train and evaluate models",
        period="parent",
        readers=_STAFF,
        columns={
            "verdict": _CODE,
            "response": _WORDS,
            "error_kind": _CODE,
            "answerable": _CODE,
            "resolution": _CODE,
            "cause": _CODE,
            "comment": _WORDS,
        },
    ),
    "human_evaluation_assignments": PersonalTable(
        purpose="decide whether a candidate may be promoted",
        period="human_evaluations",
        readers=_STAFF,
        columns={"draft": _WORDS, "declined_reason": _WORDS, "comment": _WORDS},
    ),
    "human_evaluation_items": PersonalTable(
        purpose="decide whether a candidate may be promoted",
        period="",
        readers=_STAFF,
        columns={
            "benchmark": _NAME,
            "benchmark_item_id": _TEXT_EXAMINED,
            "task_type": _WORDS,
            "messages": PersonalColumn(
                Content.END_USER_TEXT, Erasure.EXAMINED, period="human_evaluations"
            ),
        },
        no_period="items of benchmarks",
    ),
    "human_evaluation_keys": PersonalTable(
        purpose="decide whether a candidate may be promoted",
        period="",
        readers=_OPERATOR,
        columns={"system": _CODE},
        no_period=_HISTORY,
    ),
    "human_evaluation_ratings": PersonalTable(
        purpose="decide whether a candidate may be promoted",
        period="",
        readers=_LEADS,
        columns={"scores": _FIGURES},
        no_period=_HISTORY,
    ),
    "human_evaluation_responses": PersonalTable(
        purpose="decide whether a candidate may be promoted",
        period="human_evaluations",
        readers=_STAFF,
        columns={"text": _TEXT_EXAMINED},
    ),
    "human_evaluations": PersonalTable(
        purpose="decide whether a candidate may be promoted",
        period="",
        readers=_LEADS,
        columns={
            "status": _CODE,
            "dimensions": _NAME,
            "secret": _CREDENTIAL,
            "results": _WORDS,
        },
        no_period=_HISTORY,
    ),
    "incident_events": PersonalTable(
        purpose="handle incidents",
        period="",
        readers=_LEADS,
        columns={
            "event": _CODE,
            "from_status": _CODE,
            "to_status": _CODE,
            "by": _ACCOUNT,
            "reason": _NOTE,
            "fingerprint": _WORDS,
        },
        no_period=_HISTORY,
    ),
    "incident_threads": PersonalTable(
        purpose="post about incidents",
        period="",
        readers=_OPERATOR,
        columns={"target": _NAME, "address": _KEY, "ts": _KEY},
        no_period=_HISTORY,
    ),
    "incidents": PersonalTable(
        purpose="handle incidents",
        period="",
        readers=_LEADS,
        columns={
            "model": _NAME,
            "cause": _CODE,
            "level": _CODE,
            "status": _CODE,
            "summary": _NOTE,
            "fingerprint": _WORDS,
            "acknowledged_by": _ACCOUNT,
            "slack_channel": _KEY,
            "slack_ts": _KEY,
        },
        no_period=_HISTORY,
    ),
    "invitations": PersonalTable(
        purpose="let staff sign in",
        period="",
        readers=("admin",),
        columns={"token_hash": _CREDENTIAL, "created_by": _ACCOUNT},
        no_period="removed 90 days after its use or end, at the next sign-in",
    ),
    "leadership": PersonalTable(
        purpose="let one replica act",
        period="",
        readers=_OPERATOR,
        columns={"holder": _KEY},
        no_period=_ONE_ROW,
    ),
    "looks": PersonalTable(
        purpose="detect that a model's traffic has changed",
        period="",
        readers=_LEADS,
        columns={"model": _NAME, "status": _CODE, "provenance": _WORDS, "findings": _QUOTES},
        no_period="figures; looks without an alarm are removed after some weeks",
    ),
    "model_scores": PersonalTable(
        purpose="compare versions of a model",
        period="",
        readers=_LEADS,
        columns={"benchmark": _NAME, "stratum": _NAME, "metric": _NAME},
        no_period=_HISTORY,
    ),
    "model_versions": PersonalTable(
        purpose="know which version was trained on what",
        period="",
        readers=_LEADS,
        columns={
            "model": _NAME,
            "stage": _CODE,
            "adapter_path": _PATH,
            "adapter_digest": _DIGEST,
            "lineage": _WORDS,
        },
        no_period=_HISTORY,
    ),
    "offset_gaps": PersonalTable(
        purpose="say which records were never read",
        period="",
        readers=_OPERATOR,
        columns={"source": _NAME},
        no_period=_COUNTS,
    ),
    "outbox": PersonalTable(
        purpose="send messages to staff",
        period="messages",
        readers=_LEADS,
        columns={
            "dedupe_key": _KEY,
            "channel": _NAME,
            "model": _NAME,
            "subject": _CODE,
            "kind": _CODE,
            "payload": _WORDS,
            "error": _WORDS,
        },
    ),
    "pending_halves": PersonalTable(
        purpose="join a request with its response",
        period="exchanges",
        readers=_OPERATOR,
        columns={
            "source": _NAME,
            "join_id": _ID_EXAMINED,
            "side": _CODE,
            "end_user": _ID_EXAMINED,
            "payload": _TEXT_EXAMINED,
        },
    ),
    "probe_runs": PersonalTable(
        purpose="detect that a served model has changed",
        period="",
        readers=_LEADS,
        columns={
            "model": _NAME,
            "role": _CODE,
            "purpose": _CODE,
            "status": _CODE,
            "claimed_by": _KEY,
            "error": _ERROR,
            "verdict": _CODE,
            "comparison": _WORDS,
            "started_by": _ACCOUNT,
            "accepted_by": _ACCOUNT,
            "accepted_reason": _REASON,
        },
        no_period=_HISTORY,
    ),
    "probe_sets": PersonalTable(
        purpose="detect that a served model has changed",
        period="",
        readers=_LEADS,
        columns={
            "model": _NAME,
            "digest": _DIGEST,
            "form_digest": _DIGEST,
            "form": _TEXT_MASKED,
            "items": _TEXT_MASKED,
        },
        no_period="items of benchmarks",
    ),
    "probes": PersonalTable(
        purpose="detect that a served model has changed",
        period="probes",
        readers=_LEADS,
        columns={
            "model": _NAME,
            "kind": _CODE,
            "item": _NAME,
            "status": _CODE,
            "response": _TEXT_MASKED,
            "served_model": _WORDS,
            "error": _WORDS,
        },
    ),
    "registry_mirrors": PersonalTable(
        purpose="mirror versions to another registry",
        period="",
        readers=_LEADS,
        columns={"model": _NAME, "error": _ERROR},
        no_period=_ONE_ROW,
    ),
    "reports": PersonalTable(
        purpose="show a drift evaluation",
        period="",
        readers=_LEADS,
        columns={"kind": _CODE, "content": _TEXT_MASKED},
        no_period="as the evaluation that it shows",
    ),
    "review_assignments": PersonalTable(
        purpose="review samples of the traffic",
        period="parent",
        readers=_STAFF,
        columns={"draft": _WORDS, "declined_reason": _WORDS},
    ),
    "review_audits": PersonalTable(
        purpose="verify the quality of reviews",
        period="parent",
        readers=("adjudicator", "lead", "admin"),
        columns={
            "differences": _CODE,
            "verdict": _CODE,
            "error_kind": _CODE,
            "answerable": _CODE,
            "corrected_response": _WORDS,
            "comment": _WORDS,
        },
    ),
    "review_batches": PersonalTable(
        purpose="review samples of the traffic",
        period="",
        readers=_LEADS,
        columns={"model": _NAME, "design": _WORDS},
        no_period="sizes and shares, without an exchange",
    ),
    "review_draws": PersonalTable(
        purpose="estimate rates from reviewed samples",
        period="parent",
        readers=_OPERATOR,
        columns={"text_digest": _TEXT, "task_type": _WORDS},
    ),
    "review_items": PersonalTable(
        purpose="review samples of the traffic",
        period="reviews",
        readers=_STAFF,
        columns={
            "slice": _CODE,
            "task_type": _WORDS,
            "status": _CODE,
            "excluded_reason": _WORDS,
            "status_before_flag": _CODE,
            "reopened_reason": _WORDS,
            "taxonomy_version": _DIGEST,
        },
    ),
    "review_messages": PersonalTable(
        purpose="let two reviewers agree",
        period="parent",
        readers=_STAFF,
        columns={"text": _WORDS},
    ),
    "review_proposals": PersonalTable(
        purpose="let two reviewers agree",
        period="parent",
        readers=_STAFF,
        columns={
            "verdict": _CODE,
            "error_kind": _CODE,
            "answerable": _CODE,
            "corrected_response": _WORDS,
            "comment": _WORDS,
        },
    ),
    "reviews": PersonalTable(
        purpose="review samples of the traffic",
        period="parent",
        readers=_STAFF,
        columns={
            "verdict": _CODE,
            "error_kind": _CODE,
            "answerable": _CODE,
            "corrected_response": _WORDS,
            "comment": _WORDS,
        },
    ),
    "rollout_comparisons": PersonalTable(
        purpose="show how two versions differ",
        period="",
        readers=_LEADS,
        columns={"result": _WORDS},
        no_period="figures and numbers of observations",
    ),
    "rollout_events": PersonalTable(
        purpose="decide about a rollout",
        period="",
        readers=_LEADS,
        columns={
            "event": _CODE,
            "from_status": _CODE,
            "to_status": _CODE,
            "by": _ACCOUNT,
            "reason": _REASON,
            "details": _WORDS,
        },
        no_period=_HISTORY,
    ),
    "rollout_labels": PersonalTable(
        purpose="find traffic that names neither version",
        period="observations",
        readers=_LEADS,
        columns={"label": _ID_EXAMINED},
    ),
    "rollout_looks": PersonalTable(
        purpose="decide about a rollout",
        period="",
        readers=_LEADS,
        columns={
            "evidence": _WORDS,
            "checks": _WORDS,
            "action": _CODE,
            "reason": _REASON,
            "reasons": _WORDS,
        },
        no_period=_HISTORY,
    ),
    "rollout_observations": PersonalTable(
        purpose="decide about a rollout",
        period="observations",
        readers=_LEADS,
        columns={
            "source": _NAME,
            "exchange_id": _ID_EXAMINED,
            "model": _NAME,
            "arm": _CODE,
            "task_type": _WORDS,
            "end_user": _ID_EXAMINED,
            "prompt": _TEXT_EXAMINED,
            "response": _TEXT_EXAMINED,
            "measures": _TEXT_EXAMINED,
        },
    ),
    "rollout_scores": PersonalTable(
        purpose="decide about a rollout",
        period="parent",
        readers=_LEADS,
        columns={"name": _unchanged("a word of a fixed list, or the name of feedback")},
    ),
    "rollouts": PersonalTable(
        purpose="decide about a rollout",
        period="",
        readers=_LEADS,
        columns={
            "kind": _CODE,
            "model": _NAME,
            "status": _CODE,
            "reason": _REASON,
            "settings": _SETTINGS,
            "measurement": _WORDS,
            "started_by": _ACCOUNT,
        },
        no_period=_HISTORY,
    ),
    "sign_in_attempts": PersonalTable(
        purpose="slow down the guessing of passwords",
        period="",
        readers=_OPERATOR,
        columns={"key": _CREDENTIAL},
        no_period="removed when the block ends",
    ),
    "slack_actions": PersonalTable(
        purpose="act on buttons in Slack",
        period="slack_actions",
        readers=_OPERATOR,
        columns={
            "press": _DIGEST,
            "action": _CODE,
            "choice": _CODE,
            "subject": _KEY,
            "slack_user": _ACCOUNT,
            "slack_channel": _ACCOUNT,
            "outcome": _CODE,
            "reply": _WORDS,
        },
    ),
    "slow_drift_windows": PersonalTable(
        purpose="detect slow changes of a model's traffic",
        period="",
        readers=_OPERATOR,
        columns={"scoring_digest": _DIGEST, "sums": _FIGURES},
        no_period="sums by bin of end users, which name none",
    ),
    "source_offsets": PersonalTable(
        purpose="read each record once",
        period="",
        readers=_OPERATOR,
        columns={"source": _NAME},
        no_period=_ONE_ROW,
    ),
    "stage_changes": PersonalTable(
        purpose="know which version served when, and why",
        period="",
        readers=_LEADS,
        columns={
            "from_stage": _CODE,
            "to_stage": _CODE,
            "changed_by": _ACCOUNT,
            "reason": _REASON,
        },
        no_period=_HISTORY,
    ),
    "suppressions": PersonalTable(
        purpose="store nothing more of end users who were forgotten or who object",
        period="",
        readers=_OPERATOR,
        columns={
            "main_digest": _unchanged("a keyed digest, by which the end user stays forgotten"),
            "digest": _unchanged("a keyed digest, by which the end user stays forgotten"),
            "key": _DIGEST,
            "action": _CODE,
            "reason": _WORDS,
            "changed_by": _ACCOUNT,
        },
        no_period="the promise that it keeps has no end; rows say nothing without the key",
    ),
    "taints": PersonalTable(
        purpose="know which weights learned from an erased end user",
        period="",
        readers=_LEADS,
        columns={"model": _NAME, "cause": _CODE},
        no_period="weights can't forget",
    ),
    "taxonomy_versions": PersonalTable(
        purpose="know by which guidelines an item was reviewed",
        period="",
        readers=_STAFF,
        columns={
            "version": _DIGEST,
            "content": _unchanged("guidelines from a file of the settings, under their digest"),
        },
        no_period=_HISTORY,
    ),
    "traffic_weights": PersonalTable(
        purpose="set the shares of two versions",
        period="",
        readers=_LEADS,
        columns={"model": _NAME, "by": _ACCOUNT, "reason": _REASON, "error": _ERROR},
        no_period=_HISTORY,
    ),
    "training_runs": PersonalTable(
        purpose="train models",
        period="",
        readers=_LEADS,
        columns={
            "model": _NAME,
            "status": _CODE,
            "launcher": _CODE,
            "handle": _WORDS,
            "recipe": _SETTINGS,
            "work_dir": _PATH,
            "plan": _WORDS,
            "progress": _WORDS,
            "cancel_requested_by": _ACCOUNT,
            "termination_error": _ERROR,
            "start_request": _WORDS,
            "result": _WORDS,
            "error": _ERROR,
        },
        no_period=_HISTORY,
    ),
    "unlisted_exchanges": PersonalTable(
        purpose="find models that the settings omit",
        period="exchanges",
        readers=_LEADS,
        columns={"source": _NAME, "model": _ID_EXAMINED},
    ),
    "user_grants": PersonalTable(
        purpose="let staff work",
        period="",
        readers=("admin",),
        columns={"model": _NAME, "role": _CODE, "task_types": _WORDS},
        no_period="as long as the account",
    ),
    "user_id_keys": PersonalTable(
        purpose="give an end user one pseudonym, and find it",
        period="",
        readers=_OPERATOR,
        columns={
            "check_value": _DIGEST,
            "secret": _unchanged("a random key"),
        },
        no_period="without its key nobody can be found under their pseudonym",
    ),
    "users": PersonalTable(
        purpose="let staff sign in",
        period="",
        readers=("admin",),
        columns={
            "name": _ACCOUNT,
            "password_hash": _CREDENTIAL,
            "email": _ACCOUNT,
            "identity": _ACCOUNT,
            "slack_user_id": _ACCOUNT,
        },
        no_period="reviews and decisions refer to accounts",
    ),
    "watch_pauses": PersonalTable(
        purpose="know which windows were not evaluated",
        period="",
        readers=_LEADS,
        columns={"model": _NAME},
        no_period=_HISTORY,
    ),
    "web_sessions": PersonalTable(
        purpose="let staff sign in",
        period="",
        readers=_OPERATOR,
        columns={"key": _CREDENTIAL, "value": _CREDENTIAL},
        no_period="removed when the session ends",
    ),
    "withheld_exchanges": PersonalTable(
        purpose="say how much of the traffic was withheld",
        period="",
        readers=_LEADS,
        columns={"source": _NAME, "model": _NAME},
        no_period=_COUNTS,
    ),
}


def period_of(table: str, column: str) -> str:
    """Return the key of ``[retention]`` after which a column's content is removed; empty: none."""
    row = PERSONAL_DATA[table]
    return row.columns[column].period or row.period
