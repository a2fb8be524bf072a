//! Whose signatures count, said to the verbs that judge pods as it is said to `run`.

use std::path::{Path, PathBuf};

use super::input;
use super::terminal::complain;
use super::verb_error::VerbError;
use crate::kubelet_proxy::verification_key::{self, MAX_KEY_BYTES};
use crate::policy::Policy;
use crate::policy::signed::trust::TrustedKeys;

/// The flag, in the words of `run`. Its length would make every short help twice as long.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Signers {
    /// Whose signatures count on the node: certificate or public key, PEM; may be repeated
    #[arg(
        long = "policy-verification-cert",
        value_name = "FILE",
        visible_alias = "cert",
        hide_short_help = true,
        alias = "signature-verification-cert"
    )]
    certs: Vec<PathBuf>,
}

impl Signers {
    /// These, and more.
    pub(super) fn and(&self, more: impl IntoIterator<Item = PathBuf>) -> Self {
        Self { certs: self.certs.iter().cloned().chain(more).collect() }
    }

    /// Is nobody named?
    pub(super) fn are_none(&self) -> bool {
        self.certs.is_empty()
    }

    /// The policy of a file, as a node has it that is given these certificates.
    pub(super) fn policy(&self, file: &Path, now: i64) -> Result<Policy, VerbError> {
        self.beside(file, input::policy(file)?.policy, now)
    }

    /// A policy that was read from a file, as a node has it that is given these certificates.
    pub(super) fn beside(
        &self,
        file: &Path,
        policy: Policy,
        now: i64,
    ) -> Result<Policy, VerbError> {
        Ok(match self.keys(now)? {
            Some(keys) => policy.and_signed(keys),
            None => {
                note_missing(&policy, &file.display().to_string());
                policy
            }
        })
    }

    /// What a node has that is given these certificates and no policy.
    pub(super) fn alone(&self, now: i64) -> Result<Policy, VerbError> {
        self.keys(now)?
            .map(Policy::only_signed)
            .ok_or_else(|| VerbError::bad("no certificate; give --policy-verification-cert"))
    }

    /// The keys of the files, if there are any; whose the files are does not matter here.
    pub(super) fn keys(&self, now: i64) -> Result<Option<TrustedKeys>, VerbError> {
        if self.are_none() {
            return Ok(None);
        }
        let keys = self.certs.iter().map(|file| {
            let remedy = "nodes take no such file either; give the certificate alone";
            let content = input::read_within(file, MAX_KEY_BYTES, remedy)?;
            verification_key::read(file, &content).map_err(VerbError::bad)
        });
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        let names: Vec<_> = self.certs.iter().map(|file| file.display().to_string()).collect();
        TrustedKeys::new(keys, now)
            .map(Some)
            .map_err(|refusal| VerbError::bad(format!("{}: {refusal}", names.join(", "))))
    }
}

/// What a document says of signatures is not judged by if nobody's count.
pub(super) fn note_missing(policy: &Policy, file: &str) {
    if policy.lacks_keys() {
        complain(&format!(
            "{file}: note: signedPods has no effect without --policy-verification-cert"
        ));
    }
}
