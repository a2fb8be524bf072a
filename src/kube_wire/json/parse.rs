//! The machine that reads one whole value, without recursion.
//!
//! One loop, two sinks: [`Recorder`] writes the tape, [`Skipper`] only follows the brackets once a value
//! has outgrown its limits, so that its extent is still known. Invariant: both accept the same bytes.

use super::scan::{NumberToken, Scan, Stop};
use super::tape::{LONGEST_VALUE, Node, Span, Tape, narrow};
use super::text::{self, TextFlaw};
use super::{Limits, MAX_DEPTH};

/// What is wrong with a value whose extent is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    Text(TextFlaw),
    NotFinite,
    Depth,
    Nodes,
}

impl Flaw {
    pub(super) fn problem(self) -> &'static str {
        match self {
            Self::Text(TextFlaw::LoneSurrogate) => "string with half of a surrogate pair",
            Self::Text(TextFlaw::NotUtf8) => "string that is not UTF-8",
            Self::NotFinite => "number too large for any decoder",
            Self::Depth => "nested too deep",
            Self::Nodes => "too many values",
        }
    }
}

/// The container that the machine is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    Nothing,
    Array,
    Object,
}

/// What the machine does with what it reads.
trait Sink {
    fn inside(&self) -> Inside;
    /// May one more value be taken? If not, `finish` reads on to the end of the root value.
    fn has_room(&self) -> bool;
    fn finish(&mut self, scan: &mut Scan<'_>) -> Result<(), Stop>;
    fn scalar(&mut self, node: Node);
    fn text(&mut self, scan: &mut Scan<'_>) -> Result<(), Stop>;
    fn number(&mut self, token: NumberToken, scan: &Scan<'_>);
    /// Enters the container at `scan`. `false`: it was read to its end at once.
    fn open(&mut self, scan: &mut Scan<'_>, kind: Inside) -> Result<bool, Stop>;
    fn close(&mut self);
}

/// Reads until the root value ends. A value is due when it starts.
#[inline]
fn run<S: Sink>(scan: &mut Scan<'_>, sink: &mut S) -> Result<(), Stop> {
    loop {
        if !sink.has_room() {
            return sink.finish(scan);
        }
        let is_value_due = begin_value(scan, sink)?;
        if !is_value_due && !next_value(scan, sink)? {
            return Ok(());
        }
    }
}

/// Reads a scalar, or enters a container. `true`: its first value is due.
#[inline]
fn begin_value<S: Sink>(scan: &mut Scan<'_>, sink: &mut S) -> Result<bool, Stop> {
    match scan.peek()? {
        b'"' => sink.text(scan)?,
        b'{' => {
            if sink.open(scan, Inside::Object)? {
                if scan.peek()? != b'}' {
                    return key(scan, sink).map(|()| true);
                }
                scan.bump();
                sink.close();
            }
        }
        b'[' => {
            if sink.open(scan, Inside::Array)? {
                if scan.peek()? != b']' {
                    return Ok(true);
                }
                scan.bump();
                sink.close();
            }
        }
        b'-' | b'0'..=b'9' => {
            let token = scan.number()?;
            sink.number(token, scan);
        }
        b't' => scan.literal(b"true").map(|()| sink.scalar(Node::Bool(true)))?,
        b'f' => scan.literal(b"false").map(|()| sink.scalar(Node::Bool(false)))?,
        b'n' => scan.literal(b"null").map(|()| sink.scalar(Node::Null))?,
        _ => return Err(Stop::NoValue),
    }
    Ok(false)
}

/// Goes from the end of one value to the start of the next. `false`: the root value has ended.
#[inline]
fn next_value<S: Sink>(scan: &mut Scan<'_>, sink: &mut S) -> Result<bool, Stop> {
    loop {
        let inside = sink.inside();
        if inside == Inside::Nothing {
            return Ok(false);
        }
        let byte = scan.peek()?;
        let is_object = inside == Inside::Object;
        if byte == b',' {
            scan.bump();
            if is_object {
                key(scan, sink)?;
            }
            return Ok(true);
        }
        if byte != (if is_object { b'}' } else { b']' }) {
            return Err(Stop::NoSeparator);
        }
        scan.bump();
        sink.close();
    }
}

/// Reads a key and its colon.
#[inline]
fn key<S: Sink>(scan: &mut Scan<'_>, sink: &mut S) -> Result<(), Stop> {
    if scan.peek()? != b'"' {
        return Err(Stop::NoKey);
    }
    sink.text(scan)?;
    if scan.peek()? != b':' {
        return Err(Stop::NoColon);
    }
    scan.bump();
    Ok(())
}

/// The link of the outermost container to its parent.
const NO_PARENT: u32 = u32::MAX;

/// Writes the tape.
struct Recorder<'t> {
    tape: &'t mut Tape,
    limits: Limits,
    inside: Inside,
    /// The innermost open container.
    open: u32,
    depth: usize,
    /// The first flaw, and the node that has it.
    flaw: Option<(u32, Flaw)>,
}

/// Reads one value onto the tape, which is cleared first; the first flaw, if it has any.
pub(super) fn value(
    scan: &mut Scan<'_>,
    tape: &mut Tape,
    limits: Limits,
) -> Result<Option<(u32, Flaw)>, Stop> {
    tape.clear();
    scan.peek()?;
    let start = scan.at;
    let rest = scan.bytes.get(start..).unwrap_or_default();
    let bytes = rest.get(..LONGEST_VALUE).unwrap_or(rest);
    let mut inner = Scan { bytes, at: 0, is_final: scan.is_final };
    let depth = limits.depth.min(MAX_DEPTH);
    let limits = Limits { depth, ..limits };
    let mut recorder =
        Recorder { tape, limits, inside: Inside::Nothing, open: NO_PARENT, depth: 0, flaw: None };
    let outcome = run(&mut inner, &mut recorder);
    let mut flaw = recorder.flaw;
    scan.at = start.wrapping_add(inner.at);
    if let Err(stop) = outcome {
        // Half a tape has links that point backwards.
        tape.clear();
        return Err(stop);
    }
    (tape.start, tape.end) = (start, scan.at);
    let span = bytes.get(..inner.at).unwrap_or_default();
    if std::str::from_utf8(span).is_err() {
        let first = detach(tape, span);
        flaw = flaw.or(first.map(|node| (node, Flaw::Text(TextFlaw::NotUtf8))));
    }
    Ok(flaw)
}

/// Moves every string out of a source that is not UTF-8; the first node that is not, or the root.
#[cold]
fn detach(tape: &mut Tape, span: &[u8]) -> Option<u32> {
    let mut first = None;
    for (index, node) in tape.nodes.iter_mut().enumerate() {
        if let Node::Text(range) = *node {
            let start = narrow(tape.decoded.len());
            let content = span.get(range.range()).unwrap_or_default();
            let (text, flaw) = text::lossy(content);
            tape.decoded.push_str(&text);
            first = first.or(flaw.map(|_| narrow(index)));
            *node = Node::Decoded(Span { start, end: narrow(tape.decoded.len()) });
        }
    }
    tape.is_detached = true;
    // The bad bytes may be in a part that outgrew its limits and is not on the tape.
    first.or(Some(0))
}

impl Recorder<'_> {
    #[inline]
    fn push(&mut self, node: Node) {
        self.tape.nodes.push(node);
    }

    fn next_index(&self) -> u32 {
        narrow(self.tape.nodes.len())
    }

    #[cold]
    fn note(&mut self, flaw: Flaw) {
        let node = self.next_index();
        self.flaw.get_or_insert((node, flaw));
    }

    #[cold]
    fn decode(&mut self, content: &[u8]) -> Result<(), Stop> {
        let start = narrow(self.tape.decoded.len());
        if let Some(flaw) = text::unescape(content, &mut self.tape.decoded)? {
            self.note(Flaw::Text(flaw));
        }
        let end = narrow(self.tape.decoded.len());
        self.push(Node::Decoded(Span { start, end }));
        Ok(())
    }

    /// The kinds of the open containers, outermost first.
    fn open_kinds(&self) -> Vec<Inside> {
        let mut kinds = Vec::with_capacity(self.depth);
        let mut at = self.open;
        while let Some((kind, parent)) = self.container(at) {
            kinds.push(kind);
            at = parent;
        }
        kinds.reverse();
        kinds
    }

    /// The kind and link of a container.
    #[inline]
    fn container(&self, at: u32) -> Option<(Inside, u32)> {
        match self.tape.nodes.get(at as usize)? {
            Node::Array(link) => Some((Inside::Array, *link)),
            Node::Object(link) => Some((Inside::Object, *link)),
            Node::Null
            | Node::Bool(_)
            | Node::Integer(_)
            | Node::Number(_)
            | Node::Text(_)
            | Node::Decoded(_) => None,
        }
    }
}

impl Sink for Recorder<'_> {
    #[inline]
    fn inside(&self) -> Inside {
        self.inside
    }

    #[inline]
    fn has_room(&self) -> bool {
        self.tape.nodes.len() < self.limits.nodes
    }

    #[cold]
    fn finish(&mut self, scan: &mut Scan<'_>) -> Result<(), Stop> {
        self.note(Flaw::Nodes);
        let mut skipper = Skipper { kinds: self.open_kinds(), ignored: String::new() };
        run(scan, &mut skipper)?;
        self.push(Node::Null);
        while self.inside != Inside::Nothing {
            self.close();
        }
        Ok(())
    }

    #[inline]
    fn scalar(&mut self, node: Node) {
        self.push(node);
    }

    #[inline]
    fn text(&mut self, scan: &mut Scan<'_>) -> Result<(), Stop> {
        let token = scan.text()?;
        if token.has_escapes {
            let content = scan.bytes.get(token.start..token.end).unwrap_or_default();
            return self.decode(content);
        }
        let span = Span { start: narrow(token.start), end: narrow(token.end) };
        self.push(Node::Text(span));
        Ok(())
    }

    #[inline]
    fn number(&mut self, token: NumberToken, scan: &Scan<'_>) {
        if let Some(integer) = token.integer {
            return self.push(Node::Integer(integer));
        }
        let digits = scan.bytes.get(token.start..token.end).unwrap_or_default();
        if !is_finite(digits) {
            self.note(Flaw::NotFinite);
        }
        let span = Span { start: narrow(token.start), end: narrow(token.end) };
        self.push(Node::Number(span));
    }

    #[inline]
    fn open(&mut self, scan: &mut Scan<'_>, kind: Inside) -> Result<bool, Stop> {
        if self.depth >= self.limits.depth {
            self.note(Flaw::Depth);
            let mut skipper = Skipper { kinds: Vec::new(), ignored: String::new() };
            run(scan, &mut skipper)?;
            self.push(Node::Null);
            return Ok(false);
        }
        scan.bump();
        let parent = self.open;
        self.open = self.next_index();
        self.push(if kind == Inside::Object { Node::Object(parent) } else { Node::Array(parent) });
        self.depth = self.depth.wrapping_add(1);
        self.inside = kind;
        Ok(true)
    }

    #[inline]
    fn close(&mut self) {
        let end = self.next_index();
        if let Some(Node::Array(link) | Node::Object(link)) =
            self.tape.nodes.get_mut(self.open as usize)
        {
            self.open = std::mem::replace(link, end);
        }
        self.depth = self.depth.saturating_sub(1);
        self.inside = self.container(self.open).map_or(Inside::Nothing, |(kind, _)| kind);
    }
}

/// Whether Go reads this number token as a finite float.
#[cold]
fn is_finite(token: &[u8]) -> bool {
    let number = std::str::from_utf8(token).ok().and_then(|text| text.parse::<f64>().ok());
    number.is_some_and(f64::is_finite)
}

/// Go's decoders give up at this depth, and the whole document is an error to them.
const DEEPEST: usize = 10_000;

/// Follows the structure, keeps nothing.
struct Skipper {
    kinds: Vec<Inside>,
    /// Scratch for escapes, which are still judged.
    ignored: String,
}

impl Sink for Skipper {
    fn inside(&self) -> Inside {
        self.kinds.last().copied().unwrap_or(Inside::Nothing)
    }

    fn has_room(&self) -> bool {
        true
    }

    fn finish(&mut self, _scan: &mut Scan<'_>) -> Result<(), Stop> {
        Ok(())
    }

    fn scalar(&mut self, _node: Node) {}

    fn text(&mut self, scan: &mut Scan<'_>) -> Result<(), Stop> {
        let token = scan.text()?;
        if token.has_escapes {
            self.ignored.clear();
            let content = scan.bytes.get(token.start..token.end).unwrap_or_default();
            text::unescape(content, &mut self.ignored)?;
        }
        Ok(())
    }

    fn number(&mut self, _token: NumberToken, _scan: &Scan<'_>) {}

    fn open(&mut self, scan: &mut Scan<'_>, kind: Inside) -> Result<bool, Stop> {
        if self.kinds.len() >= DEEPEST {
            return Err(Stop::Nesting);
        }
        scan.bump();
        self.kinds.push(kind);
        Ok(true)
    }

    fn close(&mut self) {
        self.kinds.pop();
    }
}
