//! A pod declared admitted without a ruling.

use nodeward::kubelet_proxy::decide::AdmittedPod;
use nodeward::kubelet_proxy::filter::KubeletBytes;

fn main() {
    let pod = AdmittedPod { json: b"{\"kind\":\"Pod\"}" };
    KubeletBytes::pod(&pod);
}
