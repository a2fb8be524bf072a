//! Frames: eight bytes of head, then as many bytes as these say (SPDY draft 3.1, section 2.2).

use thiserror::Error;

use crate::kubelet_api::limits::MAX_CONTROL_BYTES;

/// Bytes before the length that is counted.
pub(super) const HEAD_BYTES: usize = 8;

/// The one version that is spoken.
const VERSION: u16 = 3;

const CONTROL_BIT: u32 = 1 << 31;
const LENGTH_BITS: u32 = (1 << 24) - 1;

/// The last frame of a stream in this direction.
const FLAG_FIN: u8 = 1;

/// A stream in which only its opener talks.
const FLAG_UNIDIRECTIONAL: u8 = 2;

/// Why a frame is not taken.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(in crate::kubelet_api) enum FrameFault {
    #[error("a frame of another version than SPDY/3")]
    Version,
    #[error("a frame that no port-forward needs")]
    Kind,
    #[error("a frame of the wrong length")]
    Length,
    #[error("a frame with flags that it cannot have")]
    Flags,
    #[error("a stream number out of order")]
    Stream,
}

/// What a head announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// Payload of a stream, `length` bytes.
    Data { stream: u32, flags: u8, length: usize },
    /// A control frame, whose body of `length` bytes is read whole.
    Control { kind: Kind, flags: u8, length: usize },
}

/// Control frames that a client of a port-forward may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    SynStream,
    RstStream,
    Ping,
    GoAway,
    WindowUpdate,
}

impl Kind {
    fn number(self) -> u16 {
        match self {
            Self::SynStream => 1,
            Self::RstStream => 3,
            Self::Ping => 6,
            Self::GoAway => 7,
            Self::WindowUpdate => 9,
        }
    }

    fn of(number: u16) -> Option<Self> {
        let all = [Self::SynStream, Self::RstStream, Self::Ping, Self::GoAway, Self::WindowUpdate];
        all.into_iter().find(|kind| kind.number() == number)
    }

    /// Some readers take these lengths for granted, whatever the head says.
    fn fits(self, length: usize) -> bool {
        match self {
            Self::SynStream => length > SYN_STREAM_BYTES && length <= MAX_CONTROL_BYTES,
            Self::Ping => length == 4,
            Self::RstStream | Self::GoAway | Self::WindowUpdate => length == 8,
        }
    }

    fn may_have(self, flags: u8) -> bool {
        match self {
            Self::SynStream => flags & !(FLAG_FIN | FLAG_UNIDIRECTIONAL) == 0,
            Self::RstStream | Self::Ping | Self::GoAway | Self::WindowUpdate => flags == 0,
        }
    }
}

impl Head {
    /// Reads a head.
    pub(super) fn read(bytes: [u8; HEAD_BYTES]) -> Result<Self, FrameFault> {
        let [a, b, c, d, e, f, g, h] = bytes;
        let (first, second) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
        let [flags, ..] = second.to_be_bytes();
        let length = usize::try_from(second & LENGTH_BITS).map_err(|_| FrameFault::Length)?;
        if first & CONTROL_BIT == 0 {
            if first == 0 {
                return Err(FrameFault::Stream);
            }
            if flags & !FLAG_FIN != 0 {
                return Err(FrameFault::Flags);
            }
            return Ok(Self::Data { stream: first, flags, length });
        }
        let [version_high, version_low, kind_high, kind_low] = (first & !CONTROL_BIT).to_be_bytes();
        if u16::from_be_bytes([version_high, version_low]) != VERSION {
            return Err(FrameFault::Version);
        }
        let number = u16::from_be_bytes([kind_high, kind_low]);
        let kind = Kind::of(number).ok_or(FrameFault::Kind)?;
        if !kind.fits(length) {
            return Err(FrameFault::Length);
        }
        if !kind.may_have(flags) {
            return Err(FrameFault::Flags);
        }
        Ok(Self::Control { kind, flags, length })
    }

    /// Writes it.
    pub(super) fn write(self) -> [u8; HEAD_BYTES] {
        let (first, flags, length) = match self {
            Self::Data { stream, flags, length } => (stream, flags, length),
            Self::Control { kind, flags, length } => {
                let word = (u32::from(VERSION) << 16) | u32::from(kind.number());
                (CONTROL_BIT | word, flags, length)
            }
        };
        let length = u32::try_from(length).unwrap_or_default() & LENGTH_BITS;
        let [a, b, c, d] = first.to_be_bytes();
        let [e, f, g, h] = ((u32::from(flags) << 24) | length).to_be_bytes();
        [a, b, c, d, e, f, g, h]
    }
}

/// What a `SYN_STREAM` says before its header block.
pub(super) const SYN_STREAM_BYTES: usize = 10;

/// The fixed part of a `SYN_STREAM`: its number; a parent and a credential slot it must not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SynStream {
    pub(super) stream: u32,
    pub(super) priority: u8,
}

impl SynStream {
    /// Splits a body into the fixed part and the header block.
    pub(super) fn read(body: &[u8]) -> Result<(Self, &[u8]), FrameFault> {
        let (fixed, block) = body.split_at_checked(SYN_STREAM_BYTES).ok_or(FrameFault::Length)?;
        let [a, b, c, d, 0, 0, 0, 0, priority, 0] = *fixed else {
            return Err(FrameFault::Stream);
        };
        let stream = u32::from_be_bytes([a, b, c, d]);
        // A client's streams have odd numbers.
        if stream & CONTROL_BIT != 0 || stream & 1 == 0 || priority & 0b1_1111 != 0 {
            return Err(FrameFault::Stream);
        }
        Ok((Self { stream, priority }, block))
    }

    /// Writes the fixed part.
    pub(super) fn write(self) -> [u8; SYN_STREAM_BYTES] {
        let [a, b, c, d] = self.stream.to_be_bytes();
        [a, b, c, d, 0, 0, 0, 0, self.priority, 0]
    }
}
