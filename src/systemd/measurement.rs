//! What is measured of this program: the SHA-256 of its policy and of its binary, as one line of text.
//!
//! Pure but for reading the binary; who asks the TPM is `pcr_extend.rs`. Invariant: the line is made
//! here and nowhere else, so what `run` logs, what is extended and what a verifier predicts agree.
//! The form is described in `docs/how-to/verify-the-measured-policy.md`.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::str::FromStr;

use aws_lc_rs::digest::{Context, SHA256, SHA256_OUTPUT_LEN, digest};

/// Begins the line. A change of the form changes the number.
const PREFIX: &str = "kubelet-proxy:v1";

/// The program that runs, even after its file was replaced or removed.
const RUNNING_BINARY: &str = "/proc/self/exe";

/// The binary has tens of megabytes and is read once: pieces keep it out of memory.
const PIECE_BYTES: usize = 64 * 1024;

/// A SHA-256 value, shown in lower-case hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sha256([u8; SHA256_OUTPUT_LEN]);

/// What a verifier wants to be told of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measurement {
    /// Of the exact bytes of the policy.
    pub policy: Sha256,
    /// Of the binary.
    pub binary: Sha256,
}

impl Sha256 {
    /// A platform configuration register that nobody extended.
    pub const ZERO: Self = Self([0; SHA256_OUTPUT_LEN]);

    /// Of all that the reader gives, read in pieces.
    ///
    /// # Errors
    /// The reader's.
    pub fn of(mut reader: impl Read) -> io::Result<Self> {
        let mut context = Context::new(&SHA256);
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let length = match reader.read(&mut piece) {
                Ok(0) => return Ok(Self::from_bytes(context.finish().as_ref())),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            context.update(piece.get(..length).unwrap_or_default());
        }
    }

    /// Of a file.
    ///
    /// # Errors
    /// The kernel's.
    pub fn of_file(path: &Path) -> io::Result<Self> {
        Self::of(File::open(path)?)
    }

    /// Of the program that runs. Call it before a sandbox hides `/proc`.
    ///
    /// # Errors
    /// The kernel's, where `/proc` is not mounted.
    pub fn of_running_binary() -> io::Result<Self> {
        Self::of_file(Path::new(RUNNING_BINARY))
    }

    /// What a register that holds `self` holds after `word` was extended into its SHA-256 bank: a TPM
    /// hashes the old value and the digest of the event (TPM 2.0 part 1, "Extend of a PCR"), and
    /// systemd-pcrextend gives it the plain digest of the text.
    #[must_use]
    pub fn extended_by(&self, word: &str) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(&self.0);
        context.update(digest(&SHA256, word.as_bytes()).as_ref());
        Self::from_bytes(context.finish().as_ref())
    }

    fn from_bytes(bytes: &[u8]) -> Self {
        let mut value = [0; SHA256_OUTPUT_LEN];
        value.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        Self(value)
    }
}

impl Measurement {
    /// The line that is measured, without a line end:
    /// `kubelet-proxy:v1:policy=sha256:<64 hex>:binary=sha256:<64 hex>`.
    pub fn word(&self) -> String {
        let Self { policy, binary } = self;
        format!("{PREFIX}:policy=sha256:{policy}:binary=sha256:{binary}")
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Sha256 {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "expected the 64 hexadecimal digits of a SHA-256 value";
        let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hex || text.len() != SHA256_OUTPUT_LEN.saturating_mul(2) {
            return Err(WRONG);
        }
        let digits = |pair: &[u8]| {
            let pair = std::str::from_utf8(pair).map_err(|_| WRONG)?;
            u8::from_str_radix(pair, 16).map_err(|_| WRONG)
        };
        let bytes: Vec<u8> = text.as_bytes().chunks(2).map(digits).collect::<Result<_, _>>()?;
        Ok(Self::from_bytes(&bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_sha256sum() {
        // printf foobar | sha256sum
        let foobar = "c3ab8ff13720e8ad9047dd39466b3c8974e592c2fa383d4a3960714caef0c4f2";
        assert_eq!(Sha256::of(b"foobar".as_slice()).unwrap().to_string(), foobar);
        assert_eq!(foobar.parse(), Ok(Sha256::of(b"foobar".as_slice()).unwrap()));
        assert!(Sha256::of_file(Path::new("/nonexistent")).is_err());
        for wrong in ["", "c3", &format!("{foobar}0"), &foobar.replace('c', "g"), &"+1".repeat(32)]
        {
            assert!(wrong.parse::<Sha256>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_long_reader_gives_the_digest_of_the_whole() {
        let long = vec![7; PIECE_BYTES * 3 + 1];
        let whole = Sha256::from_bytes(digest(&SHA256, &long).as_ref());
        assert_eq!(Sha256::of(long.as_slice()).unwrap(), whole);
        let running = Sha256::of_running_binary().unwrap();
        assert_eq!(running, Sha256::of_file(&std::env::current_exe().unwrap()).unwrap());
    }

    #[test]
    fn a_register_is_extended_as_a_tpm_does_it() {
        // Read from a register of swtpm that systemd-pcrextend 257 had extended by "foobar".
        let expected = "b6d90fdfddb4df16198e2b8ede9bdd47413b4c5dbb100ea0287b45bde42e4e41";
        assert_eq!(Sha256::ZERO.extended_by("foobar").to_string(), expected);
    }

    #[test]
    fn the_word_names_its_parts() {
        let measurement = Measurement { policy: Sha256::ZERO, binary: Sha256([0xab; 32]) };
        let expected = format!(
            "kubelet-proxy:v1:policy=sha256:{}:binary=sha256:{}",
            "00".repeat(32),
            "ab".repeat(32)
        );
        assert_eq!(measurement.word(), expected);
    }
}
