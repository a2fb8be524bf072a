//! Registry entries of a policy: a host, maybe a port, maybe the first components of a path.
//!
//! Entries are compared with parsed references, component by component, never as text:
//! `mcr.microsoft.com` has nothing to do with `mcr.microsoft.com.evil.io`. Where an entry leaves
//! something open, the reading that refuses more is taken: see [`Registry::may_hold`].

use super::error::PolicyError;
use super::image_reference::{Host, ImageReference, is_path_component};
use super::located::Located;

/// The port that an `https` registry has without saying so.
const HTTPS_PORT: u16 = 443;

/// One entry of `allowedRegistries` or `deniedRegistries`.
#[derive(Clone, Debug)]
pub(super) struct Registry {
    written: String,
    /// Lower case.
    host: String,
    port: Option<u16>,
    path: Vec<String>,
}

impl Registry {
    /// Reads an entry; one slash at its end is welcome.
    pub(super) fn read(at: &Located<'_>) -> Result<Self, PolicyError> {
        let written = at.filled_string()?;
        let entry = written.strip_suffix('/').unwrap_or(&written);
        let (host, path) = entry.split_once('/').map_or((entry, None), |(h, path)| (h, Some(path)));
        if !Host::is_meant(host) {
            return Err(at.refuse(format!(
                "names no registry; begin with its host, such as `docker.io/{entry}`"
            )));
        }
        let path: Vec<_> = path.into_iter().flat_map(|path| path.split('/')).collect();
        let host = Host::parse(host).filter(|_| path.iter().all(|part| is_path_component(part)));
        let host = host.ok_or_else(|| {
            at.refuse(
                "is no registry; write `host`, `host:port` or `host/path`, without wildcard, \
                 scheme, tag or digest",
            )
        })?;
        Ok(Self {
            host: host.name.to_ascii_lowercase(),
            port: host.port,
            path: path.into_iter().map(str::to_owned).collect(),
            written,
        })
    }

    /// The entry as the policy has it.
    pub(super) fn written(&self) -> &str {
        &self.written
    }

    /// For permission: the image is certainly below this entry.
    pub(super) fn holds(&self, image: &ImageReference<'_>) -> bool {
        let host = image.host();
        self.host.eq_ignore_ascii_case(host.name)
            && self.port == host.port
            && self.is_above(image.path_components())
    }

    /// For refusal: the image could be below this entry. Without a port the entry means every
    /// port; Docker Hub's other host counts as Docker Hub, and `docker.io/nginx` as `nginx`.
    pub(super) fn may_hold(&self, image: &ImageReference<'_>) -> bool {
        let host = image.host();
        let own = Host { name: &self.host, port: self.port };
        let is_same_host = self.host.eq_ignore_ascii_case(host.name)
            || (own.is_docker_hub() && host.is_docker_hub());
        let is_same_port = match self.port {
            None | Some(HTTPS_PORT) => true,
            Some(port) => host.port == Some(port),
        };
        is_same_host
            && is_same_port
            && (self.is_above(image.path_components())
                || image.official_name().is_some_and(|name| self.is_above([name].into_iter())))
    }

    fn is_above<'p>(&self, mut path: impl Iterator<Item = &'p str>) -> bool {
        self.path.iter().all(|part| path.next() == Some(part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn registry(entry: &str) -> Result<Registry, PolicyError> {
        let text = serde_json::to_string(entry).unwrap();
        Registry::read(&Located::document(&text).unwrap())
    }

    fn image(text: &str) -> ImageReference<'_> {
        ImageReference::parse(text).unwrap()
    }

    #[test]
    fn an_entry_covers_whole_components_only() {
        for (entry, inside, outside) in [
            ("mcr.microsoft.com", "mcr.microsoft.com/a", "mcr.microsoft.com.evil.io/a"),
            ("mcr.microsoft.com/", "MCR.microsoft.com/a:1", "mcr.microsoft.community/a"),
            (
                "mcr.microsoft.com/dotnet",
                "mcr.microsoft.com/dotnet/sdk",
                "mcr.microsoft.com/dotnets/a",
            ),
            (
                "mcr.microsoft.com/dotnet/",
                "mcr.microsoft.com/dotnet:8",
                "mcr.microsoft.com/a/dotnet",
            ),
            ("docker.io/library/", "nginx", "library.io/nginx"),
            ("docker.io/library/", "docker.io/nginx:1", "docker.io/librarya/nginx"),
            ("index.docker.io", "org/app", "index.docker.com/org/app"),
            ("localhost:5000", "localhost:5000/a", "localhost:5001/a"),
        ] {
            let registry = registry(entry).unwrap();
            assert!(registry.holds(&image(inside)), "{entry} {inside}");
            assert!(registry.may_hold(&image(inside)), "{entry} {inside}");
            assert!(!registry.holds(&image(outside)), "{entry} {outside}");
            assert!(!registry.may_hold(&image(outside)), "{entry} {outside}");
        }
    }

    #[test]
    fn another_spelling_of_a_denied_registry_is_denied_and_never_allowed() {
        for (entry, other) in [
            ("evil.io", "evil.io:443/a"),
            ("evil.io", "evil.io:5000/a"),
            ("evil.io:443", "evil.io/a"),
            ("docker.io", "registry-1.docker.io/library/nginx"),
            ("docker.io/library", "docker.io:443/library/nginx"),
            ("docker.io/nginx", "nginx"),
            ("docker.io/nginx", "docker.io/library/nginx"),
            ("docker.io/nginx", "registry-1.docker.io/library/nginx"),
            ("registry-1.docker.io", "nginx"),
        ] {
            let registry = registry(entry).unwrap();
            assert!(registry.may_hold(&image(other)), "{entry} {other}");
            assert!(!registry.holds(&image(other)), "{entry} {other}");
        }
    }

    #[test]
    fn what_is_no_registry_does_not_load() {
        for entry in [
            "",
            "/",
            "*",
            "*.azurecr.io",
            "gcr.io/*",
            "https://gcr.io",
            "nginx",
            "library/",
            "gcr",
            "gcr.io//",
            "gcr.io/app:1",
            "gcr.io/App",
            "gcr.io.",
            " gcr.io",
            "gcr.io:x",
            "DOCKER.io",
            "gcr.io/app@sha256:0",
        ] {
            assert!(registry(entry).is_err(), "{entry}");
        }
    }

    proptest! {
        #[test]
        fn a_match_never_crosses_a_component(
            entry in "[a-z]{1,4}\\.[a-z]{2,3}(/[a-z]{1,3}){0,2}",
            tail in "[a-z0-9.-]{0,6}(/[a-z]{1,3}){0,3}",
        ) {
            let text = format!("{entry}{tail}");
            if let (Ok(registry), Some(image)) = (registry(&entry), ImageReference::parse(&text)) {
                let crossed = !tail.is_empty() && !tail.starts_with('/');
                prop_assert!(!(crossed && registry.holds(&image)), "{} {}", entry, text);
                prop_assert!(!(crossed && registry.may_hold(&image)), "{} {}", entry, text);
            }
        }

        #[test]
        fn what_an_entry_holds_it_may_hold(
            entry in "(docker|index\\.docker|a)\\.io(:443|:5000)?(/[ab])?",
            text in "((docker|index\\.docker|[aA])\\.io(:443|:5000)?/)?([ab]/){0,2}[ab]",
        ) {
            if let (Ok(registry), Some(image)) = (registry(&entry), ImageReference::parse(&text)) {
                prop_assert!(!registry.holds(&image) || registry.may_hold(&image));
            }
        }
    }
}
