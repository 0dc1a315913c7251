"""The part of Argilla's server that its client needs to create a dataset."""

import json
import uuid
from typing import Any

import httpx

NOW = "2026-11-02T00:00:00"
USER = {"id": str(uuid.UUID(int=1)), "username": "owner", "role": "owner"}
WORKSPACE = {"id": str(uuid.UUID(int=2)), "name": "w", "inserted_at": NOW, "updated_at": NOW}


class ArgillaServer:
    """A server that stores records and returns them, with one user and one workspace."""

    def __init__(self) -> None:
        self.dataset: dict[str, Any] = {}
        #: fields, questions, metadata-properties -> what was made.
        self.made: dict[str, list[dict[str, Any]]] = {}
        self.records: list[dict[str, Any]] = []

    def reply(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content) if request.content else {}
        parts = request.url.path.removeprefix("/api/v1/").split("/")
        if request.method == "GET":
            return httpx.Response(200, json=self._get(parts))
        return httpx.Response(200, json=self._write(parts, body))

    def _get(self, parts: list[str]) -> dict[str, Any]:
        match parts:
            case ["me"]:
                return USER
            case ["me", "workspaces"]:
                return {"items": [WORKSPACE]}
            case ["workspaces", _]:
                return WORKSPACE
            case ["datasets", _]:
                return self.dataset
            case ["datasets", _, kind] | ["me", "datasets", _, kind]:
                return {"items": self.made.get(kind, [])}
            case _:
                return {"items": [self.dataset] if self.dataset else []}

    def _write(self, parts: list[str], body: dict[str, Any]) -> dict[str, Any]:
        stamped = {"id": str(uuid.uuid4()), "inserted_at": NOW, "updated_at": NOW}
        match parts:
            case ["datasets"] | ["datasets", _] | ["datasets", _, "publish"]:
                known = self.dataset or stamped | {"workspace_id": WORKSPACE["id"]}
                self.dataset = {**body, **known, "status": "ready"}
                return self.dataset
            case ["datasets", _, "records", "bulk"]:
                self.records += body["items"]
                made = [
                    stamped
                    | {"external_id": entry["external_id"], "fields": entry["fields"]}
                    | {"metadata": entry["metadata"], "status": "pending"}
                    | {"dataset_id": self.dataset["id"]}
                    for entry in body["items"]
                ]
                return {"items": made, "updated_item_ids": []}
            case ["datasets", _, kind]:
                entry = {**body, **stamped, "dataset_id": self.dataset["id"]}
                self.made.setdefault(kind, []).append(entry)
                return entry
            case _:
                raise AssertionError(f"unexpected request: {'/'.join(parts)}")
