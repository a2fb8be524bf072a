//! An answer streamed through unread without the permit that only routes without pods get.

use http::Response;
use nodeward::kubelet_proxy::classify::{Asked, PodRequest, Relay};
use nodeward::kubelet_proxy::respond::{self, AnswerBody};
use nodeward::net::drain::Drain;
use nodeward::upstream::UpstreamBody;

fn for_pods(asked: &PodRequest, answer: Response<UpstreamBody>, drain: &Drain) -> Response<AnswerBody> {
    respond::relayed(asked, answer, drain)
}

fn by_a_made_up_permit(answer: Response<UpstreamBody>, drain: &Drain) -> Response<AnswerBody> {
    respond::relayed(&Relay {}, answer, drain)
}

fn by_hand(answer: UpstreamBody) -> AnswerBody {
    AnswerBody(answer)
}

fn main() {
    let _ = (for_pods, by_a_made_up_permit, by_hand);
    let _: Option<Asked> = None;
}
