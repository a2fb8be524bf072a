//! Which ports of a pod may be reached.

use std::sync::Arc;

/// A set of ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ports {
    /// All of them.
    Any,
    /// These.
    Only(Arc<[u16]>),
}

impl Ports {
    /// No port at all.
    pub fn none() -> Self {
        Self::Only(Arc::new([]))
    }

    /// May this port be reached?
    pub fn permit(&self, port: u16) -> bool {
        match self {
            Self::Any => true,
            Self::Only(ports) => ports.contains(&port),
        }
    }
}
