//! Bytes both ways between a caller and the kubelet, once both have left HTTP.

use std::io;
use std::pin::pin;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::limits::{CLOSING_LIMIT, STREAM_BUFFER_BYTES};
use super::spdy::{GateFault, PortGate};

/// Why a stream ended early.
#[derive(Debug, Error)]
pub(super) enum StreamFault {
    /// One side left before the stream began.
    #[error("the connection was not handed over: {0}")]
    NotHandedOver(#[from] hyper::Error),
    /// What a caller asked for inside.
    #[error(transparent)]
    Gate(#[from] GateFault),
    /// One side broke.
    #[error("the connection broke: {0}")]
    Broken(#[from] io::Error),
}

/// Relays until both sides have ended, or the kubelet has and the caller was given time to. With a gate,
/// what the caller sends passes it.
pub(super) async fn relay(
    caller: OnUpgrade,
    kubelet: OnUpgrade,
    gate: Option<PortGate>,
    tell: impl FnMut(u16) + Send,
) -> Result<(), StreamFault> {
    let (caller, kubelet) = tokio::try_join!(caller, kubelet)?;
    let (mut from_caller, mut to_caller) = tokio::io::split(TokioIo::new(caller));
    let (mut from_kubelet, mut to_kubelet) = tokio::io::split(TokioIo::new(kubelet));
    let up = async {
        match gate {
            Some(mut gate) => gate.pass(&mut from_caller, &mut to_kubelet, tell).await?,
            None => pass(&mut from_caller, &mut to_kubelet).await?,
        }
        to_kubelet.shutdown().await?;
        Ok::<_, StreamFault>(())
    };
    let down = async {
        pass(&mut from_kubelet, &mut to_caller).await?;
        to_caller.shutdown().await?;
        Ok::<_, StreamFault>(())
    };
    let (mut up, mut down) = (pin!(up), pin!(down));
    tokio::select! {
        ended = &mut up => {
            ended?;
            down.await
        }
        ended = &mut down => {
            ended?;
            // Nobody is left to hear the caller: without an end it would hold its place for ever.
            timeout(CLOSING_LIMIT, up).await.unwrap_or(Ok(()))
        }
    }
}

async fn pass(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
) -> io::Result<()> {
    let mut buffer = vec![0; STREAM_BUFFER_BYTES];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        to.write_all(buffer.get(..read).unwrap_or_default()).await?;
        to.flush().await?;
    }
}
