//! The filters, in a thread of this kernel and, call by call, in an interpreter of their few
//! instructions: most denied calls have no safe function to try them with.

use super::*;
use seccompiler::sock_filter;

const ALLOWED: u32 = 0x7fff_0000;
const ERROR: u32 = 0x0005_0000;
const KILLED: u32 = 0x8000_0000;
#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xc000_00b7;

/// What the kernel would do: the strictest answer counts, and of several errors the last filter's.
fn answer(filters: &[BpfProgram], architecture: u32, call: i64, arguments: [u64; 6]) -> u32 {
    let mut event = Vec::new();
    event.extend(u32::try_from(call).unwrap().to_ne_bytes());
    event.extend(architecture.to_ne_bytes());
    event.extend(0_u64.to_ne_bytes());
    event.extend(arguments.into_iter().flat_map(u64::to_ne_bytes));
    let answers = filters.iter().rev().map(|filter| run(filter, &event));
    answers.min_by_key(|answer| (answer & 0xffff_0000).cast_signed()).unwrap()
}

fn run(program: &[sock_filter], event: &[u8]) -> u32 {
    let (mut rest, mut value) = (program, 0);
    while let [step, after @ ..] = rest {
        let operand = usize::try_from(step.k).unwrap();
        let jump = |taken| usize::from(if taken { step.jt } else { step.jf });
        let skipped = match step.code {
            0x20 => {
                value = u32::from_ne_bytes(*event[operand..].first_chunk().unwrap());
                0
            }
            0x54 => {
                value &= step.k;
                0
            }
            0x05 => operand,
            0x15 => jump(value == step.k),
            0x25 => jump(value > step.k),
            0x35 => jump(value >= step.k),
            0x06 => return step.k,
            other => panic!("instruction {other:#x}"),
        };
        rest = &after[skipped..];
    }
    panic!("the filter ends without an answer")
}

fn here(call: i64, arguments: [u64; 6]) -> u32 {
    answer(&filters(false).unwrap(), ARCHITECTURE, call, arguments)
}

fn error(errno: i32) -> u32 {
    ERROR | errno.unsigned_abs()
}

#[test]
fn the_filters_hold_in_the_thread_and_in_those_it_starts() {
    let (own, child) = std::thread::spawn(|| {
        apply(false).unwrap();
        let mode = || secure_computing_mode().unwrap();
        (mode(), std::thread::spawn(mode).join().unwrap())
    })
    .join()
    .unwrap();
    assert_eq!((own, child), (SecureComputingMode::Filter, SecureComputingMode::Filter));
}

#[test]
fn every_listed_call_is_denied_and_clone3_unknown() {
    for call in ALWAYS.into_iter().chain(ALWAYS_HERE) {
        assert_eq!(here(call, [0; 6]), error(libc::EPERM), "{call}");
        assert_eq!(here(call, [u64::MAX; 6]), error(libc::EPERM), "{call}");
    }
    assert_eq!(here(libc::SYS_clone3, [0; 6]), error(libc::ENOSYS));
}

#[test]
fn calls_that_a_serving_proxy_makes_are_allowed() {
    let own = u64::from(std::process::id());
    let thread = 0x3d_0f00;
    for (call, arguments) in [
        (libc::SYS_read, [0; 6]),
        (libc::SYS_openat, [0; 6]),
        (libc::SYS_accept4, [0; 6]),
        (libc::SYS_connect, [0; 6]),
        (libc::SYS_epoll_pwait, [0; 6]),
        (libc::SYS_futex, [u64::MAX; 6]),
        (libc::SYS_memfd_create, [0; 6]),
        (libc::SYS_mmap, [0, 4096, 3, 0x22, u64::MAX, 0]),
        (libc::SYS_mprotect, [0, 4096, 3, 0, 0, 0]),
        (libc::SYS_tgkill, [own, own, 6, 0, 0, 0]),
        (libc::SYS_clone, [thread, 0, 0, 0, 0, 0]),
        (libc::SYS_sendmsg, [3, 0, 0x4000, 0, 0, 0]),
        (libc::SYS_socket, [1, 0x8_0001, 0, 0, 0, 0]),
        (libc::SYS_socket, [1, 0x8_0002, 0, 0, 0, 0]),
        (libc::SYS_socket, [2, 0x8_0801, 6, 0, 0, 0]),
        (libc::SYS_socket, [10, 0x8_0801, 0, 0, 0, 0]),
    ] {
        assert_eq!(here(call, arguments), ALLOWED, "{call} {arguments:?}");
    }
}

#[test]
fn arguments_decide_where_only_some_are_denied() {
    let other_process = u64::from(std::process::id()) ^ 1;
    let thread = 0x3d_0f00;
    for (call, arguments) in [
        (libc::SYS_tgkill, [other_process, 0, 0, 0, 0, 0]),
        // A process, then threads in a network and in a user namespace of their own.
        (libc::SYS_clone, [17, 0, 0, 0, 0, 0]),
        (libc::SYS_clone, [thread | 0x4000_0000, 0, 0, 0, 0, 0]),
        (libc::SYS_clone, [thread | 0x1000_0000, 0, 0, 0, 0, 0]),
        // The upper half of an int says nothing to the kernel.
        (libc::SYS_mmap, [0, 4096, 0xffff_ffff_0000_0005, 0, 0, 0]),
        (libc::SYS_mprotect, [0, 4096, 4, 0, 0, 0]),
        (libc::SYS_shmat, [0, 0, 0o100_000, 0, 0, 0]),
        (libc::SYS_sendto, [3, 0, 0, 0x2000_4000, 0, 0]),
        (libc::SYS_sendmsg, [3, 0, 0x2000_0000, 0, 0, 0]),
        (libc::SYS_sendmmsg, [3, 0, 1, 0x2000_0000, 0, 0]),
        (libc::SYS_socket, [16, 3, 0, 0, 0, 0]),
        (libc::SYS_socket, [40, 1, 0, 0, 0, 0]),
        (libc::SYS_socket, [2, 3, 0, 0, 0, 0]),
        (libc::SYS_socket, [1, 5, 0, 0, 0, 0]),
        (libc::SYS_socket, [2, 1, 262, 0, 0, 0]),
        (libc::SYS_socket, [2, 1, 132, 0, 0, 0]),
        (libc::SYS_socket, [10, 0x8_0002, 17, 0, 0, 0]),
    ] {
        assert_eq!(here(call, arguments), error(libc::EPERM), "{call} {arguments:?}");
    }
    let named = filters(true).unwrap();
    let udp = answer(&named, ARCHITECTURE, libc::SYS_socket, [10, 0x8_0002, 17, 0, 0, 0]);
    assert_eq!(udp, ALLOWED);
}

#[test]
fn numbers_of_another_abi_do_not_pass_by() {
    let i386 = 0x4000_0003;
    assert_eq!(answer(&filters(false).unwrap(), i386, 11, [0; 6]), KILLED);
    if cfg!(target_arch = "x86_64") {
        // read and execve of x32.
        assert_eq!(here(0x4000_0000, [0; 6]), error(libc::EPERM));
        assert_eq!(here(0x4000_0208, [0; 6]), error(libc::EPERM));
    }
}
