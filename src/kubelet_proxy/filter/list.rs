//! A list on its way through: each item decided on as it arrives, denied ones left out.

use super::body::{Filter, Progress};
use super::docket::Docket;
use super::kubelet_bytes::{ItemWriter, KubeletBytes};
use crate::kube_wire::list::{ListReader, ListStep};
use crate::kubelet_proxy::decide::{Ruling, Scratch, Source};
use crate::kubelet_proxy::error::AnswerFault;
use crate::kubelet_proxy::limits::{MAX_OBJECT_BYTES, OBJECT_LIMITS};

/// One list in progress.
pub(in crate::kubelet_proxy) struct ListFilter<D> {
    docket: D,
    reader: ListReader,
    writer: ItemWriter,
    scratch: Scratch,
}

impl<D: Docket> ListFilter<D> {
    pub(in crate::kubelet_proxy) fn new(docket: D) -> Self {
        let of = docket.of();
        Self {
            docket,
            reader: ListReader::new(of, OBJECT_LIMITS, MAX_OBJECT_BYTES),
            writer: ItemWriter::new(of),
            scratch: Scratch::default(),
        }
    }

    fn read_on(&mut self) -> Result<Progress, AnswerFault> {
        loop {
            match self.reader.advance()? {
                ListStep::More => return Ok(Progress::More),
                ListStep::End => {
                    let metadata = self.reader.metadata().cloned().unwrap_or_default();
                    self.writer.close_list(&metadata);
                    self.docket.list_ended(&metadata.continue_token);
                    return Ok(Progress::Ended);
                }
                ListStep::Item => {
                    let Some(item) = self.reader.item() else { continue };
                    match self.docket.rule(item, Source::List, &mut self.scratch) {
                        Ruling::Admit(admitted) => {
                            self.writer.item(&admitted, self.reader.metadata());
                        }
                        Ruling::Deny(_) | Ruling::Later(_) | Ruling::Unidentified => {}
                    }
                }
            }
        }
    }
}

impl<D: Docket> Filter for ListFilter<D> {
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
