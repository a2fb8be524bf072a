//! Protobuf as far as Kubernetes' small request objects need it: fields that have a length.
//!
//! Strict, unlike every ordinary reader: a field of another shape is a fault, and who reads a message
//! decides on every field number. Nothing is skipped unseen.

use thiserror::Error;

/// What begins every Kubernetes object in protobuf (apimachinery `protobuf.go`).
const MAGIC: &[u8] = b"k8s\0";

/// Why bytes are not the message that they should be.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ProtobufFault {
    /// Not a Kubernetes object at all.
    #[error("no Kubernetes object in protobuf")]
    NoEnvelope,
    /// Bytes end inside a field.
    #[error("a message ends early")]
    Truncated,
    /// A number is too long, or not in its shortest form.
    #[error("a number is malformed")]
    Number,
    /// A field without a length, or one that the reader does not know.
    #[error("an unknown field")]
    UnknownField,
    /// A field that can be there once is there twice.
    #[error("a repeated field")]
    Repeated,
    /// Text that is not UTF-8.
    #[error("text that is not UTF-8")]
    Text,
}

/// The fields of one message, in order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

/// A Kubernetes object: what it says it is, and its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Envelope<'a> {
    pub(super) api_version: &'a str,
    pub(super) kind: &'a str,
    pub(super) object: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn of(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// The next field's number and bytes; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<(u64, &'a [u8])>, ProtobufFault> {
        const HAS_LENGTH: u64 = 2;
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = self.number()?;
        if tag & 0b111 != HAS_LENGTH {
            return Err(ProtobufFault::UnknownField);
        }
        let length = usize::try_from(self.number()?).map_err(|_| ProtobufFault::Number)?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(ProtobufFault::Truncated)?;
        self.rest = rest;
        Ok(Some((tag >> 3, bytes)))
    }

    /// A varint in its shortest form, at most 28 bits: no request is longer.
    fn number(&mut self) -> Result<u64, ProtobufFault> {
        let mut number = 0;
        for shift in [0_u32, 7, 14, 21] {
            let (byte, rest) = self.rest.split_first().ok_or(ProtobufFault::Truncated)?;
            self.rest = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return if *byte == 0 && shift > 0 {
                    Err(ProtobufFault::Number)
                } else {
                    Ok(number)
                };
            }
        }
        Err(ProtobufFault::Number)
    }
}

impl<'a> Envelope<'a> {
    /// Reads `runtime.Unknown` after its magic bytes.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, ProtobufFault> {
        let message = bytes.strip_prefix(MAGIC).ok_or(ProtobufFault::NoEnvelope)?;
        let (mut meta, mut object) = (None, None);
        let mut fields = Fields::of(message);
        while let Some((number, bytes)) = fields.next()? {
            match number {
                1 => once(&mut meta, bytes)?,
                2 => once(&mut object, bytes)?,
                // Encoding and type of what is inside: anything but the default is another object.
                3 | 4 if bytes.is_empty() => {}
                _ => return Err(ProtobufFault::UnknownField),
            }
        }
        let (mut api_version, mut kind) = (None, None);
        let mut fields = Fields::of(meta.ok_or(ProtobufFault::NoEnvelope)?);
        while let Some((number, bytes)) = fields.next()? {
            match number {
                1 => once(&mut api_version, text(bytes)?)?,
                2 => once(&mut kind, text(bytes)?)?,
                _ => return Err(ProtobufFault::UnknownField),
            }
        }
        match (api_version, kind, object) {
            (Some(api_version), Some(kind), Some(object)) => Ok(Self { api_version, kind, object }),
            (_, _, _) => Err(ProtobufFault::NoEnvelope),
        }
    }
}

/// Takes a field that may be there once.
pub(super) fn once<T>(place: &mut Option<T>, value: T) -> Result<(), ProtobufFault> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(ProtobufFault::Repeated),
    }
}

/// A text field.
pub(super) fn text(bytes: &[u8]) -> Result<&str, ProtobufFault> {
    std::str::from_utf8(bytes).map_err(|_| ProtobufFault::Text)
}
