//! The canonical form of a request's path and query, the only form that rules are matched on.
//!
//! An API server unescapes and cleans paths before it routes them; whoever matches rules on another
//! spelling (`//`, `%70ods`, `/./`, a trailing slash) can be talked past. So nothing is normalised
//! here: a path that is not already canonical is refused.

use thiserror::Error;

/// Longest accepted path; a kubelet's longest are a few hundred bytes of names.
const MAX_PATH_BYTES: usize = 2048;

/// Longest accepted query; continue tokens are the longest part of real ones (about 200 bytes).
const MAX_QUERY_BYTES: usize = 8192;

/// Why a path or a query is not taken.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum TargetFault {
    /// Longer than any client here needs.
    #[error("path or query is too long")]
    TooLong,
    /// Not in canonical form.
    #[error("path is not canonical (empty, `.` or `..` segments, trailing slash or escapes)")]
    NotCanonical,
    /// A query that cannot be read in one way only.
    #[error("query is malformed")]
    MalformedQuery,
    /// The same parameter twice: readers differ in which one counts.
    #[error("query parameter is repeated")]
    RepeatedParameter,
}

/// A path whose every segment is non-empty, literal and free of dot segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CanonicalPath<'a>(&'a str);

impl<'a> CanonicalPath<'a> {
    /// Takes a path as it stands in the request line.
    pub fn parse(path: &'a str) -> Result<Self, TargetFault> {
        if path.len() > MAX_PATH_BYTES {
            return Err(TargetFault::TooLong);
        }
        let segments = path.strip_prefix('/').ok_or(TargetFault::NotCanonical)?;
        let canonical = segments.split('/').all(|segment| {
            !matches!(segment, "" | "." | "..") && segment.bytes().all(is_literal_path_byte)
        });
        if canonical { Ok(Self(path)) } else { Err(TargetFault::NotCanonical) }
    }

    /// The path as text, with its leading slash.
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// The segments between the slashes.
    pub fn segments(self) -> impl Iterator<Item = &'a str> {
        self.0.split('/').skip(1)
    }
}

/// Bytes that stand for themselves in every reader of paths: RFC 3986 unreserved, and the colon that
/// names of cluster-scoped objects may have. No `%`: an escape is a second spelling.
fn is_literal_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':')
}

/// A query as name and value pairs, unescaped, no name twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    parameters: Vec<(String, String)>,
}

impl Query {
    /// Reads a query (without its `?`); an empty one has no parameters.
    pub fn parse(query: &str) -> Result<Self, TargetFault> {
        Self::parse_with(query, |_| false)
    }

    /// Reads a query in which the parameters named by `is_list` may come several times, as lists do,
    /// and may hold line ends and tabs, as arguments of commands do.
    pub fn parse_with(query: &str, is_list: impl Fn(&str) -> bool) -> Result<Self, TargetFault> {
        if query.len() > MAX_QUERY_BYTES {
            return Err(TargetFault::TooLong);
        }
        let mut parameters: Vec<(String, String)> = Vec::new();
        if query.is_empty() {
            return Ok(Self { parameters });
        }
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').ok_or(TargetFault::MalformedQuery)?;
            let (name, value) = (unescape(name)?, unescape(value)?);
            let is_list = is_list(&name);
            let forbidden = |c: char| c.is_control() && !(is_list && matches!(c, '\n' | '\t'));
            if name.is_empty() || name.chars().any(char::is_control) || value.chars().any(forbidden)
            {
                return Err(TargetFault::MalformedQuery);
            }
            // `watch=false&watch=true` is a list to one reader and a watch to another.
            let repeats =
                |known: &str| known.eq_ignore_ascii_case(&name) && !(is_list && known == name);
            if parameters.iter().any(|(known, _)| repeats(known)) {
                return Err(TargetFault::RepeatedParameter);
            }
            parameters.push((name, value));
        }
        Ok(Self { parameters })
    }

    /// The value of a parameter.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// All parameters in the order sent.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Percent-decoding as Go's `url.QueryUnescape`, less what it forgives: stray `%` and semicolons are
/// refused. The caller looks for control characters.
fn unescape(text: &str) -> Result<String, TargetFault> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => escaped_byte(rest.next(), rest.next())?,
            b'+' => b' ',
            b';' => return Err(TargetFault::MalformedQuery),
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| TargetFault::MalformedQuery)
}

fn escaped_byte(high: Option<u8>, low: Option<u8>) -> Result<u8, TargetFault> {
    let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
    let (high, low) = digit(high).zip(digit(low)).ok_or(TargetFault::MalformedQuery)?;
    u8::try_from(high.wrapping_mul(16).wrapping_add(low)).map_err(|_| TargetFault::MalformedQuery)
}

/// Appends `name=value`, both escaped so that every reader sees the same.
pub fn append_parameter(query: &mut String, name: &str, value: &str) {
    if !query.is_empty() {
        query.push('&');
    }
    escape(query, name);
    query.push('=');
    escape(query, value);
}

fn escape(query: &mut String, text: &str) {
    const HEX: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            query.push(char::from(byte));
        } else {
            query.push('%');
            query.extend(HEX.get(usize::from(byte >> 4)));
            query.extend(HEX.get(usize::from(byte & 15)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_one_spelling_of_a_path_is_taken() {
        for path in ["/api/v1/pods", "/apis/a.b.c/v1/x/system:node:y", "/version"] {
            assert_eq!(CanonicalPath::parse(path).map(CanonicalPath::as_str), Ok(path));
        }
        let others = [
            "",
            "/",
            "api/v1/pods",
            "//api/v1/pods",
            "/api/v1/pods/",
            "/api//v1/pods",
            "/api/./v1/pods",
            "/api/v1/../v1/pods",
            "/api/v1/%70ods",
            "/api/v1/pods%2f",
            "/api/v1/pods;x=1",
            "/api/v1/pod s",
            "/api/v1/p\u{f6}ds",
            "/api/v1\\pods",
            "/api/v1/pods\0",
        ];
        for path in others {
            assert_eq!(CanonicalPath::parse(path), Err(TargetFault::NotCanonical), "{path:?}");
        }
        let long = format!("/{}", "a".repeat(MAX_PATH_BYTES));
        assert_eq!(CanonicalPath::parse(&long), Err(TargetFault::TooLong));
    }

    #[test]
    fn a_query_is_read_in_one_way_or_not_at_all() {
        let query =
            Query::parse("fieldSelector=spec.nodeName%3Dnode-1&limit=500&continue=").unwrap();
        assert_eq!(query.value("fieldSelector"), Some("spec.nodeName=node-1"));
        assert_eq!(query.value("continue"), Some(""));
        assert_eq!(query.value("watch"), None);
        for (text, fault) in [
            ("watch", TargetFault::MalformedQuery),
            ("=1", TargetFault::MalformedQuery),
            ("a=1&", TargetFault::MalformedQuery),
            ("a=%", TargetFault::MalformedQuery),
            ("a=%4", TargetFault::MalformedQuery),
            ("a=%zz", TargetFault::MalformedQuery),
            ("a=%ff", TargetFault::MalformedQuery),
            ("a=%0a", TargetFault::MalformedQuery),
            ("a=1;watch=1", TargetFault::MalformedQuery),
            ("watch=0&watch=1", TargetFault::RepeatedParameter),
            ("watch=0&WATCH=1", TargetFault::RepeatedParameter),
            ("watch=0&w%61tch=1", TargetFault::RepeatedParameter),
        ] {
            assert_eq!(Query::parse(text), Err(fault), "{text}");
        }
    }

    #[test]
    fn only_a_named_list_may_repeat_and_hold_line_ends() {
        let parse = |text| Query::parse_with(text, |name| name == "command");
        let query = parse("command=sh&command=-c&command=a%0A%09b&tty=1").unwrap();
        let pairs: Vec<_> = query.iter().collect();
        let expected = [("command", "sh"), ("command", "-c"), ("command", "a\n\tb"), ("tty", "1")];
        assert_eq!(pairs, expected);
        for (text, fault) in [
            ("tty=1&tty=1", TargetFault::RepeatedParameter),
            ("command=a&Command=b", TargetFault::RepeatedParameter),
            ("Command=a&command=b", TargetFault::RepeatedParameter),
            ("command=%00", TargetFault::MalformedQuery),
            ("command=%0d", TargetFault::MalformedQuery),
            ("tty=%0a", TargetFault::MalformedQuery),
            ("t%0aty=1", TargetFault::MalformedQuery),
        ] {
            assert_eq!(parse(text), Err(fault), "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_appended_parameter_reads_back(name in "[^\\p{Cc}]{1,12}", value in "[^\\p{Cc}]{0,40}") {
            let mut text = String::new();
            append_parameter(&mut text, &name, &value);
            let query = Query::parse(&text).unwrap();
            prop_assert_eq!(query.value(&name), Some(value.as_str()));
        }

        #[test]
        fn no_input_makes_either_parser_panic(text in "\\PC{0,60}") {
            let _ = CanonicalPath::parse(&text);
            let _ = Query::parse(&text);
        }
    }
}
