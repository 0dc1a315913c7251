"""Parsing of ``traceparent`` and ``tracestate``."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.traffic.sampling.trace_context import NOTHING, Header, Upstream, read_upstream

TRACE_ID = 0x4BF92F3577B34DA6A3CE929D0E0E4736
LAST_56_BITS = 0xCE929D0E0E4736
PARENT = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-"


def read(state: bytes | None = None, flags: bytes = b"03", **options: bool) -> Upstream:
    headers: list[Header] = [("traceparent", PARENT + flags)]
    if state is not None:
        headers.append(("tracestate", state))
    return read_upstream(headers, **options)


def test_other_headers_are_ignored() -> None:
    assert NOTHING == read_upstream([("content-type", b"json"), ("tracestates", None)])


@pytest.mark.parametrize("flags", [b"02", b"03", b"07"])
def test_the_random_flag_makes_the_trace_id_randomness(flags: bytes) -> None:
    assert Upstream(LAST_56_BITS) == read(flags=flags)


@pytest.mark.parametrize("flags", [b"00", b"01", b"05"])
def test_without_the_random_flag_a_trace_id_is_no_randomness(flags: bytes) -> None:
    assert Upstream() == read(flags=flags)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (b"", Upstream(LAST_56_BITS)),
        (b"congo=t61rcWkgMzE, rojo=00f067aa0ba902b7", Upstream(LAST_56_BITS)),
        (b"ot=th:0", Upstream(LAST_56_BITS, 0)),
        (b"rojo=1,\tot=th:c ,congo=2", Upstream(LAST_56_BITS, 0xC0000000000000)),
        (b"ot=th:C", Upstream(LAST_56_BITS, 0xC0000000000000)),
        (b"ot=rv:fe6d1a75832a2f;th:fd70a4", Upstream(0xFE6D1A75832A2F, 0xFD70A400000000)),
        (b"ot=p:8;th:8;rv:80000000000000;zz:", Upstream(1 << 55, 1 << 55)),
        (b"not=th:c", Upstream(LAST_56_BITS)),
        (b"ot@tenant=th:c", Upstream(LAST_56_BITS)),
    ],
)
def test_opentelemetry_entry_is_found_among_other_vendors(state: bytes, expected: Upstream) -> None:
    assert expected == read(state)


def test_header_names_come_in_any_case_and_tracestate_in_parts() -> None:
    headers = [
        ("TraceParent", PARENT + b"03"),
        ("TRACESTATE", b"congo=1"),
        ("tracestate", b"ot=th:c"),
    ]
    assert Upstream(LAST_56_BITS, 0xC0000000000000) == read_upstream(headers)


@pytest.mark.parametrize(
    "state",
    [
        b"ot=",
        b"ot=th",
        b"ot=th:",
        b"ot=th:g",
        b"ot=th:0x8",
        b"ot=th:123456789012345",
        b"ot=th:8;th:8",
        b"ot=th:8;;p:8",
        b"ot=TH:8",
        b"ot=th:8 ;p:8",
        b"ot=rv:6e6d1a75832a2",
        b"ot=rv:6E6D1A75832A2F",
        b"ot=rv:6e6d1a75832a2f;th:-1",
        b"ot=th:8,ot=th:8",
        b"ot=th:8;x:" + b"a" * 250,
        b"ot=th:\xff",
    ],
)
def test_a_malformed_entry_is_ignored_whole(state: bytes) -> None:
    assert Upstream(LAST_56_BITS, problem="tracestate") == read(state)


@pytest.mark.parametrize(
    "parent",
    [
        None,
        b"",
        b"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03",
        b"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-03",
        b"00-00000000000000000000000000000000-00f067aa0ba902b7-03",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-03",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03-more",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-3",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03\n",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0\uff13".encode(),
    ],
)
def test_an_invalid_traceparent_is_ignored_and_tracestate_with_it(parent: bytes | None) -> None:
    headers: list[Header] = [("traceparent", parent), ("tracestate", b"ot=th:c")]

    assert Upstream(problem="traceparent") == read_upstream(headers)
    assert Upstream(problem="traceparent") == read_upstream(headers[1:])
    assert Upstream(problem="traceparent") == read_upstream([headers[0], headers[0]])


def test_known_fields_of_a_later_version_are_read() -> None:
    later = PARENT.replace(b"00-", b"cc-", 1) + b"03-what-comes-next"

    assert Upstream(LAST_56_BITS) == read_upstream([("traceparent", later)])


def test_an_inconsistent_threshold_is_erased() -> None:
    """The record exists although its randomness is below: its probability is unknown."""
    assert Upstream(LAST_56_BITS, problem="inconsistent") == read(b"ot=th:d")
    assert Upstream(LAST_56_BITS, LAST_56_BITS) == read(b"ot=th:%x" % LAST_56_BITS)


def test_a_threshold_of_an_unsampled_trace_is_ignored() -> None:
    assert Upstream(LAST_56_BITS, problem="unsampled") == read(b"ot=th:c", b"02")
    assert Upstream(problem="unsampled") == read(b"ot=th:c", b"00")


def test_the_threshold_can_be_left_unread() -> None:
    assert Upstream(LAST_56_BITS) == read(b"ot=th:d", honour_threshold=False)


@given(
    st.integers(0, (1 << 56) - 1),
    st.integers(0, (1 << 56) - 1),
    st.lists(st.sampled_from(["congo=1", "rojo=a:b;c", "", " "]), max_size=4),
    st.booleans(),
)
def test_threshold_and_randomness_of_a_sampler_are_read(
    threshold: int, randomness: int, remaining: list[str], rv_first: bool
) -> None:
    th = f"th:{threshold:014x}".rstrip("0") if threshold else "th:0"
    pair = [f"rv:{randomness:014x}", th]
    entry = "ot=" + ";".join(pair if rv_first else pair[::-1])
    result = read(",".join([*remaining, entry]).encode(), b"01")

    assert randomness == result.randomness
    if randomness >= threshold:
        assert threshold == result.threshold
        assert not result.problem
    else:
        assert result.threshold is None
        assert "inconsistent" == result.problem


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["traceparent", "tracestate", "TraceState", "other", ""]),
            st.none() | st.binary(max_size=300) | st.just(PARENT + b"03"),
        ),
        max_size=6,
    )
)
def test_any_bytes_are_read_without_an_error(headers: list[Header]) -> None:
    result = read_upstream(headers)

    assert result.problem in {"", "traceparent", "tracestate", "inconsistent", "unsampled"}
    for number in (result.randomness, result.threshold):
        assert number is None or 0 <= number < 1 << 56


@given(st.text(alphabet="othrv=:;,0123456789abcdefF \t.-", max_size=60))
def test_nearly_right_entries_are_read_rightly_or_not_at_all(state: str) -> None:
    """Compare with an independent regular expression of the grammar."""
    entries = [member.strip(" \t") for member in state.split(",")]
    own = [entry for entry in entries if entry.startswith("ot=")]
    pair = r"[a-z][a-z0-9]*:[A-Za-z0-9._-]*"
    result = read(state.encode(), b"01")
    if len(own) > 1 or (own and not re.fullmatch(f"ot={pair}(;{pair})*", own[0])):
        assert "tracestate" == result.problem
    elif result.problem != "tracestate":
        th = re.search(r"[=;]th:([0-9A-Fa-f]{1,14})(;|$)", own[0]) if own else None
        assert (result.threshold is not None or result.problem == "inconsistent") == (
            th is not None
        )
