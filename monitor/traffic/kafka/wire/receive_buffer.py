"""Takes in what the brokers send, in place of kafka-python's own buffers.

kafka-python asks its socket for 4 KiB a call and copies what comes six times until it can be read.
Each call also lets go of the interpreter's lock; while another thread computes, getting it back
takes up to five milliseconds. Here as much is asked for as there is room for a response, and its
records are copied once, out of a buffer that is used again.
"""

import ssl
import struct
from functools import partial
from typing import Any

from kafka.errors import KafkaConnectionError
from kafka.net.connection import KafkaConnection
from kafka.protocol.parser import KafkaProtocol

from monitor.errors import ConfigurationError

#: What each response begins with: its length.
LENGTH = struct.Struct(">i")
#: Room for all responses but those with records, of which the first one makes more.
LEAST_BYTES = 64 * 2**10
#: A buffer that one huge batch made larger is given back.
MOST_KEPT_BYTES = 32 * 2**20

NOTHING_YET = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


def use_receive_buffers(consumer: Any) -> None:
    """Let the connections that a consumer opens from now on read into buffers of ours.

    Those that it has opened to find the brokers are closed before it fetches.

    Raises:
        ConfigurationError: This isn't the kafka-python that this was written for.
    """
    manager: Any = getattr(consumer, "_manager", None)
    connect = getattr(manager, "_connect", None)
    is_known = all(
        hasattr(owner, name)
        for owner, name in (
            (KafkaConnection, "connection_made"),
            (KafkaProtocol, "receive_bytes"),
            (KafkaProtocol, "_process_response"),
            (KafkaProtocol, "_validate_frame_size"),
        )
    )
    if connect is None or not is_known:
        raise ConfigurationError("this kafka-python can't be used: install kafka-python<3.1")

    async def connect_in_place(node: Any, connection: Any, **options: Any) -> None:
        connection.connection_made = partial(_made, connection.connection_made, connection)
        await connect(node, connection, **options)

    manager._connect = connect_in_place  # noqa: SLF001 - there is no option for it


def _made(made: Any, connection: Any, transport: Any) -> None:
    made(transport)
    parser = connection.parser
    buffer = ReceiveBuffer(transport, parser)
    transport._sock_recv = buffer.receive  # noqa: SLF001
    parser.receive_bytes = buffer.take_responses


class ReceiveBuffer:
    """What has come of a connection's responses, and isn't read yet."""

    def __init__(self, transport: Any, parser: Any) -> None:
        self._transport = transport
        self._parser = parser
        self._bytes = memoryview(bytearray(LEAST_BYTES))
        #: What came and wasn't read lies at ``[begin, end)``.
        self._begin = self._end = 0

    def receive(self) -> tuple[memoryview, Exception | None]:
        """Take in what has come, as far as there is room; return it and what went wrong."""
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
        except Exception as error:  # noqa: BLE001 - whatever it is, the connection is of no use
            return self._bytes[:0], KafkaConnectionError(error)
        return self._bytes[self._begin + n_before : self._end], None

    def take_responses(self, _received: memoryview) -> list[tuple[int, Any]]:
        """Return the responses that are whole, each behind the number of its request.

        Raises:
            KafkaProtocolError: What came is no response, or not to what was asked.
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
        """Make room for what TLS has decrypted: the selector doesn't tell of that."""
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
        """Make room for so many bytes from ``begin`` on."""
        rest = self._bytes[self._begin : self._end]
        is_needless = n_bytes <= LEAST_BYTES and len(self._bytes) > MOST_KEPT_BYTES
        if n_bytes > len(self._bytes) or (is_needless and len(rest) <= LEAST_BYTES):
            self._bytes = memoryview(bytearray(max(n_bytes, LEAST_BYTES)))
        elif rest and self._begin + n_bytes <= len(self._bytes):
            return
        self._bytes[: len(rest)] = rest
        self._begin, self._end = 0, len(rest)


class Frame:
    """One response, with what kafka-python's decoders ask of a buffer.

    What they make of it are copies: the bytes are those of the next response soon.
    """

    def __init__(self, content: memoryview) -> None:
        self._content = content
        self._position = 0

    def read(self, n_bytes: int | None = None) -> bytes | memoryview:
        """Return the next bytes, or without a number a view of all that are left."""
        if n_bytes is None:
            rest = self._content[self._position :]
            self._position = len(self._content)
            return rest
        read = bytes(self._content[self._position : self._position + n_bytes])
        self._position += len(read)
        return read

    def seek(self, position: int) -> None:
        """Go on from a position."""
        self._position = position

    def tell(self) -> int:
        """Return the position."""
        return self._position
