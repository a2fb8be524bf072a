//! Bytes both ways between a caller and the kubelet, once both have left HTTP.

use std::io;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::io::{AsyncWriteExt, copy_bidirectional_with_sizes};

use super::limits::STREAM_BUFFER_BYTES;
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

/// Relays until both sides have ended. With a gate, what the caller sends passes it.
pub(super) async fn relay(
    caller: OnUpgrade,
    kubelet: OnUpgrade,
    gate: Option<PortGate>,
    tell: impl FnMut(u16) + Send,
) -> Result<(), StreamFault> {
    let (caller, kubelet) = tokio::try_join!(caller, kubelet)?;
    let (mut caller, mut kubelet) = (TokioIo::new(caller), TokioIo::new(kubelet));
    let Some(mut gate) = gate else {
        let size = STREAM_BUFFER_BYTES;
        copy_bidirectional_with_sizes(&mut caller, &mut kubelet, size, size).await?;
        return Ok(());
    };
    let (mut from_caller, mut to_caller) = tokio::io::split(caller);
    let (mut from_kubelet, mut to_kubelet) = tokio::io::split(kubelet);
    let up = async {
        gate.pass(&mut from_caller, &mut to_kubelet, tell).await?;
        to_kubelet.shutdown().await?;
        Ok::<_, StreamFault>(())
    };
    let down = async {
        tokio::io::copy(&mut from_kubelet, &mut to_caller).await?;
        to_caller.shutdown().await?;
        Ok(())
    };
    tokio::try_join!(up, down)?;
    Ok(())
}
