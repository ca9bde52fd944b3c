"""Logs: a JSON object a line, in which no text of a user ever stands."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import datetime, timezone
from typing import Any

LOGGER = logging.getLogger("minner.serve")
REQUESTS = logging.getLogger("minner.serve.requests")


class JsonLines(logging.Formatter):
    """A record as a JSON object; an exception by its type and place, without its message."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one line."""
        when = datetime.fromtimestamp(record.created, timezone.utc)
        line: dict[str, Any] = {
            "time": when.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = type(record.exc_info[1]).__name__
            frames = traceback.extract_tb(record.exc_info[2])
            line["where"] = [f"{frame.filename}:{frame.lineno}" for frame in frames]
        return json.dumps(line)


def log_request(**facts: Any) -> None:
    """Write a line about a request."""
    if REQUESTS.isEnabledFor(logging.INFO):
        # Not by `info`, which looks for its caller in the stack at every line.
        record = logging.LogRecord(REQUESTS.name, logging.INFO, "", 0, "request", None, None)
        record.facts = facts
        REQUESTS.handle(record)


def log_config(*, requests: bool) -> dict[str, Any]:
    """For `logging.config`: minner's lines and uvicorn's to stderr, in one form.

    Args:
        requests: whether there is a line for every request, and for each step of uvicorn's.
    """
    to_stderr = {"handlers": ["stderr"], "propagate": False}
    detail = "INFO" if requests else "WARNING"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonLines}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "json", "stream": sys.stderr}
        },
        "loggers": {
            LOGGER.name: {**to_stderr, "level": "INFO"},
            REQUESTS.name: {"level": detail},
            "uvicorn": {**to_stderr, "level": detail},
        },
    }
