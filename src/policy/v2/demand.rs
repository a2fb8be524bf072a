//! Whether an `unless` demands anything: what is listed there is read as a demand, and some of it is
//! none.

use crate::policy::error::PolicyError;
use crate::policy::located::Located;

/// A rule whose `unless` every pod fits denies none, whatever its author thinks.
pub(super) fn refuse_empty(at: &Located<'_>) -> Result<(), PolicyError> {
    let members = at.members()?;
    if let Some((_, value)) = members.iter().find(|(key, _)| key == "updates") {
        return Err(value.refuse("is for permits; `unless` tolerates no update, remove it"));
    }
    let has_entries = members.iter().any(|(key, _)| key == "containers");
    for (key, value) in &members {
        let demands = match key.as_str() {
            "unlisted" => is_refuse(value),
            "orderedInit" => has_entries && value.raw() == "true",
            "hostUsers" => value.raw() != "\"any\"",
            "containers" => value.elements()?.iter().any(entry_demands),
            // Of a flag, true means that it may be set.
            _ => value.raw() != "true",
        };
        if demands {
            return Ok(());
        }
    }
    Err(at.refuse(
        "demands nothing, so every pod fits it and the rule denies none; true means may: write \
         false for what must not be",
    ))
}

/// Does an entry of `containers` say more than which containers it is about?
fn entry_demands(at: &Located<'_>) -> bool {
    let members = at.members().unwrap_or_default();
    members.iter().any(|(key, value)| match key.as_str() {
        "names" | "kinds" => false,
        "unlisted" => is_refuse(value),
        "once" => value.raw() == "true",
        "stdin" | "tty" | "restartRules" => value.raw() != "true",
        _ => true,
    })
}

fn is_refuse(at: &Located<'_>) -> bool {
    at.string().is_ok_and(|word| word == "refuse")
}
