"""Sockets for data sets by HTTP and S3, which no redirect leads to a cloud's metadata."""

import socket
from typing import TYPE_CHECKING, Any

from monitor.outgoing import addresses_of, is_metadata, is_private

if TYPE_CHECKING:
    from aiohttp import AddrInfoType, ClientSession


class GuardedSession:
    """The sockets of the requests for one data set.

    An evaluation file may name a host of a private network. A redirect, or a name that has another
    address by now, may not: each address is checked when it is connected, so that no spelling
    hides it. S3 has no host in its address; its server may be private.
    """

    def __init__(self, host: str) -> None:
        """Note the addresses that the named host has now."""
        self._named = addresses_of(host) if host else None
        #: The address that was refused.
        self.refused = ""

    async def open(self, **options: Any) -> "ClientSession":
        """Return the session, as fsspec asks for it."""
        import aiohttp  # noqa: PLC0415 - slow to import

        connector = aiohttp.TCPConnector(socket_factory=self.open_socket)
        return aiohttp.ClientSession(connector=connector, **options)

    def open_socket(self, info: "AddrInfoType") -> socket.socket:
        """Return a socket for an address, unless it is refused."""
        family, kind, protocol, _, (address, *_) = info
        place = str(address)
        named = self._named is None or place in self._named
        if is_metadata(place) or (is_private(place) and not named):
            self.refused = place
            raise ConnectionRefusedError(f"a private address: {place}")
        return socket.socket(family, kind, protocol)
