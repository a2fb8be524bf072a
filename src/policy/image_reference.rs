//! Image references in the grammar of `distribution/reference`, normalised as runtimes do it:
//! `nginx` is `docker.io/library/nginx:latest`.
//!
//! Stricter than there: digests are sha256 alone, ports are numbers, and `DOCKER.IO` (which is
//! neither Docker Hub nor anything else) is refused. Parsing borrows and does not allocate.
//! Invariant: the normalised text of a reference parses to the same normalised text.

use std::fmt::{self, Write as _};

/// Where an image without a registry comes from.
const DEFAULT_HOST: &str = "docker.io";

/// The name that Docker Hub had before, still folded by every runtime.
const LEGACY_DEFAULT_HOST: &str = "index.docker.io";

/// The host that answers for Docker Hub: the same images under a name that runtimes do not fold.
const HUB_ENDPOINT: &str = "registry-1.docker.io";

/// Where Docker Hub's images without an organisation live.
const OFFICIAL_PATH: &str = "library";

/// Longest repository path, from `distribution/reference`.
const MAX_PATH_BYTES: usize = 255;

/// Longest tag, from the same place.
const MAX_TAG_BYTES: usize = 128;

/// A host and port as written in front of the first slash.
#[derive(Clone, Copy, Debug)]
pub(super) struct Host<'a> {
    /// Letters in any case.
    pub(super) name: &'a str,
    /// If there was one.
    pub(super) port: Option<u16>,
}

/// An image reference that parsed.
#[derive(Clone, Copy, Debug)]
pub(super) struct ImageReference<'a> {
    host: Host<'a>,
    is_official: bool,
    path: &'a str,
    tag: Option<&'a str>,
    digest: Option<&'a str>,
    /// As written, where that is the normalised form already.
    normal: Option<&'a str>,
}

impl<'a> ImageReference<'a> {
    /// `None` if a runtime could read it differently, or not at all.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        let (name, tag) = match rest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            Some(_) | None => (rest, None),
        };
        if !digest.is_none_or(is_sha256) || !tag.is_none_or(is_tag) || is_image_id(text) {
            return None;
        }
        let (host, path) = split_name(name)?;
        let is_hub = host.port.is_none() && host.name == DEFAULT_HOST;
        let official = path.strip_prefix("library/").unwrap_or(path);
        let is_official = is_hub && !official.contains('/');
        let path = if is_official { official } else { path };
        // Most are: a host without port and capitals, no library, and either a tag or a digest.
        let is_spelt_out = name.split_once('/').is_some_and(|(first, _)| first == host.name)
            && !host.name.bytes().any(|byte| byte.is_ascii_uppercase())
            && !is_official
            && tag.is_some() != digest.is_some();
        Some(Self { host, is_official, path, tag, digest, normal: is_spelt_out.then_some(text) })
    }

    /// The registry.
    pub(super) fn host(&self) -> Host<'a> {
        self.host
    }

    /// The components of the repository's path, `library` included.
    pub(super) fn path_components(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.is_official.then_some(OFFICIAL_PATH).into_iter().chain(self.path.split('/'))
    }

    /// The short name of an official image of Docker Hub, by whichever of its hosts.
    pub(super) fn official_name(&self) -> Option<&'a str> {
        if self.is_official {
            return Some(self.path);
        }
        let name = self.path.strip_prefix("library/").filter(|name| !name.contains('/'));
        name.filter(|_| self.host.is_docker_hub())
    }

    /// The one form of all spellings. With a digest the tag is left out, as runtimes ignore it then:
    /// otherwise a pattern that allows a tag would allow any content under it.
    pub(super) fn normalised(&self) -> String {
        /// `/library/`, `:latest` and a port at most.
        const ADDED_BYTES: usize = 32;
        let parts = [self.host.name, self.path, self.digest.or(self.tag).unwrap_or_default()];
        let written: usize = parts.iter().map(|part| part.len()).sum();
        let mut text = String::with_capacity(written.saturating_add(ADDED_BYTES));
        self.host.append(&mut text);
        let library = if self.is_official { ["/", OFFICIAL_PATH] } else { ["", ""] };
        let ending = match self.digest {
            Some(digest) => ["@", digest],
            None => [":", self.tag.unwrap_or("latest")],
        };
        let parts = library.into_iter().chain(["/", self.path]).chain(ending);
        parts.for_each(|part| text.push_str(part));
        text
    }

    /// The normalised form, if that is how the reference was written.
    pub(super) fn as_normalised(&self) -> Option<&'a str> {
        self.normal
    }

    /// The digest, if the reference pins its content.
    pub(super) fn digest(&self) -> Option<&'a str> {
        self.digest
    }

    /// Whether the reference pins its content.
    pub(super) fn has_digest(&self) -> bool {
        self.digest.is_some()
    }

    /// What stands behind the name in each way the reference could have been written, in pieces:
    /// a deny pattern for `nginx:1.0` must also meet `nginx:1.0@sha256:…`.
    pub(super) fn endings(&self) -> [Option<[&'a str; 4]>; 4] {
        let tag = match (self.tag, self.digest) {
            (None, None) => Some("latest"),
            (tag, _) => tag,
        };
        [
            Some([""; 4]),
            tag.map(|tag| [":", tag, "", ""]),
            self.digest.map(|digest| ["", "", "@", digest]),
            tag.zip(self.digest).map(|(tag, digest)| [":", tag, "@", digest]),
        ]
    }

    /// The repository's path as it may be written, in pieces.
    pub(super) fn path_spellings(&self) -> [Option<[&'a str; 2]>; 2] {
        match self.official_name() {
            Some(name) => [Some(["library/", name]), Some(["", name])],
            None => [Some(["", self.path]), None],
        }
    }
}

/// The normalised form.
impl fmt::Display for ImageReference<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.normalised())
    }
}

impl fmt::Display for Host<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.append(&mut text);
        out.write_str(&text)
    }
}

impl<'a> Host<'a> {
    /// A registry's host, `index.docker.io` already folded.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) if !port.contains(']') => (name, Some(parse_port(port)?)),
            Some(_) | None => (text, None),
        };
        if text == LEGACY_DEFAULT_HOST {
            return Some(Self { name: DEFAULT_HOST, port: None });
        }
        // A host by its capitals alone would be a path once folded to lower case.
        let is_host_by_grammar = text.contains(['.', ':']) || text == "localhost";
        let is_hub = |hub: &str| name.eq_ignore_ascii_case(hub) && name != hub;
        let is_misspelt_hub = is_hub(DEFAULT_HOST) || is_hub(LEGACY_DEFAULT_HOST);
        (is_host_name(name) && is_host_by_grammar && !is_misspelt_hub)
            .then_some(Self { name, port })
    }

    /// Writes it in lower case, without the machinery of formats: most decisions need it.
    fn append(&self, text: &mut String) {
        let begin = text.len();
        text.push_str(self.name);
        if let Some(written) = text.get_mut(begin..) {
            written.make_ascii_lowercase();
        }
        if let Some(port) = self.port {
            // Writing to memory cannot fail.
            let _ = write!(text, ":{port}");
        }
    }

    /// Does Docker Hub answer here? For refusing: the port is not looked at.
    pub(super) fn is_docker_hub(&self) -> bool {
        [DEFAULT_HOST, LEGACY_DEFAULT_HOST, HUB_ENDPOINT]
            .iter()
            .any(|host| self.name.eq_ignore_ascii_case(host))
    }

    /// Is this how the first component of a name must look to be a host at all?
    pub(super) fn is_meant(component: &str) -> bool {
        component.contains(['.', ':'])
            || component == "localhost"
            || component.bytes().any(|byte| byte.is_ascii_uppercase())
    }
}

/// One component of a repository's path: words of `[a-z0-9]` joined by `.`, `_`, `__` or dashes.
pub(super) fn is_path_component(text: &str) -> bool {
    let is_word_byte = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let mut separators =
        text.split(|character: char| u8::try_from(character).is_ok_and(is_word_byte));
    // Splitting at every word byte leaves what stands between them; nothing may lead or trail.
    let leads = separators.next() == Some("");
    let trails = text.bytes().next_back().is_some_and(is_word_byte);
    let is_separator =
        |text: &str| matches!(text, "" | "." | "_" | "__") || text.bytes().all(|byte| byte == b'-');
    leads && trails && separators.all(is_separator)
}

fn split_name(name: &str) -> Option<(Host<'_>, &str)> {
    let (host, path) = match name.split_once('/') {
        Some((host, path)) if Host::is_meant(host) => (Host::parse(host)?, path),
        Some(_) | None => (Host { name: DEFAULT_HOST, port: None }, name),
    };
    let is_path = path.len() <= MAX_PATH_BYTES && path.split('/').all(is_path_component);
    is_path.then_some((host, path))
}

fn is_host_name(name: &str) -> bool {
    if let Some(address) = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    name.split('.').all(|label| {
        let is_edge = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
        is_edge(label.bytes().next())
            && is_edge(label.bytes().next_back())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

/// Leading zeros are read over: `evil.io:0443` must not differ from `evil.io:443`.
fn parse_port(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn is_tag(text: &str) -> bool {
    let is_word_byte = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= MAX_TAG_BYTES
        && text.bytes().next().is_some_and(is_word_byte)
        && text.bytes().all(|byte| is_word_byte(byte) || matches!(byte, b'.' | b'-'))
}

fn is_sha256(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(is_image_id)
}

/// 64 hexadecimal digits: as a whole reference a runtime takes them for a local image's ID.
fn is_image_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn normalised(text: &str) -> Option<String> {
        ImageReference::parse(text).map(|image| image.to_string())
    }

    #[test]
    fn names_are_normalised_as_runtimes_do() {
        for (written, expected) in [
            ("nginx", "docker.io/library/nginx:latest"),
            ("nginx:1.27", "docker.io/library/nginx:1.27"),
            ("library/nginx", "docker.io/library/nginx:latest"),
            ("org/app", "docker.io/org/app:latest"),
            ("docker.io/nginx", "docker.io/library/nginx:latest"),
            ("index.docker.io/nginx", "docker.io/library/nginx:latest"),
            ("index.docker.io/org/app:1", "docker.io/org/app:1"),
            ("localhost/app", "localhost/app:latest"),
            ("localhost:5000", "docker.io/library/localhost:5000"),
            ("localhost:5000/app", "localhost:5000/app:latest"),
            ("host:05000/app", "host:5000/app:latest"),
            ("docker.io:443/nginx", "docker.io:443/nginx:latest"),
            ("GHCR.io/org/app", "ghcr.io/org/app:latest"),
            ("[::1]:5000/app", "[::1]:5000/app:latest"),
            ("[FD00::1]/app:1", "[fd00::1]/app:1"),
            ("a.b/c__d/e", "a.b/c__d/e:latest"),
            ("gcr.io/a/b/c---d:v", "gcr.io/a/b/c---d:v"),
        ] {
            assert_eq!(normalised(written).as_deref(), Some(expected), "{written}");
        }
    }

    #[test]
    fn what_is_spelt_out_is_not_written_anew() {
        for (text, is) in [
            ("ghcr.io/org/app:1", true),
            ("docker.io/org/app:1", true),
            ("ghcr.io/org/app", false),
            ("docker.io/library/nginx:1", false),
            ("docker.io/nginx:1", false),
            ("index.docker.io/org/app:1", false),
            ("GHCR.io/org/app:1", false),
            ("ghcr.io:443/org/app:1", false),
            ("ghcr.io:0443/org/app:1", false),
            ("org/app:1", false),
        ] {
            let image = ImageReference::parse(text).unwrap();
            assert_eq!(image.as_normalised(), is.then_some(text), "{text}");
        }
    }

    #[test]
    fn a_digest_outweighs_a_tag() {
        let expected = format!("docker.io/library/nginx@sha256:{HEX}");
        assert_eq!(normalised(&format!("nginx:1.0@sha256:{HEX}")), Some(expected.clone()));
        assert_eq!(normalised(&format!("nginx@sha256:{HEX}")), Some(expected));
    }

    #[test]
    fn what_runtimes_could_read_otherwise_does_not_parse() {
        let upper = HEX.to_uppercase();
        for written in [
            "",
            " ",
            "nginx ",
            "Nginx",
            "nginx:",
            "nginx:-a",
            "nginx@",
            "/nginx",
            "nginx/",
            "a//b",
            "docker.io/",
            "https://gcr.io/app",
            "gcr.io./app",
            ".gcr.io/app",
            "-a.io/app",
            "gcr.io:/app",
            "gcr.io:x/app",
            "gcr.io:65536/app",
            "gcr.io:+1/app",
            "DOCKER.IO/nginx",
            "Index.Docker.io/nginx",
            "a_b.io/app",
            "a.io/_app",
            "a.io/app.",
            "a.io/a..b",
            "a.io/a___b",
            "a.io/a._b",
            "a.io/../b",
            "a.io/a\u{e9}",
            "Registry/app",
            "nginx\n",
            "nginx:1\0",
            "[::1/app",
            "[::g]/app",
            "[]/app",
            HEX,
            "nginx@sha256:abc",
            "nginx@md5:d41d8cd98f00b204e9800998ecf8427e",
            &format!("nginx@sha256:{upper}"),
            &format!("nginx@sha512:{HEX}{HEX}"),
            &format!("nginx@sha256:{HEX}0"),
            &format!("nginx@sha256:{HEX}@sha256:{HEX}"),
            &format!("a.io/{}", "a".repeat(256)),
            &format!("nginx:{}", "a".repeat(129)),
        ] {
            assert_eq!(normalised(written), None, "{written}");
        }
    }

    proptest! {
        #[test]
        fn normalising_twice_is_normalising_once(
            text in "([A-Za-z0-9.\\[\\]-]{1,12}(:[0-9]{1,5})?/)?[a-z0-9._/-]{1,20}(:[a-zA-Z0-9_.-]{1,8})?"
        ) {
            if let Some(once) = normalised(&text) {
                prop_assert_eq!(normalised(&once), Some(once.clone()), "{}", text);
            }
        }

        #[test]
        fn what_counts_as_normalised_is(
            text in "([A-Za-z0-9.-]{1,12}(:[0-9]{1,5})?/)?(library/)?[a-z0-9._/-]{1,20}(:[a-z0-9.-]{1,8})?"
        ) {
            for text in [text.clone(), format!("{text}@sha256:{HEX}")] {
                if let Some(image) = ImageReference::parse(&text) {
                    prop_assert!(image.as_normalised().is_none_or(|it| it == image.normalised()));
                }
            }
        }

        #[test]
        fn arbitrary_text_never_panics(text in any::<String>()) {
            let _ = normalised(&text);
        }
    }
}
