//! `dnsPolicies`, `dnsConfig` and `hostAliases`: whom a pod finds behind a name.

use super::Reading;
use crate::kube_wire::pod_view::{DnsConfig, DnsOption, HostAlias};
use crate::policy::error::PolicyError;
use crate::policy::located::Located;
use crate::policy::v2::check::{Check, NOTHING};
use crate::policy::v2::finding::{Fit, Place, finding};
use crate::policy::v2::names::Names;
use crate::policy::v2::text_rule::{TextRule, quoted, read_word};

const POLICIES: [&str; 4] = ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"];

/// Those that leave the servers to the cluster or the node.
const USUAL_POLICIES: [&str; 3] = ["ClusterFirst", "ClusterFirstWithHostNet", "Default"];

/// What a pod may say about names.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct DnsRules {
    policies: Option<Vec<&'static str>>,
    config: Option<DnsConfigRule>,
    aliases: Option<Vec<AliasRule>>,
}

#[derive(Clone, Debug)]
struct DnsConfigRule {
    nameservers: Option<Names>,
    searches: Option<Names>,
    options: Option<Names>,
}

#[derive(Clone, Debug)]
struct AliasRule {
    ip: TextRule,
    hostnames: Names,
}

impl DnsRules {
    pub(super) const KEYS: [&'static str; 3] = ["dnsPolicies", "dnsConfig", "hostAliases"];

    /// Reads them from the permit itself.
    pub(super) fn read(
        block: &crate::policy::located::Object<'_>,
        reading: &mut Reading<'_>,
    ) -> Result<Self, PolicyError> {
        Ok(Self {
            policies: block.list("dnsPolicies", |at| read_word(at, &POLICIES))?,
            config: block.read("dnsConfig", |at| DnsConfigRule::read(at, reading))?,
            aliases: block.list("hostAliases", |at| AliasRule::read(at, reading))?,
        })
    }

    /// Says it nothing?
    pub(super) fn is_empty(&self) -> bool {
        let Self { policies, config, aliases } = self;
        policies.is_none() && config.is_none() && aliases.is_none()
    }

    pub(super) fn check(
        &self,
        policy: &str,
        config: Option<&DnsConfig<'_>>,
        aliases: &[HostAlias<'_>],
        check: &mut Check<'_>,
    ) -> Fit {
        let spec = Place::Top("spec");
        let policy = if policy.is_empty() { "ClusterFirst" } else { policy };
        let place = spec.field("dnsPolicy");
        match &self.policies {
            Some(words) => check.word(words, policy, &place, "dnsPolicies")?,
            None => check.unlisted(USUAL_POLICIES.contains(&policy), || {
                finding(&place, USUAL_POLICIES.join(" or "), quoted(policy))
                    .fixed_by("dnsPolicies", vec![policy])
            })?,
        }
        self.check_config(config, &spec.field("dnsConfig"), check)?;
        self.check_aliases(aliases, &spec.field("hostAliases"), check)
    }

    fn check_config(
        &self,
        config: Option<&DnsConfig<'_>>,
        place: &Place<'_>,
        check: &mut Check<'_>,
    ) -> Fit {
        let Some(DnsConfig { nameservers, searches, options }) = config else {
            return Fit::Continue(());
        };
        let rule = |of: fn(&DnsConfigRule) -> Option<&Names>| self.config.as_ref().and_then(of);
        let lists = [
            (
                rule(|it| it.nameservers.as_ref()),
                nameservers,
                "nameservers",
                "dnsConfig.nameservers",
            ),
            (rule(|it| it.searches.as_ref()), searches, "searches", "dnsConfig.searches"),
        ];
        for (rule, values, name, key) in lists {
            let place = place.field(name);
            for (index, value) in values.iter().enumerate() {
                check.name(rule, value, &place.element(index), key)?;
            }
        }
        let place = place.field("options");
        let rule = rule(|it| it.options.as_ref());
        options.iter().enumerate().try_for_each(|(index, option)| {
            let DnsOption { name, value } = option;
            let written = match value {
                Some(value) => format!("{name}:{value}"),
                None => (*name).to_owned(),
            };
            check.name(rule, &written, &place.element(index), "dnsConfig.options")
        })
    }

    fn check_aliases(
        &self,
        aliases: &[HostAlias<'_>],
        place: &Place<'_>,
        check: &mut Check<'_>,
    ) -> Fit {
        aliases.iter().enumerate().try_for_each(|(index, alias)| {
            let HostAlias { ip, hostnames } = alias;
            let is_listed = |rule: &AliasRule| {
                rule.ip.matches(ip) && hostnames.iter().all(|name| rule.hostnames.match_name(name))
            };
            let found = || {
                let entry = serde_json::json!({ "ip": ip, "hostnames": hostnames });
                finding(&place.element(index), NOTHING, format!("names for {}", quoted(ip)))
                    .fixed_by("hostAliases", vec![entry])
            };
            match &self.aliases {
                Some(rules) => check.unless(rules.iter().any(is_listed), found),
                None => check.unlisted(false, found),
            }
        })
    }
}

impl DnsConfigRule {
    fn read(at: &Located<'_>, reading: &mut Reading<'_>) -> Result<Self, PolicyError> {
        let keys = ["nameservers", "searches", "options"];
        let block = at.object(&keys)?;
        let mut names = |key| block.read(key, |at| Names::read_permit(at, reading.warnings));
        let rule = Self {
            nameservers: names("nameservers")?,
            searches: names("searches")?,
            options: names("options")?,
        };
        match keys.iter().all(|key| block.find(key).is_none()) {
            true => Err(at.refuse(format!("permits nothing; write one of {}", keys.join(", ")))),
            false => Ok(rule),
        }
    }
}

impl AliasRule {
    fn read(at: &Located<'_>, reading: &mut Reading<'_>) -> Result<Self, PolicyError> {
        let block = at.object(&["ip", "hostnames"])?;
        let ip = block.required("ip", "write the address, or a rule for it")?;
        let hostnames = block.required("hostnames", "list the names")?;
        Ok(Self {
            ip: TextRule::read(ip, reading.warnings)?,
            hostnames: Names::read_permit(hostnames, reading.warnings)?,
        })
    }
}
