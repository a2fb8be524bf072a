//! What an API server sees to in a Service beyond the grammar of its fields, and a kubelet relies on.

use super::json::{Value, ValueFault};

/// Why a Service that fits its table is none that an API server admits.
pub(super) fn fault(service: Value<'_>) -> Option<ValueFault> {
    let spec = service.field("spec")?;
    let ports = spec.field("ports");
    let numbers = ports.iter().flat_map(Value::items).map(|port| port.field("port"));
    let is_port = |number: Option<Value<'_>>| {
        number.and_then(|number| number.as_i64()).is_some_and(|it| (1..=65_535).contains(&it))
    };
    if let Some((index, _)) = numbers.enumerate().find(|(_, number)| !is_port(*number)) {
        let problem = "must be from 1 to 65535".to_owned();
        return Some(ValueFault { path: format!("spec.ports[{index}].port"), problem });
    }
    let has_ports = ports.is_some_and(|ports| ports.items().next().is_some());
    if has_address(spec) && !has_ports {
        // `envvars.FromServices` takes the first one without looking.
        let problem = "is empty; a kubelet ends when it reads the first of none".to_owned();
        return Some(ValueFault { path: "spec.ports".to_owned(), problem });
    }
    None
}

/// As `IsServiceIPSet`: a kubelet makes no variables of any other.
fn has_address(spec: Value<'_>) -> bool {
    let address = spec.field("clusterIP").and_then(|address| address.as_str());
    address.is_some_and(|address| !matches!(address, "" | "None"))
}
