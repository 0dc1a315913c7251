"""Mirror of the registry in MLflow: versions, lineage, scores, champion and challenger.

driftwarden's tables are authoritative; the mirror copies them over MLflow's REST API. If MLflow is
unavailable, the mirror retries later; promotions don't wait for it. The mirror sends the complete
state, so repetition is harmless and an alias moved by hand is corrected.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
from sqlalchemy import Engine

from monitor.errors import ConfigurationError, DriftwardenError, RemoteServiceError
from monitor.settings import Mlflow, Secrets, is_https_or_loopback
from monitor.store.engine import transaction
from monitor.store.training import registry as versions
from monitor.store.training.registry import ScoreRow, VersionRow
from monitor.store.training.registry_mirrors import due_mirrors, mark_failed, mark_mirrored
from monitor.telemetry import get_logger
from retrain.rest import RestService, bearer, quoted

#: The stage of each alias; the newest of several candidates is the challenger.
CHAMPION, CHALLENGER = "champion", "challenger"
#: Far below MLflow's limit: 100,000 characters in 3.17.
MAX_TAG_CHARACTERS = 5000
FIRST_DELAY, MAX_DELAY = timedelta(seconds=30), timedelta(hours=1)
_API = "/api/2.0/mlflow"
_VERSION = re.compile(r"\d+\.[\w.+-]{1,30}")
_NUMBER = "driftwarden.version"

log = get_logger(__name__)


@dataclass(frozen=True)
class MlflowMirror:
    """A mirror of the registry in an MLflow server."""

    rest: RestService

    @classmethod
    def build(cls, settings: Mlflow, secrets: Secrets) -> "MlflowMirror | None":
        """Return the mirror configured in ``[retrain.mlflow]``; ``None`` if there is none.

        Raises:
            ConfigurationError: Credentials would be sent unencrypted over a network.
        """
        if not settings.tracking_url:
            return None
        if _credentials(secrets) and not is_https_or_loopback(settings.tracking_url):
            raise ConfigurationError(
                f"retrain.mlflow.tracking_url = {settings.tracking_url!r}: credentials are sent "
                "over https:// only (http:// on loopback); use an https:// URL"
            )
        return cls(
            RestService(
                name="MLflow",
                url=settings.tracking_url,
                headers=lambda: _credentials(secrets),
                access_hint="Set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and _PASSWORD",
            )
        )

    def check(self) -> str:
        """Return the address and version of MLflow."""
        response = self.rest.request("GET", "/version")
        if not response.is_success:
            raise RemoteServiceError(f"no MLflow server at {self.rest.url}: {quoted(response)}")
        version = response.text.strip()
        if not _VERSION.fullmatch(version):
            raise RemoteServiceError(f"no MLflow server at {self.rest.url}: {quoted(response)}")
        return f"MLflow {version} at {self.rest.url}"

    def follow(
        self, model: str, rows: list[VersionRow], scores: Mapping[int, list[ScoreRow]]
    ) -> None:
        """Copy a model's versions to MLflow.

        In the model's name, ``-`` replaces characters that MLflow refuses.

        Raises:
            RemoteServiceError: MLflow is unavailable.
            DriftwardenError: MLflow refuses a request.
        """
        name = re.sub(r"[/:]", "-", model)
        self._ask("POST", "registered-models/create", {"name": name}, known="ALREADY_EXISTS")
        there = self._versions(name)
        for row in sorted(rows, key=lambda row: row.version):
            tags = tags_of(row, scores.get(row.id, []))
            remote = there.get(str(row.version))
            if remote is None:
                remote = self._create(name, row)
            for key, value in tags.items():
                if remote["tags"].get(key) != value:
                    self._ask(
                        "POST",
                        "model-versions/set-tag",
                        {"name": name, "version": remote["version"], "key": key, "value": value},
                    )
            there[str(row.version)] = remote
        self._set_aliases(name, rows, there)

    def _create(self, name: str, row: VersionRow) -> dict[str, Any]:
        # MLflow accepts local paths only from its own runs, so a tag holds the adapter's path.
        made = self._ask(
            "POST",
            "model-versions/create",
            {
                "name": name,
                "source": f"driftwarden:///models/{quote(name)}/{row.version}",
                "tags": [{"key": _NUMBER, "value": str(row.version)}],
            },
        )["model_version"]
        return {"version": made["version"], "tags": {_NUMBER: str(row.version)}}

    def _versions(self, name: str) -> dict[str, dict[str, Any]]:
        """Return the mirrored versions in MLflow by driftwarden's version number."""
        matches: dict[str, dict[str, Any]] = {}
        page = ""
        while True:
            query = {"filter": f"name='{name}'", "max_results": "200"}
            if page:
                query["page_token"] = page
            response = self._ask("GET", "model-versions/search", query)
            for entry in response.get("model_versions", []):
                tags = {tag["key"]: tag["value"] for tag in entry.get("tags", [])}
                if _NUMBER in tags:
                    matches[tags[_NUMBER]] = {"version": entry["version"], "tags": tags}
            page = response.get("next_page_token", "")
            if not page:
                return matches

    def _set_aliases(
        self, name: str, rows: list[VersionRow], there: Mapping[str, Mapping[str, Any]]
    ) -> None:
        known = self._ask("GET", "registered-models/get", {"name": name})["registered_model"]
        now = {entry["alias"]: entry["version"] for entry in known.get("aliases", [])}
        for alias, row in aliases_of(rows).items():
            wanted = None if row is None else there[str(row.version)]["version"]
            if wanted == now.get(alias):
                continue
            if wanted is None:
                body = {"name": name, "alias": alias}
                self._ask("DELETE", "registered-models/alias", body)
            else:
                body = {"name": name, "alias": alias, "version": wanted}
                self._ask("POST", "registered-models/alias", body)

    def _ask(
        self, method: str, path: str, content: dict[str, Any], *, known: str = ""
    ) -> dict[str, Any]:
        """Send a request; an error code that contains ``known`` counts as success."""
        values: dict[str, Any] = {"params": content} if method == "GET" else {"json": content}
        response = self.rest.request(method, f"{_API}/{path}", **values)
        if not response.is_success and not (known and known in _error_code(response)):
            raise DriftwardenError(
                f"MLflow at {self.rest.url} refuses {path} ({response.status_code}): "
                f"{quoted(response)}"
            )
        body = response.json()
        return body if isinstance(body, dict) else {}


def mirror_registry(
    engine: Engine,
    mirror: MlflowMirror,
    now: datetime,
    *,
    may_continue: Callable[[], bool] = lambda: True,
) -> int:
    """Mirror each changed model, while ``may_continue()`` holds; return the number of them.

    A failure is stored with the model and retried with growing delays, up to one hour.
    """
    with transaction(engine) as connection:
        due = due_mirrors(connection, now)
    followed = 0
    for row in due:
        if not may_continue():
            break
        with transaction(engine) as connection:
            rows = versions.list_versions(connection, row.model)
            scores = {row.id: versions.scores_of(connection, row.id) for row in rows}
        try:
            mirror.follow(row.model, rows, scores)
        except DriftwardenError as error:
            wait = min(MAX_DELAY, FIRST_DELAY * (1 << min(row.attempts, 12)))
            with transaction(engine) as connection:
                mark_failed(connection, row, str(error), now + wait)
            log.warning("mlflow_mirror_failed", model=row.model, error=str(error))
        else:
            with transaction(engine) as connection:
                mark_mirrored(connection, row, now)
            followed += 1
    return followed


def aliases_of(rows: list[VersionRow]) -> dict[str, VersionRow | None]:
    """Return the champion (in production) and the challenger (the canary or newest candidate)."""
    newest = sorted(rows, key=lambda row: row.version, reverse=True)

    def first(*stages: str) -> VersionRow | None:
        return next((row for stage in stages for row in newest if row.stage == stage), None)

    return {CHAMPION: first("production"), CHALLENGER: first("canary", "candidate")}


def tags_of(row: VersionRow, scores: list[ScoreRow]) -> dict[str, str]:
    """Return a version's MLflow tags: stage, adapter, lineage and scores."""
    tags = {
        _NUMBER: str(row.version),
        "driftwarden.stage": row.stage,
        "driftwarden.adapter": row.adapter_path,
        "driftwarden.adapter_digest": row.adapter_digest,
        "driftwarden.created_at": row.created_at.isoformat(),
    }
    if row.training_run_id is not None:
        tags["driftwarden.training_run"] = str(row.training_run_id)
    for key, value in row.lineage.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        tags[f"driftwarden.lineage.{key}"] = text
    for score in scores:
        name = f"driftwarden.score.{score.benchmark}.{score.stratum or 'all'}.{score.metric}"
        tags[name] = f"{score.value:.4f} [{score.lower:.4f}, {score.upper:.4f}] n={score.n}"
    return {_key(key): value[:MAX_TAG_CHARACTERS] for key, value in tags.items() if value}


def _key(name: str) -> str:
    """Return a tag name in characters that MLflow allows."""
    return re.sub(r"[^\w\-. :/]", "-", name, flags=re.ASCII)[:250]


def _credentials(secrets: Secrets) -> dict[str, str]:
    token = secrets.mlflow_tracking_token.get_secret_value()
    if token or not secrets.mlflow_tracking_username:
        return bearer(token)
    password = secrets.mlflow_tracking_password.get_secret_value()
    request = httpx.Request("GET", "http://localhost")
    signed = next(httpx.BasicAuth(secrets.mlflow_tracking_username, password).auth_flow(request))
    return {"Authorization": signed.headers["Authorization"]}


def _error_code(response: httpx.Response) -> str:
    try:
        body = response.json()
    except ValueError:
        return ""
    return str(body.get("error_code", "")) if isinstance(body, dict) else ""
