//! Upstream's bytes, put into a list that is being written.

use nodeward::kubelet_proxy::filter::PodWriter;

fn main() {
    PodWriter::default().item(b"{\"kind\":\"Pod\"}", None);
}
