"""Many HTTP connections that ask one request at a time each, for a few microseconds a request.

What a load generator takes of the cores, the server lacks: this one prepares every request before
the clock runs, keeps to one thread and one `select` for all connections, and compares an answer as
the bytes it came in.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from selectors import EVENT_READ, DefaultSelector
from time import perf_counter

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: (\d+)")
_PATIENCE_SECONDS = 60.0


@dataclass
class Outcome:
    """What became of the requests.

    Attributes:
        seconds: from the first request to the last answer.
        latencies: seconds of each request that was answered, in the order of the answers.
        wrong: answers other than the expected one.
        lost: requests without an answer.
    """

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    wrong: int = 0
    lost: int = 0

    def milliseconds(self, share: float) -> float:
        """The latency that this share of the requests stays below."""
        ordered = sorted(self.latencies)
        return 1e3 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def request_bytes(body: bytes, path: str = "/") -> bytes:
    """A POST request as it goes over the wire."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def ask_all(
    port: int,
    requests: Sequence[bytes],
    answers: Sequence[bytes],
    count: int,
    connections: int,
    progress: Callable[[int], None] = lambda answered: None,
) -> Outcome:
    """Send requests in turn, over and over, until so many are sent, and wait for all answers.

    Args:
        port: of the server, on loopback.
        requests: as they go over the wire.
        answers: the body that each must be answered with, under status 200.
        count: requests of all connections together.
        connections: each asks again as soon as it has its answer.
        progress: is told after each answer how many there are.
    """
    outcome, numbers = Outcome(), iter(range(count))
    began = perf_counter()
    with DefaultSelector() as selector:
        for _ in range(min(connections, count)):
            connection = _Connection(port, requests, answers)
            connection.ask(next(numbers))
            selector.register(connection.socket, EVENT_READ, connection)
        while selector.get_map():
            ready = selector.select(_PATIENCE_SECONDS)
            if not ready:
                break
            for key, _ in ready:
                if key.data.answered(outcome):
                    progress(len(outcome.latencies))
                    if (number := next(numbers, None)) is not None:
                        key.data.ask(number)
                        continue
                elif key.data.is_open:
                    continue
                selector.unregister(key.fileobj)
                key.data.socket.close()
    outcome.seconds = perf_counter() - began
    outcome.lost = count - len(outcome.latencies)
    return outcome


class _Connection:
    """One connection, and the request that it waits for."""

    def __init__(self, port: int, requests: Sequence[bytes], answers: Sequence[bytes]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.is_open = True
        self._requests, self._answers = requests, answers
        self._received, self._place, self._began = b"", 0, 0.0

    def ask(self, number: int) -> None:
        self._place = number % len(self._requests)
        self._received, self._began = b"", perf_counter()
        self.socket.sendall(self._requests[self._place])

    def answered(self, outcome: Outcome) -> bool:
        """Take what has come; whether it makes a whole answer."""
        try:
            chunk = self.socket.recv(1 << 18)
        except ConnectionResetError:
            chunk = b""
        self.is_open = bool(chunk)
        self._received += chunk
        head, end, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not end or length is None or len(body) < int(length[1]):
            return False
        outcome.latencies.append(perf_counter() - self._began)
        if not head.startswith(b"HTTP/1.1 200 ") or body != self._answers[self._place]:
            outcome.wrong += 1
        return True
