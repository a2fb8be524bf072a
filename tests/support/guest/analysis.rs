//! Programs of systemd 257 that judge files and start nothing.
//!
//! Each runs in mount and process namespaces of its own, in the trixie root with the unit files laid
//! over it. What it writes is gone afterwards.

use std::fs::{create_dir_all, read_dir, read_to_string, write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use tempfile::TempDir;

use super::root;

/// The program under test is bound to where the units expect it: `systemd-analyze verify` looks.
const ENTER: &str = r#"
mount -t tmpfs tmpfs "$LAID/work"
mkdir "$LAID/work/upper" "$LAID/work/work"
mount -t overlay overlay \
    -o "lowerdir=$LAID/over:$ROOT,upperdir=$LAID/work/upper,workdir=$LAID/work/work" "$LAID/root"
touch "$LAID/root/usr/bin/kubelet-proxy"
mount --bind "$PROGRAM" "$LAID/root/usr/bin/kubelet-proxy"
mount -t proc proc "$LAID/root/proc"
exec chroot "$LAID/root" "$@"
"#;

/// Where Debian has unit files.
const UNITS: &str = "usr/lib/systemd/system";

/// The trixie root and what is laid over it.
pub(crate) struct Analysis {
    laid: TempDir,
    program: PathBuf,
}

/// How a program ended, and what it said.
pub(crate) struct Judged {
    pub(crate) status: ExitStatus,
    pub(crate) text: String,
}

impl Analysis {
    /// With the unit files of this repository; `program` is the binary that they start.
    pub(crate) fn with_units(program: &Path) -> Self {
        let laid = TempDir::with_prefix("nodeward-units-").unwrap();
        let analysis = Self { laid, program: program.to_owned() };
        for directory in ["work", "root"] {
            create_dir_all(analysis.laid.path().join(directory)).unwrap();
        }
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("units");
        for file in read_dir(source).unwrap() {
            let file = file.unwrap();
            let name = file.file_name().into_string().unwrap();
            if [".path", ".service", ".socket"].iter().any(|kind| name.ends_with(kind)) {
                let text = read_to_string(file.path()).unwrap();
                analysis.add(&format!("{UNITS}/{name}"), &text);
            }
        }
        analysis
    }

    /// Lays one more file over the root.
    pub(crate) fn add(&self, path: &str, text: &str) {
        let file = self.laid.path().join("over").join(path);
        create_dir_all(file.parent().unwrap()).unwrap();
        write(file, text).unwrap();
    }

    /// Changes a unit as an operator would.
    pub(crate) fn drop_in(&self, unit: &str, text: &str) {
        self.add(&format!("etc/systemd/system/{unit}.d/50-test.conf"), text);
    }

    /// The names of the unit files.
    pub(crate) fn units(&self) -> Vec<String> {
        let laid = read_dir(self.laid.path().join("over").join(UNITS)).unwrap();
        let mut names: Vec<_> =
            laid.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Runs a program inside.
    pub(crate) fn run(&self, program: &[&str], arguments: &[&str]) -> Judged {
        let output = Command::new("unshare")
            .args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-euc", ENTER, "sh"])
            .args(program)
            .args(arguments)
            .env("LAID", self.laid.path())
            .env("ROOT", root().unwrap())
            .env("PROGRAM", &self.program)
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].map(|said| String::from_utf8(said).unwrap());
        Judged { status: output.status, text: text.concat() }
    }
}
