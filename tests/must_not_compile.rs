//! Bytes that nobody decided on cannot be sent to a kubelet as pods: such programs do not compile.
//!
//! Each file in `must_not_compile/` is one way to try; the `.stderr` beside it is the compiler's no.

#[test]
fn undecided_bytes_do_not_compile_as_an_answer_about_pods() {
    trybuild::TestCases::new().compile_fail("tests/must_not_compile/*.rs");
}
