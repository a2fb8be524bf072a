//! A list on its way through: each pod decided on as it arrives, denied ones left out.

use super::body::{Filter, Progress};
use super::kubelet_bytes::{KubeletBytes, PodWriter};
use crate::kube_wire::pod_list::{ListStep, PodListReader};
use crate::kubelet_proxy::decide::{Hearing, Ruling, Scratch, Source};
use crate::kubelet_proxy::error::AnswerFault;
use crate::kubelet_proxy::limits::{MAX_OBJECT_BYTES, OBJECT_LIMITS};
use crate::kubelet_proxy::pod_ledger::ListMark;
use crate::kubelet_proxy::policy_in_force::Reflector;

/// One list in progress.
pub(in crate::kubelet_proxy) struct ListFilter {
    hearing: Hearing,
    reflector: Reflector,
    reader: PodListReader,
    writer: PodWriter,
    scratch: Scratch,
    /// Set when absence from this list means that a pod is gone.
    mark: Option<ListMark>,
}

impl ListFilter {
    /// `is_partial`: a page, from which absence proves nothing.
    pub(in crate::kubelet_proxy) fn new(
        hearing: Hearing,
        reflector: Reflector,
        is_partial: bool,
    ) -> Self {
        let mark = (!is_partial).then(|| hearing.ledger().begin_list());
        Self {
            hearing,
            reflector,
            reader: PodListReader::new(OBJECT_LIMITS, MAX_OBJECT_BYTES),
            writer: PodWriter::default(),
            scratch: Scratch::default(),
            mark,
        }
    }

    fn read_on(&mut self) -> Result<Progress, AnswerFault> {
        loop {
            match self.reader.advance()? {
                ListStep::More => return Ok(Progress::More),
                ListStep::End => {
                    let metadata = self.reader.metadata().cloned().unwrap_or_default();
                    self.writer.close_list(&metadata);
                    if let Some(mark) = self.mark.take() {
                        self.hearing.ledger().end_list(mark);
                    }
                    if metadata.continue_token.is_empty() {
                        self.hearing.by().listed(&self.reflector);
                    } else {
                        self.hearing.by().goes_on(&metadata.continue_token);
                    }
                    return Ok(Progress::Ended);
                }
                ListStep::Pod => {
                    let Some(received) = self.reader.pod() else { continue };
                    match self.hearing.rule(&received, Source::List, &mut self.scratch) {
                        Ruling::Admit(pod) => self.writer.item(&pod, self.reader.metadata()),
                        Ruling::Deny(_) | Ruling::Unidentified => {}
                    }
                }
            }
        }
    }
}

impl Filter for ListFilter {
    fn feed(&mut self, chunk: &[u8]) -> Result<Progress, AnswerFault> {
        self.reader.push(chunk);
        self.read_on()
    }

    fn end_input(&mut self) -> Result<Progress, AnswerFault> {
        self.reader.end_input();
        self.read_on()
    }

    /// Half a list cannot be mended: the transfer is broken off, and no client takes it for whole.
    fn interrupt(&mut self, _because: &AnswerFault) -> Progress {
        Progress::Broken
    }

    fn pending(&self) -> usize {
        self.writer.pending()
    }

    fn take(&mut self) -> Option<KubeletBytes> {
        self.writer.take()
    }

    fn held_bytes(&self) -> usize {
        self.reader.held_bytes().saturating_add(self.scratch.held_bytes())
    }

    fn is_mid_object(&self) -> bool {
        self.reader.is_mid_document()
    }

    fn is_endless(&self) -> bool {
        false
    }
}
