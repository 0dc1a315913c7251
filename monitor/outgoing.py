"""Addresses that no request of driftwarden may reach: a cloud machine's own credentials."""

import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

import httpx

#: Link-local addresses, with 169.254.169.254 of most clouds, and those of AWS by IPv6 and Alibaba.
METADATA = tuple(
    map(ip_network, ("169.254.0.0/16", "fe80::/10", "fd00:ec2::/32", "100.100.100.200/32"))
)
NAMES = frozenset({"metadata.google.internal", "metadata.goog", "instance-data"})


#: Addresses of IPv6 that hold one of IPv4 in their last 32 bits: of translators.
TRANSLATED = ip_network("64:ff9b::/96")


def is_metadata(host: str) -> bool:
    """Return whether a host's name or address is that of a cloud's metadata.

    Example:
        >>> [is_metadata(host) for host in ("169.254.169.254", "::ffff:a9fe:a9fe", "127.0.0.1")]
        [True, True, False]
    """
    name = host.strip("[]").partition("%")[0].rstrip(".").casefold()
    try:
        address = _parse(name)
    except ValueError:
        return name in NAMES
    return any(address in network for network in METADATA)


def is_private(address: str) -> bool:
    """Return whether an address is of this machine or of a network of its own.

    Example:
        >>> [is_private(address) for address in ("10.0.0.1", "::1", "::ffff:7f00:1", "1.1.1.1")]
        [True, True, True, False]
    """
    parsed = _parse(address.partition("%")[0])
    return not parsed.is_global or parsed.is_multicast


def addresses_of(host: str) -> frozenset[str]:
    """Return the addresses that a host has now; none where its name is unknown."""
    try:
        entries = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return frozenset()
    return frozenset(str(entry[4][0]) for entry in entries)


def resolves_to_metadata(host: str) -> bool:
    """Return whether a host is one of a cloud's metadata now; ``False`` where it has no address."""
    return is_metadata(host) or any(map(is_metadata, addresses_of(host)))


def _parse(address: str) -> IPv4Address | IPv6Address:
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address):
        if parsed in TRANSLATED:
            return IPv4Address(int(parsed) & 0xFFFFFFFF)
        return parsed.ipv4_mapped or parsed.sixtofour or parsed
    return parsed


def _guard(request: httpx.Request) -> None:
    """Refuse a request before anything of it is sent.

    The address is checked once it is connected, so that no name and no spelling hides it.

    Raises:
        httpx.ConnectError: The address is one of a cloud's metadata.
    """
    host = request.url.host
    if is_metadata(host):
        raise _refusal(host, request)

    def check(event: str, info: dict[str, Any]) -> None:
        if event.endswith("connect_tcp.complete"):
            stream = info["return_value"]
            peer = str(stream.get_extra_info("server_addr")[0])
            if is_metadata(peer):
                stream.close()
                raise _refusal(f"{host} ({peer})", request)

    request.extensions = {**request.extensions, "trace": check}


#: For each client: ``httpx.Client(event_hooks=GUARDED)``.
GUARDED: dict[str, list[Callable[..., Any]]] = {"request": [_guard]}


def _refusal(place: str, request: httpx.Request) -> httpx.ConnectError:
    return httpx.ConnectError(
        f"the address of a cloud's metadata: {place}; name the service itself", request=request
    )
