"""`minner serve`: the model behind an address."""

from __future__ import annotations

import argparse

from minner.commands.common import Commands, add_model_options, add_rule_options, rules_of
from minner.errors import MinnerError


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    command = commands.add_parser("serve", help="answer over HTTP, and show a live page")
    command.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1")
    command.add_argument("--port", type=int, default=8000, help="0: any; default: 8000")
    command.add_argument(
        "--workers",
        type=int,
        default=1,
        metavar="N",
        help="processes, which share the cores and the weights; default: 1",
    )
    command.add_argument(
        "--quiet", action="store_true", help="log problems only, and not every request"
    )
    limits = command.add_argument_group("limits of each process")
    limits.add_argument(
        "--max-body", type=_positive, metavar="BYTES", help="of a request; default: 1048576"
    )
    limits.add_argument(
        "--max-queue", type=_positive, metavar="TOKENS", help="that wait; default: 262144"
    )
    limits.add_argument(
        "--batch", type=_positive, metavar="TOKENS", help="run together; default: 1024"
    )
    limits.add_argument(
        "--deadline", type=_positive, metavar="SECONDS", help="of a request; default: 30"
    )
    add_rule_options(command)
    add_model_options(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Serve until a signal ends it."""
    try:
        from minner.serve.limits import Limits
        from minner.serve.server import Settings, serve
    except ImportError as error:
        raise MinnerError(f"{error}: minner serve needs pip install 'minner-ner[serve]'") from error
    asked = {
        "body_bytes": options.max_body,
        "queue_tokens": options.max_queue,
        "batch_tokens": options.batch,
        "deadline_seconds": options.deadline,
    }
    loading = {name: getattr(options, name) for name in ("precision", "threads", "lowercase")}
    serve(
        Settings(
            model=options.model,
            loading=loading | rules_of(options),
            host=options.host,
            port=options.port,
            workers=options.workers,
            log_requests=not options.quiet,
            limits=Limits(**{name: value for name, value in asked.items() if value is not None}),
        )
    )


def _positive(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return number
