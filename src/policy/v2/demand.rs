//! Whether an `unless` demands anything: what is listed there is read as a demand, and some of it is
//! none.
//!
//! A rule whose `unless` every pod fits denies none, whatever its author thinks. So all of it is
//! looked at for something that can be held against some pod; values of a shape that is not known
//! here count as a demand, as every text, number and `false` does.

#[cfg(test)]
mod tests;

use regex_syntax::hir::{Class, Hir, HirKind};

use super::names::Names;
use crate::policy::error::PolicyError;
use crate::policy::located::Located;

/// Kinds of containers that start in the order in which they are written.
const INIT_KINDS: [&str; 2] = ["init", "sidecar"];

const ALL_KINDS: [&str; 4] = ["container", "init", "sidecar", "ephemeral"];

/// Nothing, or the place that every pod fits.
type Demand<'t> = Result<(), Located<'t>>;

/// Refuses an `unless` that every pod fits. It has been read before, so it is whole.
pub(super) fn refuse_empty(at: &Located<'_>) -> Result<(), PolicyError> {
    let members = at.members()?;
    if let Some((_, value)) = members.iter().find(|(key, _)| key == "updates") {
        return Err(value.refuse("is for permits; `unless` tolerates no update, remove it"));
    }
    of_pod(at).map_err(|place| {
        let (why, remedy) = match place.raw() {
            "true" => ("true means may", "write false for what must not be"),
            "false" => ("false asks for nothing", "write true for what must be"),
            _ => ("takes whatever there is", "write what must hold"),
        };
        place.refuse(format!(
            "{why}, so `unless` demands nothing, every pod fits it and the rule denies none; {remedy}"
        ))
    })
}

fn of_pod<'t>(at: &Located<'t>) -> Demand<'t> {
    let entries = list(member(at, "containers").as_ref());
    any(at, |key, value| match key {
        "unlisted" => needs(is(value, "refuse"), value),
        "podSecurity" => match member(value, "level") {
            Some(level) => needs(!is(&level, "privileged"), value),
            None => Ok(()),
        },
        "hostUsers" => needs(!is(value, "any"), value),
        "containers" => of_containers(&entries),
        "orderedInit" => needs(value.raw() == "true" && order_matters(&entries), value),
        "securityContext" => any(value, |key, value| match key {
            "runAsNonRoot" if entries.iter().any(lifts_non_root) => Err(value.clone()),
            _ => of_value(key, value),
        }),
        _ => of_value(key, value),
    })
}

/// A container needs to fit one of the entries about it: those that take everything undo the others.
fn of_containers<'t>(entries: &[Located<'t>]) -> Demand<'t> {
    let is_required =
        |entry: &Located<'t>| member(entry, "required").is_some_and(|it| it.raw() == "true");
    if entries.iter().any(is_required) {
        return Ok(());
    }
    let open: Vec<_> = entries.iter().filter(|entry| of_entry(entry).is_err()).collect();
    let is_undone = |entry: &&Located<'t>| covered(entry, &open, &ALL_KINDS);
    match entries.iter().all(|entry| is_undone(&entry)) {
        true => open.first().map_or(Ok(()), |entry| of_entry(entry)),
        false => Ok(()),
    }
}

/// Does an entry say more than which containers it is about?
fn of_entry<'t>(at: &Located<'t>) -> Demand<'t> {
    any(at, |key, value| match key {
        "names" | "kinds" => Err(at.clone()),
        "unlisted" => needs(is(value, "refuse"), value),
        // Of one name there is one container anyway.
        "once" => needs(value.raw() == "true" && !names_one(at), value),
        "images" => of_images(value),
        _ => of_value(key, value),
    })
}

fn names_one(entry: &Located<'_>) -> bool {
    let names = member(entry, "names");
    matches!(list(names.as_ref()).as_slice(), [one] if !one.raw().contains('*'))
}

/// Lists of places are one list: an image has to be in one of them.
fn of_images<'t>(at: &Located<'t>) -> Demand<'t> {
    let repositories = member(at, "repositories").map_or(Ok(()), |it| of_value("", &it));
    any(at, |key, value| match key {
        "references" | "repositories" | "registries" => repositories.clone(),
        _ => of_value(key, value),
    })
}

/// Anything whose key alone says how to read it.
fn of_value<'t>(key: &str, at: &Located<'t>) -> Demand<'t> {
    match key {
        "runAsNonRoot" | "readOnlyRootFilesystem" | "requireDigest" | "required" => {
            needs(at.raw() == "true", at)
        }
        "procMount" => needs(!is(at, "Unmasked"), at),
        "regex" => needs(!at.string().is_ok_and(|regex| takes_every_text(&regex)), at),
        // Of none of these can a list take everything.
        "oneOf" | "headers" | "env" | "mounts" | "volumes" | "drop" | "seccomp" | "appArmor"
        | "maxResources" => Ok(()),
        "command" | "args" | "exec" if at.is_list() => Ok(()),
        // A pattern, unlike a text.
        "name" | "key" | "volume" if at.is_string() => needs(!is(at, "*"), at),
        "add" => needs(!list(Some(at)).iter().any(is_all_capabilities), at),
        // A port without an address, and a source without a prefix, must not have one.
        "ports" => of_alternatives(at, |entry| member(entry, "hostIP").is_some()),
        "envFrom" => of_env_from(at),
        _ if at.is_object() => match member(at, "any") {
            Some(_) => Err(at.clone()),
            None => any(at, of_value),
        },
        _ if at.is_list() => of_alternatives(at, |_| true),
        _ => needs(at.raw() != "true", at),
    }
}

/// A list of which one element has to fit: one that takes everything undoes the others.
fn of_alternatives<'t>(
    at: &Located<'t>,
    may_take_all: impl Fn(&Located<'t>) -> bool,
) -> Demand<'t> {
    let takes_all = |element: &&Located<'t>| match element.is_object() {
        true => may_take_all(element) && any(element, of_value).is_err(),
        false => is(element, "*"),
    };
    list(Some(at)).iter().find(takes_all).map_or(Ok(()), |element| Err(element.clone()))
}

/// Each kind of object is permitted by its own entry.
fn of_env_from<'t>(at: &Located<'t>) -> Demand<'t> {
    let entries = list(Some(at));
    let takes_all = |kind| {
        let has = |entry: &Located<'t>| {
            member(entry, kind).is_some() && member(entry, "prefix").is_some()
        };
        entries.iter().any(|entry| has(entry) && any(entry, of_value).is_err())
    };
    needs(!(takes_all("configMap") && takes_all("secret")), at)
}

/// Can an init container come too late? Not where a later entry is about it as well.
fn order_matters(entries: &[Located<'_>]) -> bool {
    let about: Vec<_> =
        entries.iter().filter(|it| INIT_KINDS.iter().any(|kind| has_kind(it, kind))).collect();
    (1..about.len()).any(|middle| {
        let (before, from) = about.split_at_checked(middle).unwrap_or_default();
        from.first().is_some_and(|reached| !covered(reached, before, &INIT_KINDS))
            && before.iter().any(|early| !covered(early, from, &INIT_KINDS))
    })
}

/// Is some of these entries about each container of these kinds that the entry is about?
fn covered(entry: &Located<'_>, by: &[&Located<'_>], kinds: &[&str]) -> bool {
    let names = member(entry, "names");
    let names: Vec<_> = list(names.as_ref()).iter().flat_map(Located::string).collect();
    kinds.iter().filter(|kind| has_kind(entry, kind)).all(|kind| {
        let by = by.iter().filter(|it| has_kind(it, kind)).map(|it| member(it, "names"));
        let takes = |name: Option<&String>| {
            by.clone().any(|names| match names.map(|it| Names::read(&it)) {
                None => true,
                // What takes the text of a narrower pattern takes whatever that matches.
                Some(Ok(patterns)) => {
                    name.map_or(patterns.match_everything(), |name| patterns.match_name(name))
                }
                Some(Err(_)) => false,
            })
        };
        match names.is_empty() {
            true => takes(None),
            false => names.iter().all(|name| takes(Some(name))),
        }
    })
}

fn has_kind(entry: &Located<'_>, kind: &str) -> bool {
    member(entry, "kinds").is_none_or(|kinds| list(Some(&kinds)).iter().any(|it| is(it, kind)))
}

/// Does it take back, for every container, what the pod level demands?
fn lifts_non_root(entry: &Located<'_>) -> bool {
    let security = member(entry, "securityContext");
    let lifted = security.and_then(|it| member(&it, "runAsNonRoot"));
    let names = member(entry, "names").map(|it| Names::read(&it));
    lifted.is_some_and(|it| it.raw() == "false")
        && ALL_KINDS.iter().all(|kind| has_kind(entry, kind))
        && names.is_none_or(|names| names.is_ok_and(|it| it.match_everything()))
}

/// As far as the pattern itself shows it.
fn takes_every_text(regex: &str) -> bool {
    fn of(hir: &Hir) -> bool {
        match hir.kind() {
            HirKind::Capture(group) => of(&group.sub),
            HirKind::Concat(parts) => parts.iter().all(of),
            HirKind::Alternation(parts) => parts.iter().any(of),
            HirKind::Repetition(repetition) => {
                repetition.min == 0 && repetition.max.is_none() && is_any_character(&repetition.sub)
            }
            HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => false,
        }
    }
    regex_syntax::parse(regex).is_ok_and(|hir| of(&hir))
}

fn is_any_character(hir: &Hir) -> bool {
    let HirKind::Class(Class::Unicode(class)) = hir.kind() else { return false };
    matches!(class.ranges(), [all] if (all.start(), all.end()) == ('\0', char::MAX))
}

fn is_all_capabilities(at: &Located<'_>) -> bool {
    at.string()
        .is_ok_and(|name| ["ALL", "CAP_ALL"].iter().any(|all| name.eq_ignore_ascii_case(all)))
}

/// One member that demands something is enough. An object without any takes everything.
fn any<'t>(at: &Located<'t>, of: impl Fn(&str, &Located<'t>) -> Demand<'t>) -> Demand<'t> {
    let mut first = None;
    for (key, value) in at.members().unwrap_or_default() {
        match of(&key, &value) {
            Ok(()) => return Ok(()),
            Err(place) => first = first.or(Some(place)),
        }
    }
    Err(first.unwrap_or_else(|| at.clone()))
}

fn needs<'t>(demands: bool, at: &Located<'t>) -> Demand<'t> {
    if demands { Ok(()) } else { Err(at.clone()) }
}

fn member<'t>(at: &Located<'t>, name: &str) -> Option<Located<'t>> {
    let members = at.members().unwrap_or_default();
    members.into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

fn list<'t>(at: Option<&Located<'t>>) -> Vec<Located<'t>> {
    at.and_then(|at| at.elements().ok()).unwrap_or_default()
}

fn is(at: &Located<'_>, word: &str) -> bool {
    at.string().is_ok_and(|written| written == word)
}
