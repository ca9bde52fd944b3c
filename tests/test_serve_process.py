"""`minner serve` as a process: real connections, clients that behave badly, and how it ends."""

from __future__ import annotations

import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="the extra serve is not installed")
pytest.importorskip("prometheus_client", reason="the extra serve is not installed")
pytest.importorskip("httpx", reason="httpx, which asks, is not installed")

import httpx

from minner.tagger import Tagger
from serving import server, with_settings

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"
REQUEST = HEAD + b'Content-Length: 15\r\n\r\n{"text":"Anna"}'


def texts_of(client: int) -> list[str]:
    return [f"Anna {client} met Bob {turn} in Rome." * (turn % 3 + 1) for turn in range(15)]


def expected(ner: Tagger, text: str) -> dict[str, Any]:
    return {"text": text, "entities": [asdict(entity) for entity in ner(text)]}


def resident_megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status")
    if not status.is_file():
        pytest.skip("there is no /proc to read memory from")
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def test_many_clients_each_get_their_own_answers(
    tiny_path: Path, tiny: Tagger, tmp_path: Path
) -> None:
    def client(number: int) -> int:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
            for text in texts_of(number):
                answer = http.post("/", json={"text": text})
                assert answer.json() == expected(tiny, text)
        return number

    with server(tmp_path / "log", "--model", str(tiny_path)) as running:
        port = running.port
        with ThreadPoolExecutor(8) as pool:
            assert len(list(pool.map(client, range(8)))) == 8
        running.end()
    assert sum(event["event"] == "request" for event in running.events()) == 8 * 15
    assert "Anna" not in running.log.read_text()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_signal_under_load_loses_no_request(
    tiny_path: Path, tiny: Tagger, tmp_path: Path, workers: int
) -> None:
    """Every client keeps asking until the server says that it ends; what it sent is answered."""
    answered: list[int] = []

    def client(number: int) -> None:
        turn = 0
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
            while True:
                text = f"Anna {number} {turn}"
                answer = http.post("/", json={"text": text})
                assert answer.status_code == 200
                assert answer.json()["text"] == text
                turn += 1
                answered.append(number)
                if answer.headers.get("connection") == "close":
                    return

    options = ("--model", str(tiny_path), "--workers", str(workers))
    with server(tmp_path / "log", *options) as running, ThreadPoolExecutor(8) as pool:
        port = running.port
        clients = [pool.submit(client, number) for number in range(8)]
        while len(set(answered)) < 8 and not any(one.done() for one in clients):
            time.sleep(0.05)
        running.process.send_signal(signal.SIGTERM)
        for one in clients:
            one.result(30)
        assert running.process.wait(20) in (0, -signal.SIGTERM)
    assert len(answered) > 8


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def received(connection: socket.socket) -> bytes:
    """All that comes until the server closes."""
    whole = b""
    while chunk := connection.recv(10_000):
        whole += chunk
    return whole


def test_a_signal_loses_no_connection_that_waits(tiny_path: Path, tmp_path: Path) -> None:
    """The system has taken them, but not the process; some have not sent their request yet."""
    command = with_settings("grace_seconds=0")
    with server(tmp_path / "log", str(tiny_path), command=command) as running:
        running.process.send_signal(signal.SIGSTOP)
        waiting = [connect(running.port) for _ in range(60)]
        for connection in waiting[:40]:
            connection.sendall(REQUEST)
        running.process.send_signal(signal.SIGTERM)
        running.process.send_signal(signal.SIGCONT)
        time.sleep(0.1)
        for connection in waiting[40:]:
            connection.sendall(REQUEST)
        for connection in waiting:
            assert received(connection).startswith(b"HTTP/1.1 200 ")
            connection.close()
        assert running.process.wait(20) in (0, -signal.SIGTERM)


def test_a_head_that_does_not_end_is_given_up(tiny_path: Path, tmp_path: Path) -> None:
    """Also that of a later request of a connection; too slow, or too large."""
    command, endless = with_settings("limits=Limits(header_seconds=0.5)"), b"X: " + b"x" * 65_536
    with server(tmp_path / "log", str(tiny_path), command=command) as running:
        for before in (b"", REQUEST):
            with connect(running.port) as slow:
                slow.sendall(before)
                time.sleep(0.2)
                slow.sendall(HEAD)
                assert received(slow).count(b"HTTP/1.1 200 OK") == bool(before)
        with connect(running.port) as large:
            large.sendall(HEAD + endless)
            assert received(large).startswith(b"HTTP/1.1 400 ")
        with connect(running.port) as trailing:
            trailing.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n")
            time.sleep(0.2)
            trailing.sendall(endless)
            assert received(trailing).startswith(b"HTTP/1.1 400 ")
        running.end()


def test_a_quiet_server_says_where_it_listens_and_no_more(tiny_path: Path, tmp_path: Path) -> None:
    with server(tmp_path / "log", "--model", str(tiny_path), "--quiet") as running:
        httpx.post(f"http://127.0.0.1:{running.port}/", json={"text": "Anna"}, trust_env=False)
        running.end()
    assert [event["event"] for event in running.events()] == ["listening"]


def test_bad_clients_do_no_harm(tiny_path: Path, tiny: Tagger, tmp_path: Path) -> None:
    """100 MB, with and without a length; half a request; hanging up in the middle."""

    def send_100_mb(framing: bytes, frame: bytes) -> bytes:
        with connect(port) as connection:
            try:
                connection.sendall(HEAD + framing)
                for _ in range(100):
                    connection.sendall(frame)
            except (BrokenPipeError, ConnectionResetError):
                pass  # the server has answered and closed
            try:
                return connection.recv(1000)
            except ConnectionResetError:
                return b""

    with server(tmp_path / "log", "--model", str(tiny_path)) as running:
        port, process = running.port, running.process
        httpx.post(f"http://127.0.0.1:{port}/", json={"text": "Anna"}, trust_env=False)
        before = resident_megabytes(process.pid)
        megabyte = b" " * 1_000_000
        chunk = b"%x\r\n%s\r\n" % (len(megabyte), megabyte)
        for answer in (
            send_100_mb(b"Content-Length: 100000000\r\n\r\n", megabyte),
            send_100_mb(b"Transfer-Encoding: chunked\r\n\r\n", chunk),
        ):
            assert b" 413 " in answer or not answer
        idle = [connect(port) for _ in range(50)]
        for number, connection in enumerate(idle):
            connection.sendall(HEAD if number % 2 else HEAD + b"Content-Length: 50\r\n\r\n{")
        for _ in range(50):
            with connect(port) as connection:
                connection.sendall(REQUEST)
        text = "Bob lives in Rome."
        answer = httpx.post(f"http://127.0.0.1:{port}/", json={"text": text}, trust_env=False)
        assert answer.json() == expected(tiny, text)
        for connection in idle:
            connection.close()
        assert resident_megabytes(process.pid) - before < 60


def test_workers_add_up_their_metrics(tiny_path: Path, tmp_path: Path) -> None:
    with server(tmp_path / "log", "--model", str(tiny_path), "--workers", "2") as running:
        address = f"http://127.0.0.1:{running.port}"
        for _ in range(20):
            httpx.post(address, json={"text": "Anna"}, trust_env=False)
        found = [httpx.get(f"{address}/metrics", trust_env=False).text for _ in range(4)]
        assert all("minner_texts_total 20.0" in text for text in found)
        running.end()


def test_an_address_in_use_is_one_line(tiny_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from minner import cli

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert cli.main(["serve", "--model", str(tiny_path), "--port", port]) == 1
    assert f"cannot listen at 127.0.0.1, port {port}" in capfd.readouterr().err
    assert threading.active_count() < 10


@pytest.mark.parametrize("workers", ["0", "-1", "100000"])
def test_workers_are_as_many_as_the_cores_can_use(
    workers: str, tiny_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from minner import cli

    assert cli.main(["serve", "--model", str(tiny_path), "--workers", workers]) == 1
    assert "workers must be from 1 to " in capfd.readouterr().err
