//! What a container or pod may use: amounts, and the devices behind claims.

use super::read::{Entries, Quantity, view};
use crate::kube_wire::pod_schema::resources::{RESOURCE_CLAIM, RESOURCE_REQUIREMENTS};

view! {
    /// `resources`.
    #[derive(Debug)]
    Resources<'a> of [RESOURCE_REQUIREMENTS] {
        /// By resource name, devices of plugins such as `nvidia.com/gpu` among them.
        "limits" limits: Entries<'a, Quantity<'a>>,
        "requests" requests: Entries<'a, Quantity<'a>>,
        "claims" claims: &'a [ClaimUse<'a>],
    }
}

view! {
    /// `resources.claims[]`: an entry of `spec.resourceClaims`.
    #[derive(Debug)]
    ClaimUse<'a> of [RESOURCE_CLAIM] {
        "name" name: &'a str,
        "request" request: &'a str,
    }
}
