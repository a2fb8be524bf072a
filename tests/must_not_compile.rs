//! Bytes that nobody decided on cannot be sent to a kubelet as pods, and nothing is served outside the
//! sandbox: such programs do not compile.
//!
//! Each file in `must_not_compile/` is one way to try; the `.stderr` beside it is the compiler's no.

#[test]
fn what_must_not_be_said_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/must_not_compile/*.rs");
}
