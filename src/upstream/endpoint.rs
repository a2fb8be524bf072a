//! Where the API server is: the parsed `server` of a kubeconfig.
//!
//! It does not resolve names or connect. Invariant: what it holds can be put before any absolute
//! request path, and nothing of a request can change host, port or scheme.

use http::Uri;
use http::uri::{Authority, Parts, PathAndQuery, Scheme};
use rustls_pki_types::ServerName;

/// One API server.
#[derive(Clone, Debug)]
pub struct Endpoint {
    scheme: Scheme,
    authority: Authority,
    host: String,
    port: u16,
    base_path: String,
    server_name: ServerName<'static>,
}

/// Default ports of RFC 9110 §4.2.
const HTTP_PORT: u16 = 80;
const HTTPS_PORT: u16 = 443;

impl Endpoint {
    /// Parses a server URL; `tls_server_name` replaces the host in certificate checks and SNI.
    ///
    /// # Errors
    /// What is wrong with the URL or the name, as a fixed text.
    pub fn parse(server: &str, tls_server_name: Option<&str>) -> Result<Self, &'static str> {
        let uri: Uri = server.parse().map_err(|_| "not a URL")?;
        let parts = uri.into_parts();
        let scheme = parts.scheme.ok_or("needs a scheme: https://host:port")?;
        if scheme != Scheme::HTTPS && scheme != Scheme::HTTP {
            return Err("the scheme must be https");
        }
        let authority = parts.authority.ok_or("needs a host: https://host:port")?;
        if authority.as_str().contains('@') {
            return Err("credentials in the URL are not supported");
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let default_port = if scheme == Scheme::HTTPS { HTTPS_PORT } else { HTTP_PORT };
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("") => default_port,
            Some(rest) => rest
                .strip_prefix(':')
                .and_then(|port| port.parse().ok())
                .ok_or("the port must be 1 to 65535")?,
            None => return Err("needs a host: https://host:port"),
        };
        let server_name = ServerName::try_from(tls_server_name.unwrap_or(&host).to_owned())
            .map_err(|_| "the host or tls-server-name is neither a DNS name nor an IP address")?;
        let base_path = base_path(parts.path_and_query.as_ref())?;
        if host.is_empty() || port == 0 {
            return Err("needs a host and a port other than 0");
        }
        Ok(Self { scheme, authority, host, port, base_path, server_name })
    }

    /// True when the connection is encrypted.
    pub fn is_tls(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// Host name or bare IP address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// TCP port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The name the server's certificate must carry.
    pub fn server_name(&self) -> &ServerName<'static> {
        &self.server_name
    }

    /// Host and port as written in the kubeconfig, for `Host`.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The absolute URI of a path in [`Self::origin_form`].
    pub(crate) fn absolute(&self, path: PathAndQuery) -> Option<Uri> {
        let mut parts = Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path);
        Uri::from_parts(parts).ok()
    }

    /// The request path as this server wants it: below the path of its URL. `*` and the empty path
    /// are refused, they would let a request address the server's front instead of the API.
    pub(crate) fn origin_form(&self, path: &PathAndQuery) -> Option<PathAndQuery> {
        if !path.as_str().starts_with('/') {
            return None;
        }
        if self.base_path.is_empty() {
            return Some(path.clone());
        }
        PathAndQuery::try_from(format!("{}{path}", self.base_path)).ok()
    }
}

fn base_path(path: Option<&PathAndQuery>) -> Result<String, &'static str> {
    match path {
        None => Ok(String::new()),
        Some(path) if path.query().is_some() => Err("a query in the URL has no meaning"),
        Some(path) => Ok(path.path().trim_end_matches('/').to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(server: &str, path: &'static str, expected: Result<(&str, u16, &str), &str>) {
        match (Endpoint::parse(server, None), expected) {
            (Ok(endpoint), Ok((host, port, uri))) => {
                assert_eq!((endpoint.host(), endpoint.port()), (host, port), "{server}");
                let path = endpoint.origin_form(&PathAndQuery::from_static(path));
                let found = path.and_then(|path| endpoint.absolute(path));
                assert_eq!(found.map(|uri| uri.to_string()).unwrap_or_default(), uri, "{server}");
            }
            (Err(reason), Err(part)) => assert!(reason.contains(part), "{server}: {reason}"),
            (found, expected) => panic!("{server}: {found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn a_server_url_gives_host_port_and_the_path_before_every_request() {
        check("https://api:6443", "/livez", Ok(("api", 6443, "https://api:6443/livez")));
        check("https://api", "/livez?a=1", Ok(("api", 443, "https://api/livez?a=1")));
        check("https://api/k8s/c-1/", "/livez", Ok(("api", 443, "https://api/k8s/c-1/livez")));
        check("https://[::1]:6443", "/x", Ok(("::1", 6443, "https://[::1]:6443/x")));
        check("http://127.0.0.1:80", "/x", Ok(("127.0.0.1", 80, "http://127.0.0.1:80/x")));
    }

    #[test]
    fn urls_that_do_not_name_one_server_are_refused() {
        check("", "/", Err("not a URL"));
        check("api:6443", "/", Err("needs a scheme"));
        check("ftp://api", "/", Err("must be https"));
        check("https://node:pw@api", "/", Err("credentials"));
        check("https://api:99999", "/", Err("port"));
        check("https://api:0", "/", Err("port"));
        check("https://api:", "/", Err("port"));
        check("https://api/?x", "/", Err("query"));
        check("https://under_score..x", "/", Err("neither a DNS name"));
    }

    #[test]
    fn a_request_path_that_is_not_absolute_has_no_place_on_the_server() {
        check("https://api", "*", Ok(("api", 443, "")));
    }

    #[test]
    fn the_tls_server_name_replaces_only_the_name_that_is_verified() {
        let endpoint = Endpoint::parse("https://10.0.0.1:6443", Some("kubernetes")).unwrap();
        assert_eq!(endpoint.server_name().to_str(), "kubernetes");
        assert_eq!((endpoint.host(), endpoint.authority().as_str()), ("10.0.0.1", "10.0.0.1:6443"));
    }
}
