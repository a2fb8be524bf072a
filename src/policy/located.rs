//! A JSON text whose values know where they stand: field path for people, line for editors.
//!
//! The text is parsed whole by `serde_json` first; after that this file only finds the extents of
//! the values in it, again with `serde_json`, so there is no second JSON grammar here.
//! Invariant: an object is only handed out without duplicate and without unknown keys.

use serde::de::IgnoredAny;
use serde_json::Deserializer;

use super::error::{PolicyError, PolicyWarning, WarningKind};

/// Keys quoted in messages are cut here: a hostile file must not flood the journal.
const MAX_QUOTED_CHARS: usize = 64;

/// How far a misspelt word may be from a known one to be suggested.
const MAX_TYPOS: usize = 3;

/// One value of the text.
#[derive(Clone, Debug)]
pub(super) struct Located<'t> {
    text: &'t str,
    start: usize,
    end: usize,
    path: String,
}

/// A JSON object whose keys are unique and known.
#[derive(Debug)]
pub(super) struct Object<'t> {
    at: Located<'t>,
    members: Vec<(String, Located<'t>)>,
}

impl<'t> Object<'t> {
    /// The object as a value, for messages.
    pub(super) fn at(&self) -> &Located<'t> {
        &self.at
    }

    /// The value of a key, if it is there.
    pub(super) fn find(&self, name: &str) -> Option<&Located<'t>> {
        self.members.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The value of a key, read, if it is there.
    pub(super) fn read<T>(
        &self,
        name: &str,
        read: impl FnOnce(&Located<'t>) -> Result<T, PolicyError>,
    ) -> Result<Option<T>, PolicyError> {
        self.find(name).map(read).transpose()
    }

    /// The elements of a list that must have some, each read, if the key is there.
    pub(super) fn list<T>(
        &self,
        name: &str,
        mut read: impl FnMut(&Located<'t>) -> Result<T, PolicyError>,
    ) -> Result<Option<Vec<T>>, PolicyError> {
        self.read(name, |at| at.elements()?.iter().map(&mut read).collect())
    }

    /// The value of a key that must be there.
    pub(super) fn required(&self, name: &str, remedy: &str) -> Result<&Located<'t>, PolicyError> {
        self.find(name).ok_or_else(|| self.at.missing(name, remedy))
    }
}

impl<'t> Located<'t> {
    /// The one value that makes up the whole text.
    pub(super) fn document(text: &'t str) -> Result<Self, PolicyError> {
        serde_json::from_str::<IgnoredAny>(text).map_err(|error| syntax_error(&error))?;
        let whole = Self { text, start: 0, end: text.len(), path: String::new() };
        let (start, end) = whole.next_value(0)?.ok_or(PolicyError::Empty)?;
        Ok(Self { start, end, ..whole })
    }

    /// The members of an object that may have these keys only.
    pub(super) fn object(&self, known: &[&str]) -> Result<Object<'t>, PolicyError> {
        let members = self.members()?;
        for (key, value) in &members {
            if !known.contains(&key.as_str()) {
                return Err(value.refuse(format!("unknown key; {}", suggest(key, known))));
            }
        }
        Ok(Object { at: self.clone(), members })
    }

    /// The members of an object with free keys, in the order written.
    pub(super) fn members(&self) -> Result<Vec<(String, Self)>, PolicyError> {
        let inner = self.open('{', "an object")?;
        let mut members: Vec<(String, Self)> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        let mut offset = inner;
        while let Some((start, end)) = self.next_value(offset)? {
            let key = Self { start, end, ..self.clone() }.string()?;
            let value = self.next_value(end)?.ok_or(PolicyError::Empty)?;
            let value =
                Self { start: value.0, end: value.1, path: self.member_path(&key), ..*self };
            if !seen.insert(key.clone()) {
                return Err(value.refuse("key appears twice; keep one of the two"));
            }
            offset = value.end;
            members.push((key, value));
        }
        Ok(members)
    }

    /// The elements of a list that must have some.
    pub(super) fn elements(&self) -> Result<Vec<Self>, PolicyError> {
        let elements = self.elements_or_none()?;
        if elements.is_empty() {
            return Err(self.refuse("is empty, so it checks nothing; fill it or remove the key"));
        }
        Ok(elements)
    }

    /// The elements of a list.
    pub(super) fn elements_or_none(&self) -> Result<Vec<Self>, PolicyError> {
        let mut offset = self.open('[', "a list")?;
        let mut elements = Vec::new();
        while let Some((start, end)) = self.next_value(offset)? {
            let path = format!("{}[{}]", self.path, elements.len());
            elements.push(Self { text: self.text, start, end, path });
            offset = end;
        }
        Ok(elements)
    }

    /// A string.
    pub(super) fn string(&self) -> Result<String, PolicyError> {
        self.open('"', "a string")?;
        serde_json::from_str(self.raw())
            .map_err(|_| self.refuse("holds an escape that is not Unicode; write the character"))
    }

    /// A string with something in it.
    pub(super) fn filled_string(&self) -> Result<String, PolicyError> {
        let text = self.string()?;
        if text.is_empty() {
            return Err(self.refuse("is empty; fill it or remove it"));
        }
        Ok(text)
    }

    /// A name that records and reasons can quote as it is.
    pub(super) fn name(&self) -> Result<String, PolicyError> {
        let name = self.filled_string()?;
        if name.chars().any(char::is_control) {
            return Err(self.refuse("holds a control character; write plain text on one line"));
        }
        Ok(name)
    }

    /// `true` or `false`.
    pub(super) fn boolean(&self) -> Result<bool, PolicyError> {
        match self.raw() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.wrong_kind("true or false (without quotes)")),
        }
    }

    /// A whole number.
    pub(super) fn integer(&self) -> Result<i64, PolicyError> {
        self.raw().parse().map_err(|_| self.wrong_kind("a whole number that fits 64 bits"))
    }

    /// Does the text of this value say an object?
    pub(super) fn is_object(&self) -> bool {
        self.raw().starts_with('{')
    }

    /// Does it say a string?
    pub(super) fn is_string(&self) -> bool {
        self.raw().starts_with('"')
    }

    /// Does it say a list?
    pub(super) fn is_list(&self) -> bool {
        self.raw().starts_with('[')
    }

    /// Does it say a number?
    pub(super) fn is_number(&self) -> bool {
        self.raw().starts_with(|first: char| first == '-' || first.is_ascii_digit())
    }

    /// `null`, which nobody but Go's encoder means anything by.
    pub(super) fn is_null(&self) -> bool {
        self.raw() == "null"
    }

    /// A whole number that is not negative.
    pub(super) fn counter(&self) -> Result<u64, PolicyError> {
        self.raw().parse().map_err(|_| self.wrong_kind("a whole number from 0 on"))
    }

    /// A point in time.
    pub(super) fn time(&self) -> Result<jiff::Timestamp, PolicyError> {
        self.string()?
            .parse()
            .map_err(|_| self.refuse("is no time; write it as in 2027-01-31T00:00:00Z"))
    }

    /// The value itself, for whoever builds another text out of it.
    pub(super) fn json(&self) -> Result<serde_json::Value, PolicyError> {
        serde_json::from_str(self.raw()).map_err(|error| syntax_error(&error))
    }

    /// The error that this value is.
    pub(super) fn refuse(&self, problem: impl Into<String>) -> PolicyError {
        let PolicyWarning { kind: _, path, line, problem } = self.warning(problem);
        PolicyError::Field { path, line, problem }
    }

    /// The warning that this value deserves.
    pub(super) fn warning(&self, problem: impl Into<String>) -> PolicyWarning {
        let path = if self.path.is_empty() { "the policy" } else { &self.path };
        let (path, line, problem) = (path.to_owned(), self.line(), problem.into());
        PolicyWarning { kind: WarningKind::Odd, path, line, problem }
    }

    /// The path of a member, whether it is there or not.
    pub(super) fn missing(&self, name: &str, remedy: &str) -> PolicyError {
        Self { path: self.member_path(name), ..self.clone() }
            .refuse(format!("is missing; {remedy}"))
    }

    /// Where this value stands, such as `rules[3]`.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The text it is written in.
    pub(super) fn text(&self) -> &'t str {
        self.text
    }

    /// The text of the value as it stands.
    pub(super) fn raw(&self) -> &'t str {
        self.text.get(self.start..self.end).unwrap_or_default()
    }

    /// The offset behind the opening byte, if the value begins with it.
    fn open(&self, opening: char, wanted: &str) -> Result<usize, PolicyError> {
        if self.raw().starts_with(opening) {
            Ok(self.start.saturating_add(opening.len_utf8()))
        } else {
            Err(self.wrong_kind(wanted))
        }
    }

    fn wrong_kind(&self, wanted: &str) -> PolicyError {
        let found = match self.raw().as_bytes().first() {
            Some(b'"') => "a string",
            Some(b'{') => "an object",
            Some(b'[') => "a list",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') => "null",
            Some(_) | None => "a number",
        };
        if self.is_number() && wanted.contains("number") {
            return self.refuse(format!("is no such number; it must be {wanted}"));
        }
        self.refuse(format!("is {found}; it must be {wanted}"))
    }

    /// The extent of the next value inside this one, `None` at its closing bracket.
    ///
    /// The text is known to be JSON, hence separators need no telling apart.
    fn next_value(&self, offset: usize) -> Result<Option<(usize, usize)>, PolicyError> {
        let rest = self.text.get(offset..self.end).unwrap_or_default();
        let value = rest.trim_start_matches([' ', '\t', '\r', '\n', ',', ':']);
        if value.is_empty() || value.starts_with([']', '}']) {
            return Ok(None);
        }
        let start = self.end.saturating_sub(value.len());
        let mut values = Deserializer::from_str(value).into_iter::<IgnoredAny>();
        match values.next() {
            Some(Ok(IgnoredAny)) => Ok(Some((start, start.saturating_add(values.byte_offset())))),
            Some(Err(error)) => Err(syntax_error(&error)),
            None => Ok(None),
        }
    }

    fn member_path(&self, key: &str) -> String {
        let plain = key.len() <= MAX_QUOTED_CHARS
            && !key.is_empty()
            && key.bytes().all(|byte| byte.is_ascii_alphanumeric());
        match (plain, self.path.is_empty()) {
            (true, true) => key.to_owned(),
            (true, false) => format!("{}.{key}", self.path),
            (false, _) => format!("{}[{}]", self.path, quoted(key)),
        }
    }

    fn line(&self) -> usize {
        let before = self.text.get(..self.start).unwrap_or_default();
        before.bytes().filter(|byte| *byte == b'\n').count().saturating_add(1)
    }
}

/// A word of the policy for a message: escaped and cut.
pub(super) fn quoted(word: &str) -> String {
    let cut: String = word.chars().take(MAX_QUOTED_CHARS).collect();
    format!("{cut:?}")
}

/// "did you mean", or the list of what is known.
pub(super) fn suggest(word: &str, known: &[&str]) -> String {
    let folded = quoted(word).trim_matches('"').to_lowercase();
    let nearest = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&folded, &name.to_lowercase()), name))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, name)| *distance <= MAX_TYPOS && *distance < name.len().div_ceil(2));
    match nearest {
        Some((_, name)) => format!("did you mean `{name}`?"),
        None => format!("known here: {}", known.join(", ")),
    }
}

fn syntax_error(error: &serde_json::Error) -> PolicyError {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let problem = text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text);
    PolicyError::Syntax { line, column, problem: problem.to_owned() }
}
