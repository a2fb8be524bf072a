//! The pod that is being decided on, and what several rules ask about it.

use std::cell::{Cell, OnceCell, RefCell};

use crate::kube_wire::json::Value;
use crate::kube_wire::pod_view::{Container, PodView, VolumeMount};
use crate::kube_wire::received_pod::SoundPod;
use crate::policy::expressions::{Answer, Expression, Fuel, Unanswered};
use crate::policy::image_reference::ImageReference;

/// A pod in full, and its images.
#[derive(Debug)]
pub(in crate::policy) struct Subject<'v> {
    pub(in crate::policy) view: PodView<'v>,
    /// As many as there are containers, in the same order.
    images: Vec<ImageText<'v>>,
    document: Value<'v>,
    /// What expressions may still cost.
    fuel: RefCell<Fuel>,
    was_asked: Cell<bool>,
}

/// An image as some field of a pod has it; parsed once, and only if some rule asks.
#[derive(Debug)]
pub(super) struct ImageText<'v> {
    pub(super) written: &'v str,
    parsed: OnceCell<Option<ParsedImage<'v>>>,
}

/// An image whose reference parsed.
#[derive(Debug)]
pub(super) struct ParsedImage<'v> {
    pub(super) reference: ImageReference<'v>,
    normalised: OnceCell<String>,
}

impl<'v> Subject<'v> {
    /// Nothing is parsed yet.
    pub(in crate::policy) fn of(pod: &'v SoundPod<'v>) -> Self {
        let view = PodView::of(pod);
        let images = view.containers.iter().map(|it| ImageText::new(it.image)).collect();
        Self {
            view,
            images,
            document: pod.checked.value(),
            fuel: RefCell::default(),
            was_asked: Cell::default(),
        }
    }

    /// What an expression says of the pod. All expressions of a decision share what they may cost.
    pub(super) fn ask(&self, expression: &Expression) -> Answer {
        self.was_asked.set(true);
        // Asking asks nothing else, so the fuel is never lent already.
        self.fuel.try_borrow_mut().map_or(Answer::Unanswered(Unanswered::Exhausted), |mut fuel| {
            expression.ask(self.document, &mut fuel)
        })
    }

    /// Has an expression seen more of the pod than its view?
    pub(super) fn was_asked(&self) -> bool {
        self.was_asked.get()
    }

    /// All containers, each with its image.
    pub(super) fn containers(&self) -> impl Iterator<Item = (&Container<'v>, &ImageText<'v>)> {
        self.view.containers.iter().zip(&self.images)
    }

    /// All mounts of the volume with this name.
    pub(super) fn mounts_of(&self, volume: &str) -> impl Iterator<Item = &VolumeMount<'v>> {
        let mounts = self.view.containers.iter().flat_map(|container| container.mounts);
        mounts.filter(move |mount| mount.volume == volume)
    }

    /// The service account, by the name that stands for none.
    pub(super) fn service_account(&self) -> &'v str {
        match self.view.spec.service_account_name {
            "" => "default",
            name => name,
        }
    }
}

impl<'v> ImageText<'v> {
    pub(super) fn new(written: &'v str) -> Self {
        Self { written, parsed: OnceCell::new() }
    }

    /// `None` if it is no image reference.
    pub(super) fn parsed(&self) -> Option<&ParsedImage<'v>> {
        let parse = || {
            let reference = ImageReference::parse(self.written)?;
            Some(ParsedImage { reference, normalised: OnceCell::new() })
        };
        self.parsed.get_or_init(parse).as_ref()
    }
}

impl ParsedImage<'_> {
    /// The one form that all spellings of this image have.
    pub(super) fn normalised(&self) -> &str {
        let written_anew = || self.normalised.get_or_init(|| self.reference.normalised()).as_str();
        self.reference.as_normalised().unwrap_or_else(written_anew)
    }

    /// That form without tag and digest.
    pub(super) fn repository(&self) -> &str {
        let normalised = self.normalised();
        let cut = if self.reference.has_digest() { '@' } else { ':' };
        normalised.rsplit_once(cut).map_or(normalised, |(repository, _)| repository)
    }
}
