//! YAML of a manifest as JSON, document by document, from the events of `granit-parser`.
//!
//! As kubectl reads it, with these refusals: a key that appears twice (kubectl warns and takes one), keys
//! that are not text, tags other than `!!str`, directives, and aliases that together unfold to more than
//! [`MAX_NODES`] (an anchor bomb).

use std::collections::HashMap;

use granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};
use serde_json::{Map, Value};

use super::error::ManifestError;
use super::scalar::resolve;

/// Values in one text, aliases unfolded. A pod has a few hundred.
const MAX_NODES: usize = 2_000_000;

/// Values within values; the deepest pod stays below 20.
const MAX_DEPTH: usize = 64;

const MERGE_KEY: &str = "<<";

/// The documents, each with the line on which its content begins.
pub(super) fn values(text: &str) -> Result<Vec<(usize, Value)>, ManifestError> {
    let options = granit_parser::options! {
        disallow_directives: true,
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    Builder::new(text, options).documents()
}

type Anchored = (Value, usize);

struct Builder<'t> {
    events: Parser<'t, StrInput<'t>>,
    anchors: HashMap<usize, Anchored>,
    nodes: usize,
}

/// One event and the line on which it begins.
type Located<'t> = (Event<'t>, usize);

impl<'t> Builder<'t> {
    fn new(text: &'t str, options: Options) -> Self {
        let events = Parser::new_from_str_with_options(text, options);
        Self { events, anchors: HashMap::new(), nodes: 0 }
    }

    fn documents(mut self) -> Result<Vec<(usize, Value)>, ManifestError> {
        let mut documents = Vec::new();
        loop {
            let (event, _) = self.next()?;
            if matches!(event, Event::StreamEnd) {
                return Ok(documents);
            }
            if matches!(event, Event::DocumentStart(..)) {
                self.anchors.clear();
                let (event, line) = self.next()?;
                documents.push((line, self.value(event, line)?));
            }
        }
    }

    fn next(&mut self) -> Result<Located<'t>, ManifestError> {
        match self.events.next_event() {
            None => Ok((Event::StreamEnd, 1)),
            Some(Ok((event, span))) => Ok((event, line(&span))),
            Some(Err(error)) => Err(syntax(&error)),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the parser's enum is open")]
    fn value(&mut self, event: Event<'t>, line: usize) -> Result<Value, ManifestError> {
        let before = self.nodes;
        self.count(1, line)?;
        let (value, anchor) = match event {
            Event::Alias(anchor) => return self.alias(anchor, line),
            Event::Scalar(text, style, anchor, tag) => {
                (scalar(&text, style, tag.as_deref(), line)?, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                untagged(tag.as_deref(), "seq", line)?;
                (self.sequence()?, anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                untagged(tag.as_deref(), "map", line)?;
                (self.mapping()?, anchor)
            }
            _ => return Err(wrong(line, "is not a value; correct the YAML")),
        };
        if anchor != 0 {
            let size = self.nodes.saturating_sub(before);
            self.count(size, line)?;
            self.anchors.insert(anchor, (value.clone(), size));
        }
        Ok(value)
    }

    /// An anchor is known once its value ended, so that none holds itself.
    fn alias(&mut self, anchor: usize, line: usize) -> Result<Value, ManifestError> {
        let Some(size) = self.anchors.get(&anchor).map(|(_, size)| *size) else {
            return Err(wrong(line, "an alias inside the value that it stands for; write it out"));
        };
        self.count(size, line)?;
        Ok(self.anchors.get(&anchor).map(|(value, _)| value.clone()).unwrap_or_default())
    }

    fn count(&mut self, nodes: usize, line: usize) -> Result<(), ManifestError> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MAX_NODES {
            let problem =
                format!("more than {MAX_NODES} values, aliases unfolded; give it in parts");
            return Err(wrong(line, problem));
        }
        Ok(())
    }

    fn sequence(&mut self) -> Result<Value, ManifestError> {
        let mut items = Vec::new();
        loop {
            let (event, line) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                return Ok(Value::Array(items));
            }
            items.push(self.value(event, line)?);
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the parser's enum is open")]
    fn mapping(&mut self) -> Result<Value, ManifestError> {
        let mut members = Map::new();
        let mut merged = Vec::new();
        loop {
            let (event, line) = self.next()?;
            let key = match event {
                Event::MappingEnd => break,
                Event::Scalar(text, style, _, tag) => key(&text, style, tag.as_deref(), line)?,
                _ => return Err(wrong(line, "a key that is no text; write plain text")),
            };
            let (event, line) = self.next()?;
            let value = self.value(event, line)?;
            match key {
                Key::Merge => merged.extend(mergeable(value, line)?),
                Key::Text(key) if members.contains_key(&key) => {
                    let problem = format!("the key {key:?} appears twice; keep one of the two");
                    return Err(wrong(line, problem));
                }
                Key::Text(key) => {
                    members.insert(key, value);
                }
            }
        }
        for (key, value) in merged {
            members.entry(key).or_insert(value);
        }
        Ok(Value::Object(members))
    }
}

enum Key {
    Merge,
    Text(String),
}

fn key(
    text: &str,
    style: ScalarStyle,
    tag: Option<&Tag>,
    line: usize,
) -> Result<Key, ManifestError> {
    if style == ScalarStyle::Plain && tag.is_none() && text == MERGE_KEY {
        return Ok(Key::Merge);
    }
    match scalar(text, style, tag, line)? {
        Value::String(text) => Ok(Key::Text(text)),
        Value::Number(number) if number.to_string() == text => Ok(Key::Text(text.to_owned())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err(wrong(line, format!("the key {text:?} is no text to every reader; quote it")))
        }
    }
}

/// What `<<` brings, earlier values first.
fn mergeable(value: Value, line: usize) -> Result<Vec<(String, Value)>, ManifestError> {
    let maps = match value {
        Value::Object(map) => vec![map],
        Value::Array(items) => {
            let maps = items.into_iter().map(|item| match item {
                Value::Object(map) => Some(map),
                Value::Null | Value::Bool(_) | Value::Number(_) => None,
                Value::String(_) | Value::Array(_) => None,
            });
            maps.collect::<Option<_>>().unwrap_or_default()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    if maps.is_empty() {
        return Err(wrong(line, "`<<` merges objects alone; give it one"));
    }
    Ok(maps.into_iter().flatten().collect())
}

fn scalar(
    text: &str,
    style: ScalarStyle,
    tag: Option<&Tag>,
    line: usize,
) -> Result<Value, ManifestError> {
    match tag {
        Some(tag) if tag.core_suffix() == Some("str") => Ok(text.into()),
        Some(tag) => Err(refused_tag(tag, line)),
        None if style == ScalarStyle::Plain => {
            resolve(text).map_err(|problem| wrong(line, format!("{text:?} {problem}")))
        }
        None => Ok(text.into()),
    }
}

fn untagged(tag: Option<&Tag>, kind: &str, line: usize) -> Result<(), ManifestError> {
    match tag {
        Some(tag) if tag.core_suffix() != Some(kind) => Err(refused_tag(tag, line)),
        Some(_) | None => Ok(()),
    }
}

fn refused_tag(tag: &Tag, line: usize) -> ManifestError {
    wrong(line, format!("the tag {:?} is not taken; remove it", tag.original()))
}

fn line(span: &Span) -> usize {
    span.start.line()
}

fn wrong(line: usize, problem: impl Into<String>) -> ManifestError {
    ManifestError::Syntax { line, problem: problem.into() }
}

fn syntax(error: &ScanError) -> ManifestError {
    let problem = error.info();
    let problem = problem.lines().next().unwrap_or_default();
    wrong(error.marker().line(), format!("{problem}; correct the YAML"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn one(text: &str) -> Value {
        let mut values = values(text).unwrap();
        assert_eq!(values.len(), 1);
        values.remove(0).1
    }

    #[test]
    fn values_are_those_of_kubectl() {
        for (text, expected) in [
            (
                "a: yes\nb: \"yes\"\nc: 'on'\nd: 0644\n",
                json!({"a": true, "b": "yes", "c": "on", "d": 420}),
            ),
            ("a: |\n  x\n  y\n", json!({"a": "x\ny\n"})),
            ("a: [1, {b: 2}]\n", json!({"a": [1, {"b": 2}]})),
            ("a: &x {b: 1}\nc: *x\n", json!({"a": {"b": 1}, "c": {"b": 1}})),
            (
                "a: &x {b: 1, c: 1}\nd: {<<: *x, c: 2}\n",
                json!({"a": {"b": 1, "c": 1}, "d": {"b": 1, "c": 2}}),
            ),
            ("a: !!str 12\n", json!({"a": "12"})),
            ("80: x\n", json!({"80": "x"})),
            ("a:\n", json!({"a": null})),
        ] {
            assert_eq!(one(text), expected, "{text}");
        }
    }

    #[test]
    fn what_two_readers_take_differently_is_refused_with_its_line() {
        for (text, expected) in [
            ("a: 1\na: 2\n", "line 2: the key \"a\" appears twice"),
            ("a:\n  b: 1\n  b: 1\n", "line 3: the key \"b\""),
            ("on: x\n", "line 1: the key \"on\" is no text to every reader; quote it"),
            ("0x10: x\n", "quote it"),
            ("? [a]\n: x\n", "a key that is no text"),
            ("a: !!binary aGk=\n", "the tag \"!!binary\" is not taken"),
            ("a: !ruby/object x\n", "is not taken; remove it"),
            ("%YAML 1.1\n---\na: 1\n", "line 1: "),
            ("a: .inf\n", "is no number"),
            ("a: *x\n", "line 1: "),
            ("a: &x [*x]\n", "an alias inside the value"),
            ("a: {<<: 1}\n", "`<<` merges objects"),
            ("a: [1\n", "correct the YAML"),
            ("a: b: c\n", "line 1: "),
            ("a:\n\tb: 1\n", "line 2: "),
        ] {
            let message = values(text).unwrap_err().to_string();
            assert!(message.contains(expected), "{text}: {message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }

    #[test]
    fn bombs_are_refused_before_they_unfold() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let below = level - 1;
            let aliases = vec![format!("*a{below}"); 10].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
        }
        assert!(values(&bomb).unwrap_err().to_string().contains("aliases unfolded"));
        let deep = format!("a: {}{}\n", "[".repeat(500), "]".repeat(500));
        assert!(values(&deep).is_err());
    }
}
