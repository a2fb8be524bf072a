//! `images`: what the images of a pod must not be.
//!
//! All images count: of init, ordinary and ephemeral containers, and of image volumes. An image
//! whose reference does not parse violates any condition, since nothing can be said about it.

use crate::policy::error::{PolicyError, Warnings};
use crate::policy::image_pattern::{AllowedImage, DeniedImage};
use crate::policy::located::Located;
use crate::policy::pod_images::{PodImage, Subject};
use crate::policy::registry::Registry;
use crate::policy::verdict::Violation;

const KEYS: [&str; 5] =
    ["allowed", "denied", "requireDigest", "allowedRegistries", "deniedRegistries"];

/// The conditions of one rule; at least one of them is set.
#[derive(Clone, Debug)]
pub(super) struct ImageConditions {
    allowed: Vec<AllowedImage>,
    denied: Vec<DeniedImage>,
    require_digest: bool,
    allowed_registries: Vec<Registry>,
    denied_registries: Vec<Registry>,
}

impl ImageConditions {
    /// Reads the block.
    pub(super) fn read(at: &Located<'_>, warnings: &mut Warnings) -> Result<Self, PolicyError> {
        let block = at.object(&KEYS)?;
        let elements = |key| block.find(key).map_or(Ok(Vec::new()), Located::elements);
        let registries = |key| elements(key)?.iter().map(Registry::read).collect::<Result<_, _>>();
        let allowed = elements("allowed")?;
        let mut read_allowed = |element| AllowedImage::read(element, warnings);
        let conditions = Self {
            allowed: allowed.iter().map(&mut read_allowed).collect::<Result<_, _>>()?,
            denied: elements("denied")?.iter().map(DeniedImage::read).collect::<Result<_, _>>()?,
            require_digest: block.find("requireDigest").map_or(Ok(false), Located::boolean)?,
            allowed_registries: registries("allowedRegistries")?,
            denied_registries: registries("deniedRegistries")?,
        };
        if conditions.is_empty() {
            return Err(at.refuse(format!(
                "sets no condition, so it checks nothing; set one of {} or remove it",
                KEYS.join(", ")
            )));
        }
        Ok(conditions)
    }

    /// The first violation, image by image.
    pub(super) fn violation<'v>(&'v self, subject: &Subject<'v>) -> Option<Violation<'v>> {
        subject.images().iter().find_map(|image| self.violation_of(image))
    }

    /// The first violation of each image.
    pub(super) fn violations<'v>(
        &'v self,
        subject: &Subject<'v>,
    ) -> impl Iterator<Item = Violation<'v>> {
        subject.images().iter().filter_map(|image| self.violation_of(image))
    }

    fn violation_of<'v>(&'v self, image: &PodImage<'v>) -> Option<Violation<'v>> {
        let written = image.written();
        let Some(parsed) = image.parsed() else {
            return Some(Violation::UnparsableImage(written));
        };
        let reference = parsed.reference();
        if let Some(denied) = self.denied.iter().find(|denied| denied.matches(parsed.spellings())) {
            return Some(Violation::DeniedImage { image: written, pattern: denied.written() });
        }
        if let Some(denied) = self.denied_registries.iter().find(|entry| entry.may_hold(reference))
        {
            return Some(Violation::DeniedRegistry { image: written, registry: denied.written() });
        }
        if !self.allowed_registries.is_empty()
            && !self.allowed_registries.iter().any(|entry| entry.holds(reference))
        {
            return Some(Violation::OutsideAllowedRegistries(written));
        }
        if !self.allowed.is_empty()
            && !self.allowed.iter().any(|pattern| pattern.matches(parsed.normalised()))
        {
            return Some(Violation::OutsideAllowedImages(written));
        }
        (self.require_digest && !reference.has_digest())
            .then_some(Violation::ImageWithoutDigest(written))
    }

    fn is_empty(&self) -> bool {
        self.allowed.is_empty()
            && self.denied.is_empty()
            && !self.require_digest
            && self.allowed_registries.is_empty()
            && self.denied_registries.is_empty()
    }
}
