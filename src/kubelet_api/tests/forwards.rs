//! Port-forwards, whose ports are named inside their streams.

use super::*;

#[tokio::test]
async fn a_port_forward_reaches_the_ports_that_are_granted() {
    let world = World::new(SWITCHED).await;
    let mut stream = world.connect().await;
    stream.write_all(FORWARD.as_bytes()).await.unwrap();
    assert!(read_head(&mut stream).await.starts_with("HTTP/1.1 101 "));
    stream.write_all(&open_stream(1, 80)).await.unwrap();
    let mut echo = [0; 8];
    timeout(LIMIT, stream.read_exact(&mut echo)).await.unwrap().unwrap();
    stream.write_all(&open_stream(3, 22)).await.unwrap();
    read_all(&mut stream).await;
    let heard = world.heard().remove(0);
    assert!(heard.contains("port\0\0\0\u{2}80"), "{heard:?}");
    assert!(!heard.contains("\0\0\0\u{2}22"), "{heard:?}");
    let exposed = world.metrics.encode();
    assert!(exposed.contains(r#"call="portForward",decision="deny"} 1"#), "{exposed}");
}

#[tokio::test]
async fn ports_that_cannot_be_judged_are_not_forwarded() {
    let world = World::new(SWITCHED).await;
    let request = |query: &str, protocol: &str| {
        format!(
            "GET /portForward/open/web{query} HTTP/1.1\r\nHost: node\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Protocol: {protocol}\r\n\r\n"
        )
    };
    for (query, protocol) in [
        ("?port=80", "SPDY/3.1+portforward.k8s.io"),
        ("", "v4.channel.k8s.io"),
        ("?port=22", "v4.channel.k8s.io"),
        ("?port=80&port=22", "v4.channel.k8s.io"),
    ] {
        let answer = world.ask(&request(query, protocol)).await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{query} {protocol}: {answer}");
    }
    assert!(world.heard().is_empty());
}

/// A `SYN_STREAM` with its header in a stored block, as any SPDY client may send it.
fn open_stream(number: u32, port: u16) -> Vec<u8> {
    let port = port.to_string();
    let mut plain = 2_u32.to_be_bytes().to_vec();
    for word in ["streamtype", "data", "port", &port] {
        plain.extend_from_slice(&u32::try_from(word.len()).unwrap().to_be_bytes());
        plain.extend_from_slice(word.as_bytes());
    }
    let length = u16::try_from(plain.len()).unwrap();
    let mut body = number.to_be_bytes().to_vec();
    body.extend_from_slice(&[0; 6]);
    if number == 1 {
        body.extend_from_slice(&[0x78, 0x01]);
    }
    body.push(0);
    body.extend_from_slice(&length.to_le_bytes());
    body.extend_from_slice(&(!length).to_le_bytes());
    body.extend_from_slice(&plain);
    body.extend_from_slice(&[0, 0, 0, 0xff, 0xff]);
    let mut frame = vec![0x80, 3, 0, 1];
    frame.extend_from_slice(&u32::try_from(body.len()).unwrap().to_be_bytes());
    frame.extend_from_slice(&body);
    frame
}
