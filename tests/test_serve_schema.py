"""The OpenAPI document holds: Schemathesis makes requests of it and looks at the answers."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("uvicorn", reason="the extra serve is not installed")
pytest.importorskip("prometheus_client", reason="the extra serve is not installed")
pytest.importorskip("httpx", reason="httpx is not installed")
pytest.importorskip("schemathesis", reason="Schemathesis is not installed")

import os
import subprocess
import sys

from serving import server

CHECKS = (
    *("status_code_conformance", "content_type_conformance"),
    *("response_schema_conformance", "response_headers_conformance"),
)
"""Its check for server errors would also refuse the 504 of a deadline that the request set itself;
500 is in no document, so the check of status codes refuses it."""


def test_made_up_requests_get_what_the_document_says(tiny_path: Path, tmp_path: Path) -> None:
    options = ("--model", str(tiny_path))
    with server(tmp_path / "log", *options) as running:
        address = f"http://127.0.0.1:{running.port}"
        program = "import sys; from schemathesis.cli import schemathesis; sys.exit(schemathesis())"
        command = [
            *(sys.executable, "-c", program, "run", f"{address}/openapi.json", "--no-color"),
            *("--checks", ",".join(CHECKS), "--max-examples", "5", "--seed", "1"),
            *("--phases", "examples,fuzzing", "--mode", "all"),
            *("--suppress-health-check", "all"),
        ]
        environment = {**os.environ, "NO_PROXY": "127.0.0.1"}
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=120, cwd=tmp_path, env=environment
        )
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
        running.end()
    assert "failure" not in [event["event"] for event in running.events()]
