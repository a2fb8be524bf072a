//! Keys that two decoders might not take for the same thing: duplicates, and names equal but for case.
//!
//! Go finds `kind` and `apiVersion` whatever their case, and of two equal keys the last one wins or both
//! merge. Nothing is resolved here, only refused. Invariant: work is at most n log n in an object's keys.

use super::super::json::Value;
use super::Field;
use super::check::Fault;

/// Refuses an object with two equal keys; says whether its keys ascend bytewise.
pub(super) fn refuse_duplicates(object: Value<'_>) -> Result<bool, Box<Fault>> {
    let mut previous: Option<&[u8]> = None;
    for (key, _) in object.members() {
        let name = key.as_bytes().map(|(name, _)| name).unwrap_or_default();
        if previous.is_some_and(|previous| previous >= name) {
            return refuse_unsorted_duplicates(object).map(|()| false);
        }
        previous = Some(name);
    }
    Ok(true)
}

#[cold]
fn refuse_unsorted_duplicates(object: Value<'_>) -> Result<(), Box<Fault>> {
    let mut keys: Vec<_> = object.members().map(|(key, _)| (key.as_str(), key)).collect();
    // Stable, so that the second of two equal keys is the one to blame.
    keys.sort_by_key(|(name, _)| *name);
    match keys.windows(2).find_map(|pair| equal_pair(pair)) {
        Some(key) => Err(Fault::new(key, "key given twice")),
        None => Ok(()),
    }
}

/// Refuses an object two of whose keys differ only in case (or not at all) when one is not in its table.
#[cold]
pub(super) fn refuse_clashes(object: Value<'_>, fields: &[Field]) -> Result<(), Box<Fault>> {
    let is_unknown = |name: &str| fields.iter().all(|field| field.name != name);
    let mut keys: Vec<_> = object
        .members()
        .map(|(key, _)| (key.as_str().unwrap_or_default(), key))
        .filter(|(name, _)| is_unknown(name))
        .map(|(name, key)| (name.chars().map(fold).collect::<String>(), key))
        .collect();
    keys.sort_by(|(left, _), (right, _)| left.cmp(right));
    match keys.windows(2).find_map(|pair| equal_pair(pair)) {
        Some(key) => Err(Fault::new(key, "two unknown fields that differ at most in case")),
        None => Ok(()),
    }
}

fn equal_pair<'a, Name: PartialEq>(pair: &[(Name, Value<'a>)]) -> Option<Value<'a>> {
    let [(first, _), (second, key)] = pair else { return None };
    (first == second).then_some(*key)
}

/// A path with `[*]` for the number of every element.
pub(super) fn any_element(path: &str) -> String {
    let mut any = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, behind)) = rest.split_once('[') {
        any.push_str(before);
        any.push('[');
        let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
        rest = match behind.split_at_checked(digits) {
            Some((number, end)) if !number.is_empty() && end.starts_with(']') => {
                any.push('*');
                end
            }
            Some(_) | None => behind,
        };
    }
    any.push_str(rest);
    any
}

/// Would Go's case-insensitive lookup take one name for the other?
pub(super) fn are_alike(left: &str, right: &str) -> bool {
    left.chars().map(fold).eq(right.chars().map(fold))
}

/// Go folds by Unicode's simple rules, under which two characters outside ASCII equal a letter of it;
/// tables hold ASCII names only.
fn fold(character: char) -> char {
    match character {
        '\u{17F}' => 's',
        '\u{212A}' => 'k',
        _ => character.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::{any_element, are_alike};

    #[test]
    fn elements_of_lists_are_alike_and_keys_are_not() {
        for (path, expected) in [
            ("spec.containers[10].x", "spec.containers[*].x"),
            ("a[0][1].b[2]", "a[*][*].b[*]"),
            ("spec.x", "spec.x"),
            (r#"a["1"].b[]"#, r#"a["1"].b[]"#),
            ("a[1", "a[1"),
        ] {
            assert_eq!(any_element(path), expected);
        }
    }

    #[test]
    fn names_that_go_confuses_are_alike() {
        for (left, right) in [
            ("kind", "KIND"),
            ("kind", "\u{212A}ind"),
            ("status", "\u{17F}tatu\u{17F}"),
            ("hostPID", "hostpid"),
            ("kind", "kind"),
        ] {
            assert!(are_alike(left, right), "{left} {right}");
        }
        for (left, right) in
            [("kind", "kinds"), ("kind", "kınd"), ("kind", ""), ("hostPID", "host_PID")]
        {
            assert!(!are_alike(left, right), "{left} {right}");
        }
    }
}
