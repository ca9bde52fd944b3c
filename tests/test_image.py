"""Images of machine code: what LLVM's own linker would load, or none at all."""

from __future__ import annotations

import ctypes
import json
from pathlib import Path

import numpy as np
import pytest

from minner.engine import Engine
from minner.kernels.codegen import build, loader
from minner.kernels.codegen.build import SYMBOL
from minner.kernels.codegen.elf import UnknownObject
from minner.kernels.codegen.image import is_image, load_image
from minner.kernels.codegen.make_image import make_image
from minner.kernels.runtime.threads import Team
from minner.weights.checkpoint import open_checkpoint
from objects import HAS_IMAGES, MACHINE, SAMPLE, SAMPLE_RESULT, call_sample, compile_ir

pytestmark = pytest.mark.skipif(not HAS_IMAGES, reason="there are images for Linux only")

WRITES = f"""
@counter = global i64 1
define void @{SYMBOL}() {{
  store i64 2, ptr @counter
  ret void
}}
"""

ASKS_FOR_MORE = f"""
declare void @abort()
define void @{SYMBOL}() {{
  call void @abort()
  ret void
}}
"""

THREAD_LOCAL = f"""
@mine = thread_local global i64 0
define i64 @{SYMBOL}() {{
  %value = load i64, ptr @mine
  ret i64 %value
}}
"""

COMMON = f"""
@shared = common global i64 0
define i64 @{SYMBOL}() {{
  %value = load i64, ptr @shared
  ret i64 %value
}}
"""


def test_an_image_does_what_the_linked_object_does() -> None:
    object_file = compile_ir(SAMPLE)
    image = make_image(object_file, SYMBOL)
    assert is_image(image) and not is_image(object_file)
    for address in (load_image(image), load_image(image), build.link(object_file)):
        assert call_sample(loader._PROTOTYPE(address)) == SAMPLE_RESULT


def test_the_words_that_are_changed_are_those_the_line_names() -> None:
    line, _, code = make_image(compile_ir(SAMPLE), SYMBOL).partition(b"\n")
    contents = json.loads(line)
    address = load_image(line + b"\n" + code)
    start = address - contents["entry"]
    loaded = np.frombuffer(ctypes.string_at(start, len(code)), dtype=np.uint8)

    expected = bytearray(code)
    memset = ctypes.cast(ctypes.CDLL(None).memset, ctypes.c_void_p).value
    assert list(contents["imports"]) == ["memset"] and contents["bases"]
    for added, places in ((start, contents["bases"]), (memset, contents["imports"]["memset"])):
        for at in places:
            word = int.from_bytes(code[at : at + 8], "little") + added
            expected[at : at + 8] = word.to_bytes(8, "little")
    assert loaded.tobytes() == bytes(expected)


def test_constants_are_aligned() -> None:
    line, _, code = make_image(compile_ir(SAMPLE), SYMBOL).partition(b"\n")
    primes = np.array([3, 5, 7, 11]).tobytes()
    assert code.index(primes) % 64 == 0
    assert (load_image(line + b"\n" + code) - json.loads(line)["entry"]) % 4096 == 0


def test_loaded_code_cannot_be_written() -> None:
    address = load_image(make_image(compile_ir(SAMPLE), SYMBOL))
    for line in Path("/proc/self/maps").read_text().splitlines():
        places, access = line.split()[:2]
        start, end = (int(place, 16) for place in places.split("-"))
        if start <= address < end:
            assert access == "r-xp"
            return
    raise AssertionError("the code is nowhere")


def test_the_same_bits_from_an_image_as_from_the_linker(tiny_path: Path) -> None:
    object_file = build.compile_forward("gelu", "float32")
    engine = Engine(open_checkpoint(tiny_path), threads=2)
    ids = np.arange(31, dtype=np.int32) % 20
    logits = []
    for code in (make_image(object_file, SYMBOL), object_file):
        engine._team = Team(loader._PROTOTYPE(loader._load(code)), engine._model.shape, 2)
        logits += engine.logits([ids])
    assert np.isfinite(logits[0]).all()
    np.testing.assert_array_equal(logits[0], logits[1])


@pytest.mark.parametrize(
    ("ir", "message"),
    [
        (WRITES, "a section of type 1, flags"),
        (ASKS_FOR_MORE, "'abort' is in no section"),
        (THREAD_LOCAL, "a section of type 8, flags"),
        (COMMON, "'shared' is in no section"),
    ],
    ids=["data that is written", "another import", "thread-local", "common"],
)
def test_what_an_image_cannot_express_is_refused(ir: str, message: str) -> None:
    with pytest.raises(UnknownObject, match=message):
        make_image(compile_ir(ir), SYMBOL)


@pytest.mark.skipif(MACHINE != "x86_64", reason="on Arm this is the code model of images")
def test_other_relocations_are_refused() -> None:
    with pytest.raises(UnknownObject, match="a relocation of type"):
        make_image(compile_ir(SAMPLE, code_model="small"), SYMBOL)


@pytest.mark.parametrize(
    ("at", "new"),
    [(0, b"\xcf\xfa\xed\xfe"), (4, b"\x01"), (5, b"\x02"), (16, b"\x02"), (18, b"\xf3")],
)
def test_other_objects_are_refused(at: int, new: bytes) -> None:
    """Mach-O, 32 bits, big endian, an executable, a RISC-V processor."""
    object_file = bytearray(compile_ir(SAMPLE))
    object_file[at : at + len(new)] = new
    with pytest.raises(UnknownObject, match=r"^not "):
        make_image(bytes(object_file), SYMBOL)
