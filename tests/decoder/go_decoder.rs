//! The Go program that decodes pods as a kubelet does, as a child of the test.

use std::io::{BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::go;

/// Ends with its input: dropping it closes the pipe and waits.
pub(crate) struct GoDecoder {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl GoDecoder {
    pub(crate) fn start() -> Self {
        let mut child = Command::new(go::build("decoder", None, "decoder"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the decoder starts");
        let answers = BufReader::new(child.stdout.take().expect("piped"));
        Self { requests: child.stdin.take(), answers, child }
    }

    /// What Go reads in a document, encoded again; or why it reads nothing.
    pub(crate) fn decode(&mut self, document: &[u8]) -> Result<String, String> {
        self.ask(b'?', document)
    }

    /// The same, but a field that is given twice is an error.
    pub(crate) fn decode_strictly(&mut self, document: &[u8]) -> Result<String, String> {
        self.ask(b'!', document)
    }

    fn ask(&mut self, mode: u8, document: &[u8]) -> Result<String, String> {
        let requests = self.requests.as_mut().expect("open until dropped");
        let length = u32::try_from(document.len() + 1).expect("a short document");
        requests.write_all(&length.to_be_bytes()).expect("the decoder reads");
        requests.write_all(&[mode]).expect("the decoder reads");
        requests.write_all(document).expect("the decoder reads");
        let mut length = [0; 4];
        self.answers.read_exact(&mut length).expect("the decoder answers");
        let mut answer = vec![0; u32::from_be_bytes(length) as usize];
        self.answers.read_exact(&mut answer).expect("the decoder answers");
        let content = String::from_utf8(answer.split_off(1)).expect("Go writes UTF-8");
        if answer == *b"+" { Ok(content) } else { Err(content) }
    }
}

impl Drop for GoDecoder {
    fn drop(&mut self) {
        drop(self.requests.take());
        let _ = self.child.wait();
    }
}
