//! Kubernetes objects as bytes, decoded strictly and encoded canonically.
//!
//! Pure: no I/O, no clock, no logging. Whatever a caller gets from here was checked first, and what
//! is written from here was built from what was checked, never copied from the peer's bytes.

pub mod access_review;
pub mod document;
pub mod grammar;
mod input;
pub mod json;
pub mod list;
pub mod pod;
pub mod pod_schema;
pub mod pod_view;
pub mod protobuf;
pub mod received_object;
pub mod received_pod;
pub mod request_path;
pub mod resource;
pub mod salvage;
pub mod schema;
mod service;
pub mod spec_pin;
pub mod status_object;
pub mod watch_event;
