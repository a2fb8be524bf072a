//! Upstream's bytes, put into a list that is being written.

use nodeward::kube_wire::resource::PODS;
use nodeward::kubelet_proxy::filter::ItemWriter;

fn main() {
    ItemWriter::new(&PODS).item(b"{\"kind\":\"Pod\"}", None);
}
