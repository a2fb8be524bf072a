//! A pod declared admitted without a ruling.

use nodeward::kubelet_proxy::decide::AdmittedPod;
use nodeward::kubelet_proxy::filter::{KubeletBytes, PodWriter};

fn main() {
    let undecided = b"{\"kind\":\"Pod\"}";
    let pod = AdmittedPod { json: undecided };
    KubeletBytes::pod(&pod);
    PodWriter::default().item(undecided, None);
}
