//! Role: the node's own admission policy, enforced between its kubelet and the API server.
//!
//! The story of a request is the list of files: `authenticate → classify → forward → pods (decode) →
//! decide → filter → respond`, with `report_rejection` beside it. Invariant: a pod reaches the kubelet
//! only as [`decide::Admitted`], whatever the API server sends and however it sends it.

mod access_review;
mod allowlist;
pub mod attacked;
mod authenticate;
pub mod classify;
pub mod config;
pub mod decide;
pub mod error;
pub mod filter;
mod first_lists;
mod forward;
mod front;
mod kubelet_guard;
pub mod limits;
mod list_log;
mod meters;
mod mirror_pod;
mod object_docket;
mod objects;
mod one_pod;
mod pod_access;
mod pod_docket;
pub mod pod_ledger;
mod pods;
mod policy_file;
mod policy_in_force;
mod prepare;
mod questions;
mod record_turns;
mod reload;
mod report_rejection;
pub mod respond;
#[cfg(test)]
mod sample_pods;
mod serve;
mod signed_counters;
mod status_page;
mod status_report;
pub mod trusted_file;
mod upstream_watch;
pub mod verification_key;
mod watchdog;
mod withheld;

use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::{Request, Response};
use hyper::body::Incoming;
use tokio::time::Instant;

pub use prepare::{Prepared, prepare};
pub use serve::serve;

use self::access_review::Reviews;
use self::authenticate::Caller;
use self::classify::{Asked, ObjectAsked, Refusal, Relay, classify};
use self::decide::{Hearing, Judge};
use self::error::AnswerFault;
use self::filter::body::Surroundings;
use self::limits::RESPONSE_HEAD_TIMEOUT;
use self::meters::Meters;
use self::respond::AnswerBody;
use crate::http::budget::BodyBudget;
use crate::http::hop_headers;
use crate::metrics::registry::RequestMeter;
use crate::net::drain::Drain;
use crate::upstream::{RequestBody, Upstream};

/// What every request needs.
#[derive(Debug)]
struct Proxy {
    upstream: Arc<Upstream>,
    judge: Arc<Judge>,
    meters: Arc<Meters>,
    budget: BodyBudget,
    drain: Drain,
    /// Who answers whom the kubelet's own API serves; the API server if absent.
    reviews: Option<Reviews>,
    logs_requests: bool,
}

impl Proxy {
    /// Answers one request. It always answers: what goes wrong becomes a Status.
    async fn serve_request(
        self: Arc<Self>,
        caller: Arc<Caller>,
        request: Request<Incoming>,
    ) -> Response<AnswerBody> {
        let began = Instant::now();
        let (head, body) = request.into_parts();
        let response = match classify(&head) {
            Ok(Asked::Relay(permit)) => {
                let answered = self.relay(&permit, &head, body).await;
                self.settle(answered, &self.meters.relayed, began)
            }
            Ok(Asked::Review(review, permit)) => {
                let answered = match &self.reviews {
                    Some(reviews) => reviews.answer(review, &head.headers, body).await,
                    None => self.relay(&permit, &head, body).await,
                };
                self.settle(answered, &self.meters.relayed, began)
            }
            Ok(Asked::Pods(asked)) => {
                let body = RequestBody::Streaming(body);
                let answered = pods::answer(&self, asked, head.headers.clone(), body).await;
                self.settle(answered, &self.meters.pods, began)
            }
            Ok(Asked::Objects(asked)) => self.answer_objects(asked, &head, body, began).await,
            Err(refusal) => self.refuse(refusal, began),
        };
        if self.logs_requests {
            self.log_request(&caller, &head, &response, began.elapsed());
        }
        response
    }

    /// Decides on services and on what the policy in force speaks of; others are streamed through for as
    /// long as it is in force.
    async fn answer_objects(
        self: &Arc<Self>,
        asked: ObjectAsked,
        head: &Parts,
        body: Incoming,
        began: Instant,
    ) -> Response<AnswerBody> {
        let hearing = self.judge.hear();
        let ObjectAsked { kind, request, relay } = asked;
        if !hearing.covers(kind) {
            let permit = relay.until(hearing.by().supersession());
            let answered = self.relay(&permit, head, body).await;
            return self.settle(answered, &self.meters.relayed, began);
        }
        match request {
            Ok(request) => {
                let headers = head.headers.clone();
                let answered = objects::answer(self, hearing, kind, request, headers).await;
                self.settle(answered, &self.meters.objects, began)
            }
            Err(refusal) => self.refuse(refusal, began),
        }
    }

    fn refuse(&self, refusal: Refusal, began: Instant) -> Response<AnswerBody> {
        self.meters.request_refused(refusal.rule);
        let response = respond::refusal(refusal);
        self.meters.refused.failed(response.status().as_u16(), "client", began.elapsed());
        response
    }

    /// Streams a request that carries no pods through, unread in both directions.
    async fn relay(
        &self,
        permit: &Relay,
        head: &Parts,
        body: Incoming,
    ) -> Result<Response<AnswerBody>, AnswerFault> {
        let mut request = Request::new(RequestBody::Streaming(body));
        *request.method_mut() = head.method.clone();
        *request.uri_mut() = head.uri.clone();
        *request.headers_mut() = hop_headers::going_up(&head.headers);
        let response = self.upstream.send(permit.lane(), request, RESPONSE_HEAD_TIMEOUT).await?;
        Ok(respond::relayed(permit, response, &self.drain))
    }

    fn settle(
        &self,
        answered: Result<Response<AnswerBody>, AnswerFault>,
        meter: &RequestMeter,
        began: Instant,
    ) -> Response<AnswerBody> {
        match answered {
            Ok(response) => {
                meter.answered(response.status().as_u16(), began.elapsed());
                response
            }
            Err(fault) => {
                self.meters.answer_refused(&fault);
                tracing::warn!(reason = fault.label(), "answer not passed on: {fault}");
                let response = respond::fault(&fault);
                meter.failed(response.status().as_u16(), fault.whose(), began.elapsed());
                response
            }
        }
    }

    fn log_request(
        &self,
        caller: &Caller,
        head: &Parts,
        response: &Response<AnswerBody>,
        took: Duration,
    ) {
        // The query may hold continue tokens, which are nobody's business; the path is names.
        tracing::info!(
            method = %head.method,
            path = head.uri.path(),
            status = response.status().as_u16(),
            milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            caller = caller.name(),
            "request"
        );
    }

    fn surroundings(&self, hearing: &Hearing, patience: Duration) -> Surroundings {
        let drain = self.drain.clone();
        Surroundings {
            budget: self.budget.clone(),
            superseded: Box::pin(hearing.superseded()),
            draining: Box::pin(async move { drain.draining().await }),
            meters: Arc::clone(&self.meters),
            patience,
        }
    }
}
