//! Which floating-point registers User-Mode-Linux keeps for its processes.
//!
//! Where the processor offers AVX and more, this kernel (6.1) keeps them all (`PTRACE_GETREGSET` with
//! `NT_X86_XSTATE`), in a buffer of fixed size. With AMX the registers do not fit: putting them back fails, and the
//! first process dies. Told that there is no such thing, the kernel keeps x87 and SSE by the older calls, which fit
//! everywhere. A seccomp filter tells it so, on every host, so that the guest behaves alike on all.
//!
//! AVX registers are then lost at any page fault. So the guest's C library, which would use them for copying, is told
//! to leave them alone: [`C_LIBRARY`] goes into the guest's environment. Programs that ask the processor by
//! themselves must not run there.

#![expect(unsafe_code, reason = "prctl has no safe interface for filters")]

use std::io;

/// The variable that keeps the guest's C library from registers that are not kept (glibc's manual, "Hardware
/// Capability Tunables").
pub(super) const C_LIBRARY: &str = "GLIBC_TUNABLES=glibc.cpu.hwcaps=-XSAVEC,-XSAVE,-AVX,-AVX2,-AVX512F,-AVX512VL,\
                                    -AVX512BW,-AVX_Fast_Unaligned_Load";

/// From <linux/elf.h>.
const NT_X86_XSTATE: u32 = 0x202;
const PTRACE_GETREGSET: u32 = 0x4204;
const PTRACE_SETREGSET: u32 = 0x4205;

/// Offsets in `struct seccomp_data`, of the lower halves of the arguments.
const NUMBER: u32 = 0;
const ARGUMENT_0: u32 = 16;
const ARGUMENT_2: u32 = 32;

/// A filter program: refuses those two calls with `ENODEV`, as a host without extended registers does.
pub(super) struct Filter([libc::sock_filter; 9]);

impl Filter {
    pub(super) fn new() -> Self {
        let load = |at| instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, at);
        let is = |value, yes, no| {
            instruction(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, yes, no, value)
        };
        let answer = |value| instruction(libc::BPF_RET | libc::BPF_K, 0, 0, value);
        let ptrace = u32::try_from(libc::SYS_ptrace).expect("a call's number is small");
        let no_device = libc::ENODEV.cast_unsigned();
        Self([
            load(NUMBER),
            is(ptrace, 0, 6),
            load(ARGUMENT_0),
            is(PTRACE_GETREGSET, 1, 0),
            is(PTRACE_SETREGSET, 0, 3),
            load(ARGUMENT_2),
            is(NT_X86_XSTATE, 0, 1),
            answer(libc::SECCOMP_RET_ERRNO | no_device),
            answer(libc::SECCOMP_RET_ALLOW),
        ])
    }

    /// Puts the filter on this process and all that come from it, for good. Only system calls: fit for a child between
    /// `fork` and `exec`.
    pub(super) fn install(&mut self) -> io::Result<()> {
        let program = libc::sock_fprog {
            len: 9,
            filter: self.0.as_mut_ptr(),
        };
        // SAFETY: PR_SET_NO_NEW_PRIVS takes numbers alone.
        if unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `program` points to nine instructions that live over the call; the kernel copies them.
        let set = unsafe {
            libc::prctl(
                libc::PR_SET_SECCOMP,
                libc::SECCOMP_MODE_FILTER,
                &raw const program,
            )
        };
        if set == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }
}

fn instruction(code: u32, yes: u8, no: u8, value: u32) -> libc::sock_filter {
    libc::sock_filter {
        code: u16::try_from(code).expect("codes have 16 bits"),
        jt: yes,
        jf: no,
        k: value,
    }
}
