//! HTTP/1.1 by hand: requests are read leniently, answers written as the script says.
//!
//! It serves one request after the other on a connection and never pipelines.

use std::sync::Arc;

use bytes::Bytes;
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader,
};
use tokio::time::{Instant, sleep};

use super::State;
use super::answer::{Answer, Framing, Step};
use super::request::Recorded;

/// What became of a connection after an answer.
#[derive(PartialEq, Eq)]
enum After {
    Reusable,
    Finished,
}

pub(super) async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, state: Arc<State>) {
    let mut connection = BufReader::new(stream);
    while let Ok(Some(request)) = read(&mut connection).await {
        let answer = state.answer(request);
        match write(&mut connection, answer).await {
            Ok(After::Reusable) => {}
            Ok(After::Finished) | Err(_) => break,
        }
    }
    // Without the wait, an answer still on its way would be lost to a reset.
    let _ = connection.get_mut().shutdown().await;
}

async fn read(connection: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Option<Recorded>> {
    let start = line(connection).await?;
    let mut words = start.split(' ');
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return Ok(None) };
    let mut headers = Vec::new();
    loop {
        let header = line(connection).await?;
        let Some((name, value)) = header.split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut request = Recorded {
        arrived: Instant::now(),
        method: method.to_owned(),
        target: target.to_owned(),
        headers,
        body: Vec::new(),
    };
    if request.header("transfer-encoding").is_some() {
        read_chunks(connection, &mut request.body).await?;
    } else if let Some(length) = request.header("content-length") {
        request.body = vec![0; length.parse().unwrap_or(0)];
        connection.read_exact(&mut request.body).await?;
    }
    Ok(Some(request))
}

async fn line(connection: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<String> {
    let mut line = Vec::new();
    connection.read_until(b'\n', &mut line).await?;
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}

async fn read_chunks(
    connection: &mut (impl AsyncBufRead + Unpin),
    body: &mut Vec<u8>,
) -> std::io::Result<()> {
    loop {
        let size = usize::from_str_radix(&line(connection).await?, 16).unwrap_or(0);
        let mut chunk = vec![0; size];
        connection.read_exact(&mut chunk).await?;
        body.extend_from_slice(&chunk);
        line(connection).await?;
        if size == 0 {
            return Ok(());
        }
    }
}

async fn write(
    connection: &mut (impl AsyncRead + AsyncWrite + Unpin),
    answer: Answer,
) -> std::io::Result<After> {
    if answer.framing != Framing::Raw {
        connection.write_all(&head(&answer)).await?;
        connection.flush().await?;
    }
    for step in &answer.steps {
        match step {
            Step::Send(bytes) => {
                connection.write_all(&framed(bytes, answer.framing)).await?;
                connection.flush().await?;
            }
            Step::Pause(time) => sleep(*time).await,
            Step::Hold => {
                // A client says nothing more until it goes.
                let _ = connection.read_u8().await;
                return Ok(After::Finished);
            }
            Step::Break => return Ok(After::Finished),
        }
    }
    match answer.framing {
        Framing::Chunked => {
            connection.write_all(b"0\r\n\r\n").await?;
            connection.flush().await?;
            Ok(After::Reusable)
        }
        Framing::Length => Ok(After::Reusable),
        Framing::Close | Framing::Raw => Ok(After::Finished),
    }
}

fn head(answer: &Answer) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} Scripted\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    match answer.framing {
        Framing::Chunked => head.push_str("Transfer-Encoding: chunked\r\n"),
        Framing::Length => head.push_str(&format!("Content-Length: {}\r\n", length(answer))),
        Framing::Close => head.push_str("Connection: close\r\n"),
        Framing::Raw => {}
    }
    head.push_str("\r\n");
    head.into_bytes()
}

fn length(answer: &Answer) -> usize {
    let sent = answer.steps.iter().map(|step| match step {
        Step::Send(bytes) => bytes.len(),
        Step::Pause(_) | Step::Hold | Step::Break => 0,
    });
    sent.sum()
}

fn framed(bytes: &Bytes, framing: Framing) -> Bytes {
    match framing {
        Framing::Chunked => {
            let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
            chunk.extend_from_slice(bytes);
            chunk.extend_from_slice(b"\r\n");
            chunk.into()
        }
        Framing::Length | Framing::Close | Framing::Raw => bytes.clone(),
    }
}
