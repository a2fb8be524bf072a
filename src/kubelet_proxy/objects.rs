//! Phase 4 for objects beside pods: runtime classes, volumes behind claims, config maps, secrets, services.
//!
//! Services always, the others only where the policy in force speaks of them; else they are streamed through
//! (`mod.rs`). Read, cut and
//! written like pods; what is withheld is left out of lists, deleted in watches, and 403 with the
//! reason on GET.

use std::sync::Arc;

use http::{HeaderMap, Method, Response, StatusCode};

use super::Proxy;
use super::classify::{ListQuery, ObjectRequest};
use super::decide::{Hearing, Ruling, Scratch, Source};
use super::error::AnswerFault;
use super::filter::list::ListFilter;
use super::filter::watch::WatchFilter;
use super::filter::{FilteredBody, KubeletBytes};
use super::forward::{PodQuestion, PodReply, ask};
use super::limits::{EVENT_DEADLINE, LIST_DEADLINE, LIST_HOLD_BACK_BYTES};
use super::list_log::Reflector;
use super::object_docket::ObjectDocket;
use super::one_pod::read_answer;
use super::pods::reflector_name;
use super::respond::{self, AnswerBody};
use crate::kube_wire::received_object::ObjectKind;
use crate::kube_wire::status_object::Status;
use crate::upstream::{Lane, RequestBody};

/// Answers one request for objects, by a policy that speaks of them.
pub(super) async fn answer(
    proxy: &Arc<Proxy>,
    hearing: Hearing,
    kind: ObjectKind,
    asked: ObjectRequest,
    headers: HeaderMap,
) -> Result<Response<AnswerBody>, AnswerFault> {
    match asked {
        ObjectRequest::List { path, query } => {
            let docket = docket(hearing, kind, &path, &query, &headers);
            list(proxy, docket, &path, &query, headers).await
        }
        ObjectRequest::Watch { path, query } => {
            let docket = docket(hearing, kind, &path, &query, &headers);
            watch(proxy, docket, &path, &query, headers).await
        }
        ObjectRequest::Get { target, namespace, name } => {
            let question = question(target, headers, Lane::Short);
            one(proxy, kind, question, (&namespace, &name)).await
        }
    }
}

fn docket(
    hearing: Hearing,
    kind: ObjectKind,
    path: &str,
    query: &ListQuery,
    headers: &HeaderMap,
) -> ObjectDocket {
    // A kubelet has one reflector for each config map and secret: the name is in the selectors.
    let name = format!("{path} {}", reflector_name(query, headers));
    ObjectDocket { hearing, reflector: Reflector(name), kind }
}

fn question(target: String, headers: HeaderMap, lane: Lane) -> PodQuestion {
    PodQuestion { method: Method::GET, target, headers, body: RequestBody::Empty, lane }
}

fn target(path: &str, query: &ListQuery) -> String {
    let separator = if query.text.is_empty() { "" } else { "?" };
    format!("{path}{separator}{}", query.text)
}

async fn list(
    proxy: &Arc<Proxy>,
    docket: ObjectDocket,
    path: &str,
    query: &ListQuery,
    headers: HeaderMap,
) -> Result<Response<AnswerBody>, AnswerFault> {
    let lists = docket.hearing.by().object_lists();
    if query.continues.as_ref().is_some_and(|token| !lists.knows(token)) {
        let status = Status::expired("kubelet-proxy did not decide on the page before: list anew");
        return Ok(respond::error(StatusCode::GONE, &status, None));
    }
    let question = question(target(path, query), headers, Lane::Short);
    match ask(&proxy.upstream, question, &[StatusCode::OK]).await? {
        PodReply::Error(code, status, retry) => Ok(respond::error(code, &status, retry)),
        PodReply::Pods(_, source) => {
            let surroundings = proxy.surroundings(&docket.hearing, LIST_DEADLINE);
            let filter = Box::new(ListFilter::new(docket));
            let mut body = FilteredBody::new(source, filter, surroundings);
            body.hold_back(LIST_HOLD_BACK_BYTES).await?;
            Ok(respond::stream(body))
        }
    }
}

async fn watch(
    proxy: &Arc<Proxy>,
    docket: ObjectDocket,
    path: &str,
    query: &ListQuery,
    headers: HeaderMap,
) -> Result<Response<AnswerBody>, AnswerFault> {
    if query.resumes && docket.hearing.by().object_lists().sends_back(&docket.reflector) {
        let status = Status::expired("kubelet-proxy has decided on no list yet: list first");
        return Ok(respond::only_event(&status));
    }
    let question = question(target(path, query), headers, Lane::Watch);
    match ask(&proxy.upstream, question, &[StatusCode::OK]).await? {
        PodReply::Error(code, status, retry) => Ok(respond::error(code, &status, retry)),
        PodReply::Pods(_, source) => {
            let surroundings = proxy.surroundings(&docket.hearing, EVENT_DEADLINE);
            let filter = Box::new(WatchFilter::new(docket));
            Ok(respond::stream(FilteredBody::new(source, filter, surroundings)))
        }
    }
}

/// Asks for one object and rules on what comes back.
async fn one(
    proxy: &Arc<Proxy>,
    kind: ObjectKind,
    question: PodQuestion,
    expected: (&str, &str),
) -> Result<Response<AnswerBody>, AnswerFault> {
    let body = match ask(&proxy.upstream, question, &[StatusCode::OK]).await? {
        PodReply::Error(code, status, retry) => return Ok(respond::error(code, &status, retry)),
        PodReply::Pods(_, body) => body,
    };
    let answer = read_answer(body, &proxy.budget).await?;
    // The API server may take its time: the policy that rules is the one in force when the kubelet hears.
    let hearing = proxy.judge.hear();
    let received = answer.object(kind, expected)?;
    let mut scratch = Scratch::default();
    match hearing.rule_on_object(&received, kind, Source::Get, &mut scratch) {
        Ruling::Admit(object) => Ok(respond::object(StatusCode::OK, KubeletBytes::object(&object))),
        Ruling::Deny(_) | Ruling::Later(_) | Ruling::Unidentified => {
            Ok(respond::withheld(kind.plural(), expected.1, &hearing.why_withheld(&received)))
        }
    }
}
