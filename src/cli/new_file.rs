//! Writes a file that appears whole or not at all, with its mode from the first byte on.
//!
//! Invariant: a file that is there is replaced only when asked, and a reader sees the old content or
//! the new, never a part.

use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::NamedTempFile;

use super::verb_error::VerbError;

/// What becomes of a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Existing {
    /// It stays, and the verb fails.
    Kept,
    /// It is replaced.
    Replaced,
}

/// A file that is written, and not yet there.
pub(super) struct NewFile<'a> {
    path: &'a Path,
    unfinished: NamedTempFile,
}

impl<'a> NewFile<'a> {
    /// Writes the content beside `path`, where a rename can put it in place.
    pub(super) fn write(path: &'a Path, content: &[u8], mode: u32) -> Result<Self, VerbError> {
        let failed = |error| VerbError::Failed(format!("{}: {error}", path.display()));
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let mut unfinished = tempfile::Builder::new()
            .prefix(".kubelet-proxy.")
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(directory.unwrap_or(Path::new(".")))
            .map_err(failed)?;
        unfinished.write_all(content).map_err(failed)?;
        // Set once more, for the umask cuts what a file is made with.
        unfinished.as_file().set_permissions(Permissions::from_mode(mode)).map_err(failed)?;
        unfinished.as_file().sync_all().map_err(failed)?;
        Ok(Self { path, unfinished })
    }

    /// Puts the file in its place.
    pub(super) fn put(self, existing: Existing) -> Result<(), VerbError> {
        let Self { path, unfinished } = self;
        let put = match existing {
            Existing::Kept => unfinished.persist_noclobber(path),
            Existing::Replaced => unfinished.persist(path),
        };
        match put {
            Ok(_file) => Ok(()),
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {
                Err(already_there(path))
            }
            Err(error) => Err(VerbError::Failed(format!("{}: {}", path.display(), error.error))),
        }
    }
}

/// Fails if the file is there and is not to be replaced, before anything else is done.
pub(super) fn refuse_existing(path: &Path, existing: Existing) -> Result<(), VerbError> {
    match existing {
        Existing::Kept if path.symlink_metadata().is_ok() => Err(already_there(path)),
        Existing::Kept | Existing::Replaced => Ok(()),
    }
}

fn already_there(path: &Path) -> VerbError {
    VerbError::Failed(format!("{}: is there already; replace it with --force", path.display()))
}

impl From<bool> for Existing {
    /// Of the flag `--force`.
    fn from(force: bool) -> Self {
        if force { Self::Replaced } else { Self::Kept }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_file_appears_with_its_mode_and_is_replaced_only_when_asked() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let write = |text: &str, mode| NewFile::write(&path, text.as_bytes(), mode).unwrap();
        write("one", 0o640).put(Existing::Kept).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), mode(&path)), ("one", 0o640));
        let error = write("two", 0o600).put(Existing::Kept).unwrap_err().to_string();
        assert!(error.contains("--force"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "one");
        write("three", 0o600).put(Existing::Replaced).unwrap();
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), mode(&path)), ("three", 0o600));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left behind");
    }

    #[test]
    fn a_directory_that_is_not_there_is_named() {
        let error = NewFile::write(Path::new("/nonexistent/file"), b"", 0o600).err().unwrap();
        assert!(error.to_string().starts_with("/nonexistent/file: "), "{error}");
    }
}
