//! The one container image of the tests: static busybox as a docker-archive.
//!
//! No registry is at hand, so it is made from Debian's `busybox-static` and imported; pods use it
//! with `imagePullPolicy: Never`. Sandboxes run it too, hence the command that sleeps.

use std::fs::{Permissions, create_dir_all, read, set_permissions, write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::json;

use crate::support::wait::{Outcome, ensure};

/// How pods name it.
pub(crate) const IMAGE: &str = "nodeward.test/busybox:1";

/// Names of it that the seed's samples use; what runs under them is the same busybox.
pub(crate) const SEED_IMAGES: [&str; 2] =
    ["docker.io/library/nginx:latest", "docker.io/library/busybox:latest"];

/// The program that one of the seed's samples starts.
const SEED_PROGRAM: &str = "#!/bin/sh\necho \"$0 $*\"\nexec sleep 2147483647\n";

/// Where `busybox-static` and `busybox` put their binary, by Debian release.
const BUSYBOX: [&str; 2] = ["/bin/busybox", "/usr/bin/busybox"];

/// Writes the archive below `dir` and returns its path.
pub(crate) fn write_archive(dir: &Path) -> Outcome<PathBuf> {
    let root = dir.join("root");
    create_dir_all(root.join("bin"))?;
    let busybox = BUSYBOX.iter().map(Path::new).find(|path| path.exists());
    let busybox = busybox.ok_or("busybox is missing: apt-get install busybox-static")?;
    std::fs::copy(busybox, root.join("bin/busybox"))?;
    for applet in ["cat", "echo", "sh", "sleep", "true"] {
        symlink("busybox", root.join("bin").join(applet))?;
    }
    write(root.join("bin/myapp"), SEED_PROGRAM)?;
    set_permissions(root.join("bin/myapp"), Permissions::from_mode(0o755))?;
    for mount_point in ["dev", "data", "etc", "proc", "sys", "tmp", "var/run"] {
        create_dir_all(root.join(mount_point))?;
    }

    let image = dir.join("image");
    create_dir_all(&image)?;
    tar(&root, &["."], &image.join("layer.tar"))?;
    let layer = hex(digest(&SHA256, &read(image.join("layer.tar"))?).as_ref());
    let config = json!({
        "architecture": architecture(),
        "os": "linux",
        "config": { "Env": ["PATH=/bin"], "Cmd": ["/bin/sleep", "2147483647"] },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{layer}")] },
    });
    let tags = [&[IMAGE], SEED_IMAGES.as_slice()].concat();
    let manifest = json!([{ "Config": "config.json", "RepoTags": tags, "Layers": ["layer.tar"] }]);
    write(image.join("config.json"), config.to_string())?;
    write(image.join("manifest.json"), manifest.to_string())?;

    let archive = dir.join("busybox.tar");
    tar(&image, &["manifest.json", "config.json", "layer.tar"], &archive)?;
    Ok(archive)
}

fn tar(from: &Path, members: &[&str], archive: &Path) -> Outcome {
    let status = Command::new("tar")
        .args(["--create", "--owner=0", "--group=0", "--numeric-owner", "--file"])
        .arg(archive)
        .arg("--directory")
        .arg(from)
        .args(members)
        .status()?;
    ensure(status.success(), || format!("tar of {}: {status}", from.display()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Go's name for the architecture the tests run on.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "arm64",
        _ => "amd64",
    }
}
