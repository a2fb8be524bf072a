//! Lets a program inside the world ask for what only the owner of the world can do.
//!
//! A script writes one word into a pipe and waits for the answer in another. What the word means is
//! said by the test that serves it, in the world's own terms.

use std::fs::{File, OpenOptions, create_dir_all, write};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread::sleep;
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::support::wait::Outcome;

/// `sh SCRIPT WORD`: succeeds if the answer is `done`, else complains with the answer.
const SCRIPT: &str = r#"
cd "$(dirname "$0")"
echo "$1" >asked
read -r answer <answered
[ "$answer" = done ] || { echo "$answer" >&2; exit 1; }
"#;

/// Not felt by those who ask, and cheap.
const PAUSE: Duration = Duration::from_millis(20);

/// The script and this end of its pipes.
pub(crate) struct Hooks {
    script: PathBuf,
    asked: File,
    answered: File,
}

impl Hooks {
    /// Puts script and pipes into `dir`/hooks.
    pub(crate) fn lay(dir: &Path) -> Outcome<Self> {
        let dir = dir.join("hooks");
        create_dir_all(&dir)?;
        let script = dir.join("ask");
        write(&script, SCRIPT)?;
        Ok(Self {
            script,
            asked: pipe(&dir.join("asked"))?,
            answered: pipe(&dir.join("answered"))?,
        })
    }

    /// The command that asks for `word`.
    pub(crate) fn command(&self, word: &str) -> String {
        format!("sh {} {word}", self.script.display())
    }

    /// Does what `program` asks for until it ends.
    pub(crate) fn serve(
        &mut self,
        program: &mut Child,
        mut obey: impl FnMut(&str) -> Outcome,
    ) -> Outcome<std::process::ExitStatus> {
        loop {
            if let Some(status) = program.try_wait()? {
                return Ok(status);
            }
            let Some(word) = self.word()? else {
                sleep(PAUSE);
                continue;
            };
            let answer = match obey(word.trim()) {
                Ok(()) => "done".to_owned(),
                // One line, as the script reads one.
                Err(error) => error.to_string().replace('\n', " | "),
            };
            writeln!(self.answered, "{answer}")?;
        }
    }

    /// What was asked since the last look. A word is shorter than what pipes pass in one piece.
    fn word(&mut self) -> Outcome<Option<String>> {
        let mut buffer = [0; 64];
        match self.asked.read(&mut buffer) {
            Ok(length) => Ok(Some(String::from_utf8_lossy(&buffer[..length]).into_owned())),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// A named pipe, held open in both directions so that neither side waits for the other to come.
fn pipe(path: &Path) -> Outcome<File> {
    if !path.exists() {
        mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
    }
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    Ok(OpenOptions::new().read(true).write(true).custom_flags(flags).open(path)?)
}
