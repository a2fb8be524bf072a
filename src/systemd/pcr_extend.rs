//! Asks systemd-pcrextend to measure a text, over Varlink on its unix socket.
//!
//! One call a connection: an object of JSON, ended by a NUL byte, each way. No TPM is touched here,
//! and nothing is measured twice: a call whose answer is lost is reported, never repeated.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

/// Where `systemd-pcrextend.socket` listens.
pub const SOCKET: &str = "/run/systemd/io.systemd.PCRExtend";

const METHOD: &str = "io.systemd.PCRExtend.Extend";

/// systemd starts a process for the call, and a TPM takes up to a second.
const PATIENCE: Duration = Duration::from_secs(30);

/// The answer is an empty object or the name of an error.
const MAX_ANSWER_BYTES: u64 = 64 * 1024;

/// Why nothing is known to be measured.
#[derive(Debug, thiserror::Error)]
pub enum ExtendError {
    /// Nobody listens.
    #[error(
        "{socket}: {source}; systemd-pcrextend.socket listens only where systemd found a TPM and was \
         booted from a measured UKI (systemctl status systemd-pcrextend.socket)"
    )]
    NoSocket {
        /// Path of the socket.
        socket: String,
        /// The kernel's word.
        source: io::Error,
    },
    /// The socket is root's alone.
    #[error("{0}: permission denied; only root may extend a register")]
    Denied(String),
    /// The connection broke, or nothing came in time.
    #[error("{METHOD}: {0}; it is not known whether the register was extended")]
    Broken(io::Error),
    /// Neither an answer nor an error of Varlink's.
    #[error("{METHOD}: the answer is not one of Varlink's")]
    NotVarlink,
    /// systemd-pcrextend tried and could not, or would not.
    #[error("{METHOD}: refused with {0}; its own log says why (journalctl -t systemd-pcrextend)")]
    Refused(String),
}

#[derive(Deserialize)]
struct Answer {
    error: Option<String>,
    #[serde(default)]
    parameters: Value,
}

/// A connection to systemd-pcrextend, good for one call.
#[derive(Debug)]
pub struct PcrExtend(UnixStream);

/// Connects; nothing is measured yet.
///
/// # Errors
/// [`ExtendError::NoSocket`] or [`ExtendError::Denied`].
pub fn connect(socket: &Path) -> Result<PcrExtend, ExtendError> {
    UnixStream::connect(socket).map(PcrExtend).map_err(|source| {
        let socket = socket.display().to_string();
        if source.kind() == io::ErrorKind::PermissionDenied {
            return ExtendError::Denied(socket);
        }
        ExtendError::NoSocket { socket, source }
    })
}

impl PcrExtend {
    /// Extends register `pcr` by `text`, in every bank that the TPM has.
    ///
    /// # Errors
    /// [`ExtendError`]: who refused, and what to look at.
    pub fn extend(mut self, pcr: u8, text: &str) -> Result<(), ExtendError> {
        let call = json!({"method": METHOD, "parameters": {"pcr": pcr, "text": text}});
        let answer = exchange(&mut self.0, &call).map_err(ExtendError::Broken)?;
        let answer: Answer =
            serde_json::from_slice(&answer).map_err(|_| ExtendError::NotVarlink)?;
        match answer.error {
            None => Ok(()),
            Some(name) => Err(ExtendError::Refused(describe(&name, &answer.parameters))),
        }
    }
}

/// Sends the call and gives the answer without its NUL.
fn exchange(stream: &mut UnixStream, call: &Value) -> io::Result<Vec<u8>> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(format!("{call}\0").as_bytes())?;
    let mut answer = Vec::new();
    for byte in io::BufReader::new(stream.take(MAX_ANSWER_BYTES)).bytes() {
        match byte? {
            0 => return Ok(answer),
            byte => answer.push(byte),
        }
    }
    Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the answer has no end"))
}

/// `io.systemd.System` carries an error number of the kernel's, which says more than the name.
fn describe(name: &str, parameters: &Value) -> String {
    let number = parameters.get("errno").and_then(Value::as_i64);
    match number.and_then(|number| i32::try_from(number).ok()) {
        Some(number) => format!("{name} ({})", io::Error::from_raw_os_error(number)),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;
    use std::path::PathBuf;
    use std::thread;

    /// Speaks Varlink as systemd-pcrextend does, and gives back what it was asked.
    fn answering(
        answer: &'static [u8],
    ) -> (tempfile::TempDir, PathBuf, thread::JoinHandle<Vec<u8>>) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let asked = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut call = Vec::new();
            let mut byte = [0];
            while stream.read_exact(&mut byte).is_ok() && byte[0] != 0 {
                call.push(byte[0]);
            }
            stream.write_all(answer).unwrap();
            call
        });
        (directory, path, asked)
    }

    #[test]
    fn a_call_is_one_object_and_its_nul() {
        let (_directory, path, asked) = answering(b"{\"parameters\":{}}\0");
        connect(&path).unwrap().extend(15, "a \"word\"").unwrap();
        let call: Value = serde_json::from_slice(&asked.join().unwrap()).unwrap();
        let parameters = json!({"pcr": 15, "text": "a \"word\""});
        assert_eq!(call, json!({"method": METHOD, "parameters": parameters}));
    }

    #[test]
    fn what_goes_wrong_is_told_apart() {
        for (answer, expected) in [
            // As systemd-pcrextend 257 answers without a TPM, and to a register that is none.
            (
                b"{\"error\":\"io.systemd.System\",\"parameters\":{\"errno\":131}}\0".as_slice(),
                "State not recoverable",
            ),
            (
                b"{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"pcr\"}}\0",
                "refused with org.varlink.service.InvalidParameter",
            ),
            (b"hello\0", "not one of Varlink's"),
            (b"{\"parameters\":{}}", "not known whether"),
            (b"", "not known whether"),
        ] {
            let (_directory, path, asked) = answering(answer);
            let error = connect(&path).unwrap().extend(15, "word").unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            asked.join().unwrap();
        }
        let error = connect(Path::new("/nonexistent/socket")).unwrap_err().to_string();
        assert!(error.contains("systemd-pcrextend.socket"), "{error}");
    }
}
