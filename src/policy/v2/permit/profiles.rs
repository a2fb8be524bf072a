//! `seccomp`, `appArmor` and `seLinux`: the kernel's profiles that a container may run under.

use super::Reading;
use crate::kube_wire::pod::StringMap;
use crate::kube_wire::pod_view::{Profile, SeLinux};
use crate::policy::error::PolicyError;
use crate::policy::located::{Located, suggest};
use crate::policy::v2::check::{Check, NOTHING, Unlisted};
use crate::policy::v2::finding::{Fit, Place, finding};
use crate::policy::v2::names::Names;
use crate::policy::v2::text_rule::{TextRule, quoted};

/// Stands in front of a container's name.
const APP_ARMOR_ANNOTATION: &str = "container.apparmor.security.beta.kubernetes.io/";

/// The words of a profile rule; `Unset` is the absence of the field.
const WORDS: [&str; 3] = ["RuntimeDefault", "Unconfined", "Unset"];

/// Profiles of which one must be set.
#[derive(Clone, Debug)]
pub(in crate::policy) struct ProfileRule(Vec<ProfileChoice>);

#[derive(Clone, Debug)]
enum ProfileChoice {
    Word(&'static str),
    Localhost(Names),
}

impl ProfileRule {
    /// Reads one choice or a list of them.
    pub(super) fn read(at: &Located<'_>, reading: &mut Reading<'_>) -> Result<Self, PolicyError> {
        let choices = if at.is_list() { at.elements()? } else { vec![at.clone()] };
        choices
            .iter()
            .map(|at| ProfileChoice::read(at, reading))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    fn permits(&self, profile: Option<&Profile<'_>>) -> bool {
        self.0.iter().any(|choice| match (choice, profile) {
            (ProfileChoice::Word("Unset"), None) => true,
            (ProfileChoice::Word(word), Some(profile)) => profile.type_name == *word,
            (ProfileChoice::Localhost(names), Some(Profile { type_name, localhost_profile })) => {
                *type_name == "Localhost"
                    && localhost_profile.is_some_and(|name| names.match_name(name))
            }
            (ProfileChoice::Word(_) | ProfileChoice::Localhost(_), None) => false,
        })
    }

    fn describe(&self) -> String {
        let choice = |choice: &ProfileChoice| match choice {
            ProfileChoice::Word(word) => (*word).to_owned(),
            ProfileChoice::Localhost(names) => format!("Localhost {}", names.describe()),
        };
        self.0.iter().map(choice).collect::<Vec<_>>().join(" or ")
    }
}

impl ProfileChoice {
    fn read(at: &Located<'_>, reading: &mut Reading<'_>) -> Result<Self, PolicyError> {
        if at.is_object() {
            let names = at.object(&["localhost"])?;
            let names = names.required("localhost", "list the names of the profiles")?;
            return Names::read(names).map(Self::Localhost);
        }
        let word = at.string()?;
        let known = WORDS.iter().find(|known| **known == word).ok_or_else(|| {
            let suggestion = suggest(&word, &WORDS);
            at.refuse(format!("is no profile; {suggestion}, or {{\"localhost\": [\"…\"]}}"))
        })?;
        if *known == "Unconfined" && reading.unlisted == Unlisted::Refuse {
            reading.warnings.broad(at, "takes the kernel's filter away; list a profile");
        }
        Ok(Self::Word(known))
    }
}

/// The profile must be one of those listed; without a list the runtime's own, or none said.
pub(super) fn check_profile(
    rule: Option<&ProfileRule>,
    profile: Option<&Profile<'_>>,
    place: &Place<'_>,
    key: &'static str,
    check: &mut Check<'_>,
) -> Fit {
    let found = || match profile {
        None => NOTHING.to_owned(),
        Some(Profile { type_name, localhost_profile: None }) => quoted(type_name),
        Some(Profile { type_name, localhost_profile: Some(name) }) => {
            format!("{} {}", quoted(type_name), quoted(name))
        }
    };
    match rule {
        Some(rule) => {
            check.unless(rule.permits(profile), || finding(place, rule.describe(), found()))
        }
        None => {
            let is_harmless = profile.is_none_or(|it| it.type_name == "RuntimeDefault");
            check.unlisted(is_harmless, || {
                let finding = finding(place, "RuntimeDefault or nothing", found());
                match profile {
                    Some(Profile { type_name: "Localhost", localhost_profile: Some(name) }) => {
                        finding.fixed_by(key, serde_json::json!({ "localhost": [name] }))
                    }
                    Some(Profile { type_name, .. }) => finding.fixed_by(key, *type_name),
                    None => finding,
                }
            })
        }
    }
}

/// The AppArmor profile that an annotation gives a container: what there was before the fields, and
/// what kubelets still obey. What they do not understand they ignore.
pub(super) fn annotated_profile<'v>(
    annotations: &'v StringMap<'v>,
    container: &str,
) -> Option<Profile<'v>> {
    let is_its = |key: &str| key.strip_prefix(APP_ARMOR_ANNOTATION) == Some(container);
    let (_, value) = annotations.iter().find(|(key, _)| is_its(key))?;
    let (type_name, localhost_profile) = match value {
        "runtime/default" => ("RuntimeDefault", None),
        "unconfined" => ("Unconfined", None),
        other => ("Localhost", Some(other.strip_prefix("localhost/")?)),
    };
    Some(Profile { type_name, localhost_profile })
}

/// Rules for the parts of an SELinux label.
#[derive(Clone, Debug)]
pub(in crate::policy) struct SeLinuxRule {
    user: Option<TextRule>,
    role: Option<TextRule>,
    type_name: Option<TextRule>,
    level: Option<TextRule>,
}

impl SeLinuxRule {
    /// Reads the block.
    pub(super) fn read(at: &Located<'_>, reading: &mut Reading<'_>) -> Result<Self, PolicyError> {
        let keys = ["user", "role", "type", "level"];
        let block = at.object(&keys)?;
        let mut read = |key| block.read(key, |at| TextRule::read(at, reading.warnings));
        let rule = Self {
            user: read("user")?,
            role: read("role")?,
            type_name: read("type")?,
            level: read("level")?,
        };
        match keys.iter().all(|key| block.find(key).is_none()) {
            true => Err(at.refuse("checks nothing; set one of user, role, type, level")),
            false => Ok(rule),
        }
    }
}

/// Each part of the label must be as listed; without a rule there is no label.
pub(super) fn check_se_linux(
    rule: Option<&SeLinuxRule>,
    label: Option<&SeLinux<'_>>,
    place: &Place<'_>,
    check: &mut Check<'_>,
) -> Fit {
    if rule.is_none() && label.is_none() {
        return Fit::Continue(());
    }
    let empty = SeLinux::default();
    let SeLinux { user, role, type_name, level } = label.unwrap_or(&empty);
    let part = |of: fn(&SeLinuxRule) -> Option<&TextRule>| rule.and_then(of);
    let parts = [
        (part(|it| it.user.as_ref()), user, "user", "seLinux.user"),
        (part(|it| it.role.as_ref()), role, "role", "seLinux.role"),
        (part(|it| it.type_name.as_ref()), type_name, "type", "seLinux.type"),
        (part(|it| it.level.as_ref()), level, "level", "seLinux.level"),
    ];
    parts
        .into_iter()
        .try_for_each(|(rule, text, name, key)| check.text(rule, text, &place.field(name), key))
}
