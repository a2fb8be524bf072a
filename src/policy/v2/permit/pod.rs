//! The whole of a permit: what a pod may be.

use std::sync::Arc;

use super::annotations::AnnotationRules;
use super::container::{ContainerPermit, Surroundings};
use super::containers::check_containers;
use super::dns::DnsRules;
use super::pod_security;
use super::pod_security_context::PodSecurityRules;
use super::resources::{MaxResources, check_resources};
use super::security::InheritedValues;
use super::updates::Updates;
use super::volumes::{VolumeRule, check_volumes, warn_of_shallow};
use super::{Reading, Unlisted};
use crate::kube_wire::pod_view::{PodSpec, PodView, ReferredObject, ResourceClaim};
use crate::policy::error::{PolicyError, Warnings};
use crate::policy::located::{Located, Object};
use crate::policy::pod_security::{Level, PodSecurityStandard};
use crate::policy::v2::access::Access;
use crate::policy::v2::check::{Check, NOTHING};
use crate::policy::v2::finding::{Findings, Fit, Place, finding};
use crate::policy::v2::names::Names;
use crate::policy::v2::scope::Scope;
use crate::policy::v2::subject::Subject;
use crate::policy::v2::text_rule::{TextRule, quoted};

const KEYS: [&str; 25] = [
    "unlisted",
    "podSecurity",
    "containers",
    "orderedInit",
    "volumes",
    "apiAccess",
    "hostNetwork",
    "hostPID",
    "hostIPC",
    "shareProcessNamespace",
    "hostUsers",
    "securityContext",
    "runtimeClasses",
    "serviceAccounts",
    "automountServiceAccountToken",
    "serviceLinks",
    "hostname",
    "subdomain",
    "hostnameOverride",
    "setHostnameAsFQDN",
    "imagePullSecrets",
    "resourceClaims",
    "annotations",
    "updates",
    "access",
];

/// Who a pod is when nobody says otherwise.
const DEFAULT_SERVICE_ACCOUNT: &str = "default";

/// What a pod may be.
#[derive(Clone, Debug)]
pub(in crate::policy) struct PodPermit {
    pub(super) unlisted: Unlisted,
    pub(super) pod_security: Option<PodSecurityStandard>,
    pub(super) containers: Option<Vec<ContainerPermit>>,
    pub(super) ordered_init: bool,
    pub(super) volumes: Option<Vec<VolumeRule>>,
    /// Whether the volume that the API server adds may be there.
    pub(super) api_access: Option<bool>,
    pub(super) host_network: Option<bool>,
    pub(super) host_pid: Option<bool>,
    pub(super) host_ipc: Option<bool>,
    pub(super) share_process_namespace: Option<bool>,
    pub(super) host_users: Option<HostUsers>,
    pub(super) security: PodSecurityRules,
    pub(super) runtime_classes: Option<Names>,
    pub(super) service_accounts: Option<Names>,
    pub(super) automount_token: Option<bool>,
    pub(super) service_links: Option<bool>,
    pub(super) hostname: Option<TextRule>,
    pub(super) subdomain: Option<TextRule>,
    pub(super) hostname_override: Option<TextRule>,
    pub(super) hostname_as_fqdn: Option<bool>,
    pub(super) dns: DnsRules,
    pub(super) image_pull_secrets: Option<Names>,
    pub(super) resource_claims: Option<Names>,
    pub(super) annotations: AnnotationRules,
    pub(in crate::policy) updates: Updates,
    /// Who may reach in through the kubelet's own API. Shared: pods of one permit are known by it.
    pub(in crate::policy) access: Arc<Access>,
}

/// Whose users a pod has: the node's, or a range of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HostUsers {
    Any,
    Node,
    Own,
}

impl PodPermit {
    /// Reads a permit. `usual` is what becomes of what is not listed, if the permit does not say.
    pub(in crate::policy) fn read(
        at: &Located<'_>,
        usual: Unlisted,
        warnings: &mut Warnings,
    ) -> Result<Self, PolicyError> {
        let block = at.object(&[&KEYS[..], &DnsRules::KEYS[..]].concat())?;
        let unlisted = block.read("unlisted", Unlisted::read)?.unwrap_or(usual);
        let pod_security = block.read("podSecurity", pod_security::read)?;
        let is_bounded = pod_security.is_some_and(|it| it.level != Level::Privileged);
        if unlisted != usual && unlisted == Unlisted::Permit && !is_bounded {
            let problem = "permits whatever the permit does not list; list what is needed";
            block.find("unlisted").into_iter().for_each(|at| warnings.broad(at, problem));
        }
        let reading = &mut Reading { unlisted, warnings };
        let mut permit = Self { pod_security, ..Self::open(unlisted) };
        permit.read_contents(&block, usual, reading)?;
        permit.read_sharing(&block, reading)?;
        permit.read_names(&block, reading)?;
        Ok(permit)
    }

    /// A scope that names service accounts permits them, if the permit does not say otherwise.
    pub(in crate::policy) fn take_service_accounts(&mut self, scope: &Scope) {
        if self.service_accounts.is_none() {
            self.service_accounts = scope.service_accounts().cloned();
        }
    }

    /// Does it speak of runtime classes?
    pub(in crate::policy) fn names_runtime_classes(&self) -> bool {
        self.runtime_classes.is_some()
    }

    /// Says nothing but what becomes of what is not listed.
    pub(in crate::policy) fn open(unlisted: Unlisted) -> Self {
        Self {
            unlisted,
            pod_security: None,
            containers: None,
            ordered_init: false,
            volumes: None,
            api_access: None,
            host_network: None,
            host_pid: None,
            host_ipc: None,
            share_process_namespace: None,
            host_users: None,
            security: PodSecurityRules::default(),
            runtime_classes: None,
            service_accounts: None,
            automount_token: None,
            service_links: None,
            hostname: None,
            subdomain: None,
            hostname_override: None,
            hostname_as_fqdn: None,
            dns: DnsRules::default(),
            image_pull_secrets: None,
            resource_claims: None,
            annotations: AnnotationRules::default(),
            updates: Updates::USUAL,
            access: Arc::default(),
        }
    }

    fn read_contents(
        &mut self,
        block: &Object<'_>,
        usual: Unlisted,
        reading: &mut Reading<'_>,
    ) -> Result<(), PolicyError> {
        self.containers = block.list("containers", |at| ContainerPermit::read(at, reading))?;
        self.ordered_init = block.read("orderedInit", Located::boolean)?.unwrap_or(false);
        self.volumes = block.list("volumes", |at| VolumeRule::read(at, reading))?;
        if let (Some(at), Some(rules)) = (block.find("volumes"), &self.volumes) {
            warn_of_shallow(at, rules, self.containers.as_deref().unwrap_or_default(), reading)?;
        }
        self.api_access = block.read("apiAccess", Located::boolean)?;
        let security = block.read("securityContext", |at| PodSecurityRules::read(at, reading))?;
        self.security = security.unwrap_or_default();
        if let Some(annotations) =
            block.read("annotations", |at| AnnotationRules::read(at, reading))?
        {
            self.annotations = annotations;
        }
        if let Some(access) = block.find("access") {
            if usual == Unlisted::Permit {
                return Err(access.refuse(
                    "is no part of what a pod may be; move it to the permit of an allow rule",
                ));
            }
            self.access = Arc::new(Access::read(access, reading.warnings)?);
        }
        self.updates = block.read("updates", Updates::read)?.unwrap_or(Updates::USUAL);
        Ok(())
    }

    fn read_sharing(
        &mut self,
        block: &Object<'_>,
        reading: &mut Reading<'_>,
    ) -> Result<(), PolicyError> {
        let flag = |key| block.read(key, Located::boolean);
        self.host_network = flag("hostNetwork")?;
        self.host_pid = flag("hostPID")?;
        self.host_ipc = flag("hostIPC")?;
        self.share_process_namespace = flag("shareProcessNamespace")?;
        self.automount_token = flag("automountServiceAccountToken")?;
        self.service_links = flag("serviceLinks")?;
        self.hostname_as_fqdn = flag("setHostnameAsFQDN")?;
        self.host_users = block.read("hostUsers", HostUsers::read)?;
        let texts = |key, reading: &mut Reading<'_>| {
            block.read(key, |at| TextRule::read(at, reading.warnings))
        };
        self.hostname = texts("hostname", reading)?;
        self.subdomain = texts("subdomain", reading)?;
        self.hostname_override = texts("hostnameOverride", reading)?;
        self.dns = DnsRules::read(block, reading)?;
        Ok(())
    }

    fn read_names(
        &mut self,
        block: &Object<'_>,
        reading: &mut Reading<'_>,
    ) -> Result<(), PolicyError> {
        let mut names = |key| block.read(key, |at| Names::read_permit(at, reading.warnings));
        self.service_accounts = names("serviceAccounts")?;
        self.image_pull_secrets = names("imagePullSecrets")?;
        self.resource_claims = names("resourceClaims")?;
        self.runtime_classes = names("runtimeClasses")?;
        Ok(())
    }

    /// What of the pod does not fit.
    pub(in crate::policy) fn check(&self, subject: &Subject<'_>, findings: &mut Findings) -> Fit {
        let PodView { identity: _, labels: _, annotations, controller: _, containers: _, spec } =
            &subject.view;
        if let Some(standard) = self.pod_security {
            pod_security::check(standard, &subject.view, findings)?;
        }
        let around = Surroundings {
            subject,
            inherited_rules: &self.security.inherited,
            inherited_values: InheritedValues::of_pod(spec.security_context),
            may_access_api: self.api_access == Some(true),
        };
        let entries = self.containers.as_deref().unwrap_or_default();
        check_containers(entries, self.ordered_init, around, self.unlisted, findings)?;
        let check = &mut Check { unlisted: self.unlisted, findings };
        self.annotations.check(annotations, check)?;
        check_volumes(self.volumes.as_deref(), self.api_access, subject, check)?;
        self.check_spec(subject, check)
    }

    fn check_spec(&self, subject: &Subject<'_>, check: &mut Check<'_>) -> Fit {
        let spec = &subject.view.spec;
        self.check_sharing(spec, check)?;
        match self.leaves_rest_open() {
            true => check_always(spec, check),
            false => self.check_rest(subject, check),
        }
    }

    /// What most `unless` are about.
    fn check_sharing(&self, spec: &PodSpec<'_>, check: &mut Check<'_>) -> Fit {
        let place = Place::Top("spec");
        let shares_processes = spec.share_process_namespace == Some(true);
        let is_fqdn = spec.set_hostname_as_fqdn == Some(true);
        for (rule, is, key) in [
            (self.host_network, spec.host_network, "hostNetwork"),
            (self.host_pid, spec.host_pid, "hostPID"),
            (self.host_ipc, spec.host_ipc, "hostIPC"),
            (self.share_process_namespace, shares_processes, "shareProcessNamespace"),
            (self.hostname_as_fqdn, is_fqdn, "setHostnameAsFQDN"),
        ] {
            check.may(rule, is, &place.field(key), key)?;
        }
        self.check_host_users(spec.host_users, &place.field("hostUsers"), check)
    }

    pub(super) fn check_rest(&self, subject: &Subject<'_>, check: &mut Check<'_>) -> Fit {
        let PodSpec {
            host_network: _,
            host_pid: _,
            host_ipc: _,
            share_process_namespace: _,
            set_hostname_as_fqdn: _,
            host_users: _,
            security_context,
            runtime_class_name,
            service_account_name: _,
            service_account: _,
            automount_service_account_token,
            enable_service_links,
            image_pull_secrets,
            hostname,
            subdomain,
            hostname_override,
            dns_policy,
            dns_config,
            host_aliases,
            os: _,
            resources,
            resource_claims,
            // Decided on in front of all rules.
            node_name: _,
            volumes: _,
        } = &subject.view.spec;
        let spec = Place::Top("spec");
        let unlisted = check.unlisted;
        check.findings.below(
            || "securityContext".to_owned(),
            |findings| {
                let check = &mut Check { unlisted, findings };
                self.security.check(*security_context, &spec.field("securityContext"), check)
            },
        )?;
        let class = runtime_class_name.unwrap_or_default();
        let place = spec.field("runtimeClassName");
        check.name(self.runtime_classes.as_ref(), class, &place, "runtimeClasses")?;
        self.check_identity(subject, check)?;
        let has_token = *automount_service_account_token == Some(true);
        // Where the volume may be there, so may the wish for it, if nothing says otherwise.
        let may_have_token = self.automount_token.or(self.api_access.filter(|may| *may));
        let key = "automountServiceAccountToken";
        check.may(may_have_token, has_token, &spec.field(key), key)?;
        let has_links = enable_service_links.unwrap_or(true);
        let place = spec.field("enableServiceLinks");
        check.may(self.service_links, has_links, &place, "serviceLinks")?;
        for (rule, text, key) in [
            (&self.hostname, *hostname, "hostname"),
            (&self.subdomain, *subdomain, "subdomain"),
            (&self.hostname_override, hostname_override.unwrap_or_default(), "hostnameOverride"),
        ] {
            check.text(rule.as_ref(), text, &spec.field(key), key)?;
        }
        self.dns.check(dns_policy, *dns_config, host_aliases, check)?;
        check_always(&subject.view.spec, check)?;
        // Amounts alone: the API takes no devices at the level of the pod.
        let place = spec.field("resources");
        check_resources(None, &MaxResources::default(), *resources, &place, check)?;
        self.check_references(image_pull_secrets, resource_claims, check)
    }

    fn check_identity(&self, subject: &Subject<'_>, check: &mut Check<'_>) -> Fit {
        let spec = Place::Top("spec");
        let place = spec.field("serviceAccountName");
        let account = subject.service_account();
        match &self.service_accounts {
            Some(names) => check.name(Some(names), account, &place, "serviceAccounts"),
            None => check.unlisted(account == DEFAULT_SERVICE_ACCOUNT, || {
                finding(&place, quoted(DEFAULT_SERVICE_ACCOUNT), quoted(account))
                    .fixed_by("serviceAccounts", vec![account])
            }),
        }
    }

    fn check_references(
        &self,
        secrets: &[ReferredObject<'_>],
        claims: &[ResourceClaim<'_>],
        check: &mut Check<'_>,
    ) -> Fit {
        let spec = Place::Top("spec");
        let list = spec.field("imagePullSecrets");
        for (index, ReferredObject { name }) in secrets.iter().enumerate() {
            let place = list.element(index);
            let rule = self.image_pull_secrets.as_ref();
            check.name(rule, name, &place, "imagePullSecrets")?;
        }
        let list = spec.field("resourceClaims");
        claims.iter().enumerate().try_for_each(|(index, claim)| {
            let ResourceClaim { name: _, resource_claim_name, resource_claim_template_name } =
                claim;
            let place = list.element(index);
            let named = resource_claim_name.or(*resource_claim_template_name).unwrap_or_default();
            match &self.resource_claims {
                Some(names) => check.name(Some(names), named, &place, "resourceClaims"),
                None => check.unlisted(false, || {
                    finding(&place, NOTHING, format!("the device claim {}", quoted(named)))
                        .fixed_by("resourceClaims", vec![named])
                }),
            }
        })
    }

    /// A range of users of its own relaxes nothing here, so it has to be asked for like a change.
    fn check_host_users(
        &self,
        value: Option<bool>,
        place: &Place<'_>,
        check: &mut Check<'_>,
    ) -> Fit {
        let is_own = value == Some(false);
        let found = || if is_own { "false" } else { "true or nothing" };
        match self.host_users {
            Some(HostUsers::Any) => Fit::Continue(()),
            Some(HostUsers::Node) => {
                check.unless(!is_own, || finding(place, "true or nothing", found()))
            }
            Some(HostUsers::Own) => check.unless(is_own, || finding(place, "false", found())),
            None => check.unlisted(!is_own, || {
                finding(place, "true or nothing", found()).fixed_by("hostUsers", false)
            }),
        }
    }
}

/// What no permit leaves open.
fn check_always(spec: &PodSpec<'_>, check: &mut Check<'_>) -> Fit {
    let place = Place::Top("spec");
    let windows = spec.security_context.and_then(|security| security.windows);
    check.unless(windows.is_none(), || {
        let place = place.field("securityContext");
        finding(&place.field("windowsOptions"), NOTHING, "options for Windows")
    })?;
    // The kubelet reads the first of the two names, others the second.
    let (name, former) = (spec.service_account_name, spec.service_account);
    check.unless(former.is_empty() || former == name, || {
        finding(&place.field("serviceAccount"), quoted(name), quoted(former))
    })?;
    let os = spec.os.as_ref().map_or("", |os| os.name);
    check.unless(matches!(os, "" | "linux"), || {
        finding(&place.field("os").field("name"), "\"linux\"", quoted(os))
    })
}

impl HostUsers {
    fn read(at: &Located<'_>) -> Result<Self, PolicyError> {
        if at.is_string() {
            return match at.string()?.as_str() {
                "any" => Ok(Self::Any),
                _ => Err(at.refuse("is not known; write true, false or \"any\"")),
            };
        }
        at.boolean().map(|node| if node { Self::Node } else { Self::Own })
    }
}
