//! The filter of system calls: a list of those that executing and proving need, with what each is for. Everything else ends
//! the process at once, but for a few that libraries try in good faith and can do without.
//!
//! It is put in place when all threads have been started and all files are open, so it has neither `clone` nor `open`. It
//! covers GNU's and musl's C libraries; `tests/sandbox.rs` keeps it by running all sample programs.

use libc::{c_int, c_long};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};
use std::collections::BTreeMap;

/// Calls that are allowed whatever their arguments.
const ALLOWED: &[c_long] = &[
    // Memory: the allocator grows, shrinks, moves and advises. `mmap` and `mprotect` are in `conditions`.
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    // Threads wait for each other, give way, and set up and end themselves: those that were just started may come here first.
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_sigaltstack,
    libc::SYS_sched_getaffinity,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_exit,
    libc::SYS_exit_group,
    // Signals: the runtime's handler of stack overflows; a stopped process goes on.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_restart_syscall,
    // Clocks: the throttle looks at processor time, and waits.
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_gettimeofday,
    libc::SYS_nanosleep,
    libc::SYS_clock_nanosleep,
    // The files that are open: orders, messages, program, execution, proof.
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_pwrite64,
    libc::SYS_lseek,
    libc::SYS_fstat,
    libc::SYS_ftruncate,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_close,
    // Seeds of hash tables.
    libc::SYS_getrandom,
];

/// Calls for what lies under a path. Libraries look for settings of the system, and have defaults: "permission denied".
const PATHS: &[c_long] = &[
    libc::SYS_openat,
    libc::SYS_newfstatat,
    libc::SYS_readlinkat,
    libc::SYS_faccessat,
    libc::SYS_getcwd,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_open,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_stat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lstat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_readlink,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_access,
];

/// Calls that libraries try, with another way if the kernel is too old to have them: "no such call".
const TRIED: &[c_long] = &[
    libc::SYS_clone3,
    libc::SYS_statx,
    libc::SYS_faccessat2,
    libc::SYS_membarrier,
    libc::SYS_getcpu,
    libc::SYS_uname,
    libc::SYS_sysinfo,
    libc::SYS_getrusage,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
];

/// What a thread may do with `prctl`: take a name, read where the kernel put the process's own vectors (which leads to the
/// clocks), and give up privileges, as is done with each filter. Whatever else a library may try is refused.
const OPTIONS: &[c_int] = &[libc::PR_SET_NAME, PR_GET_AUXV, libc::PR_SET_NO_NEW_PRIVS];
const PR_GET_AUXV: c_int = 0x4155_5856;

/// Calls about open files of kinds that there are none of: "not permitted".
const REFUSED: &[c_long] = &[libc::SYS_ioctl, libc::SYS_fcntl, libc::SYS_ppoll];

/// The filters for the process of this number, in the order in which they are to be applied. The kernel does what the
/// strictest of them says.
///
/// # Errors
/// If the lists make no filter.
pub fn programs(process: u32) -> Result<Vec<BpfProgram>, BackendError> {
    let refuse = |mut rules: BTreeMap<c_long, Vec<SeccompRule>>, calls: &[c_long], number: c_int| {
        rules.extend(calls.iter().map(|call| (*call, Vec::new())));
        program(rules, SeccompAction::Allow, SeccompAction::Errno(number.unsigned_abs()))
    };
    let other = OPTIONS.iter().map(|option| {
        SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, u64::from(option.unsigned_abs()))
    });
    let other = SeccompRule::new(other.collect::<Result<_, _>>()?)?;
    let mut rules: BTreeMap<c_long, Vec<SeccompRule>> = [ALLOWED, PATHS, TRIED, REFUSED, &[libc::SYS_prctl]]
        .concat()
        .into_iter()
        .map(|call| (call, Vec::new()))
        .collect();
    rules.extend(conditions(process)?);
    Ok(vec![
        refuse(BTreeMap::new(), PATHS, libc::EACCES)?,
        refuse(BTreeMap::new(), TRIED, libc::ENOSYS)?,
        refuse(BTreeMap::from([(libc::SYS_prctl, vec![other])]), REFUSED, libc::EPERM)?,
        program(rules, SeccompAction::KillProcess, SeccompAction::Allow)?,
    ])
}

fn program(
    rules: BTreeMap<c_long, Vec<SeccompRule>>,
    otherwise: SeccompAction,
    matched: SeccompAction,
) -> Result<BpfProgram, BackendError> {
    SeccompFilter::new(rules, otherwise, matched, std::env::consts::ARCH.try_into()?)?.try_into()
}

/// Calls that are allowed with some arguments only.
fn conditions(process: u32) -> Result<Vec<(c_long, Vec<SeccompRule>)>, BackendError> {
    use SeccompCmpArgLen::{Dword, Qword};
    use SeccompCmpOp::{Eq, MaskedEq};
    let condition = SeccompCondition::new;
    let one = |condition| -> Result<Vec<SeccompRule>, BackendError> { Ok(vec![SeccompRule::new(vec![condition])?]) };
    let (execute, private) = (libc::PROT_EXEC as u64, libc::MAP_PRIVATE as u64);
    // Private memory of no file: shared memory, and stacks that grow, do not count towards the limit of memory.
    let anonymous = libc::MAP_ANONYMOUS | libc::MAP_FIXED | libc::MAP_NORESERVE | libc::MAP_STACK;
    let map = vec![
        condition(2, Qword, MaskedEq(execute), 0)?,
        condition(3, Qword, MaskedEq(!(anonymous as u64)), private)?,
        condition(3, Qword, MaskedEq(libc::MAP_ANONYMOUS as u64), libc::MAP_ANONYMOUS as u64)?,
    ];
    let own = |argument| condition(argument, Dword, Eq, process.into());
    Ok(vec![
        (libc::SYS_mmap, vec![SeccompRule::new(map)?]),
        // No memory becomes code.
        (libc::SYS_mprotect, one(condition(2, Qword, MaskedEq(execute), 0)?)?),
        // A process that aborts sends itself a signal.
        (libc::SYS_tgkill, one(own(0)?)?),
        (libc::SYS_kill, one(own(0)?)?),
        // Its own limits may be read (where a thread's stack ends depends on them), not set.
        (libc::SYS_prlimit64, vec![SeccompRule::new(vec![condition(0, Dword, Eq, 0)?, condition(2, Qword, Eq, 0)?])?]),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use libc::{SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO, SECCOMP_RET_KILL_PROCESS};

    const ME: u32 = 4711;

    /// What the kernel does with a filter: the instructions that `seccompiler` makes, on a call as the kernel describes it.
    fn run(program: &BpfProgram, call: c_long, arch: u32, arguments: [u64; 6]) -> u32 {
        let mut data = Vec::new();
        data.extend((call as u32).to_le_bytes());
        data.extend(arch.to_le_bytes());
        data.extend(0_u64.to_le_bytes());
        arguments.iter().for_each(|argument| data.extend(argument.to_le_bytes()));
        let (mut at, mut value) = (0, 0_u32);
        loop {
            let instruction = &program[at];
            let jump = |holds: bool| usize::from(if holds { instruction.jt } else { instruction.jf });
            at += 1 + match instruction.code {
                0x20 => {
                    let from = instruction.k as usize;
                    value = u32::from_le_bytes(data[from..from + 4].try_into().expect("four bytes"));
                    0
                }
                0x54 => {
                    value &= instruction.k;
                    0
                }
                0x05 => instruction.k as usize,
                0x15 => jump(value == instruction.k),
                0x25 => jump(value > instruction.k),
                0x35 => jump(value >= instruction.k),
                0x06 => return instruction.k,
                code => panic!("an instruction {code:#x} that is not known here"),
            };
        }
    }

    #[cfg(target_arch = "x86_64")]
    const ARCH: u32 = 0xc000_003e;
    #[cfg(target_arch = "aarch64")]
    const ARCH: u32 = 0xc000_00b7;

    /// The strictest of all filters' verdicts; that is the least number, read as the kernel does.
    fn verdict_on(call: c_long, arch: u32, arguments: [u64; 6]) -> u32 {
        let verdicts = programs(ME).expect("filters").into_iter().map(|program| run(&program, call, arch, arguments));
        verdicts.min_by_key(|verdict| (*verdict & 0xffff_0000) as i32).expect("some")
    }

    fn verdict(call: c_long, arguments: &[u64]) -> u32 {
        let mut all = [0; 6];
        all[..arguments.len()].copy_from_slice(arguments);
        verdict_on(call, ARCH, all)
    }

    #[test]
    fn ways_out_end_the_process() {
        for (name, call) in [
            ("socket", libc::SYS_socket),
            ("connect", libc::SYS_connect),
            ("socketpair", libc::SYS_socketpair),
            ("clone", libc::SYS_clone),
            ("execve", libc::SYS_execve),
            ("execveat", libc::SYS_execveat),
            ("ptrace", libc::SYS_ptrace),
            ("process_vm_readv", libc::SYS_process_vm_readv),
            ("process_vm_writev", libc::SYS_process_vm_writev),
            ("pidfd_open", libc::SYS_pidfd_open),
            ("pidfd_getfd", libc::SYS_pidfd_getfd),
            ("tkill", libc::SYS_tkill),
            ("io_uring_setup", libc::SYS_io_uring_setup),
            ("bpf", libc::SYS_bpf),
            ("perf_event_open", libc::SYS_perf_event_open),
            ("keyctl", libc::SYS_keyctl),
            ("add_key", libc::SYS_add_key),
            ("userfaultfd", libc::SYS_userfaultfd),
            ("memfd_create", libc::SYS_memfd_create),
            ("mount", libc::SYS_mount),
            ("unshare", libc::SYS_unshare),
            ("setns", libc::SYS_setns),
            ("chroot", libc::SYS_chroot),
            ("openat2", libc::SYS_openat2),
            ("open_by_handle_at", libc::SYS_open_by_handle_at),
            ("fchmod", libc::SYS_fchmod),
            ("fchmodat", libc::SYS_fchmodat),
            ("fchownat", libc::SYS_fchownat),
            ("unlinkat", libc::SYS_unlinkat),
            ("renameat2", libc::SYS_renameat2),
            ("linkat", libc::SYS_linkat),
            ("setpriority", libc::SYS_setpriority),
            ("sched_setattr", libc::SYS_sched_setattr),
            ("setuid", libc::SYS_setuid),
            ("capset", libc::SYS_capset),
            ("seccomp", libc::SYS_seccomp),
            ("shmget", libc::SYS_shmget),
            ("mq_open", libc::SYS_mq_open),
            ("dup", libc::SYS_dup),
            ("pipe2", libc::SYS_pipe2),
            ("eventfd2", libc::SYS_eventfd2),
            ("a call of the future", 9_999),
        ] {
            assert_eq!(verdict(call, &[]), SECCOMP_RET_KILL_PROCESS, "{name}");
        }
        #[cfg(target_arch = "x86_64")]
        for (name, call) in [("fork", libc::SYS_fork), ("vfork", libc::SYS_vfork), ("open in the x32 way", 0x4000_0002)]
        {
            assert_eq!(verdict(call, &[]), SECCOMP_RET_KILL_PROCESS, "{name}");
        }
    }

    #[test]
    fn calls_of_another_machine_end_the_process() {
        const I386: u32 = 0x4000_0003;
        for call in 0..500 {
            assert_eq!(verdict_on(call, I386, [0; 6]), SECCOMP_RET_KILL_PROCESS, "{call}");
        }
    }

    #[test]
    fn arguments_count() {
        let (me, other) = (u64::from(ME), u64::from(ME) - 1);
        let (read, write, execute) = (1, 2, 4);
        let flags = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as u64;
        for (what, call, arguments, allowed) in [
            ("memory", libc::SYS_mmap, vec![0, 4096, read | write, flags], true),
            (
                "a stack",
                libc::SYS_mmap,
                vec![0, 4096, 0, flags | libc::MAP_STACK as u64 | libc::MAP_NORESERVE as u64],
                true,
            ),
            ("code", libc::SYS_mmap, vec![0, 4096, read | execute, flags], false),
            ("a file", libc::SYS_mmap, vec![0, 4096, read, libc::MAP_PRIVATE as u64, 3], false),
            (
                "shared memory",
                libc::SYS_mmap,
                vec![0, 4096, read, (libc::MAP_SHARED | libc::MAP_ANONYMOUS) as u64],
                false,
            ),
            ("a stack that grows", libc::SYS_mmap, vec![0, 4096, read, flags | libc::MAP_GROWSDOWN as u64], false),
            ("high bits of the flags", libc::SYS_mmap, vec![0, 4096, read, flags | 1 << 40], false),
            ("guard pages", libc::SYS_mprotect, vec![0, 4096, 0], true),
            ("data that become code", libc::SYS_mprotect, vec![0, 4096, read | execute], false),
            ("its own signal", libc::SYS_tgkill, vec![me, 5, 6], true),
            ("another's signal", libc::SYS_tgkill, vec![other, other, 9], false),
            ("stopping itself", libc::SYS_kill, vec![me, 19], true),
            ("its parent's signal", libc::SYS_kill, vec![other, 9], false),
            ("everybody's signal", libc::SYS_kill, vec![u64::MAX, 9], false),
            ("looking at a limit", libc::SYS_prlimit64, vec![0, 3, 0, 1], true),
            ("another's limit", libc::SYS_prlimit64, vec![other, 3, 0, 1], false),
            ("a new limit", libc::SYS_prlimit64, vec![0, 3, 1, 0], false),
        ] {
            let expected = if allowed { SECCOMP_RET_ALLOW } else { SECCOMP_RET_KILL_PROCESS };
            assert_eq!(verdict(call, &arguments), expected, "{what}");
        }
    }

    #[test]
    fn what_libraries_try_is_refused_in_words() {
        let refused = |number: i32| SECCOMP_RET_ERRNO | number.unsigned_abs();
        assert_eq!(verdict(libc::SYS_openat, &[]), refused(libc::EACCES));
        assert_eq!(verdict(libc::SYS_clone3, &[]), refused(libc::ENOSYS));
        assert_eq!(verdict(libc::SYS_ioctl, &[]), refused(libc::EPERM));
        assert_eq!(verdict(libc::SYS_prctl, &[libc::PR_SET_DUMPABLE as u64, 1]), refused(libc::EPERM));
        assert_eq!(verdict(libc::SYS_prctl, &[libc::PR_SET_NAME as u64]), SECCOMP_RET_ALLOW);
        assert_eq!(verdict(libc::SYS_read, &[]), SECCOMP_RET_ALLOW);
    }

    #[test]
    fn no_call_is_in_two_lists() {
        let mut all = [ALLOWED, PATHS, TRIED, REFUSED].concat();
        all.extend(conditions(ME).expect("conditions").into_iter().map(|(call, _)| call));
        all.sort_unstable();
        let count = all.len();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
