/* Makes every library of a process believe that the processor has nothing beyond AVX2.

ONNX Runtime asks the processor itself (the instruction CPUID) and has no setting to limit it. Linux
can have that instruction fault; the handler here then runs it and clears bits of its answer. Only
some processors can do that, and on them only some hypervisors: those with the flag `cpuid_fault`.
Elsewhere the handler answers an invalid instruction that trapping.py puts in the place of CPUID.
Loaded with LD_PRELOAD, see limit.py. The bits are those of Intel's manual, volume 2, "CPUID". */

#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define ARCH_SET_CPUID 0x1012
#define BIT(n) (UINT32_C(1) << (n))

static int cpuid_faults;

static void let_cpuid_run(int allowed)
{
    /* Holds for this thread, and for those that it starts. */
    if (cpuid_faults)
        syscall(SYS_arch_prctl, ARCH_SET_CPUID, allowed);
}

static void answer(int number, siginfo_t *info, void *context)
{
    (void)info;
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    const uint8_t *code = (const uint8_t *)registers[REG_RIP];
    uint8_t second = cpuid_faults ? 0xa2 : 0x04; /* CPUID is 0f a2; 0f 04 is TRAP in trapping.py */
    if (code[0] != 0x0f || code[1] != second) { /* a real fault, which comes again */
        signal(number, SIG_DFL);
        return;
    }
    uint32_t leaf = registers[REG_RAX], part = registers[REG_RCX];
    uint32_t a = leaf, b, c = part, d;
    let_cpuid_run(1);
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    let_cpuid_run(0);
    if (leaf == 7 && part == 0) {
        /* AVX-512 F, DQ, IFMA, PF, ER, CD, BW, VL */
        b &= ~(BIT(16) | BIT(17) | BIT(21) | BIT(26) | BIT(27) | BIT(28) | BIT(30) | BIT(31));
        /* VBMI, VBMI2, VNNI, BITALG, VPOPCNTDQ */
        c &= ~(BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14));
        /* 4VNNIW, 4FMAPS, VP2INTERSECT, AMX-BF16, AVX512-FP16, AMX-TILE, AMX-INT8 */
        d &= ~(BIT(2) | BIT(3) | BIT(8) | BIT(22) | BIT(23) | BIT(24) | BIT(25));
    } else if (leaf == 7 && part == 1) {
        /* AVX-VNNI, AVX512-BF16, AMX-FP16, AVX-IFMA */
        a &= ~(BIT(4) | BIT(5) | BIT(21) | BIT(23));
        /* AVX-VNNI-INT8, AVX-NE-CONVERT, AMX-COMPLEX, AVX-VNNI-INT16, AVX10 */
        d &= ~(BIT(4) | BIT(5) | BIT(8) | BIT(10) | BIT(19));
    }
    registers[REG_RAX] = a;
    registers[REG_RBX] = b;
    registers[REG_RCX] = c;
    registers[REG_RDX] = d;
    registers[REG_RIP] += 2;
}

__attribute__((constructor)) static void start(void)
{
    struct sigaction action = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO};
    cpuid_faults = syscall(SYS_arch_prctl, ARCH_SET_CPUID, 1) == 0;
    sigaction(cpuid_faults ? SIGSEGV : SIGILL, &action, NULL);
    let_cpuid_run(0);
}
