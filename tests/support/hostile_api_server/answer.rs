//! One answer: status, headers, and a body that is sent, delayed, held open or broken off.
//!
//! Cheap to clone: a script repeats its last answer. Nothing is corrected, so an answer may
//! contradict itself.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

/// What one request gets.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) framing: Framing,
    pub(crate) steps: Vec<Step>,
}

/// How the end of a body is told on HTTP/1.1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Framing {
    /// One chunk for each [`Step::Send`].
    Chunked,
    /// `Content-Length` of all that is sent, and one write for each [`Step::Send`].
    Length,
    /// The end of the connection.
    Close,
    /// The steps are the whole answer, status line included.
    Raw,
}

/// What happens next while a body is sent.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Send(Bytes),
    Pause(Duration),
    /// Nothing more is sent until the client goes.
    Hold,
    /// The connection ends here, without an end of the body.
    Break,
}

impl Answer {
    /// Status 200 with a JSON document.
    pub(crate) fn document(document: &Value) -> Self {
        Self::json(200, document.to_string())
    }

    /// Any JSON text, valid or not.
    pub(crate) fn json(status: u16, text: impl Into<Bytes>) -> Self {
        Self::typed(status, Some("application/json"), text)
    }

    /// Any body of any type.
    pub(crate) fn typed(status: u16, media: Option<&str>, body: impl Into<Bytes>) -> Self {
        let headers = media.map(|media| ("Content-Type".to_owned(), media.to_owned()));
        Self {
            status,
            headers: headers.into_iter().collect(),
            framing: Framing::Length,
            steps: vec![Step::Send(body.into())],
        }
    }

    /// A `Status` object, as an API server refuses.
    pub(crate) fn refusal(code: u16, reason: &str) -> Self {
        Self::json(code, status(code, reason).to_string())
    }

    /// A watch that sends each of `parts` and stays open.
    pub(crate) fn watch(parts: impl IntoIterator<Item = impl Into<Bytes>>) -> Self {
        Self::watch_steps(parts.into_iter().map(|part| Step::Send(part.into())).chain([Step::Hold]))
    }

    /// A watch that does exactly `steps`, then ends cleanly.
    pub(crate) fn watch_steps(steps: impl IntoIterator<Item = Step>) -> Self {
        Self {
            status: 200,
            headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
            framing: Framing::Chunked,
            steps: steps.into_iter().collect(),
        }
    }

    /// Bytes that are the whole answer, after which the connection ends.
    pub(crate) fn raw(bytes: impl Into<Bytes>) -> Self {
        let steps = vec![Step::Send(bytes.into()), Step::Break];
        Self { status: 0, headers: Vec::new(), framing: Framing::Raw, steps }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With one more `Content-Encoding`; the body stays as it is.
    pub(crate) fn encoded(self, encoding: &str) -> Self {
        self.header("Content-Encoding", encoding)
    }

    /// With this `Content-Type` as the only header.
    pub(crate) fn retyped(mut self, media: &str) -> Self {
        self.headers.clear();
        self.header("Content-Type", media)
    }

    pub(crate) fn framed(mut self, framing: Framing) -> Self {
        self.framing = framing;
        self
    }

    /// What this answer does, done before or after.
    pub(crate) fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// The same bytes, one at a time, each a chunk of its own.
    pub(crate) fn byte_by_byte(mut self) -> Self {
        self.framing = match self.framing {
            Framing::Raw => Framing::Raw,
            Framing::Chunked | Framing::Length | Framing::Close => Framing::Chunked,
        };
        self.steps = self.steps.iter().flat_map(Step::each_byte).collect();
        self
    }

    /// The same bytes, with the first part cut in two after `offset` bytes.
    pub(crate) fn split_at(mut self, offset: usize) -> Self {
        self.framing = Framing::Chunked;
        self.steps = self.steps.iter().flat_map(|step| step.cut(offset)).collect();
        self
    }
}

impl Step {
    fn each_byte(&self) -> Vec<Self> {
        match self {
            Self::Send(bytes) => {
                (0..bytes.len()).map(|at| Self::Send(bytes.slice(at..at + 1))).collect()
            }
            Self::Pause(_) | Self::Hold | Self::Break => vec![self.clone()],
        }
    }

    fn cut(&self, offset: usize) -> Vec<Self> {
        match self {
            Self::Send(bytes) if offset > 0 && offset < bytes.len() => {
                vec![Self::Send(bytes.slice(..offset)), Self::Send(bytes.slice(offset..))]
            }
            Self::Send(_) | Self::Pause(_) | Self::Hold | Self::Break => vec![self.clone()],
        }
    }
}

/// A `Status` object of the given code.
pub(crate) fn status(code: u16, reason: &str) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {},
        "status": if code < 400 { "Success" } else { "Failure" },
        "message": format!("the test says {reason}"), "reason": reason, "code": code,
    })
}
