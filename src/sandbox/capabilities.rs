//! Gives up every Linux capability, forbids gaining any by `execve`, and reads back what is left.
//!
//! A proxy needs none: what it opens, it may open as its user. Acts on the calling thread, which
//! hands its sets on to threads it starts: call before the runtime. What the kernel says afterwards
//! counts, not what was asked of it.

use std::collections::HashSet;

use caps::{CapSet, Capability};

/// What is left after [`drop_all`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CapabilityReport {
    /// Still in the bounding set: nothing uses them, but an `execve` of a program with file
    /// capabilities could, were it not for `no_new_privs`. Not empty where the process lacked
    /// `CAP_SETPCAP` to begin with.
    pub(super) bounding_left: Vec<String>,
}

/// Why capabilities are not known to be gone.
#[derive(Debug, thiserror::Error)]
pub enum CapabilityError {
    /// The kernel refused a change or an answer.
    #[error("capabilities, {set}: {reason}")]
    Kernel {
        /// The set concerned.
        set: &'static str,
        /// The kernel's answer.
        reason: String,
    },
    /// The kernel agreed to the change, and the set is not empty.
    #[error(
        "capabilities left in the {set} set: {left}: run without them (CapabilityBoundingSet=)"
    )]
    Left {
        /// The set concerned.
        set: &'static str,
        /// Names of what is left.
        left: String,
    },
    /// `no_new_privs` could not be set, or was not set afterwards.
    #[error("no_new_privs could not be set")]
    NewPrivileges,
}

/// Sets that must be empty, in the order in which they can be emptied: dropping from the bounding
/// set needs `CAP_SETPCAP`, so it comes before all these.
pub(super) const MUST_BE_EMPTY: [(CapSet, &str); 4] = [
    (CapSet::Ambient, "ambient"),
    (CapSet::Inheritable, "inheritable"),
    (CapSet::Effective, "effective"),
    (CapSet::Permitted, "permitted"),
];

/// Drops everything from all five sets of this thread and sets `no_new_privs`.
///
/// # Errors
/// [`CapabilityError`], if anything is left in the ambient, inheritable, effective or permitted set:
/// refuse to serve then.
pub(super) fn drop_all() -> Result<CapabilityReport, CapabilityError> {
    rustix::thread::set_no_new_privs(true).map_err(|_| CapabilityError::NewPrivileges)?;
    if !rustix::thread::no_new_privs().is_ok_and(|is_set| is_set) {
        return Err(CapabilityError::NewPrivileges);
    }
    for capability in read(CapSet::Bounding, "bounding")? {
        // Refused without CAP_SETPCAP; reported below by what is read back.
        let _ = caps::drop(None, CapSet::Bounding, capability);
    }
    for (set, name) in MUST_BE_EMPTY {
        // The unit's filter denies `capset`: there is nothing to clear in a service that it started.
        if !read(set, name)?.is_empty() {
            caps::clear(None, set).map_err(|error| kernel(name, &error))?;
        }
    }
    for (set, name) in MUST_BE_EMPTY {
        let left = read(set, name)?;
        if !left.is_empty() {
            return Err(CapabilityError::Left { set: name, left: names(left).join(", ") });
        }
    }
    Ok(CapabilityReport { bounding_left: names(read(CapSet::Bounding, "bounding")?) })
}

fn read(set: CapSet, name: &'static str) -> Result<HashSet<Capability>, CapabilityError> {
    caps::read(None, set).map_err(|error| kernel(name, &error))
}

fn kernel(set: &'static str, error: &caps::errors::CapsError) -> CapabilityError {
    CapabilityError::Kernel { set, reason: error.to_string() }
}

fn names(capabilities: HashSet<Capability>) -> Vec<String> {
    let mut names: Vec<_> = capabilities.into_iter().map(|name| name.to_string()).collect();
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Capabilities belong to threads, so a thread of its own keeps the other tests' rights.
    #[test]
    fn a_thread_that_dropped_all_has_nothing_left_and_hands_nothing_on() {
        let outcome = std::thread::spawn(|| {
            let had_setpcap = caps::has_cap(None, CapSet::Effective, Capability::CAP_SETPCAP);
            let report = drop_all().unwrap();
            let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
            let child =
                std::thread::spawn(|| std::fs::read_to_string("/proc/thread-self/status").unwrap());
            (had_setpcap.unwrap(), report, status, child.join().unwrap())
        });
        let (had_setpcap, report, own, child) = outcome.join().unwrap();
        for status in [own, child] {
            for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
                assert!(status.contains(&format!("{set}:\t0000000000000000")), "{set}: {status}");
            }
            assert_eq!(
                status.contains("CapBnd:\t0000000000000000"),
                report.bounding_left.is_empty()
            );
            assert!(status.contains("NoNewPrivs:\t1"), "{status}");
        }
        assert_eq!(report.bounding_left.is_empty(), had_setpcap, "{report:?}");
    }

    #[test]
    fn dropping_twice_is_as_good_as_once() {
        let outcome = std::thread::spawn(|| {
            drop_all().unwrap();
            drop_all()
        });
        assert!(outcome.join().unwrap().is_ok());
    }
}
