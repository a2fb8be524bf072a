//! Directories of the node that a volume may show: each by itself, or all below one.
//!
//! Only the text of a path is judged. A symbolic link on the node leads wherever it leads, so what is
//! permitted should be writable by nobody but root.

use crate::policy::error::PolicyError;
use crate::policy::located::Located;

/// A directory, or everything below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NodePath {
    segments: Vec<String>,
    is_parent: bool,
}

impl NodePath {
    /// Reads `/this/one` or `/all/below/*`.
    pub(super) fn read(at: &Located<'_>) -> Result<Self, PolicyError> {
        let written = at.filled_string()?;
        let (path, is_parent) =
            written.strip_suffix("/*").map_or((written.as_str(), false), |path| (path, true));
        let segments = path.strip_prefix('/').map(|path| path.split('/').map(str::to_owned));
        let segments: Vec<String> = segments.into_iter().flatten().collect();
        let is_odd = |segment: &String| {
            matches!(segment.as_str(), "" | "." | "..") || segment.contains(['*', ':', '\0'])
        };
        if segments.is_empty() || segments.iter().any(is_odd) {
            return Err(
                at.refuse("is no path in its shortest form; write `/this/one` or `/all/below/*`")
            );
        }
        Ok(Self { segments, is_parent })
    }

    /// Is the path this one, or below it? Doubled slashes and dots mean nothing to the kernel.
    pub(super) fn covers(&self, path: &str) -> bool {
        let mut found = path.split('/').filter(|segment| !matches!(*segment, "" | "."));
        if !path.starts_with('/') || found.clone().any(|segment| segment == "..") {
            return false;
        }
        let begins = self.segments.iter().all(|segment| found.next() == Some(segment.as_str()));
        begins && found.next().is_some() == self.is_parent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str) -> Result<NodePath, PolicyError> {
        let text = serde_json::to_string(path).unwrap();
        NodePath::read(&Located::document(&text)?)
    }

    #[test]
    fn a_path_is_itself_and_a_parent_only_what_is_below() {
        for (rule, path, covered) in [
            ("/srv/data", "/srv/data", true),
            ("/srv/data", "/srv//data/", true),
            ("/srv/data", "/srv/./data", true),
            ("/srv/data", "/srv/data/x", false),
            ("/srv/data", "/srv/database", false),
            ("/srv/data", "/srv", false),
            ("/srv/data", "srv/data", false),
            ("/srv/data", "/srv/x/../data", false),
            ("/srv/data/*", "/srv/data/x", true),
            ("/srv/data/*", "/srv/data/x/y", true),
            ("/srv/data/*", "/srv/data", false),
            ("/srv/data/*", "/srv/data/", false),
            ("/srv/data/*", "/srv/data/..", false),
            ("/srv/data/*", "/srv/data/x/../../etc", false),
            ("/srv/data/*", "/", false),
        ] {
            assert_eq!(read(rule).unwrap().covers(path), covered, "{rule} {path}");
        }
    }

    #[test]
    fn only_the_shortest_form_is_a_rule() {
        for rule in ["/", "/*", "*", "srv", "/srv/", "/srv//x", "/srv/../x", "/srv/*/x", "/a:b"] {
            let message = read(rule).unwrap_err().to_string();
            assert!(message.contains("shortest form"), "{rule}: {message}");
        }
    }
}
