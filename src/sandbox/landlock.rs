//! Landlock: nothing is written but the state directory, nothing is connected to but the API
//! server's port, no port is bound, no file is run.
//!
//! Reading stays free: certificates and policy are read again when they change, wherever they lie.
//! It acts on the calling thread and on those it starts. What it forbids is tried afterwards.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use landlock::{
    ABI, AccessFs, AccessNet, LandlockStatus, NetPort, PathBeneath, PathFd, RestrictionStatus,
    Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, Scope,
};
use serde::Serialize;

use super::Needs;
use super::missing::Missing;
use super::report::LandlockReport;

/// Where answers too long for UDP are asked for again.
const DNS_PORT: u16 = 53;

/// The first ABI that can limit TCP ports. Less than that is not what this sandbox promises.
const PORTS_SINCE: ABI = ABI::V4;

/// The newest ABI whose kinds of writing are asked for. A later one adds connecting to unix sockets
/// by path, which the journal, systemd and name services need.
const WRITES_OF: ABI = ABI::V5;

/// A refusal comes at once; a firewall that drops packets on loopback must not hold up the start.
const TRIAL_LIMIT: Duration = Duration::from_millis(200);

/// How much of Landlock holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LandlockState {
    /// Files and ports.
    Enforced,
    /// Less than that.
    Partial,
    /// Nothing.
    Off,
}

/// What stays possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    connect: Vec<u16>,
    write_beneath: Vec<PathBuf>,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Applied {
    pub(super) report: LandlockReport,
    pub(super) missing: Option<Missing>,
}

impl Limits {
    /// From the role's needs and systemd's `STATE_DIRECTORY`.
    pub(super) fn of(needs: &Needs) -> Self {
        Self::new(needs, env::var_os("STATE_DIRECTORY"))
    }

    fn new(needs: &Needs, state: Option<OsString>) -> Self {
        let mut connect = vec![needs.upstream_port];
        connect.extend(needs.kubelet_port);
        if needs.resolves_names {
            connect.push(DNS_PORT);
        }
        // systemd separates several by colons, and escapes none within.
        let state = state.unwrap_or_default();
        let directories = state.as_bytes().split(|byte| *byte == b':');
        let write_beneath = directories
            .filter(|path| path.starts_with(b"/"))
            .map(|path| PathBuf::from(OsStr::from_bytes(path)))
            .collect();
        Self { connect, write_beneath }
    }
}

/// Applies them to this thread, and tries what they forbid.
pub(super) fn apply(limits: &Limits) -> Applied {
    let (status, missing) = match restrict(limits) {
        Ok(status) => {
            let missing = shortfall(status.landlock).or_else(|| still_possible(limits).err());
            (Some(status.landlock), missing)
        }
        Err(missing) => (None, Some(missing)),
    };
    let abi = status.map_or(0, abi);
    let state = match (&missing, abi) {
        (None, _) => LandlockState::Enforced,
        (Some(_), 0) => LandlockState::Off,
        (Some(_), _) => LandlockState::Partial,
    };
    let reason = missing.as_ref().map(Missing::to_string);
    Applied { report: LandlockReport { state, abi, reason }, missing }
}

fn restrict(limits: &Limits) -> Result<RestrictionStatus, Missing> {
    let refused = |error: RulesetError| Missing::Landlock(error.to_string());
    // Parts that the kernel does not know are left out by the crate; `shortfall` counts them. The
    // sockets of systemd, the journal and name services have paths: no abstract one is needed.
    let mut rules = Ruleset::default()
        .handle_access(AccessFs::from_write(WRITES_OF) | AccessFs::Execute)
        .and_then(|rules| rules.handle_access(AccessNet::BindTcp | AccessNet::ConnectTcp))
        .and_then(|rules| rules.scope(Scope::Signal | Scope::AbstractUnixSocket))
        .and_then(Ruleset::create)
        .map_err(refused)?;
    for directory in &limits.write_beneath {
        let opened =
            PathFd::new(directory).map_err(|error| Missing::StateDirectory(error.to_string()))?;
        let beneath = PathBeneath::new(opened, AccessFs::from_write(WRITES_OF));
        rules = rules.add_rule(beneath).map_err(refused)?;
    }
    for port in &limits.connect {
        rules = rules.add_rule(NetPort::new(*port, AccessNet::ConnectTcp)).map_err(refused)?;
    }
    rules.restrict_self().map_err(refused)
}

fn shortfall(status: LandlockStatus) -> Option<Missing> {
    match status {
        LandlockStatus::NotEnabled => Some(Missing::LandlockDisabled),
        LandlockStatus::NotImplemented => Some(Missing::LandlockAbsent),
        LandlockStatus::Available { effective_abi, .. } if effective_abi < PORTS_SINCE => {
            Some(Missing::LandlockOld(abi(status)))
        }
        LandlockStatus::Available { .. } => None,
    }
}

fn abi(status: LandlockStatus) -> i32 {
    match status {
        LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => 0,
        LandlockStatus::Available { effective_abi, kernel_abi } => {
            kernel_abi.unwrap_or(effective_abi as i32)
        }
    }
}

/// The kernel says yes to a ruleset; whether it means it shows here. Only a success is evidence
/// against it: inside a unit something else may have said no first.
fn still_possible(limits: &Limits) -> Result<(), Missing> {
    let elsewhere = (1..=u16::MAX).find(|port| !limits.connect.contains(port)).unwrap_or(1);
    let elsewhere = SocketAddr::from((Ipv4Addr::LOCALHOST, elsewhere));
    let connected = TcpStream::connect_timeout(&elsewhere, TRIAL_LIMIT);
    let was_let_through = connected
        .map_or_else(|error| error.kind() == std::io::ErrorKind::ConnectionRefused, |_| true);
    if was_let_through {
        return Err(Missing::StillPossible("connecting to another port"));
    }
    if TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).is_ok() {
        return Err(Missing::StillPossible("binding a port"));
    }
    // Everybody may write there, and nothing is left behind.
    if File::options().write(true).open("/dev/null").is_ok() {
        return Err(Missing::StillPossible("writing a file"));
    }
    Ok(())
}

impl LandlockState {
    /// As `/status` spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enforced => "enforced",
            Self::Partial => "partial",
            Self::Off => "off",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDS: Needs =
        Needs { upstream_port: 6443, kubelet_port: None, resolves_names: false, plugin: None };

    fn limits(state: &str) -> Limits {
        Limits::new(&NEEDS, Some(state.into()))
    }

    #[test]
    fn limits_follow_what_the_role_needs_and_what_systemd_says() {
        let plain = Limits::new(&NEEDS, None);
        assert_eq!(plain.connect, [6443]);
        assert!(plain.write_beneath.is_empty());
        let named = Needs { resolves_names: true, ..NEEDS };
        assert_eq!(Limits::new(&named, None).connect, [6443, 53]);
        let several = limits("/var/lib/a:/var/lib/b:relative:");
        assert_eq!(several.write_beneath, [PathBuf::from("/var/lib/a"), "/var/lib/b".into()]);
    }

    #[test]
    fn old_and_absent_landlock_is_a_part_missing() {
        let available =
            |effective_abi| LandlockStatus::Available { effective_abi, kernel_abi: None };
        assert_eq!(shortfall(available(ABI::V3)), Some(Missing::LandlockOld(3)));
        assert_eq!(shortfall(available(ABI::V4)), None);
        assert_eq!(shortfall(LandlockStatus::NotEnabled), Some(Missing::LandlockDisabled));
        assert_eq!(shortfall(LandlockStatus::NotImplemented), Some(Missing::LandlockAbsent));
        let newer = LandlockStatus::Available { effective_abi: ABI::V9, kernel_abi: Some(12) };
        assert_eq!(abi(newer), 12);
    }

    #[test]
    fn without_limits_the_trial_finds_what_is_possible() {
        let outcome = still_possible(&Limits::new(&NEEDS, None));
        assert!(matches!(outcome, Err(Missing::StillPossible(_))), "{outcome:?}");
    }

    /// A thread of its own, which nothing else of this test program runs on.
    #[test]
    fn a_state_directory_that_is_not_there_is_a_part_missing() {
        let limits = limits("/nonexistent/state");
        let applied = std::thread::spawn(move || apply(&limits)).join().unwrap();
        assert!(matches!(applied.missing, Some(Missing::StateDirectory(_))), "{applied:?}");
        assert_eq!((applied.report.state, applied.report.abi), (LandlockState::Off, 0));
    }
}
