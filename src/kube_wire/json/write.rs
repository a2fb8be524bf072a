//! Writing JSON: strings with the fewest escapes, and small objects member by member.
//!
//! For objects that are rebuilt (Status, bookmarks, DELETED events). What it writes is valid JSON by
//! construction: containers close themselves, commas are nobody's business outside this file.

use super::scan::plain_run;

/// Appends a JSON string. Only what RFC 8259 requires is escaped, as `\uXXXX` where JSON has no
/// shorter form.
pub fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (plain, special) = rest.split_at_checked(plain_run(rest)).unwrap_or((rest, &[]));
        out.extend_from_slice(plain);
        let Some((&byte, behind)) = special.split_first() else { break };
        write_escape(byte, out);
        rest = behind;
    }
    out.push(b'"');
}

/// Appends an integer.
pub(in crate::kube_wire) fn write_integer(number: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends `true` or `false`.
pub(in crate::kube_wire) fn write_bool(flag: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(if flag { b"true" } else { b"false" });
}

fn write_escape(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            let digit =
                |value: u8| char::from_digit(u32::from(value), 16).map_or(b'0', |c| c as u8);
            return out.extend_from_slice(&[
                b'\\',
                b'u',
                b'0',
                b'0',
                digit(byte >> 4),
                digit(byte & 15),
            ]);
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Writes one object, member by member. Names are the caller's and must differ.
pub struct ObjectWriter<'o> {
    out: &'o mut Vec<u8>,
    is_empty: bool,
}

impl ObjectWriter<'_> {
    /// Appends one object whose members `fill` writes.
    pub fn write(out: &mut Vec<u8>, fill: impl FnOnce(&mut ObjectWriter<'_>)) {
        out.push(b'{');
        fill(&mut ObjectWriter { out, is_empty: true });
        out.push(b'}');
    }

    fn name(&mut self, name: &str) -> &mut Vec<u8> {
        if !self.is_empty {
            self.out.push(b',');
        }
        self.is_empty = false;
        write_text(name, self.out);
        self.out.push(b':');
        self.out
    }

    /// A string member.
    pub fn text(&mut self, name: &str, text: &str) {
        write_text(text, self.name(name));
    }

    /// A string member, left out when the text is empty (Go's `omitempty`).
    pub fn text_unless_empty(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.text(name, text);
        }
    }

    /// An integer member.
    pub fn integer(&mut self, name: &str, number: i64) {
        write_integer(number, self.name(name));
    }

    /// A boolean member.
    pub fn bool(&mut self, name: &str, flag: bool) {
        write_bool(flag, self.name(name));
    }

    /// A `null` member.
    pub fn null(&mut self, name: &str) {
        self.name(name).extend_from_slice(b"null");
    }

    /// An object member.
    pub fn object(&mut self, name: &str, fill: impl FnOnce(&mut ObjectWriter<'_>)) {
        ObjectWriter::write(self.name(name), fill);
    }

    /// An array member.
    pub fn array(&mut self, name: &str, fill: impl FnOnce(&mut ArrayWriter<'_>)) {
        ArrayWriter::write(self.name(name), fill);
    }

    /// A member whose value `write` appends: exactly one JSON value, such as a checked one.
    pub fn member(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) {
        write(self.name(name));
    }
}

/// Writes one array, element by element.
pub struct ArrayWriter<'o> {
    out: &'o mut Vec<u8>,
    is_empty: bool,
}

impl ArrayWriter<'_> {
    /// Appends one array whose elements `fill` writes.
    pub fn write(out: &mut Vec<u8>, fill: impl FnOnce(&mut ArrayWriter<'_>)) {
        out.push(b'[');
        fill(&mut ArrayWriter { out, is_empty: true });
        out.push(b']');
    }

    fn element(&mut self) -> &mut Vec<u8> {
        if !self.is_empty {
            self.out.push(b',');
        }
        self.is_empty = false;
        self.out
    }

    /// A string element.
    pub fn text(&mut self, text: &str) {
        write_text(text, self.element());
    }

    /// An object element.
    pub fn object(&mut self, fill: impl FnOnce(&mut ObjectWriter<'_>)) {
        ObjectWriter::write(self.element(), fill);
    }
}
