//! A pod declared admitted without a ruling.

use nodeward::kubelet_proxy::decide::Admitted;
use nodeward::kubelet_proxy::filter::KubeletBytes;

fn main() {
    let pod = Admitted { json: b"{\"kind\":\"Pod\"}" };
    KubeletBytes::object(&pod);
}
