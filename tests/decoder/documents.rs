//! Pods made up from the tables, and spoiled on the way: what a hostile API server might write.
//!
//! Every document is a function of a list of numbers, so that a failing one can be made smaller by
//! making the list shorter. An exhausted list chooses 0 everywhere, which is always the tame choice.

use std::fmt::{self, Write};

use nodeward::kube_wire::pod_schema::POD;
use nodeward::kube_wire::schema::{Field, ObjectSchema, Shape};

use crate::samples;

/// Fields without which no pod can be read, and those whose absence says nothing.
const ALWAYS: [(&str, &str); 19] = [
    ("Pod", "kind"),
    ("Pod", "apiVersion"),
    ("Pod", "metadata"),
    ("Pod", "spec"),
    ("ObjectMeta", "name"),
    ("ObjectMeta", "namespace"),
    ("ObjectMeta", "uid"),
    ("PodSpec", "nodeName"),
    ("PodSpec", "containers"),
    ("Container", "name"),
    ("Container", "image"),
    ("EphemeralContainer", "name"),
    ("EphemeralContainer", "image"),
    ("Volume", "name"),
    ("ImageVolumeSource", "reference"),
    ("VolumeMount", "name"),
    ("VolumeMount", "mountPath"),
    ("VolumeDevice", "name"),
    ("VolumeDevice", "devicePath"),
];

/// A document and whether anything in it was spoiled.
pub(crate) struct Document {
    pub(crate) bytes: Vec<u8>,
    pub(crate) is_tame: bool,
}

impl fmt::Debug for Document {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&String::from_utf8_lossy(&self.bytes))
    }
}

/// Makes a document of a list of choices.
pub(crate) fn document(choices: &[u16]) -> Document {
    let mut maker = Maker { choices: choices.iter(), ..Maker::default() };
    // Of the documents that are not tame, about one value in `rarity` is spoiled, but only a few in
    // all: the fewer, the nearer the document is to one that passes.
    (maker.rarity, maker.most_spoiled) =
        [(0, 0), (10, 1), (30, 1), (100, 1), (100, 2), (300, 9)][maker.below(6)];
    maker.object(&POD, 0);
    if maker.spoils() {
        maker.token(&samples::TRAILERS);
    }
    let mut bytes = maker.text.into_bytes();
    if let Some(position) = maker.broken_byte {
        bytes[position] = 0xff;
    }
    Document { bytes, is_tame: maker.spoiled == 0 }
}

#[derive(Default)]
struct Maker<'a> {
    choices: std::slice::Iter<'a, u16>,
    text: String,
    rarity: usize,
    most_spoiled: usize,
    spoiled: usize,
    /// Where a byte becomes one that is not UTF-8.
    broken_byte: Option<usize>,
    containers: usize,
    volumes: usize,
}

impl Maker<'_> {
    /// A number below `limit`.
    fn below(&mut self, limit: usize) -> usize {
        usize::from(self.choices.next().copied().unwrap_or(0)) % limit
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == count - 1
    }

    fn one_of<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.below(texts.len())]
    }

    fn spoils(&mut self) -> bool {
        let spoils = self.spoiled < self.most_spoiled && self.one_in(self.rarity);
        self.spoiled += usize::from(spoils);
        spoils
    }

    fn object(&mut self, schema: &'static ObjectSchema, depth: usize) {
        self.text.push('{');
        let mut is_first = true;
        let mut fields = self.chosen_fields(schema, depth);
        if self.one_in(3) {
            self.shuffle(&mut fields);
        }
        for field in fields {
            self.separate(&mut is_first);
            self.member(schema, field, depth);
        }
        if self.spoils() {
            self.separate(&mut is_first);
            self.token(&samples::INTRUDERS);
        }
        self.space();
        self.text.push('}');
    }

    /// Any order: Go's own, which most documents come in, is the one that our check is fastest in.
    fn shuffle<T>(&mut self, members: &mut [T]) {
        for last in (1..members.len()).rev() {
            let other = self.below(last + 1);
            members.swap(last, other);
        }
    }

    fn separate(&mut self, is_first: &mut bool) {
        if !std::mem::take(is_first) {
            self.text.push(',');
        }
        self.space();
    }

    fn space(&mut self) {
        if self.one_in(30) {
            self.text.push_str("\r\n \t");
        }
    }

    /// Which fields of a table to write. The deeper, the fewer: documents stay small.
    fn chosen_fields(
        &mut self,
        schema: &'static ObjectSchema,
        depth: usize,
    ) -> Vec<&'static Field> {
        let chance = 3 + depth * 2;
        let mut fields: Vec<_> = schema
            .fields
            .iter()
            .filter(|field| ALWAYS.contains(&(schema.name, field.name)) || self.one_in(chance))
            .collect();
        if schema.name == "Volume" {
            // The API admits one source.
            fields.truncate(2);
        }
        fields
    }

    fn member(&mut self, schema: &'static ObjectSchema, field: &'static Field, depth: usize) {
        self.key(field.name);
        self.value_of(schema, field, depth);
        if self.spoils() {
            self.text.push(',');
            self.key(field.name);
            self.value_of(schema, field, depth);
        }
    }

    fn key(&mut self, name: &str) {
        let folded = match self.spoils().then(|| self.below(4)) {
            None => name.to_owned(),
            Some(0) => name.to_uppercase(),
            Some(1) => name.replacen('s', "\u{17f}", 1).replacen('k', "\u{212a}", 1),
            Some(2) => format!("{name}\u{0}"),
            Some(_) => name[..1].to_uppercase() + &name[1..],
        };
        self.string(&folded);
        self.space();
        self.text.push(':');
        self.space();
    }

    fn value_of(&mut self, schema: &'static ObjectSchema, field: &'static Field, depth: usize) {
        match (schema.name, field.name) {
            ("Container" | "EphemeralContainer", "name") => {
                self.containers += 1;
                let name = format!("c{}", self.containers);
                self.string(&name);
            }
            ("Volume", "name") => {
                self.volumes += 1;
                let name = format!("v{}", self.volumes);
                self.string(&name);
            }
            (_, "volumeMounts" | "volumeDevices") if self.volumes == 0 => self.text.push_str("[]"),
            ("VolumeMount" | "VolumeDevice", "name") => {
                let name = format!("v{}", 1 + self.below(self.volumes));
                self.string(&name);
            }
            ("PodSpec", "containers") => {
                self.text.push('[');
                self.value(field.shape_of_element(), depth + 1);
                self.text.push(']');
            }
            _ => self.value(&field.shape, depth),
        }
    }

    fn value(&mut self, shape: &Shape, depth: usize) {
        if self.spoils() {
            let near = samples::near_misses(shape);
            let tokens = if self.one_in(3) { samples::REPLACEMENTS } else { near };
            self.token(tokens);
            return;
        }
        match shape {
            Shape::Object(schema) => self.object(schema, depth + 1),
            Shape::List(element) => self.list(element, depth),
            Shape::Map(value) => self.map(value, depth),
            Shape::Text => {
                let text = self.one_of(&samples::TEXTS);
                self.string(text);
            }
            Shape::Named(grammar) => {
                let text = self.one_of(samples::of(*grammar));
                self.string(text);
            }
            Shape::Time => {
                let time = self.one_of(&samples::TIMES);
                self.string(time);
            }
            Shape::Bool => self.token(&["false", "true"]),
            Shape::Int32 => self.token(&samples::INT32S),
            Shape::Int64 => self.token(&samples::INT64S),
            Shape::Quantity => self.token(&samples::QUANTITIES),
            Shape::IntOrString => self.token(&samples::INTS_OR_STRINGS),
            Shape::Free => self.token(&samples::FREE_OBJECTS),
        }
    }

    fn token(&mut self, tokens: &[&str]) {
        let token = self.one_of(tokens);
        self.text.push_str(token);
    }

    fn list(&mut self, element: &Shape, depth: usize) {
        self.text.push('[');
        for index in 0..self.below(if depth > 6 { 2 } else { 3 }) {
            if index > 0 {
                self.text.push(',');
            }
            self.space();
            self.value(element, depth + 1);
        }
        self.text.push(']');
    }

    fn map(&mut self, value: &Shape, depth: usize) {
        self.text.push('{');
        let mut keys = samples::KEYS.to_vec();
        self.shuffle(&mut keys);
        for (index, key) in keys[..self.below(4)].iter().enumerate() {
            if index > 0 {
                self.text.push(',');
            }
            let key = if self.spoils() { samples::KEYS[0] } else { key };
            self.string(key);
            self.text.push(':');
            self.value(value, depth + 1);
        }
        self.text.push('}');
    }

    /// A JSON string in one of its many spellings.
    fn string(&mut self, content: &str) {
        self.text.push('"');
        let spelling = self.below(8);
        for character in content.chars() {
            let must_escape = matches!(character, '"' | '\\') || character < ' ';
            let escapes = must_escape || (spelling == 7 && self.one_in(3));
            match character {
                '/' if spelling == 6 => self.text.push_str("\\/"),
                '\n' if spelling < 4 => self.text.push_str("\\n"),
                _ if escapes => {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        let _ = write!(self.text, "\\u{unit:04x}");
                    }
                }
                _ => self.text.push(character),
            }
        }
        if self.spoils() {
            if self.one_in(4) {
                self.broken_byte = Some(self.text.len());
            }
            self.token(&samples::BAD_STRING_PARTS);
        }
        self.text.push('"');
    }
}

/// The element of a list, for the one list that must not be empty.
trait Element {
    fn shape_of_element(&self) -> &'static Shape;
}

impl Element for Field {
    fn shape_of_element(&self) -> &'static Shape {
        if let Shape::List(element) = self.shape { element } else { &Shape::Text }
    }
}
