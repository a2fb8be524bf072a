//! HTTP as a server speaks it: listeners, header hygiene, bodies with budgets.
//!
//! Knows nothing of Kubernetes. Entry points: [`listen::serve`] for connections, [`hop_headers`] for
//! what may cross the proxy, [`budget::BodyBudget`] and [`body`] for what is in flight.

pub mod body;
pub mod budget;
mod connection;
pub mod hop_headers;
pub mod limits;
pub mod listen;
pub mod local_socket;
pub mod tls_refusal;
