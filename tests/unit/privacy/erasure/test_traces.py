"""Masking of an end user in texts and JSON."""

from monitor.privacy.end_users.end_user import ErasureRequest
from monitor.privacy.erasure.passages import Passages
from monitor.privacy.erasure.traces import Traces

TRACES = Traces.of(
    ErasureRequest("ann@example.org"),
    ["req-000017", "7"],
    Passages(["Please send the parcel of my late aunt to Rye."]),
)


def test_id_ids_of_exchanges_and_quotes_are_masked() -> None:
    text = "ANN@example.org (req-000017): “send the parcel of my late aunt to Rye” 7"
    assert TRACES.mask(text) == "[erased] ([erased]): “[erased]” 7"


def test_other_ids_stay() -> None:
    text = "joann@example.organic, req-0000171, request 000017"
    assert TRACES.mask(text) == text


def test_keys_of_json_are_masked_and_stay_apart() -> None:
    value = {"ann@example.org": [1, "x ann@example.org"], "Ann@example.org": None, "other": True}
    assert TRACES.mask_value(value) == {
        "[erased]": [1, "x [erased]"],
        "[erased]'": None,
        "other": True,
    }
    assert TRACES.in_value(value)
    assert not TRACES.in_value({"other": [True, None, 3]})


def test_short_id_is_masked_without_its_quotes() -> None:
    traces = Traces.of(ErasureRequest("17"), [], Passages([]))
    assert traces.mask('user "17" at 17') == 'user "[erased]" at 17'
