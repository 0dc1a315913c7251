"""Pages of the registered versions: stages, scores and age, and the whole life of one."""

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Template

from monitor.store.human_evaluation.human_evaluations import models_under_human_evaluation
from monitor.store.rollouts.rollouts import list_rollouts
from monitor.store.training.model_age import production_age
from monitor.store.training.registry import list_versions, scores_of, version_by_id
from monitor.web.current_user import Visit
from monitor.web.models.version_life import read_life

#: Rollouts of which the newest of each version is linked.
MAX_ROLLOUTS = 200


@get("/models", sync_to_thread=True)
def models(visit: NamedDependency[Visit]) -> Template:
    """Show the versions with stages and scores, and how old the production version is."""
    with visit.transaction() as connection:
        rows = list_versions(connection, visit.scope)
        # Scores, such as the share of JSON responses, could unblind an open human evaluation.
        withheld = models_under_human_evaluation(connection)
        versions = [
            (row, [] if row.model in withheld else scores_of(connection, row.id)) for row in rows
        ]
        rollouts = list_rollouts(connection, visit.scope, MAX_ROLLOUTS)
        ages = [production_age(connection, name, visit.now) for name in {row.model for row in rows}]
    context = {
        "versions": versions,
        "withheld": withheld,
        "rollouts": {row.version_id: row for row in reversed(rollouts)},
        "in_rollout": {row.model for row in rollouts if row.is_open},
        "ages": {age.version.id: age for age in ages if age is not None},
        "max_age": {
            row.model: visit.settings.settings_of(row.model).retrain.max_age for row in rows
        },
    }
    return visit.page("models.html", context)


@get("/models/versions/{version_id:int}", sync_to_thread=True)
def version(version_id: FromPath[int], lead_visit: NamedDependency[Visit]) -> Template:
    """Show a version's quality over its whole life."""
    with lead_visit.transaction() as connection:
        model = version_by_id(connection, version_id).model
        settings = lead_visit.settings.settings_of(model)
        life = read_life(connection, version_id, settings)
    context = {
        "life": life,
        "probes_url": settings.probes.url,
        "has_evaluation_file": bool(settings.retrain.evaluation),
    }
    return lead_visit.page("version.html", context)


HANDLERS = (models, version)
