//! Reads a file that nobody but root may have written.
//!
//! Judged on the opened file and on every directory on the way to it, symbolic links included: whoever
//! can rename in one of these can put another policy in its place. A sticky directory such as `/tmp`
//! does not let others rename what root owns.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, Stat, fstat, openat, readlinkat, statat};
use thiserror::Error;

/// Symbolic links followed on the way, as the kernel's own limit.
const MAX_LINKS: usize = 40;

const ROOT: u32 = 0;
const STICKY: u32 = 0o1000;
const OTHERS_WRITE: u32 = 0o022;
const KIND: u32 = 0o170_000;
const DIRECTORY: u32 = 0o040_000;
const LINK: u32 = 0o120_000;
const REGULAR: u32 = 0o100_000;

/// Why a file is not trusted. The message names the file and the remedy.
#[derive(Debug, Error)]
pub enum TrustedFileError {
    /// It cannot be opened or read.
    #[error("{path}: {source}; the file must exist and be readable for this program")]
    Unreadable {
        /// The file or directory.
        path: PathBuf,
        /// The kernel's word.
        source: io::Error,
    },
    /// Another user can write it, or a directory above it.
    #[error(
        "{path}: others than root can write it (owner {owner}, mode {mode:o}); \
         run: chown root: {path} && chmod go-w {path}"
    )]
    WritableByOthers {
        /// The file or directory.
        path: PathBuf,
        /// Its owner's number.
        owner: u32,
        /// Its permission bits.
        mode: u32,
    },
    /// Neither a file nor a link to one.
    #[error("{0}: not a regular file")]
    NotAFile(PathBuf),
    /// Too many symbolic links.
    #[error("{0}: more than {MAX_LINKS} symbolic links; name the file itself")]
    TooManyLinks(PathBuf),
    /// Larger than the limit.
    #[error("{path}: larger than {limit} bytes")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Most bytes that are read.
        limit: usize,
    },
}

/// Reads at most `limit` bytes of a file that only root can have written.
pub fn read(path: &Path, limit: usize) -> Result<Vec<u8>, TrustedFileError> {
    let path = std::path::absolute(path).map_err(unreadable(path))?;
    let mut file = File::from(open(&path)?);
    let mut bytes = Vec::new();
    let bound = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    file.by_ref().take(bound).read_to_end(&mut bytes).map_err(unreadable(&path))?;
    if bytes.len() > limit {
        return Err(TrustedFileError::TooLarge { path, limit });
    }
    Ok(bytes)
}

/// Walks to the file one name at a time, so that every directory and link is judged as it is used.
fn open(path: &Path) -> Result<OwnedFd, TrustedFileError> {
    let mut names = names_of(path);
    let mut links = 0_usize;
    let mut at = PathBuf::from("/");
    let mut directory = open_root()?;
    let mut above: Vec<OwnedFd> = Vec::new();
    while let Some(name) = names.pop() {
        if name == ".." {
            if let Some(parent) = above.pop() {
                directory = parent;
                at.pop();
            }
            continue;
        }
        let here = at.join(&name);
        let stat = statat(&directory, &name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|error| unreadable(&here)(error.into()))?;
        match stat.st_mode & KIND {
            LINK => {
                links = links.saturating_add(1);
                if links > MAX_LINKS {
                    return Err(TrustedFileError::TooManyLinks(path.to_owned()));
                }
                // In a sticky directory anybody may have put the link there.
                trusted_owner(&here, &stat)?;
                let target = readlinkat(&directory, &name, Vec::new())
                    .map_err(|error| unreadable(&here)(error.into()))?;
                let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
                if target.is_absolute() {
                    directory = open_root()?;
                    above.clear();
                    at = PathBuf::from("/");
                }
                names.extend(names_of(&target));
            }
            DIRECTORY => {
                let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::PATH;
                let next = openat(&directory, &name, flags, Mode::empty())
                    .map_err(|error| unreadable(&here)(error.into()))?;
                judge_directory(&here, &next)?;
                above.push(std::mem::replace(&mut directory, next));
                at = here;
            }
            REGULAR if names.is_empty() => {
                let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
                let file = openat(&directory, &name, flags, Mode::empty())
                    .map_err(|error| unreadable(&here)(error.into()))?;
                let stat = fstat(&file).map_err(|error| unreadable(&here)(error.into()))?;
                if stat.st_mode & KIND != REGULAR {
                    return Err(TrustedFileError::NotAFile(here));
                }
                return judge(&here, &stat).map(|()| file);
            }
            _ => return Err(TrustedFileError::NotAFile(here)),
        }
    }
    Err(TrustedFileError::NotAFile(path.to_owned()))
}

fn open_root() -> Result<OwnedFd, TrustedFileError> {
    let root = Path::new("/");
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::PATH;
    openat(CWD, root, flags, Mode::empty()).map_err(|error| unreadable(root)(error.into()))
}

/// The names of a path, last first.
fn names_of(path: &Path) -> Vec<OsString> {
    path.components()
        .rev()
        .filter(|component| matches!(component, Component::Normal(_) | Component::ParentDir))
        .map(|component| component.as_os_str().to_owned())
        .collect()
}

fn judge_directory(path: &Path, directory: &OwnedFd) -> Result<(), TrustedFileError> {
    let stat = fstat(directory).map_err(|error| unreadable(path)(error.into()))?;
    if stat.st_mode & STICKY != 0 { trusted_owner(path, &stat) } else { judge(path, &stat) }
}

fn judge(path: &Path, stat: &Stat) -> Result<(), TrustedFileError> {
    trusted_owner(path, stat)?;
    if stat.st_mode & OTHERS_WRITE != 0 { Err(writable(path, stat)) } else { Ok(()) }
}

fn trusted_owner(path: &Path, stat: &Stat) -> Result<(), TrustedFileError> {
    if stat.st_uid == ROOT { Ok(()) } else { Err(writable(path, stat)) }
}

fn writable(path: &Path, stat: &Stat) -> TrustedFileError {
    TrustedFileError::WritableByOthers {
        path: path.to_owned(),
        owner: stat.st_uid,
        mode: stat.st_mode & !KIND,
    }
}

fn unreadable(path: &Path) -> impl Fn(io::Error) -> TrustedFileError {
    let path = path.to_owned();
    move |source| TrustedFileError::Unreadable { path: path.clone(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    /// A directory of root's with a good policy in it. These tests need root, as `make test` does.
    fn good() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("policy.json");
        fs::write(&file, "{}").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        (directory, file)
    }

    fn refused(path: &Path) -> String {
        read(path, 100).unwrap_err().to_string()
    }

    #[test]
    fn a_file_that_only_root_can_write_is_read() {
        let (_directory, file) = good();
        assert_eq!(read(&file, 100).unwrap(), b"{}");
        assert!(matches!(read(&file, 1), Err(TrustedFileError::TooLarge { .. })));
    }

    #[test]
    fn a_file_that_others_can_write_is_refused() {
        let (_directory, file) = good();
        for mode in [0o664, 0o646, 0o666] {
            fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
            assert!(refused(&file).contains("others than root can write it"), "{mode:o}");
        }
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        chown(&file, Some(1000), None).unwrap();
        assert!(refused(&file).contains("owner 1000"));
    }

    #[test]
    fn a_directory_that_others_can_write_is_refused_unless_sticky() {
        let (directory, file) = good();
        fs::set_permissions(directory.path(), Permissions::from_mode(0o777)).unwrap();
        assert!(refused(&file).contains("mode 777"));
        fs::set_permissions(directory.path(), Permissions::from_mode(0o1777)).unwrap();
        assert_eq!(read(&file, 100).unwrap(), b"{}");
        chown(directory.path(), Some(1000), None).unwrap();
        assert!(refused(&file).contains("owner 1000"));
    }

    #[test]
    fn links_are_judged_by_every_directory_they_lead_through() {
        let (_directory, file) = good();
        let (elsewhere, _) = good();
        let link = elsewhere.path().join("link.json");
        symlink(&file, &link).unwrap();
        assert_eq!(read(&link, 100).unwrap(), b"{}");
        fs::set_permissions(file.parent().unwrap(), Permissions::from_mode(0o777)).unwrap();
        assert!(refused(&link).contains("mode 777"));
        fs::set_permissions(file.parent().unwrap(), Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::lchown(&link, Some(1000), None).unwrap();
        assert!(refused(&link).contains("owner 1000"));
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let (directory, _file) = good();
        let here = directory.path();
        symlink("loop", here.join("loop")).unwrap();
        assert!(refused(&here.join("loop")).contains("symbolic links"));
        assert!(refused(here).contains("not a regular file"));
        assert!(refused(&here.join("missing")).contains("must exist"));
        let relative = here.join("sub/../policy.json");
        fs::create_dir(here.join("sub")).unwrap();
        assert_eq!(read(&relative, 100).unwrap(), b"{}");
    }
}
