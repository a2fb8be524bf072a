//! The strict decoder against Go's: whatever passes here, a kubelet reads the same way.
//!
//! Documents are made up from the tables, spoiled, decoded here and by client-go. It does not ask
//! that Go refuse what we refuse: being narrower is the point.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code, which clippy recognises only in unit tests"
)]

#[path = "decoder/documents.rs"]
mod documents;
#[path = "support/go.rs"]
mod go;
#[path = "decoder/go_decoder.rs"]
mod go_decoder;
#[path = "decoder/samples.rs"]
mod samples;
#[path = "decoder/view.rs"]
mod view;

use std::cell::{Cell, RefCell};

use nodeward::kube_wire::json::{Cursor, Limits, Tape};
use nodeward::kube_wire::pod::Pod;
use nodeward::kube_wire::pod_schema::POD;
use nodeward::kube_wire::schema::check;
use nodeward::kube_wire::spec_pin::{PodEncoding, SpecPin};
use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use self::documents::{Document, document};
use self::go_decoder::GoDecoder;

/// Ten seconds' worth, unoptimised, on two cores.
const CASES: u32 = 12_000;

/// For a longer run: how many documents, and which. `docs/how-to/fuzz.md` has the command.
const MORE_CASES: &str = "NODEWARD_DECODER_CASES";
const OTHER_SEED: &str = "NODEWARD_DECODER_SEED";

/// Of this many documents one must pass, or the comparison says nothing.
const ONE_ACCEPTED_IN: u32 = 4;

/// And one must pass with something unusual in it.
const ONE_SPOILED_IN: u32 = 50;

const LIMITS: Limits = Limits { depth: 64, nodes: 100_000 };

struct Accepted {
    canonical: Vec<u8>,
    pin: SpecPin,
    /// What a policy sees.
    view: Vec<String>,
}

/// Everything that a pod goes through before a policy sees it, and its encoding.
fn decode(document: &[u8]) -> Result<Accepted, String> {
    let mut tape = Tape::default();
    let mut cursor = Cursor::new(document);
    match cursor.value(&mut tape, LIMITS) {
        Ok(None) => {}
        Ok(Some(fault)) => return Err(fault.to_string()),
        Err(halt) => return Err(halt.to_string()),
    }
    if !document[cursor.offset()..].iter().all(u8::is_ascii_whitespace) {
        return Err("bytes follow".to_owned());
    }
    let checked = check(tape.root(document), &POD).map_err(|fault| fault.to_string())?;
    let pod = Pod::read(&checked).map_err(|fault| fault.to_string())?;
    let (mut canonical, mut mutable) = (Vec::new(), Vec::new());
    checked.write(&mut canonical, &mut mutable);
    let encoding = PodEncoding { bytes: &canonical, span: 0..canonical.len(), mutable: &mutable };
    let pin = SpecPin::new(&checked, &pod, &encoding);
    Ok(Accepted { canonical, pin, view: view::of_pod(&pod) })
}

/// Holds one document against Go; `true` if it passed here.
fn agrees(go: &mut GoDecoder, document: &Document) -> Result<bool, String> {
    let accepted = match decode(&document.bytes) {
        Ok(accepted) => accepted,
        Err(problem) if document.is_tame => return Err(format!("refused though tame: {problem}")),
        Err(_) => return Ok(false),
    };
    let canonical = String::from_utf8_lossy(&accepted.canonical);
    let original = go.decode(&document.bytes).map_err(|error| format!("Go refuses: {error}"))?;
    let seen = view::of_go(&original);
    if seen != accepted.view {
        return Err(format!("a policy sees {:#?}\nGo sees {seen:#?}", accepted.view));
    }
    let ours = go
        .decode_strictly(&accepted.canonical)
        .map_err(|error| format!("Go refuses what we write: {error}: {canonical}"))?;
    if !are_equal(&original, &ours) {
        return Err(format!("Go reads what we write otherwise: {canonical}\n{original}\n{ours}"));
    }
    let again = decode(&accepted.canonical)?;
    if again.canonical != accepted.canonical {
        return Err(format!("written again, it differs: {canonical}"));
    }
    if again.pin != accepted.pin {
        return Err("the pin depends on the spelling".to_owned());
    }
    Ok(true)
}

/// Go keeps `managedFields[].fieldsV1` as bytes, in whatever order its members came; everything else
/// it writes in one way only.
fn are_equal(one: &str, other: &str) -> bool {
    let parse = |text| serde_json::from_str::<serde_json::Value>(text).expect("Go writes JSON");
    one == other || parse(one) == parse(other)
}

#[test]
fn whatever_passes_go_reads_the_same_way() {
    let go = RefCell::new(GoDecoder::start());
    let (accepted, spoiled_but_accepted) = (Cell::new(0), Cell::new(0));
    let cases = number_from_environment(MORE_CASES).unwrap_or(CASES);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    // The same documents in every run: a failure can be looked at, and CI does not flicker.
    let seed = number_from_environment(OTHER_SEED).map_or([21; 32], |seed| {
        std::array::from_fn(|place| seed.to_le_bytes()[place % size_of::<u32>()])
    });
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let documents = vec(any::<u16>(), 0..2000).prop_map(|choices| document(&choices));
    let outcome = TestRunner::new_with_rng(config, rng).run(&documents, |document| {
        if agrees(&mut go.borrow_mut(), &document).map_err(TestCaseError::fail)? {
            accepted.set(accepted.get() + 1);
            spoiled_but_accepted.set(spoiled_but_accepted.get() + u32::from(!document.is_tame));
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    let (accepted, spoiled) = (accepted.get(), spoiled_but_accepted.get());
    println!("{accepted} of {cases} accepted, {spoiled} of them spoiled");
    assert!(accepted >= cases / ONE_ACCEPTED_IN, "only {accepted} were accepted");
    assert!(spoiled >= cases / ONE_SPOILED_IN, "only {spoiled} were unusual");
}

fn number_from_environment(name: &str) -> Option<u32> {
    std::env::var(name).ok().map(|text| text.parse().expect(name))
}
