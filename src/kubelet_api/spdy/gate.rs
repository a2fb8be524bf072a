//! Lets a caller's frames pass that open streams to permitted ports only.

use std::io;

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::frame::{FrameFault, HEAD_BYTES, Head, Kind, SYN_STREAM_BYTES, SynStream};
use super::header_block::{Decompressor, HeaderFault, StoredHeaders, StreamHeader};
use crate::kubelet_api::limits::STREAM_BUFFER_BYTES;
use crate::kubelet_api::ports::Ports;

/// Why a port-forward ends.
#[derive(Debug, Error)]
pub(in crate::kubelet_api) enum GateFault {
    #[error(transparent)]
    Frame(#[from] FrameFault),
    #[error(transparent)]
    Header(#[from] HeaderFault),
    #[error("port {0} is not permitted")]
    Port(u16),
    #[error("the connection broke: {0}")]
    Broken(#[from] io::Error),
}

/// The caller's direction of one port-forward.
pub(in crate::kubelet_api) struct PortGate {
    permitted: Ports,
    decompressor: Decompressor,
    headers: StoredHeaders,
    newest_stream: u32,
    /// Told already; a client opens two streams for every connection it forwards.
    told: Vec<u16>,
}

impl PortGate {
    pub(in crate::kubelet_api) fn new(permitted: Ports) -> Self {
        Self {
            permitted,
            decompressor: Decompressor::new(),
            headers: StoredHeaders::default(),
            newest_stream: 0,
            told: Vec::new(),
        }
    }

    /// Passes frames on until the caller has no more. `tell` hears of each port once.
    pub(in crate::kubelet_api) async fn pass<R, W>(
        &mut self,
        from: &mut R,
        to: &mut W,
        mut tell: impl FnMut(u16) + Send,
    ) -> Result<(), GateFault>
    where
        R: AsyncRead + Unpin + Send,
        W: AsyncWrite + Unpin + Send,
    {
        let mut buffer = vec![0; STREAM_BUFFER_BYTES];
        while let Some(head) = read_head(from).await? {
            match head {
                Head::Data { stream, flags: _, length } => {
                    if stream > self.newest_stream {
                        return Err(FrameFault::Stream.into());
                    }
                    to.write_all(&head.write()).await?;
                    copy_exactly(from, to, length, &mut buffer).await?;
                }
                Head::Control { kind, flags, length } => {
                    let body = buffer.get_mut(..length).ok_or(FrameFault::Length)?;
                    from.read_exact(body).await?;
                    let frame = self.control(kind, flags, body, &mut tell)?;
                    to.write_all(&frame).await?;
                }
            }
            to.flush().await?;
        }
        Ok(())
    }

    /// A control frame as the kubelet gets it.
    fn control(
        &mut self,
        kind: Kind,
        flags: u8,
        body: &[u8],
        tell: &mut impl FnMut(u16),
    ) -> Result<Vec<u8>, GateFault> {
        let mut frame = Vec::with_capacity(HEAD_BYTES.saturating_add(body.len()));
        match kind {
            Kind::RstStream | Kind::Ping | Kind::GoAway | Kind::WindowUpdate => {
                frame.extend_from_slice(&Head::Control { kind, flags, length: body.len() }.write());
                frame.extend_from_slice(body);
            }
            Kind::SynStream => {
                let (opened, block) = SynStream::read(body)?;
                let block = self.stream_header(opened, block, tell)?;
                let length = SYN_STREAM_BYTES.saturating_add(block.len());
                frame.extend_from_slice(&Head::Control { kind, flags, length }.write());
                frame.extend_from_slice(&opened.write());
                frame.extend_from_slice(&block);
            }
        }
        Ok(frame)
    }

    fn stream_header(
        &mut self,
        opened: SynStream,
        block: &[u8],
        tell: &mut impl FnMut(u16),
    ) -> Result<Vec<u8>, GateFault> {
        let header = StreamHeader::read(&self.decompressor.block(block)?)?;
        if opened.stream <= self.newest_stream {
            return Err(FrameFault::Stream.into());
        }
        if !self.permitted.permit(header.port) {
            return Err(GateFault::Port(header.port));
        }
        self.newest_stream = opened.stream;
        if !self.told.contains(&header.port) {
            self.told.push(header.port);
            tell(header.port);
        }
        Ok(self.headers.block(&header))
    }
}

/// The head of the next frame; `None` where the caller ends between two frames.
async fn read_head<R: AsyncRead + Unpin>(from: &mut R) -> Result<Option<Head>, GateFault> {
    let mut bytes = [0; HEAD_BYTES];
    let (first, rest) = bytes.split_at_mut(1);
    if from.read(first).await? == 0 {
        return Ok(None);
    }
    from.read_exact(rest).await?;
    Ok(Some(Head::read(bytes)?))
}

async fn copy_exactly<R, W>(
    from: &mut R,
    to: &mut W,
    length: usize,
    buffer: &mut [u8],
) -> io::Result<()>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut left = length;
    while left > 0 {
        let piece = left.min(buffer.len());
        let room = buffer.get_mut(..piece).unwrap_or_default();
        let read = from.read(room).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        to.write_all(room.get(..read).unwrap_or_default()).await?;
        left = left.saturating_sub(read);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `SYN_STREAM` as this file writes them: a client of our own.
    fn open(stream: u32, fields: &[(&str, &str)], began: bool) -> Vec<u8> {
        let mut plain = u32::try_from(fields.len()).unwrap().to_be_bytes().to_vec();
        for word in fields.iter().flat_map(|(name, value)| [name, value]) {
            plain.extend_from_slice(&u32::try_from(word.len()).unwrap().to_be_bytes());
            plain.extend_from_slice(word.as_bytes());
        }
        let length = u16::try_from(plain.len()).unwrap();
        let mut block = if began { Vec::new() } else { vec![0x78, 0x01] };
        block.push(0);
        block.extend_from_slice(&length.to_le_bytes());
        block.extend_from_slice(&(!length).to_le_bytes());
        block.extend_from_slice(&plain);
        block.extend_from_slice(&[0, 0, 0, 0xff, 0xff]);
        let head = Head::Control {
            kind: Kind::SynStream,
            flags: 0,
            length: SYN_STREAM_BYTES.saturating_add(block.len()),
        };
        let opened = SynStream { stream, priority: 0 };
        [&head.write()[..], &opened.write(), &block].concat()
    }

    fn pair(stream: u32, port: &str, began: bool) -> Vec<u8> {
        let fields = |kind| [("streamtype", kind), ("port", port), ("requestid", "0")];
        [open(stream, &fields("error"), began), open(stream.wrapping_add(2), &fields("data"), true)]
            .concat()
    }

    fn data(stream: u32, payload: &[u8]) -> Vec<u8> {
        let head = Head::Data { stream, flags: 0, length: payload.len() };
        [&head.write()[..], payload].concat()
    }

    async fn passed(sent: &[u8]) -> (Result<(), GateFault>, Vec<u8>, Vec<u16>) {
        let (mut to, mut told) = (Vec::new(), Vec::new());
        let mut gate = PortGate::new(Ports::Only([80, 8080].into()));
        let outcome = gate.pass(&mut &sent[..], &mut to, |port| told.push(port)).await;
        (outcome, to, told)
    }

    #[tokio::test]
    async fn permitted_ports_pass_and_their_bytes_with_them() {
        let sent = [
            pair(1, "80", false),
            data(3, b"GET / HTTP/1.1\r\n\r\n"),
            vec![0x80, 3, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1],
            pair(5, "8080", true),
            data(7, &vec![7; 100_000]),
            vec![0x80, 3, 0, 3, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 5],
        ]
        .concat();
        let (outcome, to, told) = passed(&sent).await;
        outcome.unwrap();
        assert_eq!(told, [80, 8080]);
        // What was written passes another gate, and comes out the same.
        let (outcome, again, _) = passed(&to).await;
        outcome.unwrap();
        assert_eq!(to, again);
        assert!(to.windows(100_000).any(|window| window == vec![7; 100_000]));
    }

    #[tokio::test]
    async fn another_port_ends_the_stream_before_the_kubelet_hears_of_it() {
        let sent = [pair(1, "80", false), pair(5, "22", true), data(7, b"secret")].concat();
        let (outcome, to, told) = passed(&sent).await;
        assert!(matches!(outcome, Err(GateFault::Port(22))), "{outcome:?}");
        assert_eq!(told, [80]);
        assert!(!to.windows(6).any(|window| window == b"secret"));
        let (_, clean, _) = passed(&pair(1, "80", false)).await;
        assert_eq!(to, clean);
    }

    #[tokio::test]
    async fn frames_that_readers_could_disagree_on_end_the_stream() {
        let opened = pair(1, "80", false);
        let cases: [(&str, Vec<u8>); 15] = [
            ("reset longer than it is", vec![0x80, 3, 0, 3, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 5, 0]),
            ("reset shorter than it is", vec![0x80, 3, 0, 3, 0, 0, 0, 4, 0, 0, 0, 1]),
            ("ping with flags", vec![0x80, 3, 0, 6, 1, 0, 0, 4, 0, 0, 0, 1]),
            ("ping longer than it is", vec![0x80, 3, 0, 6, 0, 0, 0, 5, 0, 0, 0, 1, 0]),
            ("another version", vec![0x80, 2, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1]),
            ("reply", vec![0x80, 3, 0, 2, 0, 0, 0, 4, 0, 0, 0, 1]),
            ("headers", vec![0x80, 3, 0, 8, 0, 0, 0, 4, 0, 0, 0, 1]),
            ("settings", vec![0x80, 3, 0, 4, 0, 0, 0, 4, 0, 0, 0, 0]),
            ("a kind that does not exist", vec![0x80, 3, 0, 5, 0, 0, 0, 0]),
            ("data of stream 0", vec![0, 0, 0, 0, 0, 0, 0, 0]),
            ("data of a stream never opened", data(9, b"x")),
            ("data with a flag", vec![0, 0, 0, 1, 2, 0, 0, 0]),
            ("a stream number again", pair(3, "80", true)),
            ("an even stream number", open(6, &[("streamtype", "data"), ("port", "80")], true)),
            ("a control frame too long", vec![0x80, 3, 0, 1, 0, 0xff, 0xff, 0xff]),
        ];
        for (what, frame) in cases {
            let (outcome, to, _) = passed(&[&opened[..], &frame].concat()).await;
            assert!(matches!(outcome, Err(GateFault::Frame(_))), "{what}: {outcome:?}");
            let (_, clean, _) = passed(&opened).await;
            assert_eq!(to, clean, "{what}");
        }
        let (cut, _, _) = passed(&opened[..opened.len() - 1]).await;
        assert!(matches!(cut, Err(GateFault::Broken(_))), "{cut:?}");
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(0_u8.., 0..300)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let _ = passed(&bytes).await;
                let _ = passed(&[&pair(1, "80", false)[..], &[0x80, 3, 0, 1], &bytes].concat()).await;
            });
        }
    }
}
