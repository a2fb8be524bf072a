//! `podSecurity`: a Pod Security Standard that the pod has to keep to, beside all else.

use std::ops::ControlFlow;

use crate::kube_wire::pod_view::PodView;
use crate::policy::error::PolicyError;
use crate::policy::explanation::Finding;
use crate::policy::located::{Located, suggest};
use crate::policy::pod_security::{Level, PodSecurityStandard, Version};
use crate::policy::v2::finding::{Findings, Fit};

const LEVELS: [&str; 3] = ["privileged", "baseline", "restricted"];

/// Reads level and version. A version has to be chosen: standards grow stricter with the years.
pub(super) fn read(at: &Located<'_>) -> Result<PodSecurityStandard, PolicyError> {
    let block = at.object(&["level", "version"])?;
    let level_at = block.required("level", "write \"baseline\" or \"restricted\"")?;
    let word = level_at.string()?;
    let level = Level::named(&word)
        .ok_or_else(|| level_at.refuse(format!("is no level; {}", suggest(&word, &LEVELS))))?;
    let remedy = "write a version such as \"v1.36\", or \"latest\"";
    let version_at = block.required("version", remedy)?;
    let version = Version::named(&version_at.string()?)
        .ok_or_else(|| version_at.refuse(format!("is not known here; {remedy}")))?;
    Ok(PodSecurityStandard { level, version })
}

/// Each violation is a finding.
pub(super) fn check(
    standard: PodSecurityStandard,
    view: &PodView<'_>,
    findings: &mut Findings,
) -> Fit {
    standard.visit(view, &mut |violation| -> ControlFlow<()> {
        findings.add(|| {
            let (path, found) = (violation.path().to_string(), violation.found.to_string());
            Finding::of_pod(path, violation.allowed(), found)
        })
    })
}
