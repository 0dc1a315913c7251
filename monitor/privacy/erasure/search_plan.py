"""Terms of a search for an end user, and the files outside the folders of runs that it reads."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from monitor.privacy.end_users.end_user import EndUser
from monitor.privacy.erasure.declared_files import DeclaredFiles, declared_files
from monitor.privacy.erasure.end_user_observations import find_observations
from monitor.privacy.erasure.erasure_record import environment_keys, subject_digests
from monitor.privacy.erasure.passages import Words
from monitor.privacy.erasure.traces import find_traces
from monitor.privacy.proof.file_search import Terms
from monitor.privacy.proof.records import Remembered, recall, unique_passages
from monitor.settings import Retrain


@dataclass(frozen=True)
class SearchPlan:
    """The terms of a search for an end user, and files."""

    terms: Terms
    #: Rows of observations of rollouts that are the end user's.
    observations: list[int]
    #: Long passages of the end user that nobody else wrote, for as long as their texts exist.
    passages: set[Words]
    #: What earlier erasures remember.
    remembered: Remembered
    declared: DeclaredFiles


def plan_search(
    engine: Engine,
    end_user: EndUser,
    retrain: Sequence[Retrain],
    named: Iterable[Path],
    now: datetime,
) -> SearchPlan:
    """Return what is searched for; ``named`` are files besides those that are known."""
    request = end_user.request
    observations = find_observations(engine, end_user)
    passages = unique_passages(engine, end_user, observations)
    remembered = recall(engine, environment_keys(request), now, subject_digests(request))
    return SearchPlan(
        Terms(remembered.search.with_passages(passages), find_traces(engine, end_user)),
        observations,
        passages,
        remembered,
        declared_files(engine, retrain, named, remembered.places),
    )
