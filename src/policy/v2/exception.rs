//! `exceptions`: what is let through for a time, for a reason that is written down.

use super::check::Unlisted;
use super::permit::PodPermit;
use super::scope::Scope;
use super::subject::Subject;
use crate::policy::decision::ExceptionUse;
use crate::policy::error::{PolicyError, Warnings};
use crate::policy::located::Located;

const KEYS: [&str; 6] = ["name", "reason", "expires", "match", "lifts", "permit"];

/// One exception.
#[derive(Clone, Debug)]
pub(in crate::policy) struct Exception {
    pub(super) name: String,
    reason: String,
    /// As written.
    expires: String,
    /// Seconds since 1970.
    pub(super) ends: i64,
    pub(super) scope: Scope,
    /// Names of deny rules that do not count for these pods.
    pub(super) lifts: Vec<String>,
    pub(super) permit: Option<Box<PodPermit>>,
}

impl Exception {
    /// Reads one entry. `deny_rules` are the names that it may lift.
    pub(super) fn read(
        at: &Located<'_>,
        deny_rules: &[&str],
        warnings: &mut Warnings,
    ) -> Result<Self, PolicyError> {
        let block = at.object(&KEYS)?;
        let remedy = "write until when it holds, such as \"2027-01-31T00:00:00Z\"";
        let expires_at = block.required("expires", remedy)?;
        let expires = expires_at.string()?;
        let ends: jiff::Timestamp = expires
            .parse()
            .map_err(|_| expires_at.refuse(format!("is no time with its zone; {remedy}")))?;
        let remedy = "write `\"match\": {}` to mean every pod";
        let matching = block.required("match", remedy)?;
        let scope = Scope::read(matching, warnings)?;
        if scope.is_everything() {
            warnings.broad(matching, "is about every pod; say which pods need the exception");
        }
        let lifts = block.list("lifts", |at| {
            let name = at.filled_string()?;
            match deny_rules.contains(&name.as_str()) {
                true => Ok(name),
                false => Err(at.refuse(format!(
                    "is no deny rule of this policy; {}",
                    crate::policy::located::suggest(&name, deny_rules)
                ))),
            }
        })?;
        let read_permit = |at: &Located<'_>| PodPermit::read(at, Unlisted::Refuse, warnings);
        let mut permit = block.read("permit", read_permit)?;
        if lifts.is_none() && permit.is_none() {
            return Err(at.refuse("excepts nothing; add `lifts` or `permit`"));
        }
        if let Some(permit) = &mut permit {
            permit.take_service_accounts(&scope);
        }
        Ok(Self {
            name: block.required("name", "records tell exceptions by it; add one")?.name()?,
            reason: block.required("reason", "write why it is needed")?.name()?,
            expires,
            ends: ends.as_second(),
            scope,
            lifts: lifts.unwrap_or_default(),
            permit: permit.map(Box::new),
        })
    }

    /// Does it still hold?
    pub(super) fn is_live(&self, now: i64) -> bool {
        now < self.ends
    }

    /// Does it hold, and is it about this pod?
    pub(super) fn covers(&self, subject: &Subject<'_>, now: i64) -> bool {
        self.is_live(now) && self.scope.includes(subject)
    }

    /// For the log.
    pub(super) fn used(&self) -> ExceptionUse<'_> {
        let Self { name, reason, expires, .. } = self;
        ExceptionUse { name, reason, expires }
    }
}
