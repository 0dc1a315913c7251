"""Sign-in of a test client."""

import re

from litestar import Litestar
from litestar.testing import TestClient

from tests.support.review.review_world import PASSWORD


def sign_in(client: TestClient[Litestar], name: str) -> None:
    """Sign a user in; later requests have the token against forgery."""
    token = re.search(r'csrf-token" content="([^"]+)"', client.get("/login").text)
    assert token is not None
    client.headers["x-csrftoken"] = token[1]
    assert client.post("/api/login", json={"name": name, "password": PASSWORD}).is_success
