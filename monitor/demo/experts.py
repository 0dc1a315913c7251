"""Simulated experts that review over the HTTP API of the web page."""

import random
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

#: Chance that an expert picks the wrong route, which the second blind review reveals.
SLIP_RATE = 0.03

GOOD = {"accuracy": 5, "completeness": 5, "tone": 5, "compliance": 5}
WRONG = {"accuracy": 1, "completeness": 2, "tone": 5, "compliance": 4}


class Expert:
    """A simulated reviewer with the ground truth, who sometimes errs.

    ``truth`` is the correct response to each prompt; ``seed`` that of the expert's errors.
    """

    def __init__(
        self, url: str, name: str, password: str, truth: Mapping[str, str], seed: int
    ) -> None:
        self.name = name
        self._truth = truth
        self._rng = random.Random(f"{seed}/{name}")
        self._http = httpx.Client(base_url=url, timeout=30)
        self._http.get("/login").raise_for_status()
        self._post("/api/login", {"name": name, "password": password})

    def review_all(self, *, leave: int, reviewed: Callable[[], None]) -> int:
        """Claim and review items until at most ``leave`` are left; return the number reviewed."""
        done = 0
        # Once: each expert reviews every item, so nobody else takes one of these.
        for _ in range(self._work()["available"] - leave):
            item_id = self._post("/api/items/claim")["item"]
            if item_id is None:
                break
            item = self._get(f"/api/items/{item_id}")
            self._post(f"/api/items/{item_id}/review", self._judge(item, may_err=True))
            done += 1
            reviewed()
        return done

    def discuss_all(self) -> int:
        """Propose a resolution of each item in discussion; return their number."""
        waiting = self._work()["to_discuss"]
        for item_id in waiting:
            item = self._get(f"/api/items/{item_id}")
            proposal = self._judge(item, may_err=False)
            for score in GOOD:
                del proposal[score]
            self._post(f"/api/items/{item_id}/resolution", proposal)
        return len(waiting)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def _judge(self, item: dict[str, Any], *, may_err: bool) -> dict[str, Any]:
        prompt = item["messages"][-1]["content"]
        correct = self._truth[prompt]
        if may_err and self._rng.random() < SLIP_RATE:
            correct = self._rng.choice(sorted(set(self._truth.values()) - {correct}))
        if item["response"] == correct:
            return {"verdict": "accept", **GOOD}
        return {
            "verdict": "correct",
            "error_kind": "judgement",
            "answerable": "needs_judgement",
            "corrected_response": correct,
            **WRONG,
        }

    def _work(self) -> dict[str, Any]:
        return self._get("/api/work")

    def _get(self, path: str) -> dict[str, Any]:
        body: dict[str, Any] = self._http.get(path).raise_for_status().json()
        return body

    def _post(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        token = self._http.cookies["driftwarden_csrf"]
        response = self._http.post(path, json=body or {}, headers={"x-csrftoken": token})
        if response.is_error:
            problem = f"{response.status_code} {response.text[:300]}"
            raise RuntimeError(f"{self.name}: {path}: {problem}")
        result: dict[str, Any] = response.json()
        return result


def review_together(
    experts: tuple[Expert, Expert], *, leave: int, reviewed: Callable[[], None]
) -> tuple[int, int]:
    """Let both experts review in parallel, then discuss their disagreements.

    Return the number of reviews, and of discussed items.
    """
    with ThreadPoolExecutor(len(experts)) as pool:
        reviews = [
            pool.submit(expert.review_all, leave=leave, reviewed=reviewed) for expert in experts
        ]
    n_reviews = sum(review.result() for review in reviews)
    n_discussed = experts[0].discuss_all()
    experts[1].discuss_all()
    return n_reviews, n_discussed
