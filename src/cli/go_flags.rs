//! Turns command lines written for Go's `flag` package into the form that clap reads.
//!
//! In Go one dash is as good as two, a value flag takes whatever comes next even if it begins with a
//! dash, and a boolean takes its value only after `=`. Rewrites spelling and nothing else: unknown
//! flags and stray words stay for clap to refuse, with its suggestions.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Rewrites arguments (without the program's name) to `--flag` and `--flag=value`.
///
/// `value_flags` are the names of flags that need a value.
pub(super) fn normalise(arguments: Vec<OsString>, value_flags: &HashSet<String>) -> Vec<OsString> {
    let mut normal = Vec::with_capacity(arguments.len());
    let mut rest = arguments.into_iter();
    while let Some(argument) = rest.next() {
        let Some(flag) = flag_body(&argument) else {
            // The first word that is no flag ends the flags, as in Go.
            normal.push(argument);
            normal.extend(rest);
            break;
        };
        let needs_value = flag.to_str().is_some_and(|name| value_flags.contains(name));
        let value = if needs_value { rest.next() } else { None };
        normal.push(spelled(flag, value));
    }
    normal
}

/// What follows the dashes; `None` for `-`, `--`, `--=…` and `---…`, which Go does not take for
/// flags either, and for words without a dash.
fn flag_body(argument: &OsStr) -> Option<&OsStr> {
    let bytes = argument.as_bytes();
    let body = bytes.strip_prefix(b"--").or_else(|| bytes.strip_prefix(b"-"))?;
    match body.first() {
        None | Some(b'-' | b'=') => None,
        Some(_) => Some(OsStr::from_bytes(body)),
    }
}

fn spelled(flag: &OsStr, value: Option<OsString>) -> OsString {
    // clap's own flags of one letter (`-h`, `-V`) have no long form of the same name.
    let mut bytes = if flag.len() == 1 { b"-".to_vec() } else { b"--".to_vec() };
    bytes.extend_from_slice(flag.as_bytes());
    if let Some(value) = value {
        bytes.push(b'=');
        bytes.extend(value.into_vec());
    }
    OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn normal(words: &[&str]) -> Vec<String> {
        let value_flags = ["context", "kubeconfig"].map(str::to_owned).into();
        let words = words.iter().map(OsString::from).collect();
        normalise(words, &value_flags).into_iter().map(|word| word.into_string().unwrap()).collect()
    }

    #[test]
    fn every_spelling_of_go_becomes_the_one_of_clap() {
        let cases: &[(&[&str], &[&str])] = &[
            (&["-kubeconfig", "f"], &["--kubeconfig=f"]),
            (&["--kubeconfig", "f"], &["--kubeconfig=f"]),
            (&["-kubeconfig=f"], &["--kubeconfig=f"]),
            (&["--kubeconfig=f"], &["--kubeconfig=f"]),
            (&["-kubeconfig", "-f"], &["--kubeconfig=-f"]),
            (&["-kubeconfig", ""], &["--kubeconfig="]),
            (&["-kubeconfig"], &["--kubeconfig"]),
            (&["-context=a=b"], &["--context=a=b"]),
            (&["-log-requests", "-context", "c"], &["--log-requests", "--context=c"]),
            (&["-log-requests=false"], &["--log-requests=false"]),
            (&["-unknown", "-context", "c"], &["--unknown", "--context=c"]),
            (&["-h"], &["-h"]),
            (&["-help"], &["--help"]),
            (&["word", "-context", "c"], &["word", "-context", "c"]),
            (&["--", "-context", "c"], &["--", "-context", "c"]),
            (&["-"], &["-"]),
            (&["---context"], &["---context"]),
            (&["-=x"], &["-=x"]),
        ];
        for (given, expected) in cases {
            assert_eq!(normal(given), *expected, "{given:?}");
        }
    }

    proptest! {
        #[test]
        fn any_mix_of_spellings_means_the_same(
            flags in prop::collection::vec(("context|kubeconfig", ".*", 0..4_u8), 0..6),
        ) {
            let mut given = Vec::new();
            let mut expected = Vec::new();
            for (name, value, spelling) in flags {
                match spelling {
                    0 => given.push(format!("-{name}={value}")),
                    1 => given.push(format!("--{name}={value}")),
                    2 => given.extend([format!("-{name}"), value.clone()]),
                    _ => given.extend([format!("--{name}"), value.clone()]),
                }
                expected.push(format!("--{name}={value}"));
            }
            let given: Vec<&str> = given.iter().map(String::as_str).collect();
            let once = normal(&given);
            prop_assert_eq!(&once, &expected);
            let again: Vec<&str> = once.iter().map(String::as_str).collect();
            prop_assert_eq!(normal(&again), expected, "normal form stays as it is");
        }
    }
}
