//! The system calls that a serving proxy never makes and an intruder in it would want.
//!
//! A list of what is denied, not of what is allowed: the unit has an allow list beneath
//! (`SystemCallFilter=@system-service`), and one of our own would break with the next libc. It closes
//! what that group leaves open, and what Landlock does not look at. Calls that fail anyway for lack
//! of a capability are here only where a user namespace would bring the capability back.

use libc::{
    AF_INET, AF_INET6, AF_UNIX, CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS,
    CLONE_NEWPID, CLONE_NEWUSER, CLONE_NEWUTS, CLONE_THREAD, IPPROTO_TCP, IPPROTO_UDP,
    MSG_FASTOPEN, PROT_EXEC, SHM_EXEC, SOCK_DGRAM, SOCK_STREAM,
};
use seccompiler::SeccompCmpOp::{Eq, MaskedEq, Ne};

use super::seccomp::{Arguments, argument};

/// Same number on every architecture, and younger than libc's tables.
const SYS_FCHMODAT2: i64 = 452;
const SYS_SETXATTRAT: i64 = 463;
const SYS_REMOVEXATTRAT: i64 = 466;
const SYS_OPEN_TREE_ATTR: i64 = 467;
const SYS_FILE_SETATTR: i64 = 469;

/// The part of `socket`'s second argument that is the type; the rest are flags.
const SOCKET_TYPES: std::ops::Range<u64> = 0..16;
const SOCKET_TYPE_MASK: u64 = 0xf;

/// Denied whatever their arguments.
pub(super) const ALWAYS: [i64; 79] = [
    // No other program. With `clone` below: no other process either.
    libc::SYS_execve,
    libc::SYS_execveat,
    // No hand on other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_process_mrelease,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_kcmp,
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    // No namespace, and nothing that one would give the capability for.
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    SYS_OPEN_TREE_ATTR,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_by_handle_at,
    libc::SYS_mknodat,
    // The kernel's own machinery, where its faults are.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_fanotify_init,
    libc::SYS_fanotify_mark,
    libc::SYS_lookup_dcookie,
    libc::SYS_syslog,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_memfd_secret,
    libc::SYS_vhangup,
    // It can make every readable page executable.
    libc::SYS_personality,
    // Sockets are bound before the sandbox. Landlock lets `listen` choose a port where `bind` may not.
    libc::SYS_bind,
    libc::SYS_listen,
    // Landlock watches what is in files, not their owners, modes and attributes.
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    SYS_FCHMODAT2,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    SYS_SETXATTRAT,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    SYS_REMOVEXATTRAT,
    SYS_FILE_SETATTR,
    // Times of files: a way to hide that one was touched.
    libc::SYS_utimensat,
    // Message queues are files that Landlock does not see.
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
];

/// Older calls that only this architecture has.
#[cfg(target_arch = "x86_64")]
pub(super) const ALWAYS_HERE: [i64; 13] = [
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_mknod,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_futimesat,
    libc::SYS_uselib,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_modify_ldt,
];
/// There are none.
#[cfg(not(target_arch = "x86_64"))]
pub(super) const ALWAYS_HERE: [i64; 0] = [];

/// Its arguments lie in memory, where a filter cannot see them. libc falls back on `clone`.
pub(super) const UNKNOWN: i64 = libc::SYS_clone3;

/// Denied for some arguments: each entry names a call and one combination.
pub(super) fn by_argument(resolves_names: bool) -> Vec<(i64, Arguments)> {
    let own_id = u64::from(std::process::id());
    let mut denied = vec![
        // Signals to other processes. `abort` sends one to its own.
        (libc::SYS_tgkill, vec![argument(0, Ne, own_id)]),
        // New processes; threads may start.
        (libc::SYS_clone, vec![argument(0, MaskedEq(bits(CLONE_THREAD)), 0)]),
        // Nothing here makes code at run time.
        (libc::SYS_mmap, vec![argument(2, MaskedEq(bits(PROT_EXEC)), bits(PROT_EXEC))]),
        (libc::SYS_mprotect, vec![argument(2, MaskedEq(bits(PROT_EXEC)), bits(PROT_EXEC))]),
        (libc::SYS_pkey_mprotect, vec![argument(2, MaskedEq(bits(PROT_EXEC)), bits(PROT_EXEC))]),
        (libc::SYS_shmat, vec![argument(2, MaskedEq(bits(SHM_EXEC)), bits(SHM_EXEC))]),
    ];
    for namespace in [
        CLONE_NEWCGROUP,
        CLONE_NEWIPC,
        CLONE_NEWNET,
        CLONE_NEWNS,
        CLONE_NEWPID,
        CLONE_NEWUSER,
        CLONE_NEWUTS,
    ] {
        let flag = bits(namespace);
        denied.push((libc::SYS_clone, vec![argument(0, MaskedEq(flag), flag)]));
    }
    // A first packet with data connects, and Landlock is not asked.
    for (call, at) in [(libc::SYS_sendto, 3), (libc::SYS_sendmsg, 2), (libc::SYS_sendmmsg, 3)] {
        let flag = bits(MSG_FASTOPEN);
        denied.push((call, vec![argument(at, MaskedEq(flag), flag)]));
    }
    denied.extend(sockets(resolves_names).into_iter().map(|rule| (libc::SYS_socket, rule)));
    denied
}

/// Sockets are for TCP, for unix streams and datagrams (systemd, the journal, name services), and
/// for UDP only where names are resolved.
fn sockets(resolves_names: bool) -> Vec<Arguments> {
    let (stream, datagram) = (bits(SOCK_STREAM), bits(SOCK_DGRAM));
    // libc asks netlink about interfaces when it resolves names, and does without.
    let mut denied =
        vec![[AF_UNIX, AF_INET, AF_INET6].map(|family| argument(0, Ne, bits(family))).into()];
    let other_types = SOCKET_TYPES.filter(|kind| *kind != stream && *kind != datagram);
    denied.extend(other_types.map(|kind| vec![argument(1, MaskedEq(SOCKET_TYPE_MASK), kind)]));
    // Landlock limits TCP, not MPTCP or SCTP, which reach the same servers.
    let known = [0, bits(IPPROTO_TCP), bits(IPPROTO_UDP)];
    denied.push(known.map(|protocol| argument(2, Ne, protocol)).into());
    if !resolves_names {
        denied.extend([AF_INET, AF_INET6].map(|family| {
            let is_datagram = argument(1, MaskedEq(SOCKET_TYPE_MASK), datagram);
            vec![argument(0, Eq, bits(family)), is_datagram]
        }));
    }
    denied
}

/// A C constant, none of which is negative.
fn bits(constant: i32) -> u64 {
    u64::from(constant.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_call_is_listed_twice_or_denied_both_ways() {
        let always: Vec<_> = ALWAYS.into_iter().chain(ALWAYS_HERE).chain([UNKNOWN]).collect();
        let unique: HashSet<_> = always.iter().copied().collect();
        assert_eq!(unique.len(), always.len());
        assert!(by_argument(true).iter().all(|(call, _)| !unique.contains(call)));
    }

    #[test]
    fn a_proxy_that_resolves_no_names_has_fewer_sockets() {
        assert_eq!(sockets(false).len(), sockets(true).len() + 2);
    }
}
