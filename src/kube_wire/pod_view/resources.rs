//! What a container or pod may use: amounts, and the devices behind claims.

use super::read::{Entries, Quantity, view};

view! {
    /// `resources`.
    #[derive(Debug)]
    Resources<'a> {
        /// By resource name, devices of plugins such as `nvidia.com/gpu` among them.
        "limits" limits: Entries<'a, Quantity<'a>>,
        "requests" requests: Entries<'a, Quantity<'a>>,
        "claims" claims: &'a [ClaimUse<'a>],
    }
}

view! {
    /// `resources.claims[]`: an entry of `spec.resourceClaims`.
    #[derive(Debug)]
    ClaimUse<'a> {
        "name" name: &'a str,
        "request" request: &'a str,
    }
}
