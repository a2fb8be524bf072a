//! Linux capabilities as container runtimes read them: any case, with or without `CAP_`.
//!
//! Runtimes fold case with Unicode rules (Go turns U+017F into `S`), therefore a name that is not
//! plain ASCII is not compared at all: it counts as denied wherever some capability is.

/// `linux/capability.h`, in its order; kernel 6.x has no others.
const LINUX: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// The runtimes' word for every capability there is.
const ALL: &str = "ALL";

/// Capabilities that a container must not add.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DeniedCapabilities {
    /// Folded; `ALL` may be among them.
    names: Vec<&'static str>,
}

impl DeniedCapabilities {
    /// Takes a name in any spelling, or says that nothing is called so.
    pub(super) fn insert(&mut self, written: &str) -> Result<(), Unknown> {
        let name = LINUX.into_iter().chain([ALL]).find(|name| is_spelling_of(written, name));
        self.names.push(name.ok_or(Unknown)?);
        Ok(())
    }

    /// Is nothing denied?
    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Does adding `written` add something that is denied?
    pub(super) fn deny(&self, written: &str) -> bool {
        !self.is_empty()
            && (!written.is_ascii()
                || is_spelling_of(written, ALL)
                || self.names.iter().any(|name| is_spelling_of(written, name)))
    }
}

/// Capabilities that a container may add, or must drop.
#[derive(Clone, Debug)]
pub(super) struct ListedCapabilities {
    /// Folded; `ALL` may be among them.
    names: Vec<&'static str>,
}

impl ListedCapabilities {
    /// Takes names in any spelling, or says which is none.
    pub(super) fn of<'n>(written: impl Iterator<Item = &'n str>) -> Result<Self, Unknown> {
        let mut listed = DeniedCapabilities::default();
        written.into_iter().try_for_each(|name| listed.insert(name))?;
        Ok(Self { names: listed.names })
    }

    /// May `written` be added? A listed `ALL` stands for every capability there is.
    pub(super) fn permit(&self, written: &str) -> bool {
        self.names.contains(&ALL) || self.names.iter().any(|name| is_spelling_of(written, name))
    }

    /// The first of these that a container keeps. containerd puts `CAP_` in front of what is to be
    /// dropped, so `CAP_NET_RAW` drops nothing there; and every runtime drops `ALL` before it adds.
    pub(super) fn kept_by(&self, dropped: &[&str], added: &[&str]) -> Option<&'static str> {
        let drops = |name: &str| dropped.iter().any(|written| written.eq_ignore_ascii_case(name));
        let adds = |name: &str| {
            let is_it = |written: &str| is_spelling_of(written, name) || !written.is_ascii();
            added.iter().any(|written| is_it(written) || is_spelling_of(written, ALL))
        };
        let is_kept = |name: &str| !drops(name) && (name == ALL || !drops(ALL) || adds(name));
        self.names.iter().copied().find(|name| is_kept(name))
    }

    /// Folded, in the order written.
    pub(super) fn names(&self) -> &[&'static str] {
        &self.names
    }
}

/// No capability has this name.
#[derive(Debug)]
pub(super) struct Unknown;

/// All names, for suggestions.
pub(super) fn known_names() -> impl Iterator<Item = &'static str> {
    LINUX.into_iter().chain([ALL])
}

fn is_spelling_of(written: &str, name: &str) -> bool {
    let bare = match written.get(..4) {
        Some(prefix) if prefix.eq_ignore_ascii_case("CAP_") => written.get(4..).unwrap_or_default(),
        Some(_) | None => written,
    };
    bare.eq_ignore_ascii_case(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(names: &[&str]) -> DeniedCapabilities {
        let mut denied = DeniedCapabilities::default();
        names.iter().for_each(|name| denied.insert(name).unwrap());
        denied
    }

    #[test]
    fn case_and_prefix_make_no_difference() {
        for listed in ["SYS_ADMIN", "cap_sys_admin", "CAP_SYS_ADMIN", "Sys_Admin"] {
            for added in ["SYS_ADMIN", "sys_admin", "CAP_SYS_ADMIN", "cap_Sys_Admin"] {
                assert!(denied(&[listed]).deny(added), "{listed} {added}");
            }
            assert!(!denied(&[listed]).deny("NET_ADMIN"));
        }
    }

    #[test]
    fn all_in_any_spelling_is_denied_by_any_list() {
        for added in ["ALL", "all", "CAP_ALL", "cap_all"] {
            assert!(denied(&["NET_RAW"]).deny(added), "{added}");
            assert!(denied(&["ALL"]).deny(added), "{added}");
            assert!(!denied(&[]).deny(added), "{added}");
        }
    }

    #[test]
    fn listing_all_denies_adding_all_and_nothing_else() {
        assert!(!denied(&["ALL"]).deny("NET_BIND_SERVICE"));
    }

    #[test]
    fn names_that_unicode_folds_into_a_capability_are_denied() {
        assert!(denied(&["NET_RAW"]).deny("\u{17f}Y\u{17f}_ADM\u{131}N"));
    }

    #[test]
    fn a_name_that_no_capability_has_is_not_listed() {
        for written in ["SYS_ADMN", "", "CAP_", "CAP_CAP_SYS_ADMIN", "*"] {
            assert!(DeniedCapabilities::default().insert(written).is_err(), "{written}");
        }
    }
}
