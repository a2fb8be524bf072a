//! `allowUnknownFields`: fields of newer versions of the API that a pod may carry all the same.
//!
//! They are left out of what the kubelet gets, so what they would do they do not do.

use crate::policy::error::PolicyError;
use crate::policy::located::Located;

/// Reads exact paths such as `spec.containers[*].newField`.
pub(super) fn read(at: &Located<'_>) -> Result<Vec<String>, PolicyError> {
    at.elements()?.iter().map(read_path).collect()
}

fn read_path(at: &Located<'_>) -> Result<String, PolicyError> {
    let path = at.filled_string()?;
    let mut steps = path.split('.').map(|step| step.strip_suffix("[*]").unwrap_or(step));
    let is_name = |step: &str| {
        !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    // Of metadata and status unknown fields are always left out; another top is no pod.
    let is_below_spec = steps.next() == Some("spec") && path.starts_with("spec.");
    if is_below_spec && steps.all(is_name) && !path.ends_with(']') {
        return Ok(path);
    }
    Err(at.refuse(
        "is no path of a field below `spec`; write it as denials name it, with [*] for the number of an \
         element: `spec.newField`, `spec.containers[*].newField`",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loads(paths: &str) -> Result<Vec<String>, String> {
        let at = Located::document(paths).unwrap();
        read(&at).map_err(|error| error.to_string())
    }

    #[test]
    fn only_exact_paths_below_the_spec_are_taken() {
        let paths = r#"["spec.a", "spec.containers[*].securityContext.b-c", "spec.a[*].b"]"#;
        assert_eq!(loads(paths).unwrap().len(), 3);
        for path in [
            "spec",
            "spec.",
            ".a",
            "metadata.a",
            "spec.*",
            "spec.a*",
            "spec[*].a",
            "spec.a[0].b",
            "spec.a[*]",
            "a",
            "spec..a",
            "spec.a b",
        ] {
            let message = loads(&format!(r#"["{path}"]"#)).unwrap_err();
            assert!(message.contains("is no path of a field"), "{path}: {message}");
        }
        assert!(loads("[]").unwrap_err().contains("checks nothing"));
        assert!(loads(r#"[""]"#).is_err());
    }
}
