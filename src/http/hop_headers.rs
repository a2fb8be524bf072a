//! Which header fields may cross the proxy, in either direction: those named here, no others.
//!
//! Both peers are untrusted. A caller must not choose who it is upstream (`Authorization`,
//! `Impersonate-*`, `X-Remote-*`), the API server must not steer the caller (`Location`,
//! `Set-Cookie`, `Alt-Svc`), and neither may upgrade the connection. Values are not looked at.

use http::header::{self, HeaderMap, HeaderName};

/// Fields of a request that an API server reads from a kubelet and that carry no authority.
const UP: [HeaderName; 7] = [
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::USER_AGENT,
    // Tracing (W3C Trace Context), sent by kubelets with tracing on.
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
];

/// Fields of a response that client-go reads, or that help whoever reads a trace.
const DOWN: [HeaderName; 10] = [
    header::CACHE_CONTROL,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::DATE,
    // Read together with status 429: the wait before the retry.
    header::RETRY_AFTER,
    // Deprecation warnings.
    header::WARNING,
    HeaderName::from_static("audit-id"),
    HeaderName::from_static("x-kubernetes-pf-flowschema-uid"),
    HeaderName::from_static("x-kubernetes-pf-prioritylevel-uid"),
];

/// The fields of a caller's request that may go to the API server.
pub fn going_up(received: &HeaderMap) -> HeaderMap {
    narrowed(received, &UP)
}

/// The fields of the API server's response that may go to the caller.
pub fn coming_down(received: &HeaderMap) -> HeaderMap {
    narrowed(received, &DOWN)
}

/// Does the message ask to leave HTTP: an `Upgrade` field, or `upgrade` named in `Connection`?
pub fn asks_for_upgrade(received: &HeaderMap) -> bool {
    received.contains_key(header::UPGRADE) || is_named_in_connection(received, "upgrade")
}

fn narrowed(received: &HeaderMap, allowed: &[HeaderName]) -> HeaderMap {
    let mut kept = HeaderMap::with_capacity(allowed.len());
    let names_hop_fields = received.contains_key(header::CONNECTION);
    for (name, value) in received {
        // RFC 9110 section 7.6.1: what `Connection` names concerns that connection alone.
        if allowed.contains(name)
            && !(names_hop_fields && is_named_in_connection(received, name.as_str()))
        {
            kept.append(name, value.clone());
        }
    }
    kept
}

fn is_named_in_connection(received: &HeaderMap, name: &str) -> bool {
    received
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .any(|option| option.trim_ascii().eq_ignore_ascii_case(name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        fields
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    fn names(map: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<_> = map.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn a_caller_cannot_choose_who_it_is_upstream() {
        let received = headers(&[
            ("accept", "application/json"),
            ("authorization", "Bearer stolen"),
            ("proxy-authorization", "Basic x"),
            ("cookie", "session=1"),
            ("impersonate-user", "system:admin"),
            ("impersonate-group", "system:masters"),
            ("impersonate-extra-scopes", "all"),
            ("impersonate-uid", "0"),
            ("x-remote-user", "system:admin"),
            ("x-remote-group", "system:masters"),
            ("x-remote-extra-a", "b"),
            ("x-forwarded-for", "10.0.0.1"),
            ("forwarded", "for=10.0.0.1"),
            ("host", "elsewhere"),
            ("origin", "https://elsewhere"),
            ("user-agent", "kubelet/v1.35"),
        ]);
        assert_eq!(names(&going_up(&received)), ["accept", "user-agent"]);
    }

    #[test]
    fn no_field_about_one_hop_crosses() {
        let received = headers(&[
            ("connection", "Upgrade, Content-Type"),
            ("connection", "keep-alive,WARNING "),
            ("content-type", "application/json"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "keep-alive"),
            ("te", "trailers"),
            ("trailer", "content-type"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "websocket"),
            ("sec-websocket-key", "x"),
            ("warning", "299 - \"old\""),
            ("content-length", "3"),
        ]);
        assert_eq!(names(&going_up(&received)), ["content-length"]);
        assert_eq!(names(&coming_down(&received)), ["content-length"]);
    }

    #[test]
    fn an_api_server_cannot_steer_the_caller() {
        let received = headers(&[
            ("location", "http://attacker/"),
            ("content-location", "/x"),
            ("refresh", "0;url=http://attacker/"),
            ("set-cookie", "a=b"),
            ("alt-svc", "h3=\"attacker:443\""),
            ("www-authenticate", "Basic"),
            ("strict-transport-security", "max-age=1"),
            ("link", "<http://attacker/>"),
            ("content-type", "application/json"),
            ("retry-after", "1"),
            ("audit-id", "6e7b"),
        ]);
        assert_eq!(names(&coming_down(&received)), ["audit-id", "content-type", "retry-after"]);
    }

    #[test]
    fn repeated_fields_keep_every_value_in_order() {
        let received = headers(&[("warning", "299 - \"a\""), ("warning", "299 - \"b\"")]);
        let kept = coming_down(&received);
        let values: Vec<_> = kept.get_all("warning").iter().collect();
        assert_eq!(values, ["299 - \"a\"", "299 - \"b\""]);
    }

    #[test]
    fn a_wish_to_upgrade_is_seen_in_either_field() {
        assert!(asks_for_upgrade(&headers(&[("upgrade", "h2c")])));
        assert!(asks_for_upgrade(&headers(&[("connection", "keep-alive, UPGRADE")])));
        assert!(!asks_for_upgrade(&headers(&[("connection", "keep-alive")])));
    }
}
