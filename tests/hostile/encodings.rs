//! The same objects in the encodings that a client may decode without having asked for them.
//!
//! Each is the smallest writer that real client-go reads; none is a general encoder.

use serde_json::Value;

/// gzip of `content` as one member. Its one deflate block is stored, not compressed.
pub(crate) fn gzip(content: &[u8]) -> Vec<u8> {
    const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut member = HEADER.to_vec();
    member.extend(deflate(content));
    member.extend(crc32(content).to_le_bytes());
    member.extend(u32::try_from(content.len()).expect("a small body").to_le_bytes());
    member
}

/// Raw deflate of `content` in stored blocks. As after a flush, an empty block follows: a reader can
/// then hand out everything before it has seen what comes next.
pub(crate) fn deflate(content: &[u8]) -> Vec<u8> {
    const LARGEST_BLOCK: usize = 0xffff;
    const LAST: u8 = 1;
    let mut out = Vec::new();
    for block in content.chunks(LARGEST_BLOCK) {
        out.extend(stored_block(0, block));
    }
    out.extend(stored_block(0, &[]));
    out.extend(stored_block(LAST, &[]));
    out
}

fn stored_block(last: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("a block that fits");
    [&[last][..], &length.to_le_bytes(), &(!length).to_le_bytes(), content].concat()
}

fn crc32(content: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0xedb8_8320;
    let shift = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 };
    let byte = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| shift(crc));
    !content.iter().fold(u32::MAX, byte)
}

/// A `PodList` of `pods` as `application/vnd.kubernetes.protobuf`.
pub(crate) fn protobuf_list(pods: &[Value]) -> Vec<u8> {
    let mut list = field(1, &field(2, b"20"));
    for pod in pods {
        list.extend(field(2, &pod_message(pod)));
    }
    envelope("PodList", &list)
}

/// One watch event as `application/vnd.kubernetes.protobuf;stream=watch`, with its length prefix.
pub(crate) fn protobuf_event(kind: &str, pod: &Value) -> Vec<u8> {
    let object = envelope("Pod", &pod_message(pod));
    let event = [field(1, kind.as_bytes()), field(2, &field(1, &object))].concat();
    let length = u32::try_from(event.len()).expect("a small event");
    [length.to_be_bytes().to_vec(), event].concat()
}

/// `k8s\0` and a `runtime.Unknown`.
fn envelope(kind: &str, raw: &[u8]) -> Vec<u8> {
    let type_meta = [field(1, b"v1"), field(2, kind.as_bytes())].concat();
    [b"k8s\0".to_vec(), field(1, &type_meta), field(2, raw)].concat()
}

/// Field numbers from `k8s.io/api/core/v1/generated.proto`: identity, node, images, privileges.
fn pod_message(pod: &Value) -> Vec<u8> {
    let text = |pointer: &str| pod.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let metadata = [
        field(1, text("/metadata/name").as_bytes()),
        field(3, text("/metadata/namespace").as_bytes()),
        field(5, text("/metadata/uid").as_bytes()),
        field(6, text("/metadata/resourceVersion").as_bytes()),
    ];
    let mut spec = field(10, text("/spec/nodeName").as_bytes());
    for container in pod["spec"]["containers"].as_array().into_iter().flatten() {
        let is_privileged = container["securityContext"]["privileged"] == true;
        let message = [
            field(1, container["name"].as_str().unwrap_or_default().as_bytes()),
            field(2, container["image"].as_str().unwrap_or_default().as_bytes()),
            field(15, &[2 << 3, u8::from(is_privileged)]),
        ];
        spec.extend(field(2, &message.concat()));
    }
    [field(1, &metadata.concat()), field(2, &spec)].concat()
}

/// A length-delimited protobuf field.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    const LENGTH_DELIMITED: u8 = 2;
    let mut out = vec![(number << 3) | LENGTH_DELIMITED];
    let mut length = content.len();
    while length >= 0x80 {
        out.push(u8::try_from(length & 0x7f).expect("seven bits") | 0x80);
        length >>= 7;
    }
    out.push(u8::try_from(length).expect("seven bits"));
    out.extend(content);
    out
}

/// `value` as CBOR, with the tag by which Kubernetes marks it.
pub(crate) fn cbor(value: &Value) -> Vec<u8> {
    const SELF_DESCRIBED: [u8; 3] = [0xd9, 0xd9, 0xf7];
    let mut out = SELF_DESCRIBED.to_vec();
    write_cbor(value, &mut out);
    out
}

fn write_cbor(value: &Value, out: &mut Vec<u8>) {
    const BYTES: u8 = 2;
    const ARRAY: u8 = 4;
    const MAP: u8 = 5;
    match value {
        Value::Null => out.push(0xf6),
        Value::Bool(value) => out.push(0xf4 + u8::from(*value)),
        Value::Number(number) => cbor_head(0, number.as_u64().unwrap_or_default(), out),
        Value::String(text) => {
            cbor_head(BYTES, text.len() as u64, out);
            out.extend(text.as_bytes());
        }
        Value::Array(items) => {
            cbor_head(ARRAY, items.len() as u64, out);
            items.iter().for_each(|item| write_cbor(item, out));
        }
        Value::Object(fields) => {
            cbor_head(MAP, fields.len() as u64, out);
            for (key, value) in fields {
                cbor_head(BYTES, key.len() as u64, out);
                out.extend(key.as_bytes());
                write_cbor(value, out);
            }
        }
    }
}

fn cbor_head(major: u8, value: u64, out: &mut Vec<u8>) {
    const EIGHT_BYTES_FOLLOW: u8 = 27;
    out.push((major << 5) | EIGHT_BYTES_FOLLOW);
    out.extend(value.to_be_bytes());
}
