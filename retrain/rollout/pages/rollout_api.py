"""API: rollouts and experiments, as their pages show them."""

from typing import Any

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath

from monitor.web.access.audience import REVIEWERS, WORDS
from monitor.web.current_user import Visit
from monitor.web.handlers import get
from retrain.rollout.pages.rollout_view import as_json, load_view
from retrain.rollout.rows.rollouts import list_rollouts, rollout_by_id


class RolloutController(Controller):
    """Rollouts and experiments."""

    path = "/rollouts"

    @get("/", opt=REVIEWERS | WORDS)
    def listed(self, visit: NamedDependency[Visit]) -> list[dict[str, Any]]:
        """Return the newest rollouts, without their figures."""
        with visit.transaction() as connection:
            rows = list_rollouts(connection, visit.scope)
        return [
            {
                "id": row.id,
                "kind": row.kind,
                "model": row.model,
                "version": row.version,
                "status": row.status,
                "weight_percent": row.weight_percent,
                "reason": row.reason,
                "started_at": row.started_at,
                "finished_at": row.finished_at,
            }
            for row in rows
        ]

    @get("/{rollout_id:int}", opt=REVIEWERS | WORDS)
    def detail(self, rollout_id: FromPath[int], visit: NamedDependency[Visit]) -> dict[str, Any]:
        """Return a rollout: where it stands, what is missing, checks and events."""
        with visit.transaction() as connection:
            row = rollout_by_id(connection, rollout_id)
            settings = visit.settings.settings_of(row.model)
            return as_json(load_view(connection, settings, row, visit.now))
