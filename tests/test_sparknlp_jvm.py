"""What the JVM makes of characters and floats, from a JVM where there is one."""

from __future__ import annotations

import shutil
import subprocess
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from minner.sparknlp.jvm import float_string
from minner.sparknlp.wordpieces import first_basic_part


def probabilities() -> np.ndarray:  # type: ignore[type-arg]
    """Softmax outputs, some of them very small, float32 `[n]`."""
    random = np.random.default_rng(0)
    weights = np.exp(random.normal(0, 4, (3000, 9)))
    outputs = (weights / weights.sum(axis=1, keepdims=True)).ravel()
    return np.append(outputs, [0, 1, 0.5, 1e-3, 9.9999e-4, 1e-4, 1e-7, 2e-38, 3e-42]).astype("f4")


@pytest.fixture(scope="module")
def facts() -> list[str]:
    java = shutil.which("java")
    if java is None:
        pytest.skip("there is no java on the path")
    numbers = probabilities()
    run = subprocess.run(
        [java, str(Path(__file__).with_name("Jvm.java"))],
        input=len(numbers).to_bytes(4, "big") + numbers.astype(">f4").tobytes(),
        capture_output=True,
    )
    if run.returncode:
        pytest.skip(f"this java runs no source files: {run.stderr.decode(errors='replace')[:200]}")
    return run.stdout.decode().splitlines()


def test_floats_are_printed_as_java_prints_them(facts: list[str]) -> None:
    assert [float_string(value) for value in probabilities()] == facts[0x10000:]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, "0.0"),
        (1.0, "1.0"),
        (0.5, "0.5"),
        (0.99784267, "0.99784267"),
        (0.001, "0.001"),
        (9.9999e-4, "9.9999E-4"),
        (5e-4, "5.0E-4"),
        (1e-4, "1.0E-4"),
        (2e-5, "2.0E-5"),
        (1.2345e-10, "1.2345E-10"),
        (1e-40, "1.0E-40"),
    ],
)
def test_floats(value: float, expected: str) -> None:
    assert float_string(np.float32(value)) == expected


def test_basic_parts_follow_the_jvm_in_every_character(facts: list[str]) -> None:
    chinese = [range(0x3400, 0x4DC0), range(0x4E00, 0xA000), range(0xF900, 0xFB00)]
    for code, line in enumerate(facts[:0x10000]):
        character = chr(code)
        # Surrogates have no decomposition to compare, new characters need a new Unicode on both.
        if unicodedata.category(character) in ("Cs", "Cn") or line[3] == "-":
            continue
        plain = bytes.fromhex(line[4:]).decode("utf-16-be")
        if line[0] == "P" or any(code in block for block in chinese):
            expected = ("a", plain)
        elif code < 0x80 and unicodedata.category(character)[0] in "PS":
            expected = ("a", character)
        elif "W" in line[:3] or "C" in line[:3] or code == 0xFFFD:
            expected = ("a", "b")
        else:
            expected = (f"a{plain}b", f"{plain}b")
        found = [
            first_basic_part(word, case_sensitive=True)
            for word in (f"a{character}b", f"{character}b")
        ]
        assert tuple(found) == expected, hex(code)
