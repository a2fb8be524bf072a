//! The images of one pod, each parsed once per evaluation and only if some rule asks.
//!
//! An image volume's reference is an image of the pod like a container's.

use std::cell::OnceCell;

use super::image_pattern;
use super::image_reference::ImageReference;
use crate::kube_wire::pod::Pod;

/// A pod and what was found out about it so far.
#[derive(Debug)]
pub(super) struct Subject<'v> {
    pod: &'v Pod<'v>,
    images: OnceCell<Vec<PodImage<'v>>>,
}

/// One image of the pod.
#[derive(Debug)]
pub(super) struct PodImage<'v> {
    written: &'v str,
    reference: Option<ParsedImage<'v>>,
}

/// An image whose reference parsed.
#[derive(Debug)]
pub(super) struct ParsedImage<'v> {
    written: &'v str,
    reference: ImageReference<'v>,
    normalised: OnceCell<String>,
    spellings: OnceCell<String>,
}

impl<'v> Subject<'v> {
    /// Nothing is parsed yet.
    pub(super) fn new(pod: &'v Pod<'v>) -> Self {
        Self { pod, images: OnceCell::new() }
    }

    /// The pod itself.
    pub(super) fn pod(&self) -> &'v Pod<'v> {
        self.pod
    }

    /// The images of all containers, then of all image volumes.
    pub(super) fn images(&self) -> &[PodImage<'v>] {
        self.images.get_or_init(|| {
            let containers = self.pod.containers.iter().map(|container| container.image);
            let volumes = self.pod.volumes.iter().filter_map(|volume| volume.image);
            containers.chain(volumes).map(PodImage::parse).collect()
        })
    }
}

impl<'v> PodImage<'v> {
    fn parse(written: &'v str) -> Self {
        let reference = ImageReference::parse(written).map(|reference| ParsedImage {
            written,
            reference,
            normalised: OnceCell::new(),
            spellings: OnceCell::new(),
        });
        Self { written, reference }
    }

    /// As the pod has it.
    pub(super) fn written(&self) -> &'v str {
        self.written
    }

    /// `None` if it is no image reference.
    pub(super) fn parsed(&self) -> Option<&ParsedImage<'v>> {
        self.reference.as_ref()
    }
}

impl<'v> ParsedImage<'v> {
    /// The parts.
    pub(super) fn reference(&self) -> &ImageReference<'v> {
        &self.reference
    }

    /// What permitting patterns meet.
    pub(super) fn normalised(&self) -> &str {
        self.normalised.get_or_init(|| self.reference.to_string())
    }

    /// What refusing patterns meet.
    pub(super) fn spellings(&self) -> &str {
        self.spellings.get_or_init(|| image_pattern::spellings(self.written, &self.reference))
    }
}
