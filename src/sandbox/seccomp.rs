//! seccomp: the calls of `denied_calls.rs` fail with `EPERM` from here on, in every thread to come.
//!
//! An error, not a kill: an unforeseen call must cost one request, not the node's way to its API
//! server. The filter is built in memory before any of it is in force, so a failure leaves none.

use std::collections::BTreeMap;
use std::env::consts::ARCH;

use rustix::thread::{SecureComputingMode, secure_computing_mode};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, apply_filter,
};

use super::denied_calls::{ALWAYS, ALWAYS_HERE, UNKNOWN, by_argument};
use super::missing::Missing;

/// All of which must hold for a call to be denied.
pub(super) type Arguments = Vec<Argument>;

/// What one argument must be.
pub(super) struct Argument {
    at: u8,
    operator: SeccompCmpOp,
    value: u64,
}

pub(super) fn argument(at: u8, operator: SeccompCmpOp, value: u64) -> Argument {
    Argument { at, operator, value }
}

/// Puts the filters in force for this thread and those it starts, and asks the kernel whether they are.
pub(super) fn apply(resolves_names: bool) -> Result<(), Missing> {
    let refused = |error: &dyn std::error::Error| Missing::Seccomp(error.to_string());
    let filters = filters(resolves_names).map_err(|error| refused(&error))?;
    for filter in &filters {
        apply_filter(filter).map_err(|error| refused(&error))?;
    }
    match secure_computing_mode() {
        Ok(SecureComputingMode::Filter) => Ok(()),
        Ok(other) => Err(Missing::Seccomp(format!("in force, but the kernel says {other:?}"))),
        Err(error) => Err(refused(&error)),
    }
}

fn filters(resolves_names: bool) -> Result<Vec<BpfProgram>, BackendError> {
    let mut denied: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    for (call, arguments) in by_argument(resolves_names) {
        denied.entry(call).or_default().push(rule(arguments)?);
    }
    // No rule for a call means all of its calls.
    denied.extend(ALWAYS.into_iter().chain(ALWAYS_HERE).map(|call| (call, Vec::new())));
    let unknown = BTreeMap::from([(UNKNOWN, Vec::new())]);
    let mut filters = vec![filter(denied, libc::EPERM)?, filter(unknown, libc::ENOSYS)?];
    filters.extend(foreign_numbers());
    Ok(filters)
}

fn filter(denied: BTreeMap<i64, Vec<SeccompRule>>, error: i32) -> Result<BpfProgram, BackendError> {
    let here = TargetArch::try_from(ARCH)?;
    let answer = SeccompAction::Errno(error.unsigned_abs());
    SeccompFilter::new(denied, SeccompAction::Allow, answer, here)?.try_into()
}

fn rule(arguments: Arguments) -> Result<SeccompRule, BackendError> {
    let conditions = arguments.into_iter().map(|Argument { at, operator, value }| {
        // The kernel takes all of these as 32 bits and does not look at the upper ones.
        SeccompCondition::new(at, SeccompCmpArgLen::Dword, operator, value)
    });
    SeccompRule::new(conditions.collect::<Result<_, _>>()?)
}

/// On x86-64 every call has a second number, its x32 one, where the kernel has that ABI: a list of
/// denied numbers would be a list of half of them. Those have bit 30 set, and here nobody uses them.
#[cfg(target_arch = "x86_64")]
fn foreign_numbers() -> Option<BpfProgram> {
    use seccompiler::sock_filter;
    const LOAD_WORD: u16 = 0x20;
    const JUMP_IF_AT_LEAST: u16 = 0x35;
    const RETURN: u16 = 0x06;
    const X32_NUMBERS: u32 = 1 << 30;
    let step = |code, jt, jf, k| sock_filter { code, jt, jf, k };
    Some(vec![
        step(LOAD_WORD, 0, 0, 0),
        step(JUMP_IF_AT_LEAST, 0, 1, X32_NUMBERS),
        step(RETURN, 0, 0, SeccompAction::Errno(libc::EPERM.unsigned_abs()).into()),
        step(RETURN, 0, 0, SeccompAction::Allow.into()),
    ])
}

#[cfg(not(target_arch = "x86_64"))]
fn foreign_numbers() -> Option<BpfProgram> {
    None
}

#[cfg(test)]
mod tests;
