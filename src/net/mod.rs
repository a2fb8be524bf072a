//! Connections and their end: options every TCP socket gets, and the drain that ends them all.
//!
//! Knows nothing of TLS or HTTP. Entry points: [`drain::Drain`] and [`socket_options::apply`].

pub mod drain;
pub mod socket_options;
