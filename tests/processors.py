"""Processors as Linux describes them: vendor, and flags or features, of `/proc/cpuinfo`.

Of the flags only those of instructions that programs use are here. A generation is written as what
it adds to, or takes from, an earlier one.
"""

from __future__ import annotations

INTEL, AMD, ARM = "GenuineIntel", "AuthenticAMD", ""


def _more(features: list[str], added: str) -> list[str]:
    return [*features, *added.split()]


CORE2 = _more(
    [], "fpu tsc cx8 cmov mmx fxsr sse sse2 ht syscall nx lm pni ssse3 cx16 sse4_1 lahf_lm"
)
SANDY_BRIDGE = _more(CORE2, "sse4_2 x2apic popcnt aes xsave avx pclmulqdq rdtscp")
IVY_BRIDGE = _more(SANDY_BRIDGE, "f16c rdrand fsgsbase erms")
HASWELL = _more(IVY_BRIDGE, "fma movbe abm bmi1 avx2 bmi2 invpcid")
SKYLAKE = _more(HASWELL, "adx rdseed clflushopt xsavec xgetbv1")
SKYLAKE_X = _more(SKYLAKE, "avx512f avx512dq avx512cd avx512bw avx512vl pku clwb")
CASCADE_LAKE = _more(SKYLAKE_X, "avx512_vnni")
COOPER_LAKE = _more(CASCADE_LAKE, "avx512_bf16")
ICE_LAKE = _more(
    CASCADE_LAKE, "avx512ifma sha_ni avx512vbmi avx512_vbmi2 gfni vaes vpclmulqdq avx512_bitalg"
)
SAPPHIRE_RAPIDS = _more(ICE_LAKE, "avx_vnni avx512_bf16 avx512_fp16 amx_bf16 amx_tile amx_int8")
GRANITE_RAPIDS = _more(SAPPHIRE_RAPIDS, "amx_fp16")
ALDER_LAKE = _more(SKYLAKE, "sha_ni gfni vaes vpclmulqdq avx_vnni serialize waitpkg")
SIERRA_FOREST = _more(ALDER_LAKE, "avx_ifma avx_vnni_int8 avx_ne_convert cmpccxadd")
KNIGHTS_LANDING = _more(HASWELL, "avx512f avx512pf avx512er avx512cd")

BULLDOZER = _more(SANDY_BRIDGE, "abm sse4a xop fma4")
PILEDRIVER = _more(BULLDOZER, "fma f16c bmi1 tbm")
ZEN1 = _more(HASWELL, "sse4a adx rdseed sha_ni clzero xsavec")
ZEN2 = _more(ZEN1, "clwb rdpid wbnoinvd")
ZEN3 = _more(ZEN2, "vaes vpclmulqdq invpcid pku")
ZEN4 = _more(
    ZEN3,
    "avx512f avx512dq avx512ifma avx512cd avx512bw avx512vl avx512_bf16 avx512vbmi avx512_vbmi2 "
    "gfni avx512_vnni avx512_bitalg avx512_vpopcntdq",
)
ZEN5 = _more(ZEN4, "avx_vnni movdiri movdir64b avx512_vp2intersect")

CORTEX_A72 = _more([], "fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid")
RASPBERRY_PI_4 = _more([], "fp asimd evtstrm crc32 cpuid")
CORTEX_A76 = _more(CORTEX_A72, "atomics fphp asimdhp asimdrdm lrcpc dcpop asimddp")
NEOVERSE_N1 = _more(CORTEX_A76, "ssbs")
NEOVERSE_V1 = _more(NEOVERSE_N1, "sve asimdfhm svei8mm svebf16 i8mm bf16 dgh rng")
NEOVERSE_V2 = _more(NEOVERSE_V1, "sve2 sveaes svebitperm")
APPLE_M1 = _more(CORTEX_A76, "jscvt fcma sha3 sha512 asimdfhm dit ilrcpc flagm sb paca")
APPLE_M2 = _more(APPLE_M1, "i8mm bf16 ecv")


def without(features: list[str], *hidden: str) -> list[str]:
    """A processor of which a hypervisor or the system hides features, by beginnings of names."""
    return [name for name in features if not name.startswith(hidden)]


PROCESSORS = [
    ("Core 2 (Penryn)", INTEL, CORE2, "x86-64"),
    ("Sandy Bridge", INTEL, SANDY_BRIDGE, "x86-64"),
    ("Ivy Bridge", INTEL, IVY_BRIDGE, "x86-64"),
    ("Haswell", INTEL, HASWELL, "avx2"),
    ("Skylake", INTEL, SKYLAKE, "avx2"),
    ("Skylake-X", INTEL, SKYLAKE_X, "avx512"),
    ("Cascade Lake", INTEL, CASCADE_LAKE, "avx512-vnni"),
    ("Cooper Lake", INTEL, COOPER_LAKE, "avx512-vnni"),
    ("Ice Lake", INTEL, ICE_LAKE, "avx512-vnni"),
    ("Alder Lake", INTEL, ALDER_LAKE, "avx2-vnni"),
    ("Sierra Forest", INTEL, SIERRA_FOREST, "avx2-vnni"),
    ("Sapphire Rapids", INTEL, SAPPHIRE_RAPIDS, "amx"),
    ("Granite Rapids", INTEL, GRANITE_RAPIDS, "amx"),
    ("Knights Landing: AVX-512 without BW, DQ and VL", INTEL, KNIGHTS_LANDING, "avx2"),
    ("Bulldozer", AMD, BULLDOZER, "x86-64"),
    ("Piledriver: FMA without AVX2", AMD, PILEDRIVER, "x86-64"),
    ("Zen 1", AMD, ZEN1, "avx2"),
    ("Zen 2", AMD, ZEN2, "avx2"),
    ("Zen 3", AMD, ZEN3, "avx2"),
    ("Zen 4", AMD, ZEN4, "zen4"),
    ("Zen 5", AMD, ZEN5, "zen4"),
    ("Sapphire Rapids, AMX hidden", INTEL, without(SAPPHIRE_RAPIDS, "amx"), "avx512-vnni"),
    ("Sapphire Rapids, only tiles shown", INTEL, without(SAPPHIRE_RAPIDS, "amx_i"), "avx512-vnni"),
    ("Sapphire Rapids, AVX-512 hidden", INTEL, without(SAPPHIRE_RAPIDS, "avx512"), "avx2-vnni"),
    ("Ice Lake, VNNI hidden", INTEL, without(ICE_LAKE, "avx512_vnni"), "avx512"),
    ("Ice Lake, VL hidden", INTEL, without(ICE_LAKE, "avx512vl"), "avx2"),
    ("Zen 5, AVX-512 hidden", AMD, without(ZEN5, "avx512"), "avx2-vnni"),
    (
        "Zen 4, VBMI and SSE4a hidden",
        AMD,
        without(ZEN4, "avx512vbmi", "avx512_vbmi", "sse4a"),
        "zen4",
    ),
    ("Zen 4, BF16 hidden", AMD, without(ZEN4, "avx512_bf16"), "avx512-vnni"),
    ("Haswell, FMA hidden", INTEL, without(HASWELL, "fma"), "x86-64"),
    ("Haswell, BMI2 hidden", INTEL, without(HASWELL, "bmi2"), "x86-64"),
    ("Haswell, all of AVX hidden", INTEL, without(HASWELL, "avx", "fma", "f16c"), "x86-64"),
    ("Zen 3, MOVBE hidden, as old QEMU does", AMD, without(ZEN3, "movbe"), "x86-64"),
    ("Raspberry Pi 4", ARM, RASPBERRY_PI_4, "neon"),
    ("Graviton 1", ARM, CORTEX_A72, "neon"),
    ("Raspberry Pi 5", ARM, CORTEX_A76, "neon-dotprod"),
    ("Graviton 2", ARM, NEOVERSE_N1, "neon-dotprod"),
    ("Graviton 3", ARM, NEOVERSE_V1, "neon-bf16"),
    ("Graviton 4", ARM, NEOVERSE_V2, "neon-bf16"),
    ("Apple M1 under Linux", ARM, APPLE_M1, "neon-dotprod"),
    ("Apple M2 under Linux", ARM, APPLE_M2, "neon-bf16"),
    ("Graviton 3, BF16 hidden", ARM, without(NEOVERSE_V1, "bf16"), "neon-dotprod"),
]
"""Name, vendor, features, and the target that it gets."""
