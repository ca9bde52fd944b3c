"""What LLVM says of the processor is asked once, and never believed of another."""

from __future__ import annotations

from pathlib import Path

import llvmlite.binding as llvm
import pytest

from minner.kernels.codegen import host, processor
from minner.kernels.codegen.host import host_cpu
from minner.kernels.vector import target

LLVM_SAYS = ("some-cpu", "+avx2,+fma,-avx512f")

XEON = """processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 143
model name\t: Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz
stepping\t: 8
cpu MHz\t\t: 2699.998
cpuid level\t: 31
flags\t\t: fpu avx2 fma avx512f amx_tile

"""

ARM = """processor\t: 0
Features\t: fp asimd asimddp
CPU implementer\t: 0x41
CPU part\t: 0xd0c

"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MINNER_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def cpuinfo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "cpuinfo"
    file.write_text(XEON)
    monkeypatch.setattr(processor, "CPUINFO", file)
    return file


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace LLVM; the list grows with each question."""
    questions: list[str] = []

    def ask() -> tuple[str, str]:
        questions.append("?")
        return LLVM_SAYS

    monkeypatch.setattr(host, "_ask_llvm", ask)
    return questions


def test_it_is_what_llvm_says() -> None:
    expected = llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()
    assert [host_cpu(), host_cpu()] == [expected] * 2


def test_llvm_is_asked_once(cpuinfo: Path, asked: list[str]) -> None:
    assert [host_cpu(), host_cpu()] == [LLVM_SAYS] * 2
    cpuinfo.write_text(XEON.replace("2699.998", "3100.000") + XEON.replace("flags", "flogs"))
    assert host_cpu() == LLVM_SAYS
    assert asked == ["?"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("GenuineIntel", "AuthenticAMD"),
        ("family\t: 6", "family\t: 25"),
        ("143", "207"),
        ("8481C", "8481D"),
        ("stepping\t: 8", "stepping\t: 2"),
        ("level\t: 31", "level\t: 32"),
        (" amx_tile", ""),
    ],
)
def test_another_processor_is_asked_about(
    cpuinfo: Path, asked: list[str], cache: Path, old: str, new: str
) -> None:
    host_cpu()
    assert old in XEON
    cpuinfo.write_text(XEON.replace(old, new))
    host_cpu()
    assert len(asked) == len(list(cache.iterdir())) == 2


def test_another_llvmlite_is_asked(
    cpuinfo: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    host_cpu()
    monkeypatch.setattr(host, "version_of", lambda package: b"9.9")
    host_cpu()
    assert len(asked) == 2


@pytest.mark.parametrize("content", [None, "", ARM, XEON.replace("stepping", "steps")])
def test_what_cannot_be_identified_is_asked_about_each_time(
    cpuinfo: Path, asked: list[str], cache: Path, content: str | None
) -> None:
    cpuinfo.unlink()
    if content is not None:
        cpuinfo.write_text(content)
    assert [host_cpu(), host_cpu()] == [LLVM_SAYS] * 2
    assert len(asked) == 2
    assert not cache.exists()


@pytest.mark.parametrize("at", [0, 40, -1])
def test_a_damaged_file_is_replaced(cpuinfo: Path, asked: list[str], cache: Path, at: int) -> None:
    host_cpu()
    [file] = cache.iterdir()
    whole = file.read_bytes()
    damaged = bytearray(whole)
    damaged[at] ^= 1
    file.write_bytes(damaged)
    assert host_cpu() == LLVM_SAYS
    assert len(asked) == 2
    assert file.read_bytes() == whole


def test_where_nothing_can_be_kept_nothing_is_said(
    cpuinfo: Path, asked: list[str], cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache.write_text("a file where the directory should be")
    assert [host_cpu(), host_cpu()] == [LLVM_SAYS] * 2
    assert len(asked) == 2
    assert capsys.readouterr().err == ""


def test_the_environment_overrides_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> tuple[str, str]:
        raise AssertionError("the host was asked about")

    monkeypatch.setattr(target, "host_cpu", nobody)
    monkeypatch.setenv("NUMBA_CPU_NAME", "haswell")
    monkeypatch.setenv("NUMBA_CPU_FEATURES", "+avx2,+fma")
    assert target.host_target().lanes == 8
    monkeypatch.delenv("NUMBA_CPU_FEATURES")
    assert target.host_target().features == ""


def test_the_environment_may_override_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target, "host_cpu", lambda: LLVM_SAYS)
    monkeypatch.delenv("NUMBA_CPU_NAME", raising=False)
    monkeypatch.setenv("NUMBA_CPU_FEATURES", "+avx2,+fma,+avxvnni")
    assert target.host_target().cpu == "some-cpu"
    assert "vpdpbusd" in target.host_target().int8_dot
