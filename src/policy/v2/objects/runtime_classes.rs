//! `runtimeClasses`: which handler each class stands for.
//!
//! The kubelet asks the API server for the class of a pod and hands its `handler` to the runtime
//! (`runtimeclass_manager.go`): whoever changes the class chooses how the pod is run.

use std::collections::BTreeMap;

use super::ObjectRefusal;
use crate::kube_wire::grammar::Grammar;
use crate::kube_wire::json::Value;
use crate::policy::error::PolicyError;
use crate::policy::located::Located;
use crate::policy::verdict::Quoted;

/// Handlers by class.
#[derive(Clone, Debug)]
pub(super) struct RuntimeClasses(BTreeMap<String, String>);

impl RuntimeClasses {
    pub(super) fn read(at: &Located<'_>) -> Result<Self, PolicyError> {
        let read = |(class, at): (String, Located<'_>)| {
            if !Grammar::DnsSubdomain.matches(&class) {
                return Err(at.refuse("its key is no name of a runtime class; write one"));
            }
            let handler = at.filled_string()?;
            if !Grammar::DnsLabel.matches(&handler) {
                return Err(at.refuse(
                    "is no name of a handler; write lower-case letters, digits and dashes",
                ));
            }
            Ok((class, handler))
        };
        at.members()?.into_iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn check(&self, class: &str, object: Value<'_>) -> Result<(), ObjectRefusal> {
        let expected = self.0.get(class).ok_or(ObjectRefusal::UnlistedClass)?;
        let found = object.field("handler").and_then(|it| it.as_str()).unwrap_or_default();
        if found == expected {
            return Ok(());
        }
        let found = Quoted(found).to_string();
        Err(ObjectRefusal::OtherHandler { found, expected: expected.clone() })
    }
}
