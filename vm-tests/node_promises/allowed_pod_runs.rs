//! A pod that the policy allows runs, and operators reach it as on any node.

use crate::node::Node;
use crate::pods::start_allowed;
use crate::wait::{Outcome, ensure};

pub(crate) fn check(node: &Node<'_>) -> Outcome {
    let name = node.named("pod");
    start_allowed(node, &name)?;
    let logged = node.kubectl(&["logs", &name])?;
    ensure(logged == format!("{name} is up\n"), || format!("its log is {logged:?}"))?;
    let answered = node.kubectl(&["exec", &name, "--", "echo", "hello"])?;
    ensure(answered == "hello\n", || format!("exec of echo printed {answered:?}"))
}
