//! Phase 4: requests whose answers carry pods, each from its question to its filtered answer.
//!
//! One function a kind of request. Whatever is wrong with an answer becomes a Status or ends the
//! stream; nothing falls through.

use std::sync::Arc;

use http::header::USER_AGENT;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use super::Proxy;
use super::classify::{ListQuery, PodName, PodRequest};
use super::decide::{Ruling, Scratch, Source};
use super::error::AnswerFault;
use super::filter::list::ListFilter;
use super::filter::watch::WatchFilter;
use super::filter::{FilteredBody, KubeletBytes};
use super::forward::{PodQuestion, PodReply, ask, collect};
use super::limits::{EVENT_DEADLINE, LIST_DEADLINE, LIST_HOLD_BACK_BYTES, MAX_STATUS_PATCH_BYTES};
use super::list_log::Reflector;
use super::one_pod::{Answered, read_answer};
use super::pod_docket::PodDocket;
use super::respond::{self, AnswerBody};
use super::status_report;
use crate::kube_wire::status_object::Status;
use crate::upstream::{Lane, RequestBody};

/// Answers one request about pods.
pub(super) async fn answer(
    proxy: &Arc<Proxy>,
    asked: PodRequest,
    headers: HeaderMap,
    body: RequestBody,
) -> Result<Response<AnswerBody>, AnswerFault> {
    match asked {
        PodRequest::List(query) => list(proxy, query, headers).await,
        PodRequest::Watch(query) => watch(proxy, query, headers).await,
        PodRequest::Get(pod) => {
            let question = about(&pod, Method::GET, "", headers, RequestBody::Empty);
            one(proxy, question, &[StatusCode::OK], Some(pod), Source::Get).await
        }
        PodRequest::Create { namespace } => {
            let target = format!("/api/v1/namespaces/{namespace}/pods");
            let lane = Lane::Short;
            let question = PodQuestion { method: Method::POST, target, headers, body, lane };
            let wanted = [StatusCode::OK, StatusCode::CREATED];
            one(proxy, question, &wanted, None, Source::Write).await
        }
        PodRequest::Delete(pod) => {
            let question = about(&pod, Method::DELETE, "", headers, body);
            let wanted = [StatusCode::OK, StatusCode::ACCEPTED];
            one(proxy, question, &wanted, Some(pod), Source::Write).await
        }
        PodRequest::PatchStatus(pod) => {
            let report = collect(body, MAX_STATUS_PATCH_BYTES).await?;
            if let Some(uid) = status_report::stopped_pod(&report) {
                proxy.judge.ledger().kubelet_reported_stop(uid);
            }
            let body = RequestBody::Full(report);
            let question = about(&pod, Method::PATCH, "/status", headers, body);
            one(proxy, question, &[StatusCode::OK], Some(pod), Source::Write).await
        }
    }
}

fn about(
    pod: &PodName,
    method: Method,
    subresource: &str,
    headers: HeaderMap,
    body: RequestBody,
) -> PodQuestion {
    let PodName { namespace, name } = pod;
    let target = format!("/api/v1/namespaces/{namespace}/pods/{name}{subresource}");
    PodQuestion { method, target, headers, body, lane: Lane::Short }
}

fn many(query: &ListQuery, headers: HeaderMap, lane: Lane) -> PodQuestion {
    let separator = if query.text.is_empty() { "" } else { "?" };
    let target = format!("/api/v1/pods{separator}{}", query.text);
    PodQuestion { method: Method::GET, target, headers, body: RequestBody::Empty, lane }
}

async fn list(
    proxy: &Arc<Proxy>,
    query: ListQuery,
    headers: HeaderMap,
) -> Result<Response<AnswerBody>, AnswerFault> {
    let hearing = proxy.judge.hear();
    // Pages are put together by the client: one decided by another policy would come with the others.
    if query.continues.as_ref().is_some_and(|token| !hearing.by().pod_lists().knows(token)) {
        let status = Status::expired("kubelet-proxy did not decide on the page before: list anew");
        return Ok(respond::error(StatusCode::GONE, &status, None));
    }
    let reflector = reflector(&query, &headers);
    let question = many(&query, headers, Lane::Short);
    match ask(&proxy.upstream, question, &[StatusCode::OK]).await? {
        PodReply::Error(code, status, retry) => Ok(respond::error(code, &status, retry)),
        PodReply::Pods(_, source) => {
            let surroundings = proxy.surroundings(&hearing, LIST_DEADLINE);
            let docket = PodDocket::of_list(hearing, reflector, query.is_partial);
            let filter = Box::new(ListFilter::new(docket));
            let mut body = FilteredBody::new(source, filter, surroundings);
            body.hold_back(LIST_HOLD_BACK_BYTES).await?;
            Ok(respond::stream(body))
        }
    }
}

async fn watch(
    proxy: &Arc<Proxy>,
    query: ListQuery,
    headers: HeaderMap,
) -> Result<Response<AnswerBody>, AnswerFault> {
    // Begun before the question, so that a policy that changes meanwhile ends the watch.
    let hearing = proxy.judge.hear();
    let reflector = reflector(&query, &headers);
    if query.resumes {
        // Asked first, and in any case: it has to hear that the reflector goes on.
        let has_to_list = hearing.first_lists().goes_on(&reflector);
        if has_to_list || hearing.by().pod_lists().sends_back(&reflector) {
            let status = Status::expired("kubelet-proxy has decided on no whole list: list first");
            return Ok(respond::only_event(&status));
        }
    }
    match ask(&proxy.upstream, many(&query, headers, Lane::Watch), &[StatusCode::OK]).await? {
        PodReply::Error(code, status, retry) => Ok(respond::error(code, &status, retry)),
        PodReply::Pods(_, source) => {
            let surroundings = proxy.surroundings(&hearing, EVENT_DEADLINE);
            let docket = if query.resumes {
                PodDocket::of_watch(hearing, reflector)
            } else {
                PodDocket::of_watch_list(hearing, reflector, query.is_partial)
            };
            let filter = Box::new(WatchFilter::new(docket));
            Ok(respond::stream(FilteredBody::new(source, filter, surroundings)))
        }
    }
}

fn reflector(query: &ListQuery, headers: &HeaderMap) -> Reflector {
    Reflector(reflector_name(query, headers))
}

/// The client's name for itself, and what it selects.
pub(super) fn reflector_name(query: &ListQuery, headers: &HeaderMap) -> String {
    let agent = headers.get(USER_AGENT).map(HeaderValue::as_bytes).unwrap_or_default();
    format!("{}?{}", agent.escape_ascii(), query.selectors)
}

/// Asks about one pod and rules on the object that comes back.
async fn one(
    proxy: &Arc<Proxy>,
    question: PodQuestion,
    wanted: &[StatusCode],
    expected: Option<PodName>,
    source: Source,
) -> Result<Response<AnswerBody>, AnswerFault> {
    let is_delete = question.method == Method::DELETE;
    let (code, body) = match ask(&proxy.upstream, question, wanted).await? {
        PodReply::Error(code, status, retry) => return Ok(respond::error(code, &status, retry)),
        PodReply::Pods(code, body) => (code, body),
    };
    let answer = read_answer(body, &proxy.budget).await?;
    let hearing = proxy.judge.hear();
    let left_out = hearing.by().policy().unknown_fields();
    match answer.answered(expected.as_ref(), is_delete, left_out)? {
        Answered::Status(status) => Ok(respond::error(code, &status, None)),
        Answered::Pod(received) => {
            let mut scratch = Scratch::default();
            match hearing.rule(&received, source, &mut scratch) {
                Ruling::Admit(pod) => Ok(respond::object(code, KubeletBytes::object(&pod))),
                // The delete was done; what the pod looked like is nobody's business here.
                Ruling::Deny(_) | Ruling::Later(_) | Ruling::Unidentified if is_delete => {
                    Ok(respond::error(code, &Status::success(), None))
                }
                Ruling::Deny(_) | Ruling::Later(_) | Ruling::Unidentified => {
                    let name = expected.map(|pod| pod.name).unwrap_or_default();
                    Ok(respond::not_found(&name))
                }
            }
        }
    }
}
