//! `images`: which images may run. By nature a digest is asked for.

use crate::policy::error::{PolicyError, Warnings};
use crate::policy::image_reference::ImageReference;
use crate::policy::located::{Located, Object};
use crate::policy::pattern::Pattern;
use crate::policy::registry::Registry;
use crate::policy::v2::check::{Check, Unlisted};
use crate::policy::v2::finding::{Fit, Place, finding};
use crate::policy::v2::subject::{ImageText, ParsedImage};
use crate::policy::v2::text_rule::quoted;

use super::Reading;

const KEYS: [&str; 5] = ["references", "repositories", "registries", "digests", "requireDigest"];

/// What an image may be: from one of the places, if any are listed, and with one of the digests.
#[derive(Clone, Debug)]
pub(in crate::policy) struct ImageRule {
    /// Normalised.
    references: Vec<String>,
    repositories: Vec<Pattern>,
    registries: Vec<Registry>,
    digests: Vec<String>,
    require_digest: bool,
}

impl ImageRule {
    /// Reads the block.
    pub(in crate::policy) fn read(
        at: &Located<'_>,
        reading: &mut Reading<'_>,
    ) -> Result<Self, PolicyError> {
        let block = at.object(&KEYS)?;
        let strict = reading.unlisted == Unlisted::Refuse;
        let require_digest = block.read("requireDigest", Located::boolean)?.unwrap_or(strict);
        let mut repository = |at: &Located<'_>| read_repository(at, reading.warnings);
        let rule = Self {
            references: block
                .list("references", |at| read_reference(at, require_digest))?
                .unwrap_or_default(),
            repositories: block.list("repositories", &mut repository)?.unwrap_or_default(),
            registries: block.list("registries", Registry::read)?.unwrap_or_default(),
            digests: block.list("digests", read_digest)?.unwrap_or_default(),
            require_digest,
        };
        rule.look_at(&block, strict, reading)?;
        Ok(rule)
    }

    fn look_at(
        &self,
        block: &Object<'_>,
        strict: bool,
        reading: &mut Reading<'_>,
    ) -> Result<(), PolicyError> {
        let is_open = !self.names_places() && self.digests.is_empty();
        if is_open && strict {
            return Err(block.at().refuse(
                "names no image; list `references`, `repositories`, `registries` or `digests`",
            ));
        }
        if is_open && !self.require_digest {
            let remedy = "checks nothing; set one of its keys or remove it";
            return Err(block.at().refuse(remedy));
        }
        if strict && !self.require_digest && self.digests.is_empty() {
            let problem = "permits tags, which may point at other content tomorrow; pin digests";
            reading.warnings.broad(block.at(), problem);
        }
        Ok(())
    }

    /// May this image run?
    pub(in crate::policy::v2) fn check(
        &self,
        image: &ImageText<'_>,
        place: &Place<'_>,
        check: &mut Check<'_>,
    ) -> Fit {
        let found = || quoted(image.written);
        let Some(parsed) = image.parsed() else {
            return check.add(|| finding(place, "an image reference", found()));
        };
        let digest = parsed.reference.digest();
        if self.require_digest && digest.is_none() {
            check.add(|| {
                finding(place, "a digest (name@sha256:…)", found())
                    .fixed_by("images.requireDigest", false)
            })?;
        }
        let has_digest = |digest: &str| self.digests.iter().any(|listed| listed == digest);
        if !self.digests.is_empty() && !digest.is_some_and(has_digest) {
            check.add(|| {
                let finding = finding(place, "one of the listed digests", found());
                match digest {
                    Some(digest) => finding.fixed_by("images.digests", vec![digest]),
                    None => finding,
                }
            })?;
        }
        check.unless(!self.names_places() || self.is_from_place(parsed), || {
            finding(place, self.describe_places(), found())
                .fixed_by("images.references", vec![parsed.normalised()])
        })
    }

    fn names_places(&self) -> bool {
        let Self { references, repositories, registries, digests: _, require_digest: _ } = self;
        !(references.is_empty() && repositories.is_empty() && registries.is_empty())
    }

    fn is_from_place(&self, image: &ParsedImage<'_>) -> bool {
        self.references.iter().any(|reference| reference == image.normalised())
            || self.repositories.iter().any(|pattern| pattern.matches(image.repository()))
            || self.registries.iter().any(|registry| registry.holds(&image.reference))
    }

    fn describe_places(&self) -> String {
        let references = self.references.iter().map(String::as_str);
        let repositories: Vec<_> = self.repositories.iter().map(ToString::to_string).collect();
        let registries = self.registries.iter().map(Registry::written);
        let places: Vec<_> =
            references.chain(repositories.iter().map(String::as_str)).chain(registries).collect();
        crate::policy::v2::text_rule::list(&places)
    }
}

fn read_reference(at: &Located<'_>, require_digest: bool) -> Result<String, PolicyError> {
    let written = at.filled_string()?;
    let Some(reference) = ImageReference::parse(&written) else {
        return Err(at.refuse("is no image reference; write `host/path@sha256:…`"));
    };
    if require_digest && !reference.has_digest() {
        return Err(at.refuse(
            "has no digest, so no image fits it; add `@sha256:…`, or set \"requireDigest\": false",
        ));
    }
    Ok(reference.to_string())
}

/// A pattern over `host/path`, without tag and digest.
fn read_repository(at: &Located<'_>, warnings: &mut Warnings) -> Result<Pattern, PolicyError> {
    let is_allowed = |character: char| matches!(character, 'a'..='z' | '0'..='9' | '.' | '_' | '-' | '/' | ':' | '[' | ']');
    let pattern = Pattern::read(at, is_allowed, "lower-case letters, digits and `._-/:`")?;
    match &pattern {
        Pattern::Exact(text) | Pattern::Prefix(text) if text.contains('/') => {}
        Pattern::Exact(_) | Pattern::Prefix(_) => {
            return Err(at.refuse(format!(
                "does not say which registry; write `docker.io/library/{pattern}`, or `{pattern}/*`"
            )));
        }
        Pattern::Any => warnings.broad(at, "permits every image; list those that are needed"),
        Pattern::Suffix(_) | Pattern::Contains(_) => {
            warnings.broad(at, "fixes no registry, so any can match; begin with one");
        }
    }
    Ok(pattern)
}

fn read_digest(at: &Located<'_>) -> Result<String, PolicyError> {
    let written = at.filled_string()?;
    let is_digest = ImageReference::parse(&format!("a@{written}")).is_some();
    match is_digest {
        true => Ok(written),
        false => Err(at.refuse("is no digest; write `sha256:` and 64 hexadecimal digits")),
    }
}
