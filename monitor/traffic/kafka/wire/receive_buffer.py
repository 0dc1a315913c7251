"""Receive buffers of connections, replacing kafka-python's own.

kafka-python reads 4 KiB per call from its socket and copies the bytes six times. Each call also
releases the interpreter's lock; while another thread computes, reacquiring it takes up to five
milliseconds. These buffers read as much as fits and copy the records once.
"""

import ssl
import struct
from functools import partial
from typing import Any

from kafka.errors import KafkaConnectionError
from kafka.net.connection import KafkaConnection
from kafka.protocol.parser import KafkaProtocol

from monitor.traffic.kafka.client_version import require_supported

#: Length prefix of a response.
LENGTH = struct.Struct(">i")
#: Fits all responses but those with records, which enlarge the buffer.
MIN_BYTES = 64 * 2**10
#: A buffer that a large batch made larger is released.
MAX_KEPT_BYTES = 32 * 2**20

NOTHING_YET = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


def use_receive_buffers(consumer: Any) -> None:
    """Use these buffers for the connections that a consumer opens from now on.

    Connections of the bootstrap are closed before it fetches.

    Raises:
        ConfigurationError: The version of kafka-python is not supported.
    """
    connections: Any = getattr(consumer, "_manager", None)
    connect: Any = getattr(connections, "_connect", None)
    is_known = all(
        hasattr(owner, name)
        for owner, name in (
            (KafkaConnection, "connection_made"),
            (KafkaProtocol, "receive_bytes"),
            (KafkaProtocol, "_process_response"),
            (KafkaProtocol, "_validate_frame_size"),
        )
    )
    require_supported(is_known=connect is not None and is_known)

    async def connect_in_place(node: Any, connection: Any, **options: Any) -> None:
        connection.connection_made = partial(_made, connection.connection_made, connection)
        await connect(node, connection, **options)

    connections._connect = connect_in_place  # noqa: SLF001 - no option for it


def _made(made: Any, connection: Any, transport: Any) -> None:
    made(transport)
    parser = connection.parser
    buffer = ReceiveBuffer(transport, parser)
    transport._sock_recv = buffer.receive  # noqa: SLF001
    parser.receive_bytes = buffer.take_responses


class ReceiveBuffer:
    """Buffer of a connection's responses."""

    def __init__(self, transport: Any, parser: Any) -> None:
        self._transport = transport
        self._parser = parser
        self._bytes = memoryview(bytearray(MIN_BYTES))
        #: Unread bytes: ``[begin, end)``.
        self._begin = self._end = 0

    def receive(self) -> tuple[memoryview, Exception | None]:
        """Receive available bytes; return them and an error, if any."""
        n_before = self._end - self._begin
        sock = self._transport._sock  # noqa: SLF001
        try:
            while self._end < len(self._bytes) or self._grow_for_decrypted(sock):
                n_bytes = sock.recv_into(self._bytes[self._end :])
                if n_bytes == 0:
                    return self._bytes[:0], KafkaConnectionError("socket disconnected")
                self._end += n_bytes
        except NOTHING_YET:
            pass
        except Exception as error:  # noqa: BLE001 - on any error the connection is useless
            return self._bytes[:0], KafkaConnectionError(error)
        return self._bytes[self._begin + n_before : self._end], None

    def take_responses(self, _received: memoryview) -> list[tuple[int, Any]]:
        """Return complete responses with the numbers of their requests.

        Raises:
            KafkaProtocolError: The bytes are no response, or not one to a request.
        """
        responses: list[tuple[int, Any]] = []
        while (length := self._next_length()) is not None:
            stop = self._begin + LENGTH.size + length
            if stop > self._end:
                self._make_room(LENGTH.size + length)
                return responses
            frame = Frame(self._bytes[self._begin + LENGTH.size : stop])
            self._begin = stop
            responses.append(self._parser._process_response(frame))  # noqa: SLF001
        self._make_room(LENGTH.size)
        return responses

    def _grow_for_decrypted(self, sock: Any) -> bool:
        """Make room for bytes that TLS has decrypted, which the selector doesn't report."""
        n_decrypted = sock.pending() if hasattr(sock, "pending") else 0
        if n_decrypted:
            self._make_room(self._end - self._begin + n_decrypted)
        return n_decrypted > 0

    def _next_length(self) -> int | None:
        if self._end - self._begin < LENGTH.size:
            return None
        length: int = LENGTH.unpack_from(self._bytes, self._begin)[0]
        self._parser._validate_frame_size(length)  # noqa: SLF001
        return length

    def _make_room(self, n_bytes: int) -> None:
        """Make room for ``n_bytes`` from ``begin`` on."""
        rest = self._bytes[self._begin : self._end]
        is_needless = n_bytes <= MIN_BYTES and len(self._bytes) > MAX_KEPT_BYTES
        if n_bytes > len(self._bytes) or (is_needless and len(rest) <= MIN_BYTES):
            self._bytes = memoryview(bytearray(max(n_bytes, MIN_BYTES)))
        elif rest and self._begin + n_bytes <= len(self._bytes):
            return
        self._bytes[: len(rest)] = rest
        self._begin, self._end = 0, len(rest)


class Frame:
    """A response with the buffer interface of kafka-python's decoders.

    They copy what they decode: the bytes are soon those of the next response.
    """

    def __init__(self, content: memoryview) -> None:
        self._content = content
        self._position = 0

    def read(self, n_bytes: int | None = None) -> bytes | memoryview:
        """Return the next bytes, or by default a view of the rest."""
        if n_bytes is None:
            rest = self._content[self._position :]
            self._position = len(self._content)
            return rest
        read = bytes(self._content[self._position : self._position + n_bytes])
        self._position += len(read)
        return read

    def seek(self, position: int) -> None:
        """Set the position."""
        self._position = position

    def tell(self) -> int:
        """Return the position."""
        return self._position
