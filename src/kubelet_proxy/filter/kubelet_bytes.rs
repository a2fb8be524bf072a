//! The only bytes about what is decided on that a kubelet ever gets, and the only place that makes them.
//!
//! Invariant: no constructor takes bytes. What goes in is an [`Admitted`] object, a denial's
//! tombstone, or an object rebuilt from facts; `tests/must_not_compile` shows that nothing else fits.

use bytes::Bytes;

use crate::kube_wire::json::ObjectWriter;
use crate::kube_wire::list::ListMetadata;
use crate::kube_wire::resource::Resource;
use crate::kube_wire::status_object::Status;
use crate::kube_wire::watch_event::{INITIAL_EVENTS_END, Tombstone};
use crate::kubelet_proxy::access_review::ReviewAnswer;
use crate::kubelet_proxy::decide::Admitted;

/// Bytes that a kubelet may have. No constructor but [`ItemWriter`] and [`KubeletBytes::status`].
#[derive(Debug)]
pub struct KubeletBytes(Bytes);

impl KubeletBytes {
    /// A Status, as the whole of an answer.
    pub fn status(status: &Status) -> Self {
        Self(Bytes::copy_from_slice(status.as_json()))
    }

    /// An answer to a review, made here and not upstream.
    pub(in crate::kubelet_proxy) fn review(answer: &ReviewAnswer) -> Self {
        Self(answer.to_json().into())
    }

    /// One admitted object, as the whole of an answer.
    pub fn object(object: &Admitted<'_>) -> Self {
        Self(Bytes::copy_from_slice(object.as_json()))
    }

    /// For the HTTP edge of this role alone.
    pub(in crate::kubelet_proxy) fn into_bytes(self) -> Bytes {
        self.0
    }
}

/// How an admitted object came to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// `ADDED`
    Added,
    /// `MODIFIED`
    Modified,
}

/// Writes lists and watch streams for a kubelet.
#[derive(Debug)]
pub struct ItemWriter {
    of: &'static Resource,
    out: Vec<u8>,
    items: usize,
    has_metadata: bool,
}

impl ItemWriter {
    /// A writer of lists and events of these.
    pub fn new(of: &'static Resource) -> Self {
        Self { of, out: Vec::new(), items: 0, has_metadata: false }
    }

    /// Bytes written and not taken yet.
    pub fn pending(&self) -> usize {
        self.out.len()
    }

    /// Takes what is written; `None` when that is nothing.
    pub fn take(&mut self) -> Option<KubeletBytes> {
        if self.out.is_empty() {
            return None;
        }
        // The next piece will be about as large as this one.
        let next = Vec::with_capacity(self.out.len());
        Some(KubeletBytes(std::mem::replace(&mut self.out, next).into()))
    }

    /// One item of a list. The envelope opens with the first; `metadata` goes there if it is known.
    pub fn item(&mut self, object: &Admitted<'_>, metadata: Option<&ListMetadata>) {
        if self.items == 0 {
            self.open_list(metadata);
        } else {
            self.out.push(b',');
        }
        self.items = self.items.saturating_add(1);
        self.out.extend_from_slice(object.as_json());
    }

    /// The end of a list, with its metadata if that came last.
    pub fn close_list(&mut self, metadata: &ListMetadata) {
        if self.items == 0 {
            self.open_list(Some(metadata));
        }
        self.out.push(b']');
        if !self.has_metadata {
            self.out.push(b',');
            self.list_metadata(metadata);
        }
        self.out.push(b'}');
    }

    fn open_list(&mut self, metadata: Option<&ListMetadata>) {
        let Resource { list_kind, api_version, .. } = self.of;
        self.out.extend_from_slice(br#"{"kind":""#);
        self.out.extend_from_slice(list_kind.as_bytes());
        self.out.extend_from_slice(br#"","apiVersion":""#);
        self.out.extend_from_slice(api_version.as_bytes());
        self.out.extend_from_slice(br#"","#);
        if let Some(metadata) = metadata {
            self.list_metadata(metadata);
            self.out.push(b',');
            self.has_metadata = true;
        }
        self.out.extend_from_slice(br#""items":["#);
    }

    fn list_metadata(&mut self, metadata: &ListMetadata) {
        self.out.extend_from_slice(br#""metadata":"#);
        ObjectWriter::write(&mut self.out, |object| {
            object.text("resourceVersion", &metadata.resource_version);
            object.text_unless_empty("continue", &metadata.continue_token);
            if let Some(count) = metadata.remaining_item_count {
                object.integer("remainingItemCount", count);
            }
        });
    }

    /// An admitted object on a watch.
    pub fn arrival(&mut self, arrival: Arrival, object: &Admitted<'_>) {
        self.out.extend_from_slice(match arrival {
            Arrival::Added => br#"{"type":"ADDED","object":"#,
            Arrival::Modified => br#"{"type":"MODIFIED","object":"#,
        });
        self.out.extend_from_slice(object.as_json());
        self.out.extend_from_slice(b"}\n");
    }

    /// The end of an object on a watch, true or as the kubelet has to see it. A reflector removes by
    /// name; for what it never had this does nothing but advance its version.
    pub fn deletion(&mut self, tombstone: &Tombstone<'_>) {
        let Tombstone { namespace, name, uid, resource_version } = *tombstone;
        self.out.extend_from_slice(br#"{"type":"DELETED","object":"#);
        let Resource { kind, api_version, .. } = self.of;
        ObjectWriter::write(&mut self.out, |object| {
            object.text("kind", kind);
            object.text("apiVersion", api_version);
            object.object("metadata", |metadata| {
                metadata.text("name", name);
                metadata.text_unless_empty("namespace", namespace);
                metadata.text_unless_empty("uid", uid.unwrap_or_default());
                metadata.text_unless_empty("resourceVersion", resource_version.unwrap_or_default());
            });
        });
        self.out.extend_from_slice(b"}\n");
    }

    /// A bookmark on a watch.
    pub fn bookmark(&mut self, resource_version: &str, initial_events_end: bool) {
        self.out.extend_from_slice(br#"{"type":"BOOKMARK","object":"#);
        let Resource { kind, api_version, .. } = self.of;
        ObjectWriter::write(&mut self.out, |object| {
            object.text("kind", kind);
            object.text("apiVersion", api_version);
            object.object("metadata", |metadata| {
                metadata.text("resourceVersion", resource_version);
                if initial_events_end {
                    metadata.object("annotations", |annotations| {
                        annotations.text(INITIAL_EVENTS_END, "true");
                    });
                }
            });
        });
        self.out.extend_from_slice(b"}\n");
    }

    /// The end of a watch with a reason.
    pub fn error(&mut self, status: &Status) {
        self.out.extend_from_slice(br#"{"type":"ERROR","object":"#);
        self.out.extend_from_slice(status.as_json());
        self.out.extend_from_slice(b"}\n");
    }
}
