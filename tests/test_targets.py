"""Every processor gets the best target of the table that it runs, and never one it does not."""

from __future__ import annotations

from pathlib import Path

import llvmlite.binding as llvm
import pytest

from minner.kernels.codegen import processor
from minner.kernels.codegen.processor import Processor, this_processor, x86_processor
from minner.kernels.codegen.targets import TARGETS, BuiltTarget, choose, target_named
from minner.kernels.vector.target import target_of
from processors import ARM, GRANITE_RAPIDS, HASWELL, INTEL, PROCESSORS, ZEN4

XMM, YMM, ZMM = 0b11, 0b111, 0xE7


def described(vendor: str, features: list[str], states: int | None = None) -> Processor:
    """The processor of a description, through the text of a file where it is an x86."""
    if vendor == ARM:
        return Processor("aarch64", features=frozenset(features))
    one = f"vendor_id\t: {vendor}\nmodel name\t: a: b\nflags\t\t: {' '.join(features)}\n\n"
    return x86_processor(one + one.replace("flags\t\t:", "flags\t\t: more"), states)


@pytest.mark.parametrize(
    ("vendor", "features", "expected"),
    [row[1:] for row in PROCESSORS],
    ids=[row[0] for row in PROCESSORS],
)
def test_the_choice(vendor: str, features: list[str], expected: str) -> None:
    chosen = choose(described(vendor, features), may_use_amx=lambda: True)
    assert chosen is not None and chosen.name == expected


@pytest.mark.parametrize("row", PROCESSORS, ids=lambda row: row[0])
def test_whatever_one_feature_is_hidden_no_target_needs_it(
    row: tuple[str, str, list[str], str],
) -> None:
    _, vendor, features, _ = row
    for hidden in features:
        left = [name for name in features if name != hidden]
        chosen = choose(described(vendor, left), may_use_amx=lambda: True)
        assert chosen is None or set(chosen.needs.values()) <= set(left)


def test_amx_without_permission() -> None:
    chosen = choose(described(INTEL, GRANITE_RAPIDS), may_use_amx=lambda: False)
    assert chosen is not None and chosen.name == "avx512-vnni"


def test_amx_is_asked_for_only_where_it_is_there() -> None:
    def asked() -> bool:
        raise AssertionError("asked for")

    assert choose(described("AuthenticAMD", ZEN4), may_use_amx=asked) is target_named("zen4")


@pytest.mark.parametrize(
    ("states", "expected"),
    [(None, "zen4"), (ZMM, "zen4"), (ZMM & ~(1 << 6), "avx2"), (YMM, "avx2"), (XMM, "x86-64")],
)
def test_registers_that_the_system_does_not_save_are_not_used(
    states: int | None, expected: str
) -> None:
    assert choose(described("AuthenticAMD", ZEN4, states)) is target_named(expected)


@pytest.mark.parametrize("text", ["", "\n\n", "flags", "processor : 0\n", "\0: \ufffd\n"])
def test_what_says_nothing_gets_the_baseline(text: str) -> None:
    assert choose(x86_processor(text)) is target_named("x86-64")


def test_an_unknown_machine_gets_nothing() -> None:
    assert choose(Processor()) is None
    assert choose(Processor("riscv64", features=frozenset(HASWELL))) is None


def test_the_choice_among_a_few() -> None:
    few = [target_named("avx512"), target_named("x86-64")]
    assert choose(described("AuthenticAMD", ZEN4), few) is few[0]
    assert choose(described(INTEL, HASWELL), few) is few[1]
    assert choose(described(INTEL, HASWELL), few[:1]) is None


def test_no_cpuinfo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(processor, "CPUINFO", tmp_path / "none")
    if this_processor().machine == "x86_64":
        assert choose(this_processor()) is target_named("x86-64")


def test_the_choice_on_this_machine_agrees_with_llvm() -> None:
    """Whatever the chosen target needs, LLVM sees in this processor, too."""
    chosen = choose(this_processor())
    if chosen is None:
        pytest.skip("no target is for this kind of machine")
    host = llvm.get_host_cpu_features()
    assert [name for name in chosen.needs if not host.get(name)] == []


@pytest.mark.parametrize("built", TARGETS, ids=lambda one: one.name)
def test_the_kernels_see_what_the_name_says(built: BuiltTarget) -> None:
    target = target_of(built.cpu, built.features, lambda: True)
    expected = {
        "amx": (16, True, "int32", True),
        "zen4": (16, True, "int32", False),
        "avx512-vnni": (16, False, "int32", False),
        "avx512": (16, False, "int16", False),
        "avx2-vnni": (8, False, "int32", False),
        "avx2": (8, False, "int16", False),
        "x86-64": (4, False, "", False),
        "neon-bf16": (4, True, "int32", False),
        "neon-dotprod": (4, False, "int32", False),
        "neon": (4, False, "", False),
    }
    # On Intel's processors `amx` multiplies bfloat16 in tiles, and has no use for a dot product.
    multiplies_bfloat16 = bool(target.bfloat16_dot) or target.amx
    sums_of_int8 = "int32" if target.int8_dot else "int16" if target.int8_pairs else ""
    found = target.lanes, multiplies_bfloat16, sums_of_int8, target.amx
    assert found == expected[built.name]
