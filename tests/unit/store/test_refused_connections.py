"""Reasons for which a database refuses connections or writes."""

import pytest

from monitor.store.refused_connections import explain_refusal


@pytest.mark.parametrize(
    "message",
    [
        'connection to server at "db", port 5432 failed: FATAL:  could not write init file',
        'could not extend file "base/5/16435": No space left on device',
    ],
)
def test_a_full_disk_of_the_server_is_named(message: str) -> None:
    code, text = explain_refusal(message)
    assert code == "database_disk_full"
    assert text.startswith(message)
    assert "disk" in text.removeprefix(message)
