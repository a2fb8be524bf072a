//! The header of a SPDY stream: decompressed, read strictly, and written again without compression.
//!
//! One zlib stream runs through all headers of a connection, each ending at a flush. What is written
//! has a zlib stream of its own, of stored blocks (RFC 1951 section 3.2.4), which any reader takes.

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_HAS_MORE_INPUT;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};
use thiserror::Error;

use super::dictionary;
use crate::kubelet_api::call;
use crate::kubelet_api::limits::{MAX_HEADER_BLOCK_BYTES, MAX_STREAM_FIELDS};

/// The farthest that deflate looks back.
const WINDOW_BYTES: usize = 32 * 1024;

/// Why a header is not taken.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(in crate::kubelet_api) enum HeaderFault {
    #[error("a stream's header is not compressed as SPDY/3 asks")]
    Compression,
    #[error("a stream's header is too long")]
    TooLong,
    #[error("a stream's header is malformed")]
    Malformed,
    #[error("a stream's header has a field that no port-forward needs")]
    Field,
    #[error("a stream names no port, or not in the one form that is taken")]
    Port,
}

/// What the stream carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StreamType {
    Data,
    Error,
}

/// The header of a port-forward's stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StreamHeader {
    pub(super) port: u16,
    kind: StreamType,
    /// Pairs the two streams of a forwarded connection; old clients send none.
    request: Option<String>,
}

/// Decompresses the headers of one connection.
pub(super) struct Decompressor {
    state: Box<DecompressorOxide>,
    /// Ring of what was decompressed last, the dictionary first.
    window: Vec<u8>,
    at: usize,
    began: bool,
}

impl Decompressor {
    pub(super) fn new() -> Self {
        let mut window = dictionary::bytes();
        let at = window.len();
        window.resize(WINDOW_BYTES, 0);
        Self { state: Box::default(), window, at, began: false }
    }

    /// One header block, up to its flush.
    pub(super) fn block(&mut self, compressed: &[u8]) -> Result<Vec<u8>, HeaderFault> {
        let mut rest = compressed;
        if !self.began {
            rest = after_zlib_head(compressed)?;
            self.began = true;
        }
        let mut block = Vec::new();
        loop {
            let (status, read, written) = decompress(
                &mut self.state,
                rest,
                &mut self.window,
                self.at,
                TINFL_FLAG_HAS_MORE_INPUT,
            );
            rest = rest.get(read..).ok_or(HeaderFault::Compression)?;
            let end = self.at.saturating_add(written);
            block.extend_from_slice(self.window.get(self.at..end).ok_or(HeaderFault::Compression)?);
            self.at = end % WINDOW_BYTES;
            if block.len() > MAX_HEADER_BLOCK_BYTES {
                return Err(HeaderFault::TooLong);
            }
            match status {
                TINFLStatus::HasMoreOutput => {}
                TINFLStatus::NeedsMoreInput if rest.is_empty() => return Ok(block),
                TINFLStatus::NeedsMoreInput
                | TINFLStatus::Done
                | TINFLStatus::Failed
                | TINFLStatus::BadParam
                | TINFLStatus::Adler32Mismatch
                | TINFLStatus::FailedCannotMakeProgress => return Err(HeaderFault::Compression),
            }
        }
    }
}

/// RFC 1950 section 2.2: method and window, flags, and the dictionary's checksum if one is used.
fn after_zlib_head(compressed: &[u8]) -> Result<&[u8], HeaderFault> {
    const DEFLATE: u8 = 8;
    const USES_DICTIONARY: u8 = 1 << 5;
    let [method, flags, rest @ ..] = compressed else { return Err(HeaderFault::Compression) };
    let check = u16::from_be_bytes([*method, *flags]);
    if method & 0b1111 != DEFLATE || method >> 4 > 7 || check % 31 != 0 {
        return Err(HeaderFault::Compression);
    }
    if flags & USES_DICTIONARY == 0 {
        return Ok(rest);
    }
    rest.strip_prefix(&dictionary::CHECKSUM).ok_or(HeaderFault::Compression)
}

impl StreamHeader {
    /// Reads a block: the three fields of a port-forward, each once, in lower case, and no other.
    pub(super) fn read(block: &[u8]) -> Result<Self, HeaderFault> {
        let mut rest = block;
        let count = number(&mut rest)?;
        if count > MAX_STREAM_FIELDS {
            return Err(HeaderFault::Field);
        }
        let (mut port, mut kind, mut request) = (None, None, None);
        for _ in 0..count {
            let (name, value) = (text(&mut rest)?, text(&mut rest)?);
            let is_first = match name {
                "port" => port.replace(call::port(value).ok_or(HeaderFault::Port)?).is_none(),
                "streamtype" => kind.replace(stream_type(value)?).is_none(),
                "requestid" if is_request_id(value) => request.replace(value.to_owned()).is_none(),
                _ => false,
            };
            if !is_first {
                return Err(HeaderFault::Field);
            }
        }
        match (port, kind) {
            (Some(port), Some(kind)) if rest.is_empty() => Ok(Self { port, kind, request }),
            (_, _) if !rest.is_empty() => Err(HeaderFault::Malformed),
            (None, _) => Err(HeaderFault::Port),
            (Some(_), _) => Err(HeaderFault::Field),
        }
    }

    /// The block, uncompressed.
    fn write(&self) -> Vec<u8> {
        let port = self.port.to_string();
        let kind = match self.kind {
            StreamType::Data => "data",
            StreamType::Error => "error",
        };
        let mut fields = vec![("port", port.as_str()), ("streamtype", kind)];
        fields.extend(self.request.as_deref().map(|request| ("requestid", request)));
        let mut block = length(fields.len()).to_vec();
        for word in fields.into_iter().flat_map(|(name, value)| [name, value]) {
            block.extend_from_slice(&length(word.len()));
            block.extend_from_slice(word.as_bytes());
        }
        block
    }
}

fn stream_type(value: &str) -> Result<StreamType, HeaderFault> {
    match value {
        "data" => Ok(StreamType::Data),
        "error" => Ok(StreamType::Error),
        _ => Err(HeaderFault::Field),
    }
}

/// A number in kubectl; a NUL would make it several values.
fn is_request_id(value: &str) -> bool {
    (1..=64).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_graphic())
}

fn number(rest: &mut &[u8]) -> Result<u32, HeaderFault> {
    let (first, after) = rest.split_first_chunk::<4>().ok_or(HeaderFault::Malformed)?;
    *rest = after;
    Ok(u32::from_be_bytes(*first))
}

fn text<'b>(rest: &mut &'b [u8]) -> Result<&'b str, HeaderFault> {
    let length = usize::try_from(number(rest)?).map_err(|_| HeaderFault::Malformed)?;
    let (word, after) = rest.split_at_checked(length).ok_or(HeaderFault::Malformed)?;
    *rest = after;
    std::str::from_utf8(word).map_err(|_| HeaderFault::Malformed)
}

/// Every length written here is far below the limit of a control frame.
fn length(of: usize) -> [u8; 4] {
    u32::try_from(of).unwrap_or_default().to_be_bytes()
}

/// Writes the headers of one connection.
#[derive(Default)]
pub(super) struct StoredHeaders {
    began: bool,
}

impl StoredHeaders {
    /// One header as zlib bytes up to a flush.
    pub(super) fn block(&mut self, header: &StreamHeader) -> Vec<u8> {
        const ZLIB_HEAD: [u8; 2] = [0x78, 0x01];
        const FLUSH: [u8; 5] = [0, 0, 0, 0xff, 0xff];
        let plain = header.write();
        let mut block = Vec::new();
        if !self.began {
            block.extend_from_slice(&ZLIB_HEAD);
            self.began = true;
        }
        let length = u16::try_from(plain.len()).unwrap_or_default();
        block.push(0);
        block.extend_from_slice(&length.to_le_bytes());
        block.extend_from_slice(&(!length).to_le_bytes());
        block.extend_from_slice(&plain);
        block.extend_from_slice(&FLUSH);
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(fields: &[(&str, &str)]) -> Vec<u8> {
        let mut block = length(fields.len()).to_vec();
        for word in fields.iter().flat_map(|(name, value)| [name, value]) {
            block.extend_from_slice(&length(word.len()));
            block.extend_from_slice(word.as_bytes());
        }
        block
    }

    #[test]
    fn what_is_written_reads_back() {
        let mut writer = StoredHeaders::default();
        let mut reader = Decompressor::new();
        for port in [1, 80, 8080, 65535] {
            let fields = [("streamtype", "data"), ("port", &*port.to_string()), ("requestid", "7")];
            let header = StreamHeader::read(&block(&fields)).unwrap();
            assert_eq!(header.port, port);
            let plain = reader.block(&writer.block(&header)).unwrap();
            assert_eq!(StreamHeader::read(&plain).unwrap(), header);
        }
    }

    /// Compressed by Go's own zlib writer against the dictionary, as kubectl sends it: two headers of
    /// one connection.
    #[test]
    fn headers_that_go_compressed_are_read() {
        let mut reader = Decompressor::new();
        for (hexadecimal, port, kind) in GO_HEADERS {
            let compressed: Vec<u8> = (0..hexadecimal.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&hexadecimal[at..at + 2], 16).unwrap())
                .collect();
            let header = StreamHeader::read(&reader.block(&compressed).unwrap()).unwrap();
            assert_eq!((header.port, header.kind), (port, kind));
            assert_eq!(header.request.as_deref(), Some("0"));
        }
    }

    const GO_HEADERS: [(&str, u16, StreamType); 2] = [
        (
            "78f9e3c6a7c202253a703a2b294a4dcc851625aca9a0808614cb45e01c60616061c0c0c0\
             c0590489c64c50f2663400000000ffff",
            8080,
            StreamType::Error,
        ),
        ("c2aa19540e2512d60b000000ffff", 8080, StreamType::Data),
    ];

    #[test]
    fn a_header_that_two_readers_could_read_differently_is_refused() {
        let data = ("streamtype", "data");
        let cases: [(&[(&str, &str)], HeaderFault); 13] = [
            (&[data], HeaderFault::Port),
            (&[("port", "80")], HeaderFault::Field),
            (&[data, ("port", "80"), ("port", "22")], HeaderFault::Field),
            (&[data, ("port", "80\u{0}22")], HeaderFault::Port),
            (&[data, ("Port", "22"), ("port", "80")], HeaderFault::Field),
            (&[data, ("port", "080")], HeaderFault::Port),
            (&[data, ("port", "+80")], HeaderFault::Port),
            (&[data, ("port", "0")], HeaderFault::Port),
            (&[data, ("port", "65536")], HeaderFault::Port),
            (&[data, ("port", "")], HeaderFault::Port),
            (&[("streamtype", "stdin"), ("port", "80")], HeaderFault::Field),
            (&[data, ("port", "80"), ("requestid", "1\u{0}2")], HeaderFault::Field),
            (&[data, ("port", "80"), ("other", "1")], HeaderFault::Field),
        ];
        for (fields, fault) in cases {
            assert_eq!(StreamHeader::read(&block(fields)), Err(fault), "{fields:?}");
        }
        let mut long = block(&[data, ("port", "80")]);
        long.push(0);
        assert_eq!(StreamHeader::read(&long), Err(HeaderFault::Malformed));
        assert_eq!(
            StreamHeader::read(&[0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff]),
            Err(HeaderFault::Malformed)
        );
        assert_eq!(StreamHeader::read(&[0xff; 8]), Err(HeaderFault::Field));
        assert_eq!(StreamHeader::read(&[]), Err(HeaderFault::Malformed));
    }

    #[test]
    fn a_bomb_and_a_finished_stream_are_refused() {
        let zeros = miniz_oxide::deflate::compress_to_vec_zlib(&vec![0; 1 << 20], 9);
        let faults = [HeaderFault::TooLong, HeaderFault::Compression];
        let fault = Decompressor::new().block(&zeros).unwrap_err();
        assert!(faults.contains(&fault), "{fault}");
        let ended = miniz_oxide::deflate::compress_to_vec_zlib(b"x", 9);
        assert_eq!(Decompressor::new().block(&ended), Err(HeaderFault::Compression));
        for head in [&[][..], &[0x78], &[0x78, 0x02], &[0x79, 0x01], &[0x78, 0xbb, 1, 2, 3, 4]] {
            assert_eq!(Decompressor::new().block(head), Err(HeaderFault::Compression), "{head:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(0_u8.., 0..400)) {
            let _ = StreamHeader::read(&bytes);
            let mut reader = Decompressor::new();
            let _ = reader.block(&[&[0x78, 0x01], &bytes[..]].concat());
            let _ = reader.block(&bytes);
        }
    }
}
