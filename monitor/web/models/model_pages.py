"""Pages of the registered versions: stages, scores and age, and the whole life of one."""

from collections.abc import Mapping, Sequence

from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Template
from sqlalchemy import Connection

from monitor.errors import NotFoundError
from monitor.store.human_evaluation.human_evaluations import models_under_human_evaluation
from monitor.store.training.model_age import production_age
from monitor.store.training.registry import (
    ScoreRow,
    VersionRow,
    last_rejections,
    list_versions,
    scores_of,
    version_by_id,
)
from monitor.store.training.versions.serving_order import predecessor
from monitor.store.training.versions.serving_periods import serving_periods
from monitor.web.access.audience import LEADS, REVIEWERS, texts
from monitor.web.current_user import Visit
from monitor.web.handlers import get
from monitor.web.models.version_life import read_life
from monitor.web.models.version_scores import draw_pair, score_version
from retrain.registry.four_eyes import deeds_of
from retrain.registry.paired_scores import pair_scores_of
from retrain.rollout.rows.rollouts import list_rollouts

#: Rollouts of which the newest of each version is linked.
MAX_ROLLOUTS = 200


@get("/models", opt=REVIEWERS)
def models(visit: NamedDependency[Visit]) -> Template:
    """Show the versions with stages and scores, and how old the production version is."""
    with visit.transaction() as connection:
        rows = list_versions(connection, visit.scope)
        # Scores, such as the share of JSON responses, could unblind an open human evaluation.
        withheld = models_under_human_evaluation(connection)
        scores = {
            row.id: () if row.model in withheld else scores_of(connection, row.id) for row in rows
        }
        before = _predecessors(connection, rows)
        pairs = {
            row.id: pair_scores_of(connection, row, earlier)
            for row in rows
            if scores[row.id] and (earlier := before.get(row.id)) is not None
        }
        rollouts = list_rollouts(connection, visit.scope, MAX_ROLLOUTS)
        rejections = last_rejections(connection, visit.scope)
        ages = [production_age(connection, name, visit.now) for name in {row.model for row in rows}]
    context = {
        "versions": [
            score_version(row, before.get(row.id), scores[row.id], pairs.get(row.id, ()))
            for row in rows
        ],
        "comparable": _comparable(rows, scores),
        "withheld": withheld,
        "rollouts": {row.version_id: row for row in reversed(rollouts)},
        "rejections": rejections,
        "in_rollout": {row.model for row in rollouts if row.is_open},
        "ages": {age.version.id: age for age in ages if age is not None},
        "max_age": {
            row.model: visit.settings.settings_of(row.model).retrain.max_age for row in rows
        },
    }
    return visit.page("models.html", context)


@get("/models/versions/{version_id:int}/compare", opt=REVIEWERS)
def compare(
    version_id: FromPath[int],
    visit: NamedDependency[Visit],
    other: FromQuery[int | None] = None,
) -> Template:
    """Show all scores of a version beside those of another one.

    By default the other one is the version that it replaced in production.
    """
    with visit.transaction() as connection:
        version = version_by_id(connection, version_id)
        versions = list_versions(connection, version.model)
        before = _predecessors(connection, versions).get(version_id, version)
        wanted = before.id if other is None else other
        chosen = next((row for row in versions if row.id == wanted), None)
        if chosen is None:
            raise NotFoundError(f"there is no version {wanted} of this model")
        rows = [version, chosen]
        withheld = rows[0].model in models_under_human_evaluation(connection)
        pairs = [] if withheld else pair_scores_of(connection, *rows)
    context = {
        "one": rows[0],
        "other": rows[1],
        "withheld": withheld,
        "pairs": [
            draw_pair(
                (pair.benchmark, pair.stratum, pair.metric),
                pair.first,
                pair.second,
                same_items=pair.evaluation is not None,
            )
            for pair in pairs
        ],
    }
    return visit.page("compare.html", context)


def _predecessors(connection: Connection, versions: Sequence[VersionRow]) -> dict[int, VersionRow]:
    """Return the version that each version replaced in production, by the id of the latter."""
    periods = {
        model: serving_periods(connection, model) for model in {row.model for row in versions}
    }
    by_number = {(row.model, row.version): row for row in versions}
    return {
        row.id: by_number[row.model, number]
        for row in versions
        if (number := predecessor(periods[row.model], row.version, row.created_at)) is not None
    }


def _comparable(
    versions: Sequence[VersionRow], scores: Mapping[int, Sequence[ScoreRow]]
) -> dict[str, list[VersionRow]]:
    """Return the evaluated versions of each model that has at least two."""
    by_model: dict[str, list[VersionRow]] = {}
    for version in versions:
        if scores[version.id]:
            by_model.setdefault(version.model, []).append(version)
    return {model: rows for model, rows in by_model.items() if len(rows) > 1}


@get("/models/versions/{version_id:int}", opt=LEADS | texts("version"))
def version(version_id: FromPath[int], lead_visit: NamedDependency[Visit]) -> Template:
    """Show a version's quality over its whole life."""
    settings = lead_visit.settings.settings_of(lead_visit.one_model)
    with lead_visit.transaction() as connection:
        life = read_life(connection, version_id, settings)
        approvers = {row.id: row.approved_by for row in life.gates if row.approved_by}
        deeds = {key: deeds_of(connection, life.version, by) for key, by in approvers.items()}
    context = {
        "life": life,
        "deeds": deeds,
        "probes_url": settings.probes.url,
        "has_evaluation_file": bool(settings.retrain.evaluation),
    }
    return lead_visit.page("version.html", context)


HANDLERS = (models, compare, version)
