"""An HTTP/2 client that keeps every header line of the answer, over TCP without TLS (RFC 9113, 3.3)."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import Self

import h2.config
import h2.connection
import h2.events

from servers.http_connection import TIMEOUT, Answer, MalformedAnswer


class Http2Connection:
    """One connection to a server on the loopback interface, one request after the other."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Names are sent as the test gives them, in lower case; nothing else is looked at on the way out.
        settings = h2.config.H2Configuration(validate_outbound_headers=False, header_encoding="latin-1")
        self._state = h2.connection.H2Connection(settings)
        self._state.initiate_connection()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def exchange(self, method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes = b"") -> Answer:
        """Send a request and read its answer. Raises `MalformedAnswer` where there is none."""
        state = self._state
        stream = state.get_next_available_stream_id()
        pseudo = [(":method", method), (":scheme", "http"), (":authority", "localhost"), (":path", target)]
        lines = [*pseudo, *((name.lower(), value) for name, value in headers)]
        state.send_headers(stream, lines, end_stream=not body)
        if body:
            state.send_data(stream, body, end_stream=True)
        self._socket.sendall(state.data_to_send())
        answered: list[tuple[str, str]] = []
        received = b""
        while True:
            data = self._socket.recv(1 << 16)
            if not data:
                raise MalformedAnswer("the connection was closed")
            for event in state.receive_data(data):
                match event:
                    case h2.events.ResponseReceived(stream_id=number, headers=got) if number == stream and got:
                        answered = [(str(name), str(value)) for name, value in got]
                    case h2.events.DataReceived(stream_id=number, data=piece) if number == stream:
                        received += piece or b""
                        state.acknowledge_received_data(event.flow_controlled_length or 0, stream)
                    case h2.events.StreamEnded(stream_id=number) if number == stream:
                        self._socket.sendall(state.data_to_send())
                        status = int(dict(answered)[":status"])
                        return Answer(status, tuple(line for line in answered if line[0] != ":status"), received)
                    case h2.events.StreamReset(stream_id=number) if number == stream:
                        raise MalformedAnswer("the stream was reset")
                    case h2.events.ConnectionTerminated():
                        raise MalformedAnswer("the server ended the connection")
            self._socket.sendall(state.data_to_send())
