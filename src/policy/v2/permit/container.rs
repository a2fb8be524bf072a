//! One entry of `containers`: which containers it is about, and what they may be.

use super::Reading;
use super::api_access;
use super::env::{self, EnvRules};
use super::env_source::{EnvFromRule, check_env_from};
use super::expansion::Pinned;
use super::hooks_and_probes::{LifecycleRules, ProbeRules};
use super::images::ImageRule;
use super::mounts::{DeviceRule, MountRule, check_devices, check_mounts};
use super::ports::{PortRule, check_ports};
use super::profiles::annotated_profile;
use super::resources::{MaxResources, check_resources};
use super::security::{InheritedRules, InheritedValues, SecurityRules};
use crate::kube_wire::pod_view::{Container, ContainerKind, Lifecycle, VolumeMount};
use crate::policy::error::PolicyError;
use crate::policy::located::{Located, Object};
use crate::policy::v2::argv_rule::ArgvRule;
use crate::policy::v2::check::{Check, NOTHING, Unlisted};
use crate::policy::v2::finding::{Findings, Fit, Place, finding};
use crate::policy::v2::names::Names;
use crate::policy::v2::subject::{ImageText, Subject};
use crate::policy::v2::text_rule::{TextRule, read_word};

const KEYS: [&str; 23] = [
    "names",
    "kinds",
    "once",
    "required",
    "unlisted",
    "images",
    "command",
    "args",
    "workingDir",
    "env",
    "envFrom",
    "mounts",
    "devices",
    "ports",
    "securityContext",
    "lifecycle",
    "probes",
    "stdin",
    "tty",
    "terminationMessagePath",
    "restartRules",
    "extendedResources",
    "maxResources",
];

const KINDS: [ContainerKind; 4] = [
    ContainerKind::Container,
    ContainerKind::Init,
    ContainerKind::Sidecar,
    ContainerKind::Ephemeral,
];

/// What a kubelet writes to where nothing is said.
const USUAL_MESSAGE_PATH: &str = "/dev/termination-log";

/// One entry.
#[derive(Clone, Debug)]
pub(in crate::policy) struct ContainerPermit {
    pub(super) names: Option<Names>,
    pub(super) kinds: Vec<ContainerKind>,
    /// It serves one container of a pod at most.
    pub(super) once: bool,
    /// A pod must have a container that it is about, and that fits.
    pub(super) required: bool,
    pub(super) unlisted: Unlisted,
    pub(super) images: Option<ImageRule>,
    pub(super) command: Option<ArgvRule>,
    pub(super) args: Option<ArgvRule>,
    pub(super) working_dir: Option<TextRule>,
    pub(super) env: Option<EnvRules>,
    pub(super) env_from: Option<Vec<EnvFromRule>>,
    pub(super) mounts: Option<Vec<MountRule>>,
    pub(super) devices: Option<Vec<DeviceRule>>,
    pub(super) ports: Option<Vec<PortRule>>,
    pub(super) security: SecurityRules,
    pub(super) lifecycle: LifecycleRules,
    pub(super) probes: ProbeRules,
    pub(super) stdin: Option<bool>,
    pub(super) tty: Option<bool>,
    pub(super) termination_message_path: Option<TextRule>,
    pub(super) restart_rules: Option<bool>,
    pub(super) extended_resources: Option<Names>,
    pub(super) max_resources: MaxResources,
}

/// What of a pod and its permit every container is looked at with.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'s, 'v> {
    pub(super) subject: &'s Subject<'v>,
    pub(super) inherited_rules: &'s InheritedRules,
    pub(super) inherited_values: InheritedValues<'s>,
    pub(super) may_access_api: bool,
}

impl ContainerPermit {
    /// Reads one entry.
    pub(super) fn read(at: &Located<'_>, outer: &mut Reading<'_>) -> Result<Self, PolicyError> {
        let block = at.object(&KEYS)?;
        let outer_unlisted = outer.unlisted;
        let unlisted = block.read("unlisted", Unlisted::read)?.unwrap_or(outer_unlisted);
        let reading = &mut Reading { unlisted, warnings: outer.warnings };
        if unlisted == Unlisted::Refuse {
            let remedy = "list the images that may run";
            block.required("images", remedy)?;
        } else if outer_unlisted == Unlisted::Refuse {
            let problem = "permits whatever the entry does not list; list what is needed";
            block.find("unlisted").into_iter().for_each(|at| reading.warnings.broad(at, problem));
        }
        let mut entry = Self::open(unlisted);
        // Which containers an entry is about decides what escapes it: that is the pod level's.
        entry.kinds = usual_kinds(outer_unlisted);
        entry.read_selection(&block)?;
        entry.read_contents(&block, reading)?;
        entry.read_habits(&block, reading)?;
        Ok(entry)
    }

    /// Says nothing but what becomes of what is not listed.
    pub(in crate::policy) fn open(unlisted: Unlisted) -> Self {
        Self {
            names: None,
            kinds: usual_kinds(unlisted),
            once: false,
            required: false,
            unlisted,
            images: None,
            command: None,
            args: None,
            working_dir: None,
            env: None,
            env_from: None,
            mounts: None,
            devices: None,
            ports: None,
            security: SecurityRules::default(),
            lifecycle: LifecycleRules::default(),
            probes: ProbeRules::default(),
            stdin: None,
            tty: None,
            termination_message_path: None,
            restart_rules: None,
            extended_resources: None,
            max_resources: MaxResources::default(),
        }
    }

    fn read_selection(&mut self, block: &Object<'_>) -> Result<(), PolicyError> {
        self.names = block.read("names", Names::read)?;
        if let Some(kinds) = block.list("kinds", read_kind)? {
            self.kinds = kinds;
        }
        self.once = block.read("once", Located::boolean)?.unwrap_or(false);
        self.required = block.read("required", Located::boolean)?.unwrap_or(false);
        if let Some(at) = block.find("required").filter(|_| self.required)
            && self.kinds == [ContainerKind::Ephemeral]
        {
            return Err(at.refuse(
                "asks for an ephemeral container, which no pod begins with; name another kind, or \
                 remove `required`",
            ));
        }
        Ok(())
    }

    fn read_contents(
        &mut self,
        block: &Object<'_>,
        reading: &mut Reading<'_>,
    ) -> Result<(), PolicyError> {
        self.images = block.read("images", |at| ImageRule::read(at, reading))?;
        self.command = block.read("command", |at| ArgvRule::read(at, reading.warnings))?;
        self.args = block.read("args", |at| ArgvRule::read(at, reading.warnings))?;
        self.working_dir = block.read("workingDir", |at| TextRule::read(at, reading.warnings))?;
        self.env = block.read("env", |at| EnvRules::read(at, reading))?;
        self.env_from = block.list("envFrom", |at| EnvFromRule::read(at, reading))?;
        self.mounts = block.list("mounts", |at| MountRule::read(at, reading))?;
        self.devices = block.list("devices", |at| DeviceRule::read(at, reading))?;
        self.ports = block.list("ports", |at| PortRule::read(at, reading))?;
        Ok(())
    }

    fn read_habits(
        &mut self,
        block: &Object<'_>,
        reading: &mut Reading<'_>,
    ) -> Result<(), PolicyError> {
        let security = block.read("securityContext", |at| SecurityRules::read(at, reading))?;
        self.security = security.unwrap_or_default();
        let lifecycle = block.read("lifecycle", |at| LifecycleRules::read(at, reading))?;
        self.lifecycle = lifecycle.unwrap_or_default();
        self.probes = block.read("probes", |at| ProbeRules::read(at, reading))?.unwrap_or_default();
        self.stdin = block.read("stdin", Located::boolean)?;
        self.tty = block.read("tty", Located::boolean)?;
        self.termination_message_path =
            block.read("terminationMessagePath", |at| TextRule::read(at, reading.warnings))?;
        self.restart_rules = block.read("restartRules", Located::boolean)?;
        self.extended_resources =
            block.read("extendedResources", |at| Names::read_permit(at, reading.warnings))?;
        let max = block.read("maxResources", MaxResources::read)?;
        self.max_resources = max.unwrap_or_default();
        Ok(())
    }

    /// Is the entry about this container?
    pub(super) fn is_about(&self, container: &Container<'_>) -> bool {
        self.kinds.contains(&container.kind)
            && self.names.as_ref().is_none_or(|names| names.match_name(container.name))
    }

    /// For findings: which containers it is about.
    pub(super) fn describe(&self) -> String {
        let kinds: Vec<_> = self
            .kinds
            .iter()
            .filter(|kind| **kind != ContainerKind::Ephemeral)
            .map(|kind| kind.name())
            .collect();
        let names =
            self.names.as_ref().map_or_else(String::new, |it| format!(" {}", it.describe()));
        format!("a container of kind {}{names}", kinds.join(" or "))
    }

    /// May the container be what it is?
    pub(super) fn check(
        &self,
        container: &Container<'_>,
        image: &ImageText<'_>,
        around: Surroundings<'_, '_>,
        findings: &mut Findings,
    ) -> Fit {
        let spec = Place::Top("spec");
        let list = spec.field(list_of(container.kind));
        let place = list.element(container.index);
        let check = &mut Check { unlisted: self.unlisted, findings };
        match &self.images {
            Some(rule) => rule.check(image, &place.field("image"), check)?,
            None => check.unlisted(false, || {
                finding(&place.field("image"), "a rule for images", image.written)
            })?,
        }
        if !self.leaves_commands_open() {
            self.check_commands(container, around, &place, check)?;
        }
        let annotated = annotated_profile(around.subject.view.annotations, container.name);
        let around = Surroundings {
            inherited_values: around.inherited_values.annotated(annotated.as_ref()),
            ..around
        };
        self.check_security(container.security_context, around, &place, check)?;
        match self.leaves_habits_open() {
            true => Fit::Continue(()),
            false => self.check_habits(container, around, &place, check),
        }
    }

    pub(super) fn check_commands(
        &self,
        container: &Container<'_>,
        around: Surroundings<'_, '_>,
        place: &Place<'_>,
        check: &mut Check<'_>,
    ) -> Fit {
        let Container { command, args, working_dir, env, env_from, mounts, devices, .. } =
            container;
        let pinned = Pinned { rules: self.env.as_ref(), defined: env };
        for (rule, texts, key) in [(&self.command, command, "command"), (&self.args, args, "args")]
        {
            let place = place.field(key);
            check.argv(rule.as_ref(), texts, &place, key)?;
            if rule.as_ref().is_some_and(ArgvRule::pins) {
                for (index, text) in texts.iter().enumerate() {
                    pinned.check(text, &place.element(index), check)?;
                }
            }
        }
        let rule = self.working_dir.as_ref();
        check.text(rule, working_dir, &place.field("workingDir"), "workingDir")?;
        match &self.env {
            Some(rules) => rules.check(env, &place.field("env"), check)?,
            None => env::check_unlisted(env, &place.field("env"), check)?,
        }
        check_env_from(self.env_from.as_deref(), env_from, &place.field("envFrom"), check)?;
        let is_free = |mount: &VolumeMount<'_>| {
            around.may_access_api && api_access::is_mount(mount, around.subject)
        };
        let rules = self.mounts.as_deref();
        check_mounts(rules, mounts, is_free, pinned, &place.field("volumeMounts"), check)?;
        check_devices(self.devices.as_deref(), devices, &place.field("volumeDevices"), check)
    }

    pub(super) fn check_habits(
        &self,
        container: &Container<'_>,
        around: Surroundings<'_, '_>,
        place: &Place<'_>,
        check: &mut Check<'_>,
    ) -> Fit {
        let Container {
            ports,
            resources,
            restart_rules,
            liveness_probe,
            readiness_probe,
            startup_probe,
            lifecycle,
            termination_message_path,
            security_context: _,
            stdin,
            // Says when standard input ends, which has to be permitted first.
            stdin_once: _,
            tty,
            // Which process namespace an ephemeral container joins: one of this pod's.
            target_container_name: _,
            // Whether and when it is started again; of an init container it is part of `kind`.
            restart_policy: _,
            name: _,
            image: _,
            command: _,
            args: _,
            working_dir: _,
            env,
            env_from: _,
            mounts: _,
            devices: _,
            kind: _,
            index: _,
        } = container;
        let has_host_network = around.subject.view.spec.host_network;
        let ports_place = place.field("ports");
        check_ports(self.ports.as_deref(), ports, has_host_network, &ports_place, check)?;
        let probes =
            [liveness_probe.as_deref(), readiness_probe.as_deref(), startup_probe.as_deref()];
        let pinned = Pinned { rules: self.env.as_ref(), defined: env };
        self.probes.check(probes, pinned, place, check)?;
        // A rule may ask for a hook or a signal of a container that says nothing of the kind.
        let none = Lifecycle::default();
        let lifecycle = lifecycle.as_deref().unwrap_or(&none);
        self.lifecycle.check(lifecycle, &place.field("lifecycle"), check)?;
        check.may(self.stdin, *stdin, &place.field("stdin"), "stdin")?;
        check.may(self.tty, *tty, &place.field("tty"), "tty")?;
        if *termination_message_path != USUAL_MESSAGE_PATH
            || self.termination_message_path.is_some()
        {
            let key = "terminationMessagePath";
            let rule = self.termination_message_path.as_ref();
            check.text(rule, termination_message_path, &place.field(key), key)?;
        }
        let rules_place = place.field("restartPolicyRules");
        check.may(self.restart_rules, !restart_rules.is_empty(), &rules_place, "restartRules")?;
        let resources_place = place.field("resources");
        let (extended, max) = (self.extended_resources.as_ref(), &self.max_resources);
        check_resources(extended, max, resources.as_deref(), &resources_place, check)
    }

    fn check_security(
        &self,
        security: Option<&crate::kube_wire::pod_view::ContainerSecurity<'_>>,
        around: Surroundings<'_, '_>,
        place: &Place<'_>,
        check: &mut Check<'_>,
    ) -> Fit {
        let unlisted = check.unlisted;
        check.findings.below(
            || "securityContext".to_owned(),
            |findings| {
                let check = &mut Check { unlisted, findings };
                let (rules, values) = (around.inherited_rules, around.inherited_values);
                let place = place.field("securityContext");
                self.security.check(rules, security, values, &place, check)
            },
        )
    }
}

fn read_kind(at: &Located<'_>) -> Result<ContainerKind, PolicyError> {
    let word = read_word(at, &KINDS.map(ContainerKind::name))?;
    let kind = KINDS.into_iter().find(|kind| kind.name() == word);
    kind.ok_or_else(|| at.refuse("is not known"))
}

/// The kinds that an entry is about if it does not say. Where a pod may have containers that no entry
/// is about, it is about all of them: otherwise what it demands would be demanded of the others alone.
fn usual_kinds(unlisted: Unlisted) -> Vec<ContainerKind> {
    match unlisted {
        Unlisted::Refuse => vec![ContainerKind::Container],
        Unlisted::Permit => KINDS.to_vec(),
    }
}

/// The list of a spec that containers of this kind stand in.
pub(super) fn list_of(kind: ContainerKind) -> &'static str {
    match kind {
        ContainerKind::Container => "containers",
        ContainerKind::Init | ContainerKind::Sidecar => "initContainers",
        ContainerKind::Ephemeral => "ephemeralContainers",
    }
}

impl Unlisted {
    /// Reads the word.
    pub(in crate::policy) fn read(at: &Located<'_>) -> Result<Self, PolicyError> {
        match read_word(at, &["permit", "refuse"])? {
            "permit" => Ok(Self::Permit),
            _ => Ok(Self::Refuse),
        }
    }
}

/// No entry is about the container.
pub(super) fn unlisted_container(
    container: &Container<'_>,
    unlisted: Unlisted,
    findings: &mut Findings,
) -> Fit {
    let spec = Place::Top("spec");
    let list = spec.field(list_of(container.kind));
    let place = list.element(container.index);
    Check { unlisted, findings }.unlisted(false, || {
        let (kind, name) = (container.kind.name(), container.name);
        let found = format!("the {kind} \"{}\"", crate::policy::verdict::Quoted(name));
        finding(&place, NOTHING, found)
    })
}
