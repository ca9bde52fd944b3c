"""Ways to start and to end a process that holds a model."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from random import Random

import worker
from engines import Known, known_model

PROVOKED = "every start method; return, exit, _exit, exceptions, signals, with callers at work"
QUICK, LONG = 8, 1_000

ENDS = {
    "return": ("pass", (0,)),
    "exit": ("sys.exit(3)", (3,)),
    "_exit": ("os._exit(4)", (4,)),
    "exception": ("raise ZeroDivisionError", (1,)),
    "SIGTERM": ("os.kill(os.getpid(), signal.SIGTERM)", (-15,)),
    "SIGINT": ("interrupt()", (-2, 1, 130)),
    "atexit": ("atexit.register(ask)", (0,)),
    "spawn": ("start('spawn')", (0,)),
    "forkserver": ("start('forkserver')", (0,)),
    "fork": ("start('fork')", (0,)),
}

PROGRAM = """
import atexit, multiprocessing, os, pickle, signal, sys, threading, warnings
sys.path[:0] = {paths!r}
import numpy as np
from minner.engine import Engine
from minner.weights.checkpoint import open_checkpoint

def ask():
    global engine
    ids = np.arange(1, 20, dtype=np.int32)
    (logits,) = engine.logits([ids])
    assert logits.tobytes().hex() == {expected!r}

def child(folder):
    global engine
    engine = Engine(open_checkpoint(folder), 2)
    ask()

def start(method):
    warnings.simplefilter("ignore")
    process = multiprocessing.get_context(method).Process(target=child, args=({folder!r},))
    process.start()
    process.join()
    assert process.exitcode == 0, process.exitcode

def interrupt():
    signal.signal(signal.SIGINT, signal.default_int_handler)  # shells start jobs that ignore it
    signal.raise_signal(signal.SIGINT)

def call():
    while True:
        ask()

if __name__ == "__main__":
    child({folder!r})
    for _ in range({callers}):
        threading.Thread(target=call, daemon=True).start()
    ask()
    {end}
"""


def prepare(workshop: Path) -> tuple[Path, Known, str]:
    """A model, and what it answers."""
    import numpy as np

    known = known_model(workshop, ("float32",))
    (logits,) = known.engine(1).logits([np.arange(1, 20, dtype=np.int32)])
    return workshop, known, logits.tobytes().hex()


def trial(random: Random, prepared: tuple[Path, Known, str]) -> None:
    """Run a program that ends in one of these ways, and look how it has ended."""
    workshop, known, expected = prepared
    name, (end, statuses) = random.choice(list(ENDS.items()))
    program = workshop / "program.py"
    program.write_text(
        PROGRAM.format(
            paths=[str(worker.ROOT / "tests"), str(worker.ROOT)],
            folder=str(known.checkpoint.directory),
            expected=expected,
            callers=random.randint(0, 2),
            end=end,
        )
    )
    done = subprocess.run([sys.executable, str(program)], capture_output=True, timeout=100)
    assert done.returncode in statuses, (name, done.returncode, done.stderr.decode()[-2000:])
    assert b"AssertionError" not in done.stderr, (name, done.stderr.decode()[-2000:])
