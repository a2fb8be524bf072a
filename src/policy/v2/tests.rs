//! Whole documents on whole pods: what loads, the order of deciding, observing, exceptions.

mod exceptions;
mod lasting;

use serde_json::{Value, json};

use super::sample::{
    HERE, decide, document, explain, findings, load, patch, permit, permitting, pod, policy,
    refusal, ruling, with_pod,
};
use crate::policy::{RuleOutcome, Updates, WarningKind};

const NONE: Value = Value::Null;

fn strict() -> Value {
    permit(json!({}), json!({}))
}

fn allow(name: &str) -> Value {
    json!({ "name": name, "action": "allow", "match": {}, "permit": strict() })
}

fn deny(name: &str, more: Value) -> Value {
    patch(json!({ "name": name, "action": "deny", "match": {} }), more)
}

fn plain() -> Value {
    pod(json!({}), json!({}))
}

#[test]
fn what_is_no_document_does_not_load() {
    let good = permitting(strict());
    assert!(load(&good).is_ok());
    for (change, expected) in [
        (
            json!({ "apiVersion": "nodeward.dev/v3" }),
            "apiVersion (line 2): \"nodeward.dev/v3\" is not known here",
        ),
        (json!({ "kind": NONE }), "kind (line 1): is missing; write \"kind\": \"NodePolicy\""),
        (json!({ "kind": "Policy" }), "kind (line 3): is not known; known here: NodePolicy"),
        (json!({ "name": NONE }), "name (line 1): is missing"),
        (json!({ "name": "" }), "name (line 4): is empty"),
        (json!({ "rules": NONE }), "rules (line 1): is missing"),
        (json!({ "rules": {} }), "rules (line 5): is an object; it must be a list"),
        (json!({ "mode": "audit" }), "mode (line 4): is not known; known here: enforce, observe"),
        (json!({ "defaultAction": "allow" }), "defaultAction (line 3): unknown key"),
        (json!({ "exceptions": [] }), "exceptions (line 3): is empty, so it checks nothing"),
    ] {
        let message = refusal(&patch(good.clone(), change));
        assert!(message.starts_with(expected), "{message}");
    }
}

#[test]
fn what_is_no_rule_does_not_load() {
    for (rule, expected) in [
        (json!({ "name": NONE }), "rules[0].name (line 6): is missing"),
        (json!({ "action": "audit" }), "rules[0].action (line 7): is not known"),
        (json!({ "match": NONE }), "rules[0].match (line 6): is missing; write `\"match\": {}`"),
        (json!({ "permit": NONE }), "rules[0].permit (line 6): is missing"),
        (json!({ "message": "m" }), "is for deny rules; an allow rule has `permit`"),
        (json!({ "unless": {} }), "is for deny rules; an allow rule has `permit`"),
        (json!({ "action": "deny" }), "is for allow rules; a deny rule has `unless`"),
        (json!({ "match": { "namespace": ["a"] } }), "did you mean `namespaces`?"),
        (json!({ "match": { "namespaces": ["Prod"] } }), "holds 'P', so it can never match"),
        (json!({ "match": { "ownerKinds": ["Job "] } }), "holds ' ', so it can never match"),
        (json!({ "match": { "namespaces": [] } }), "is empty, so it checks nothing"),
        (json!({ "match": { "labels": {} } }), "is empty, so it checks nothing"),
        (json!({ "permit": { "hostNetworks": true } }), "did you mean `hostNetwork`?"),
        (json!({ "permit": { "hostUsers": "all" } }), "write true, false or \"any\""),
        (json!({ "permit": { "unlisted": "deny" } }), "unlisted (line "),
        (json!({ "permit": { "updates": ["images"] } }), "did you mean `image`?"),
        (json!({ "permit": { "volumes": [{ "names": ["v"] }] } }), "says not one source"),
        (
            json!({ "permit": { "volumes": [{ "emptyDir": {}, "secret": {} }] } }),
            "says not one source",
        ),
        (json!({ "permit": { "volumes": [{ "secret": {} }] } }), "names (line "),
        (
            json!({ "permit": { "volumes": [{ "inTree": { "hostPath": { "any": true } } }] } }),
            "is no such kind",
        ),
        (json!({ "permit": { "volumes": [{ "projected": {} }] } }), "permits nothing"),
    ] {
        let message = refusal(&document(json!([patch(allow("a"), rule)]), json!({})));
        assert!(message.contains(expected), "{message}");
    }
    let empty = document(json!([deny("d", json!({ "unless": {} }))]), json!({}));
    assert!(refusal(&empty).contains("is empty, so every pod fits it"), "{}", refusal(&empty));
    let twins = document(json!([allow("a"), allow("a")]), json!({}));
    assert!(refusal(&twins).contains("has the name \"a\" of an earlier one; rename"));
}

#[test]
fn a_document_cut_short_or_with_a_doubled_key_never_loads() {
    let text = permitting(strict()).to_string();
    for end in 0..text.len() {
        assert!(crate::policy::Policy::parse(text.get(..end).unwrap().as_bytes()).is_err());
    }
    let doubled = text.replacen("\"name\":\"test\"", "\"name\":\"test\",\"name\":\"test\"", 1);
    let message = crate::policy::Policy::parse(doubled.as_bytes()).unwrap_err().to_string();
    assert_eq!(message, "name (line 1): key appears twice; keep one of the two");
}

#[test]
fn what_is_broad_or_never_reached_warns() {
    let warnings = |document: &Value| load(document).unwrap().warnings;
    assert_eq!(warnings(&permitting(strict())), []);
    for (kind, document, expected) in [
        (
            WarningKind::Odd,
            document(json!([]), json!({})),
            "holds no allow rule, so every pod is denied",
        ),
        (
            WarningKind::Odd,
            document(json!([allow("a")]), json!({ "mode": "observe" })),
            "denies nothing",
        ),
        (WarningKind::Broad, permitting(json!({ "unlisted": "permit" })), "permits whatever"),
        (
            WarningKind::Broad,
            permitting(permit(json!({}), json!({ "args": { "any": true } }))),
            "permits any command line",
        ),
        (
            WarningKind::Broad,
            permitting(permit(json!({}), json!({ "args": [{ "regex": ".*" }] }))),
            "matches next to any text",
        ),
        (
            WarningKind::Broad,
            permitting(permit(json!({}), json!({ "images": { "requireDigest": false } }))),
            "permits tags",
        ),
        (
            WarningKind::Broad,
            permitting(permit(json!({}), json!({ "images": { "repositories": ["*"] } }))),
            "permits every image",
        ),
        (
            WarningKind::Broad,
            permitting(permit(json!({}), json!({ "securityContext": { "privileged": true } }))),
            "gives the container the whole node",
        ),
        (
            WarningKind::Broad,
            permitting(permit(
                json!({ "volumes": [{ "hostPath": { "paths": ["*"] } }] }),
                json!({}),
            )),
            "permits every name",
        ),
        (
            WarningKind::Unreachable,
            document(json!([allow("a"), allow("b")]), json!({})),
            "decides nothing: rule \"a\" says the same",
        ),
        (
            WarningKind::Unreachable,
            document(json!([allow("a"), deny("d", json!({}))]), json!({})),
            "is never reached: rule \"d\" denies every pod",
        ),
    ] {
        let found = warnings(&document);
        let is_it =
            |it: &crate::policy::PolicyWarning| it.kind == kind && it.problem.contains(expected);
        assert!(found.iter().any(is_it), "{expected}: {found:?}");
    }
}

#[test]
fn a_deny_rule_that_the_api_server_escapes_by_leaving_words_out_is_pointed_out() {
    let warned = |rule: Value| -> Vec<_> {
        let warnings = load(&document(json!([allow("a"), rule]), json!({}))).unwrap().warnings;
        let escapes =
            warnings.into_iter().filter(|it| it.problem.contains("escapes this deny rule"));
        escapes.map(|it| it.path).collect()
    };
    for matching in [
        json!({ "labels": { "tier": "web" } }),
        json!({ "annotations": { "team": "red" } }),
        json!({ "ownerKinds": ["Job"], "namespaces": ["prod"] }),
    ] {
        let key = matching.as_object().unwrap().keys().find(|key| *key != "namespaces").unwrap();
        let expected = [format!("rules[1].match.{key}")];
        assert_eq!(warned(deny("d", json!({ "match": matching }))), expected);
        assert!(warned(patch(allow("b"), json!({ "match": matching }))).is_empty());
    }
    let safe = json!({ "namespaces": ["prod"], "podNames": ["a-*"], "serviceAccounts": ["a"] });
    assert!(warned(deny("d", json!({ "match": safe }))).is_empty());
}

#[test]
fn deny_rules_win_wherever_they_stand() {
    for rules in [
        json!([allow("a"), deny("d", json!({ "message": "not here" }))]),
        json!([deny("d", json!({ "message": "not here" })), allow("a")]),
    ] {
        let expected = (false, "denied by rule 'd': not here".to_owned());
        assert_eq!(ruling(&document(rules, json!({})), &plain()), expected);
    }
    let other = json!([allow("a"), deny("d", json!({ "match": { "namespaces": ["dev"] } }))]);
    let expected = (true, "allowed by rule 'a': fits its permit".to_owned());
    assert_eq!(ruling(&document(other, json!({})), &plain()), expected);
}

#[test]
fn unless_is_a_demand_on_what_it_lists_and_on_nothing_else() {
    let digest = json!({ "containers": [{ "images": { "requireDigest": true } }] });
    let rules = json!([allow("a"), deny("d", json!({ "unless": digest, "message": "pin it" }))]);
    let document = document(rules, json!({}));
    assert!(ruling(&document, &plain()).0);
    let init = |image: &str| json!({ "initContainers": [{ "name": "i", "image": image }] });
    let (_, reason) = ruling(&document, &pod(init("busybox"), json!({})));
    assert_eq!(
        reason,
        "denied by rule 'd': pin it (spec.initContainers[0].image: found \"busybox\", expected a \
         digest (name@sha256:…))"
    );
    let named =
        json!({ "containers": [{ "names": ["db"], "securityContext": { "runAsNonRoot": true } }] });
    let rules = json!([allow("a"), deny("d", json!({ "unless": named }))]);
    assert!(
        ruling(&super::sample::document(rules, json!({})), &plain()).0,
        "no container is called db"
    );
    let everywhere = json!({ "securityContext": { "runAsNonRoot": true } });
    let rules = json!([allow("a"), deny("d", json!({ "unless": everywhere }))]);
    let (allowed, reason) = ruling(&super::sample::document(rules, json!({})), &plain());
    assert!(!allowed && reason.contains("containers[0].securityContext.runAsNonRoot"), "{reason}");
}

#[test]
fn a_pod_security_standard_is_one_more_demand() {
    let standard = |level: &str| json!({ "podSecurity": { "level": level, "version": "v1.36" } });
    let rules = |unless: Value| {
        document(json!([allow("a"), deny("d", json!({ "unless": unless }))]), json!({}))
    };
    assert!(ruling(&rules(standard("baseline")), &plain()).0);
    let (allowed, reason) = ruling(&rules(standard("restricted")), &plain());
    assert!(!allowed && reason.starts_with("denied by rule 'd': spec.containers[0]"), "{reason}");
    let open = patch(standard("restricted"), json!({ "unlisted": "permit" }));
    assert!(load(&permitting(open.clone())).unwrap().warnings.is_empty());
    assert!(!ruling(&permitting(open), &plain()).0);
    for (change, expected) in [
        (json!({ "level": "strict" }), "level (line "),
        (json!({ "version": "v1.20" }), "is not known here; write a version"),
        (json!({ "version": null }), "version (line "),
    ] {
        let unless = patch(standard("restricted"), json!({ "podSecurity": change }));
        assert!(refusal(&rules(unless)).contains(expected), "{expected}");
    }
}

#[test]
fn every_criterion_of_a_match_must_hold() {
    let full = json!({ "namespaces": ["prod"], "podNames": ["app-*"], "labels": { "tier": "web" },
        "annotations": { "note": { "regex": "[a-z]+" } }, "serviceAccounts": ["app"],
        "ownerKinds": ["ReplicaSet"] });
    let rule = patch(allow("a"), json!({ "match": full }));
    let document = document(json!([rule]), json!({}));
    let mut fits = pod(json!({ "serviceAccountName": "app" }), json!({}));
    fits["metadata"]["labels"] = json!({ "tier": "web" });
    fits["metadata"]["annotations"] = json!({ "note": "x" });
    fits["metadata"]["ownerReferences"] = json!([{ "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "name": "app", "uid": "0b5ec4f2-6c8e-4ea1-8f27-1f8a4d7f2c12", "controller": true }]);
    let (allowed, reason) = ruling(&document, &fits);
    assert!(allowed, "{reason}");
    for (pointer, value) in [
        ("/metadata/namespace", json!("dev")),
        ("/metadata/name", json!("web-1")),
        ("/metadata/labels", json!({})),
        ("/metadata/labels/tier", json!("db")),
        ("/metadata/annotations/note", json!("1")),
        ("/spec/serviceAccountName", json!("other")),
        ("/metadata/ownerReferences/0/kind", json!("DaemonSet")),
        ("/metadata/ownerReferences", json!([])),
    ] {
        let mut other = fits.clone();
        *other.pointer_mut(pointer).unwrap() = value;
        let reason = "no rule permits it, and none is about it".to_owned();
        assert_eq!(ruling(&document, &other), (false, reason), "{pointer}");
        assert_eq!(explain(&document, &other).rules[0].outcome, RuleOutcome::OutOfScope);
        assert_eq!(findings(&document, &other).len(), 1, "{pointer}");
    }
}

#[test]
fn the_reason_names_the_rule_that_the_pod_fits_best() {
    let near = patch(allow("near"), json!({ "permit": strict() }));
    let far = json!({ "name": "far", "action": "allow", "match": {},
        "permit": { "containers": [{ "images": { "registries": ["evil.io"] }, "workingDir": "/x" }] } });
    let document = document(json!([far, near]), json!({}));
    let (_, reason) = ruling(&document, &pod(json!({}), json!({ "args": ["--evil"] })));
    assert_eq!(
        reason,
        "no rule permits it; closest is rule 'near': spec.containers[0].args: found [\"--evil\"], \
         expected [\"--serve\"]"
    );
}

#[test]
fn observing_lets_through_what_it_says_it_would_deny() {
    let evil = pod(json!({ "hostPID": true }), json!({}));
    let observing = |rule: Value| patch(rule, json!({ "mode": "observe" }));
    for (document, rule) in [
        (document(json!([allow("a"), observing(allow("b"))]), json!({})), None),
        (document(json!([allow("a")]), json!({ "mode": "observe" })), None),
    ] {
        decide(&document, &evil, &HERE, |decision| {
            assert!(decision.verdict.is_allow());
            let [observed] = decision.observed.as_slice() else { panic!("{decision:?}") };
            assert_eq!(observed.rule(), rule);
            assert!(observed.reason().to_string().contains("spec.hostPID: found true"));
        });
        decide(&document, &plain(), &HERE, |decision| assert!(decision.observed.is_empty()));
    }
    let watched =
        document(json!([allow("a"), observing(deny("d", json!({ "message": "m" })))]), json!({}));
    decide(&watched, &plain(), &HERE, |decision| {
        assert_eq!(decision.verdict.rule(), Some("a"));
        assert_eq!(decision.observed[0].rule(), Some("d"));
        assert_eq!(decision.observed[0].reason().to_string(), "denied by rule 'd': m");
    });
    let enforced = document(json!([observing(allow("a")), deny("d", json!({}))]), json!({}));
    assert!(!ruling(&enforced, &evil).0, "a deny rule in force wins over one that observes");
}

#[test]
fn what_may_change_while_a_pod_runs_is_the_permits_to_say() {
    let usual = Updates { image: false, ..Updates::ALL };
    for (permit, expected) in [
        (strict(), usual),
        (
            patch(strict(), json!({ "updates": ["image", "resources"] })),
            Updates {
                image: true,
                active_deadline_seconds: false,
                tolerations: false,
                resources: true,
            },
        ),
        (
            patch(strict(), json!({ "updates": [] })),
            Updates {
                image: false,
                resources: false,
                active_deadline_seconds: false,
                tolerations: false,
            },
        ),
    ] {
        decide(&permitting(permit), &plain(), &HERE, |decision| {
            assert_eq!(decision.updates, expected)
        });
    }
}

#[test]
fn explaining_finds_everything_and_says_what_to_change() {
    let evil = pod(
        json!({ "hostPID": true, "volumes": [{ "name": "v", "hostPath": { "path": "/etc" } }] }),
        json!({ "args": ["--evil"], "env": [{ "name": "A", "value": "hunter2" }],
            "securityContext": { "runAsUser": 0 } }),
    );
    let document = permitting(strict());
    let changes: Vec<_> = findings(&document, &evil)
        .into_iter()
        .map(|finding| finding.change.map(|change| (change.place, change.value)).unwrap())
        .collect();
    let at = |place: &str, value: Value| (place.to_owned(), value);
    assert_eq!(
        changes,
        [
            at("permit.containers[0].args", json!(["--evil"])),
            at("permit.containers[0].env", json!([{ "name": "A", "value": "hunter2" }])),
            at("permit.containers[0].securityContext.runAsUser", json!(0)),
            at("permit.volumes", json!([{ "names": ["v"], "hostPath": { "paths": ["/etc"] } }])),
            at("permit.hostPID", json!(true)),
        ]
    );
    // In production the value of a variable is nobody's business.
    assert!(!ruling(&document, &evil).1.contains("hunter2"));
}

#[test]
fn explaining_agrees_with_deciding() {
    let rules =
        json!([deny("d", json!({ "match": { "namespaces": ["dev"] } })), allow("a"), allow("b2")]);
    let mut rules = rules;
    rules[2]["permit"]["hostPID"] = json!(true);
    let document = document(rules, json!({}));
    let outcomes = |pod: &Value| -> Vec<_> {
        explain(&document, pod).rules.iter().map(|rule| rule.outcome).collect()
    };
    use RuleOutcome::{Decides, DoesNotApply, OutOfScope, Overruled};
    assert_eq!(outcomes(&plain()), [OutOfScope, Decides, Overruled]);
    let shared = pod(json!({ "hostPID": true }), json!({}));
    assert_eq!(outcomes(&shared), [OutOfScope, DoesNotApply, Decides]);
    let mut dev = plain();
    dev["metadata"]["namespace"] = "dev".into();
    assert_eq!(outcomes(&dev), [Decides, Overruled, Overruled]);
}

#[test]
fn names_of_all_that_decides_are_told() {
    let document =
        exceptions::excepting(json!([allow("a"), deny("d", json!({}))]), json!({ "lifts": ["d"] }));
    let policy = policy(&document);
    assert_eq!(policy.rule_names().collect::<Vec<_>>(), ["a", "d", "for-now"]);
    assert_eq!((policy.name(), policy.rule_count()), ("test", 2));
}

#[test]
fn a_pod_of_two_thousand_containers_is_denied_with_a_short_reason() {
    let many: Vec<_> =
        (0..2000).map(|n| json!({ "name": format!("c{n}"), "image": "i" })).collect();
    let rules: Vec<_> = (0..50).map(|n| allow(&format!("r{n}"))).collect();
    let huge = pod(json!({ "containers": many }), json!({}));
    let policy = policy(&document(json!(rules), json!({})));
    with_pod(&huge, |pod| {
        let decision = policy.evaluate(pod, &HERE);
        let reason = decision.verdict.reason().to_string();
        assert!(reason.starts_with("no rule permits it; closest is rule 'r0'"), "{reason}");
        assert!(reason.len() < 4096);
    });
}
