"""Four eyes: accounts that trained or evaluated a version, and those that may approve it."""

import re
from typing import Literal

from sqlalchemy import Connection

from monitor.errors import WorkflowError
from monitor.store.accounts.users import list_users
from monitor.store.audit_log import SYSTEM, actors_on
from monitor.store.review.decisions import decision_by_id
from monitor.store.training.candidate_evaluations import (
    evaluations_of_version,
    latest_succeeded_evaluation,
)
from monitor.store.training.registry import VersionRow
from monitor.store.training.runs import run_by_id

Approval = Literal["one", "two"]
Deed = Literal["trained", "evaluated"]

#: Steps of the audit log by which somebody makes a run train.
_OF_TRAINING = ("run.planned", "run.start_requested", "run.reopened", "version.registered")
_SUDO = re.compile(r"root \(sudo: (?P<caller>.+)\)")


def deeds_of(connection: Connection, version: VersionRow, name: str) -> tuple[Deed, ...]:
    """Return the deeds of an account for a version: it trained or evaluated it.

    Who planned, started or resumed its run, confirmed the decision to retrain or registered the
    weights has trained it; who planned an evaluation has evaluated it. Blind ratings count for
    neither, as a rater doesn't know the version. Names are compared, without their case: a user
    with two names counts as two.
    """
    account = _account(name)
    return tuple(
        deed for deed, accounts in _makers(connection, version).items() if account in accounts
    )


def require_other_account(
    connection: Connection, version: VersionRow, by: str, approval: Approval
) -> tuple[Deed, ...]:
    """Return the deeds of an account for a version that it is about to approve or promote.

    Raises:
        WorkflowError: There are some, and ``retrain.approval`` asks for another account.
    """
    deeds = deeds_of(connection, version, by)
    if approval == "two" and deeds:
        makers = set().union(*_makers(connection, version).values())
        users = [
            user.name
            for user in list_users(connection)
            if user.active and user.is_lead_of(version.model) and _account(user.name) not in makers
        ]
        may = ", ".join(users) or "no other lead of the model, so make another user one"
        raise WorkflowError(
            f"{version.model} version {version.version}: {by} {' and '.join(deeds)} it, and "
            'retrain.approval = "two" asks for somebody who did neither; who may on the page: '
            f"{may}; in the shell: another account of the operating system",
            code="four_eyes",
        )
    return deeds


def describe_approval(connection: Connection, version: VersionRow) -> str:
    """Say who approved a version's last gate result, why, and what else they did; else empty."""
    row = latest_succeeded_evaluation(connection, version.id)
    if row is None or row.approved_by is None:
        return ""
    did = " and ".join(deeds_of(connection, version, row.approved_by))
    also = f", who {did} it" if did else ""
    return f"approved by {row.approved_by}{also}: {row.approved_reason}"


def _makers(connection: Connection, version: VersionRow) -> dict[Deed, set[str]]:
    subjects = [f"model_versions/{version.id}"]
    trained = set()
    if version.training_run_id is not None:
        subjects.append(f"training_runs/{version.training_run_id}")
        run = run_by_id(connection, version.training_run_id)
        if run.decision_id is not None:
            trained.add(decision_by_id(connection, run.decision_id).confirmed_by or SYSTEM)
    trained |= set(actors_on(connection, subjects, _OF_TRAINING))
    evaluated = {row.planned_by for row in evaluations_of_version(connection, version.id)}
    return {
        "trained": {_account(name) for name in trained - {SYSTEM}},
        "evaluated": {_account(name) for name in evaluated - {SYSTEM}},
    }


def _account(name: str) -> str:
    """Return the name that is compared: that of the caller, where root acts by sudo."""
    match = _SUDO.fullmatch(name)
    return (match["caller"] if match else name).casefold()
