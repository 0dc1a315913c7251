"""Routes that show texts of end users; a test holds that each route has a decision.

Texts are prompts, responses and quotes of them, words of topics, and what may quote: errors, logs,
messages, and the reasons of flags.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Shown:
    """The texts that a route shows."""

    kind: str
    #: The path parameter with its id; empty: of several.
    parameter: str = ""
    #: Whether leads of the model alone see texts there.
    is_for_leads: bool = False
    #: Whether the fragment by which an open page refreshes itself holds texts too.
    is_in_refresh: bool = True


_DRIFT = Shown("drift_evaluation", "evaluation_id")
_INCIDENT = Shown("incident", "incident_id")
_ROLLOUT = Shown("rollout", "rollout_id", is_for_leads=True, is_in_refresh=False)
_CANDIDATE = Shown("candidate_evaluation", "candidate_evaluation_id")
_HUMAN_EVALUATION = Shown("human_evaluation", "human_evaluation_id")
_FLAGS = Shown("flagged_items")
_ITEM = Shown("item", "item_id")

#: Method and path -> what is shown. A step that is refused shows its object's page again.
SHOWN: Mapping[tuple[str, str], Shown] = {
    ("GET", "/review/{item_id:int}"): _ITEM,
    ("GET", "/api/items/{item_id:int}"): _ITEM,
    ("GET", "/api/lead/flags"): _FLAGS,
    ("GET", "/progress"): _FLAGS,
    ("GET", "/human-evaluations/{human_evaluation_id:int}/rate"): _HUMAN_EVALUATION,
    ("GET", "/human-evaluations/{human_evaluation_id:int}/ratings"): _HUMAN_EVALUATION,
    ("GET", "/drift-evaluations"): Shown("drift_evaluation"),
    ("GET", "/drift-evaluations/{evaluation_id:int}"): _DRIFT,
    ("GET", "/drift-evaluations/{evaluation_id:int}/topics/{topic:int}"): _DRIFT,
    ("GET", "/drift-evaluations/{evaluation_id:int}/points/{point:int}"): _DRIFT,
    ("GET", "/drift-evaluations/{evaluation_id:int}/report"): _DRIFT,
    ("GET", "/drift-evaluations/{evaluation_id:int}/assessment.json"): _DRIFT,
    ("GET", "/digest"): Shown("drift_evaluation"),
    ("GET", "/incidents"): Shown("incident"),
    ("GET", "/incidents/{incident_id:int}"): _INCIDENT,
    ("POST", "/incidents/{incident_id:int}/acknowledge"): _INCIDENT,
    ("POST", "/incidents/{incident_id:int}/take-over"): _INCIDENT,
    ("POST", "/incidents/{incident_id:int}/snooze"): _INCIDENT,
    ("POST", "/incidents/{incident_id:int}/resolve"): _INCIDENT,
    ("POST", "/incidents/{incident_id:int}/note"): _INCIDENT,
    ("GET", "/models/versions/{version_id:int}"): Shown("version", "version_id"),
    ("GET", "/runs/{run_id:int}"): Shown("run", "run_id"),
    ("GET", "/runs/{run_id:int}/log.txt"): Shown("run", "run_id"),
    ("POST", "/progress/export"): Shown("gold"),
    ("GET", "/rollouts/{rollout_id:int}"): _ROLLOUT,
    ("POST", "/rollouts/{rollout_id:int}/advance"): _ROLLOUT,
    ("POST", "/rollouts/{rollout_id:int}/revert"): _ROLLOUT,
    ("POST", "/rollouts/{rollout_id:int}/pause"): _ROLLOUT,
    ("POST", "/rollouts/{rollout_id:int}/resume"): _ROLLOUT,
    ("GET", "/decisions/{decision_id:int}"): Shown("decision", "decision_id"),
    ("GET", "/candidate-evaluations/{candidate_evaluation_id:int}"): _CANDIDATE,
    ("GET", "/candidate-evaluations/{candidate_evaluation_id:int}/responses"): _CANDIDATE,
}

_NUMBERS = "states, numbers and names only"
_STEP = "a step: the response says that it was taken, or why not"
#: Method and path -> why nothing is shown.
NOT_SHOWN: Mapping[tuple[str, str], str] = {
    **dict.fromkeys(
        [
            ("GET", "/"),
            ("GET", "/overview"),
            ("GET", "/review"),
            ("GET", "/submitted"),
            ("GET", "/api/work"),
            ("GET", "/api/lead/audits"),
            ("GET", "/human-evaluations"),
            ("GET", "/human-evaluations/{human_evaluation_id:int}"),
            ("GET", "/models"),
            ("GET", "/models/versions/{version_id:int}/compare"),
            ("GET", "/runs"),
            ("GET", "/runs/{run_id:int}/start"),
            ("GET", "/decisions/{decision_id:int}/start"),
            ("GET", "/rollouts"),
            ("GET", "/rollouts/{rollout_id:int}/advance"),
            ("GET", "/rollouts/{rollout_id:int}/revert"),
            ("GET", "/rollouts/start/{version_id:int}"),
            ("GET", "/api/rollouts"),
            ("GET", "/api/rollouts/{rollout_id:int}"),
            ("GET", "/api/rollouts/verdict"),
            ("GET", "/api/rollouts/{model:str}/verdict"),
            ("GET", "/decisions"),
            ("GET", "/candidate-evaluations"),
            ("GET", "/healthz"),
            ("GET", "/readyz"),
            ("GET", "/metrics"),
            ("GET", "/runbooks"),
            ("GET", "/runbooks/{page:str}"),
        ],
        _NUMBERS,
    ),
    **dict.fromkeys(
        [
            ("GET", "/login"),
            ("POST", "/login"),
            ("POST", "/logout"),
            ("POST", "/api/login"),
            ("GET", "/login/sso"),
            ("GET", "/login/sso/callback"),
            ("GET", "/welcome/{token:str}"),
            ("POST", "/welcome/{token:str}"),
            ("GET", "/account"),
            ("POST", "/account/password"),
            ("POST", "/account/sessions"),
            ("GET", "/users"),
            ("POST", "/users"),
            ("GET", "/users/{user_id:int}"),
            *(
                ("POST", f"/users/{{user_id:int}}/{step}")
                for step in (
                    *("role", "revoke", "task-types", "slack", "deactivate", "reactivate"),
                    "link",
                )
            ),
            ("GET", "/access-log"),
        ],
        "of staff, who are not end users",
    ),
    **dict.fromkeys(
        [
            ("POST", "/review"),
            ("POST", "/api/items/claim"),
            ("PUT", "/api/items/{item_id:int}/draft"),
            ("DELETE", "/api/items/{item_id:int}/review"),
            *(
                ("POST", f"/api/items/{{item_id:int}}/{step}")
                for step in (
                    *("heartbeat", "review", "decline", "flag", "messages", "resolution"),
                    *("escalation", "adjudication", "audit"),
                )
            ),
            *(
                ("POST", f"/api/lead/items/{{item_id:int}}/{step}")
                for step in ("confirm-flag", "reject-flag", "reopen")
            ),
            ("POST", "/progress/items/{item_id:int}/restore"),
            ("POST", "/progress/items/{item_id:int}/exclude"),
            ("POST", "/human-evaluations/{human_evaluation_id:int}/rate"),
            ("POST", "/human-evaluations/{human_evaluation_id:int}/lock"),
            ("POST", "/api/human-evaluations/{human_evaluation_id:int}/claim"),
            *(
                (method, f"/api/human-evaluations/{{human_evaluation_id:int}}/items/{step}")
                for method, step in (
                    ("PUT", "{number:int}/draft"),
                    ("POST", "{number:int}/heartbeat"),
                    ("POST", "{number:int}/ratings"),
                    ("DELETE", "{number:int}/ratings"),
                    ("POST", "{number:int}/decline"),
                )
            ),
            ("POST", "/rollouts/start/{version_id:int}"),
            ("POST", "/decisions/{decision_id:int}/confirm"),
            ("POST", "/runs/{run_id:int}/cancel"),
            ("POST", "/runs/{run_id:int}/start"),
            *(
                ("POST", f"/candidate-evaluations/{{candidate_evaluation_id:int}}/{step}")
                for step in ("repeat", "approve")
            ),
            *(
                ("POST", f"/models/versions/{{version_id:int}}/{step}")
                for step in ("promote", "rollback", "reject", "evaluate")
            ),
            ("POST", "/drift-evaluations/{evaluation_id:int}/batch"),
        ],
        _STEP,
    ),
}
