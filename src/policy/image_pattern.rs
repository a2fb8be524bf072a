//! Wildcard patterns over images: those that permit and those that refuse.
//!
//! They are deliberately not the same thing. A permitting pattern meets the one normalised form of
//! a reference, so `nginx*` can never reach `nginx.evil.io/x`. A refusing one meets every way the
//! image could have been written, so that no spelling slips past it.

use memchr::memmem::Finder;

use super::error::{PolicyError, Warnings};
use super::image_reference::{Host, ImageReference};
use super::located::Located;
use super::pattern::Pattern;

/// Stands around each spelling.
const LINE_BREAK: &str = "\n";

/// Saves growing: an official image of Docker Hub, with tag and digest, has about this much.
const USUAL_SPELLINGS_BYTES: usize = 1024;

/// Hosts under which Docker Hub is reached, and none at all.
const HUB_HEADS: [&str; 4] = ["docker.io", "index.docker.io", "registry-1.docker.io", ""];

/// One entry of `images.allowed`.
#[derive(Clone, Debug)]
pub(super) struct AllowedImage(Pattern);

/// One entry of `images.denied`.
#[derive(Clone, Debug)]
pub(super) struct DeniedImage {
    written: String,
    /// What to look for in the lines of [`spellings`]; no reference holds a line break.
    needle: Finder<'static>,
}

impl AllowedImage {
    /// Reads an entry and normalises its text as images are.
    pub(super) fn read(at: &Located<'_>, warnings: &mut Warnings) -> Result<Self, PolicyError> {
        let pattern = match read_pattern(at)? {
            Pattern::Exact(text) => Pattern::Exact(normalise_exact(at, &text)?),
            Pattern::Prefix(text) => {
                if !text.contains('/') && text.split(':').next().is_some_and(|h| h.contains('.')) {
                    warnings.add(
                        at,
                        format!("means docker.io/library/{text}*; for a registry write `{text}/*`"),
                    );
                }
                Pattern::Prefix(normalise_prefix(&text))
            }
            open @ (Pattern::Suffix(_) | Pattern::Contains(_)) => {
                warnings.add(at, "fixes no registry, so any can match; begin with one");
                open
            }
            Pattern::Any => Pattern::Any,
        };
        Ok(Self(pattern))
    }

    /// `normalised` is the display of an [`ImageReference`].
    pub(super) fn matches(&self, normalised: &str) -> bool {
        self.0.matches(normalised)
    }
}

impl DeniedImage {
    /// Reads an entry. Comparison ignores case: hosts do, and refusing more is safe.
    pub(super) fn read(at: &Located<'_>) -> Result<Self, PolicyError> {
        let written = at.string()?;
        let needle = match read_pattern(at)? {
            Pattern::Any => String::new(),
            Pattern::Exact(text) => {
                normalise_exact(at, &text)?;
                format!("{LINE_BREAK}{}{LINE_BREAK}", fold(&text))
            }
            Pattern::Prefix(text) => format!("{LINE_BREAK}{}", fold(&text)),
            Pattern::Suffix(text) => format!("{}{LINE_BREAK}", text.to_ascii_lowercase()),
            Pattern::Contains(text) => text.to_ascii_lowercase(),
        };
        Ok(Self { written, needle: Finder::new(&needle).into_owned() })
    }

    /// The entry as the policy has it.
    pub(super) fn written(&self) -> &str {
        &self.written
    }

    /// `spellings` are those of [`spellings`].
    pub(super) fn matches(&self, spellings: &str) -> bool {
        self.needle.find(spellings.as_bytes()).is_some()
    }
}

/// Every way an image could have been written, each between line breaks, in lower case: with and
/// without the default registry, its path, the port, the tag and the digest, and as the pod has it.
pub(super) fn spellings(written: &str, image: &ImageReference<'_>) -> String {
    let host = image.host();
    let with_port = host.port.map(|_| host.to_string());
    let bare = if host.is_docker_hub() { &HUB_HEADS[..] } else { &[host.name] };
    let mut lines = String::with_capacity(USUAL_SPELLINGS_BYTES);
    lines.extend([LINE_BREAK, written, LINE_BREAK]);
    for head in bare.iter().copied().chain(with_port.as_deref()) {
        let slash = if head.is_empty() { "" } else { "/" };
        for path in image.path_spellings().into_iter().flatten() {
            for ending in image.endings().into_iter().flatten() {
                lines.extend([head, slash]);
                lines.extend(path.into_iter().chain(ending));
                lines.push_str(LINE_BREAK);
            }
        }
    }
    lines.make_ascii_lowercase();
    lines
}

fn read_pattern(at: &Located<'_>) -> Result<Pattern, PolicyError> {
    let is_allowed = |character: char| {
        character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-' | '/' | ':' | '@')
    };
    Pattern::read(at, is_allowed, "letters, digits and `._-/:@`")
}

fn normalise_exact(at: &Located<'_>, text: &str) -> Result<String, PolicyError> {
    let image = ImageReference::parse(text).ok_or_else(|| {
        at.refuse("is no image reference; write `name:tag`, `name@sha256:…` or a pattern with `*`")
    })?;
    Ok(image.to_string())
}

/// The text in front of the star, as far as it tells where the image comes from.
fn normalise_prefix(text: &str) -> String {
    match text.split_once('/') {
        None => format!("docker.io/library/{text}"),
        Some(("index.docker.io", path)) => format!("docker.io/{path}"),
        Some((host, path)) if Host::is_meant(host) => {
            format!("{}/{path}", host.to_ascii_lowercase())
        }
        Some(_) => format!("docker.io/{text}"),
    }
}

/// Lower case, and without the port that `https` has anyway: the spellings have both.
fn fold(text: &str) -> String {
    let folded = text.to_ascii_lowercase();
    match folded.split_once('/') {
        Some((host, path)) => format!("{}/{path}", host.strip_suffix(":443").unwrap_or(host)),
        None => folded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn is_allowed(pattern: &str, image: &str) -> bool {
        let text = serde_json::to_string(pattern).unwrap();
        let at = Located::document(&text).unwrap();
        let pattern = AllowedImage::read(&at, &mut Warnings::default()).unwrap();
        pattern.matches(&ImageReference::parse(image).unwrap().to_string())
    }

    fn warning(pattern: &str) -> Option<String> {
        let text = serde_json::to_string(pattern).unwrap();
        let at = Located::document(&text).unwrap();
        let mut warnings = Warnings::default();
        AllowedImage::read(&at, &mut warnings).unwrap();
        warnings.finish(&at).first().map(ToString::to_string)
    }

    fn is_denied(pattern: &str, image: &str) -> bool {
        let text = serde_json::to_string(pattern).unwrap();
        let pattern = DeniedImage::read(&Located::document(&text).unwrap()).unwrap();
        pattern.matches(&spellings(image, &ImageReference::parse(image).unwrap()))
    }

    #[test]
    fn permitting_patterns_meet_the_normalised_form_only() {
        let pinned = format!("nginx@{DIGEST}");
        for (pattern, image) in [
            ("*", "anything.io/a"),
            ("nginx", "docker.io/library/nginx:latest"),
            ("nginx:1.*", "index.docker.io/nginx:1.27"),
            ("nginx@*", pinned.as_str()),
            ("org/*", "docker.io/org/app:1"),
            ("GHCR.io/org/*", "ghcr.io/org/app"),
            ("index.docker.io/org/*", "org/app"),
            ("*/nginx:latest", "nginx"),
            ("*.azurecr.io/*", "my.azurecr.io/app"),
        ] {
            assert!(is_allowed(pattern, image), "{pattern} {image}");
        }
    }

    #[test]
    fn permitting_patterns_never_cross_into_another_registry() {
        let tagged = format!("docker.io/library/nginx:1.0@{DIGEST}");
        for (pattern, image) in [
            ("nginx", "nginx:1.27"),
            ("nginx*", "nginx.evil.io/x"),
            ("nginx*", "nginx-evil/x"),
            ("mcr.microsoft.com*", "mcr.microsoft.com.evil.io/x"),
            ("mcr.microsoft.com*", "mcr.microsoft.com/x"),
            ("org/*", "org.evil.io/x"),
            ("gcr.io/*", "gcr.io:5000/x"),
            ("nginx:1.0*", tagged.as_str()),
        ] {
            assert!(!is_allowed(pattern, image), "{pattern} {image}");
        }
    }

    #[test]
    fn refusing_patterns_meet_every_spelling() {
        let pinned = format!("nginx:1.0@{DIGEST}");
        for (pattern, image) in [
            ("nginx", "nginx:1.27"),
            ("nginx*", "docker.io/library/nginx:1"),
            ("docker.io/nginx*", "nginx"),
            ("docker.io/library/nginx*", "index.docker.io/nginx"),
            ("nginx:1.0", pinned.as_str()),
            ("*:1.0", pinned.as_str()),
            ("*@sha256:0123*", pinned.as_str()),
            ("evil.io/*", "EVIL.io:443/x"),
            ("evil.io/*", "evil.io:5000/x"),
            ("evil.io:443/*", "evil.io/x"),
            ("EVIL.io/x", "evil.io/x:2"),
            ("docker.io/org/app", "registry-1.docker.io/org/app"),
            ("nginx*", "registry-1.docker.io:443/library/nginx:1"),
            ("*:latest", "nginx"),
            ("*miner*", "gcr.io/a/xminery:1"),
        ] {
            assert!(is_denied(pattern, image), "{pattern} {image}");
        }
    }

    #[test]
    fn refusing_patterns_leave_other_images_alone() {
        for (pattern, image) in [
            ("nginx", "nginx-unprivileged"),
            ("nginx:1.0", "nginx:1.1"),
            ("evil.io/*", "evil.io.good.io/x"),
            ("*:latest", "nginx:1"),
        ] {
            assert!(!is_denied(pattern, image), "{pattern} {image}");
        }
    }

    #[test]
    fn a_prefix_that_looks_like_a_registry_warns() {
        let text = warning("mcr.microsoft.com*").unwrap();
        assert!(text.contains("write `mcr.microsoft.com/*`"), "{text}");
        assert_eq!(warning("nginx:1.*"), None);
    }

    #[test]
    fn a_permitting_pattern_that_leaves_the_registry_open_warns() {
        for pattern in ["*.azurecr.io/*", "*/nginx:1"] {
            assert!(warning(pattern).unwrap().contains("fixes no registry"), "{pattern}");
        }
        for pattern in ["*", "nginx", "gcr.io/*"] {
            assert_eq!(warning(pattern), None, "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn an_image_is_denied_by_its_own_text_and_by_its_normalised_form(
            image in "((docker|index\\.docker|[Ee]vil)\\.io(:0?443|:5000)?/)?(library/|org/)?[a-z]{1,3}(:[aA]{1,2})?",
            has_digest in any::<bool>(),
        ) {
            let image = if has_digest { format!("{image}@{DIGEST}") } else { image };
            let parsed = ImageReference::parse(&image);
            prop_assume!(parsed.is_some());
            let normalised = parsed.unwrap().to_string();
            for pattern in [image.clone(), normalised.clone(), format!("{normalised}*")] {
                prop_assert!(is_denied(&pattern, &image), "{} {}", pattern, image);
            }
            prop_assert!(is_allowed(&image, &normalised), "{} {}", image, normalised);
        }
    }
}
