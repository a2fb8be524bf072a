//! A manifest where kubelets look for static pods starts nothing: such a pod would come past the
//! proxy. Neither a container of it appears nor the mirror pod by which a kubelet tells of it.

use std::fs::{create_dir_all, remove_dir, remove_file, rename, write};
use std::time::Duration;

use crate::containers::{ContainerWatch, throughout};
use crate::node::Node;
use crate::pods::allowed;
use crate::wait::{Outcome, ensure};

/// A kubelet looks through the directory every 20 s if nothing tells it of a change.
const SPAN: Duration = Duration::from_secs(22);

pub(crate) fn check(node: &Node<'_>) -> Outcome {
    let directory = node.options.static_pod_directory()?;
    let (mut watch, _) = ContainerWatch::start(node, &node.named("witness"))?;
    let name = node.named("static");
    let mut manifest = allowed(node, &name);
    if let Some(spec) = manifest["spec"].as_object_mut() {
        spec.remove("nodeName");
    }
    let existed = directory.exists();
    create_dir_all(directory)?;
    let (file, unfinished) = (directory.join(format!("{name}.json")), format!(".{name}.json"));
    write(directory.join(&unfinished), manifest.to_string())?;
    rename(directory.join(&unfinished), &file)?;
    let outcome = throughout(SPAN, || {
        watch.saw_none(&name)?;
        let mirror = format!("{name}-{}", node.name);
        let found = node.kubectl(&["get", "pod", &mirror, "--ignore-not-found", "-o", "name"])?;
        ensure(found.is_empty(), || format!("there is a mirror pod: {found}"))
    });
    remove_file(&file)?;
    if !existed {
        // Ignored: something else may have come to be in it.
        let _left = remove_dir(directory);
    }
    outcome
}
