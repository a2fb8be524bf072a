//! What a container sees of files: 45 to 49, 51, 56.

use serde_json::{Value, json};

use super::super::sample::DIGEST;
use super::{denied, tried, whole};

fn volume(source: Value) -> Value {
    let mut volume = source;
    volume["name"] = "v".into();
    json!({ "volumes": [volume] })
}

fn mount(more: Value) -> Value {
    let base = json!({ "name": "v", "mountPath": "/data", "readOnly": true });
    json!({ "volumeMounts": [super::super::sample::patch(base, more)] })
}

#[test]
fn t45_the_nodes_files_need_a_permit_for_their_path() {
    let pod = |path: &str| volume(json!({ "hostPath": { "path": path } }));
    denied(pod("/var/log"), json!({}), "spec.volumes[0]: found the hostPath volume \"v\"");
    let rule = json!({ "volumes": [{ "hostPath": { "paths": ["/var/log/*"] } }] });
    whole(rule.clone(), pod("/var/log/pods"), "");
    whole(rule.clone(), pod("/etc"), "hostPath.path: found \"/etc\", expected \"/var/log/*\"");
    let mounts = json!({ "mounts": [{ "volume": "v", "path": "/data", "readOnly": false }] });
    tried((rule.clone(), mounts.clone()), pod("/var/log/a"), mount(json!({})), "");
    let written = mount(json!({ "readOnly": false }));
    tried(
        (rule, mounts.clone()),
        pod("/var/log/a"),
        written.clone(),
        "a mount that may be written",
    );
    let rule =
        json!({ "volumes": [{ "hostPath": { "paths": ["/var/log/*"], "readOnly": false } }] });
    tried((rule, mounts), pod("/var/log/a"), written, "");
}

#[test]
fn t45_what_is_mounted_below_a_path_is_read_only_as_well_where_that_is_asked_for() {
    let rule = |read_only: Value| {
        let host = json!({ "paths": ["/var/log"], "readOnly": read_only });
        (
            json!({ "volumes": [{ "hostPath": host }] }),
            json!({ "mounts": [{ "volume": "v",
            "path": "/data", "readOnly": false }] }),
        )
    };
    let pod = volume(json!({ "hostPath": { "path": "/var/log" } }));
    for (recursion, writes) in [("Enabled", ""), ("IfPossible", "mount"), ("Disabled", "mount")] {
        let mounted = mount(json!({ "recursiveReadOnly": recursion }));
        tried(rule(json!(true)), pod.clone(), mounted.clone(), "");
        tried(rule(json!("recursive")), pod.clone(), mounted, writes);
    }
    let written = mount(json!({ "readOnly": false, "recursiveReadOnly": "Enabled" }));
    tried(rule(json!("recursive")), pod, written, "or what is mounted below it");
}

#[test]
fn t45_an_entry_that_forgets_what_is_mounted_below_is_pointed_out() {
    let warned = |volume: Value, mount: Value| {
        let entry = json!({ "mounts": [super::super::sample::patch(
            json!({ "volume": "v", "path": "/data" }), mount)] });
        let permit = super::super::sample::permit(json!({ "volumes": [volume] }), entry);
        let document = super::super::sample::permitting(permit);
        let warnings = super::super::sample::load(&document).unwrap().warnings;
        warnings.iter().any(|it| {
            it.path == "rules[0].permit.volumes[0]" && it.problem.contains("mounted below")
        })
    };
    let host = |more: Value| json!({ "names": ["v"], "hostPath": super::super::sample::patch(json!({ "paths": ["/a"] }), more) });
    let none = json!({});
    let enabled = json!({ "recursiveReadOnly": "Enabled" });
    assert!(warned(host(none.clone()), none.clone()));
    assert!(warned(host(json!({ "readOnly": true })), json!({ "volume": "*" })));
    assert!(warned(json!({ "hostPath": { "paths": ["/a"] } }), none.clone()));
    assert!(!warned(host(json!({ "readOnly": "recursive" })), none.clone()));
    assert!(!warned(host(json!({ "readOnly": false })), none.clone()));
    assert!(!warned(host(none.clone()), enabled));
    assert!(!warned(host(none.clone()), json!({ "volume": "other" })));
    assert!(!warned(json!({ "names": ["v"], "emptyDir": {} }), none));
}

#[test]
fn t45_a_path_is_made_only_where_the_rule_says_so() {
    let pod = |type_name: &str| volume(json!({ "hostPath": { "path": "/a", "type": type_name } }));
    let rule = |more: Value| {
        let host = super::super::sample::patch(json!({ "paths": ["/a"] }), more);
        json!({ "volumes": [{ "hostPath": host }] })
    };
    for made in ["DirectoryOrCreate", "FileOrCreate"] {
        let expected = "hostPath.type: found";
        whole(rule(json!({})), pod(made), expected);
        whole(rule(json!({ "create": false })), pod(made), expected);
        whole(rule(json!({ "create": true })), pod(made), "");
    }
    whole(rule(json!({})), pod("Directory"), "");
    whole(rule(json!({})), pod(""), "");
}

#[test]
fn t45_mounts_are_what_the_rule_says_in_every_respect() {
    let permit = json!({ "volumes": [{ "emptyDir": {} }] });
    let pod = volume(json!({ "emptyDir": {} }));
    let rule = |more: Value| {
        let base = json!({ "volume": "v", "path": "/data" });
        (permit.clone(), json!({ "mounts": [super::super::sample::patch(base, more)] }))
    };
    let plain = json!({});
    for (listed, mounted, expected) in [
        (plain.clone(), plain.clone(), ""),
        (plain.clone(), json!({ "readOnly": false }), "readOnly: found false, expected true"),
        (json!({ "readOnly": false }), json!({ "readOnly": false }), ""),
        (plain.clone(), json!({ "subPath": "a" }), "subPath: found \"a\", expected nothing"),
        (json!({ "subPath": "a" }), json!({ "subPath": "a" }), ""),
        (
            json!({ "subPath": "a" }),
            json!({ "subPath": "b" }),
            "subPath: found \"b\", expected \"a\"",
        ),
        (json!({ "subPath": "a" }), plain.clone(), "subPath: found nothing, expected \"a\""),
        (plain.clone(), json!({ "subPathExpr": "$(A)" }), "subPathExpr: found \"$(A)\""),
        (json!({ "subPathExpr": "$(A)" }), json!({ "subPathExpr": "$(A)" }), "to expand only"),
        (
            plain.clone(),
            json!({ "mountPropagation": "Bidirectional" }),
            "mountPropagation: found \"Bidirectional\", expected None",
        ),
        (
            json!({ "propagation": "Bidirectional" }),
            json!({ "mountPropagation": "Bidirectional" }),
            "",
        ),
        (plain.clone(), json!({ "recursiveReadOnly": "Enabled" }), ""),
        (json!({ "recursiveReadOnly": "Enabled" }), plain.clone(), "recursiveReadOnly: found"),
        (
            plain.clone(),
            json!({ "bindMountOptions": ["exec"] }),
            "bindMountOptions: found [\"exec\"]",
        ),
        (json!({ "bindMountOptions": ["exec"] }), json!({ "bindMountOptions": ["exec"] }), ""),
    ] {
        tried(rule(listed), pod.clone(), mount(mounted), expected);
    }
    tried(rule(plain), pod.clone(), json!({}), "volumeMounts: found nothing, expected a mount of");
    tried(rule(json!({ "optional": true })), pod, json!({}), "");
}

#[test]
fn t45_raw_devices_need_a_permit() {
    let claim = volume(json!({ "persistentVolumeClaim": { "claimName": "c" } }));
    let permit = json!({ "volumes": [{ "persistentVolumeClaim": { "names": ["c"] } }] });
    let device = json!({ "volumeDevices": [{ "name": "v", "devicePath": "/dev/xvda" }] });
    let expected = "volumeDevices[0]: found the volume \"v\" as \"/dev/xvda\"";
    tried((permit.clone(), json!({})), claim.clone(), device.clone(), expected);
    let rule = json!({ "devices": [{ "volume": "v", "path": "/dev/xvda" }] });
    tried((permit, rule), claim, device, "");
}

#[test]
fn t46_a_claim_is_permitted_by_its_name_and_never_as_any_volume() {
    let pod = |name: &str| volume(json!({ "persistentVolumeClaim": { "claimName": name } }));
    denied(pod("data"), json!({}), "found the persistentVolumeClaim volume");
    let rule = json!({ "volumes": [{ "persistentVolumeClaim": { "names": ["data-*"] } }] });
    whole(rule.clone(), pod("data-0"), "");
    whole(rule.clone(), pod("other"), "claimName: found \"other\", expected \"data-*\"");
    whole(rule, volume(json!({ "hostPath": { "path": "/" } })), "found the hostPath volume");
}

#[test]
fn t46_a_volume_that_is_permitted_by_name_is_no_other() {
    let pod = volume(json!({ "hostPath": { "path": "/var/log" } }));
    let rule = |name: &str| json!({ "volumes": [{ "names": [name], "hostPath": { "paths": ["/var/log"] } }] });
    whole(rule("v"), pod.clone(), "");
    whole(rule("logs"), pod, "spec.volumes[0]: found the hostPath volume \"v\", expected nothing");
}

#[test]
fn t47_every_kind_of_source_needs_its_own_permit() {
    let spec = json!({ "volumeClaimTemplate": { "spec": { "storageClassName": "fast" } } });
    for (source, rule) in [
        (json!({ "emptyDir": {} }), json!({ "emptyDir": {} })),
        (json!({ "configMap": { "name": "c" } }), json!({ "configMap": { "names": ["c"] } })),
        (json!({ "secret": { "secretName": "c" } }), json!({ "secret": { "names": ["c"] } })),
        (
            json!({ "csi": { "driver": "d.example" } }),
            json!({ "csi": { "drivers": ["d.example"] } }),
        ),
        (json!({ "ephemeral": spec }), json!({ "ephemeral": { "storageClasses": ["fast"] } })),
        (
            json!({ "nfs": { "server": "s", "path": "/" } }),
            json!({ "inTree": { "nfs": { "server": "s", "path": "/" } } }),
        ),
        (
            json!({ "iscsi": { "targetPortal": "p", "iqn": "q", "lun": 0 } }),
            json!({ "inTree": { "iscsi": { "targetPortal": "p", "iqn": "q" } } }),
        ),
        (
            json!({ "gitRepo": { "repository": "r" } }),
            json!({ "inTree": { "gitRepo": { "repository": "r" } } }),
        ),
        (
            json!({ "flexVolume": { "driver": "a/b" } }),
            json!({ "inTree": { "flexVolume": { "any": true } } }),
        ),
    ] {
        let pod = volume(source);
        denied(pod.clone(), json!({}), "spec.volumes[0]: found the");
        whole(json!({ "volumes": [rule] }), pod.clone(), "");
        let host_path = json!({ "volumes": [{ "hostPath": { "paths": ["*"] } }] });
        whole(host_path, pod, "spec.volumes[0]: found the");
    }
    let medium = volume(json!({ "emptyDir": { "medium": "HugePages" } }));
    whole(json!({ "volumes": [{ "emptyDir": {} }] }), medium.clone(), "emptyDir.medium: found");
    whole(json!({ "volumes": [{ "emptyDir": { "medium": ["HugePages"] } }] }), medium, "");
    let mut borrowed = spec;
    borrowed["volumeClaimTemplate"]["spec"]["volumeName"] = "pv-of-another".into();
    let rule = json!({ "volumes": [{ "ephemeral": { "storageClasses": ["fast"] } }] });
    whole(rule, volume(json!({ "ephemeral": borrowed })), "volumeName: found a volume or data");
}

#[test]
fn t48_an_image_volume_is_an_image() {
    let pod = |image: String| volume(json!({ "image": { "reference": image } }));
    let rule = json!({ "volumes": [{ "image": { "repositories": ["ghcr.io/acme/*"] } }] });
    whole(rule.clone(), pod(format!("ghcr.io/acme/models@{DIGEST}")), "");
    let tagged = pod("ghcr.io/acme/models:1".to_owned());
    whole(
        rule.clone(),
        tagged,
        "image.reference: found \"ghcr.io/acme/models:1\", expected a digest",
    );
    whole(rule, pod(format!("evil.io/x@{DIGEST}")), "image.reference: found \"evil.io/x@");
    denied(pod(format!("ghcr.io/acme/models@{DIGEST}")), json!({}), "found the image volume");
}

fn api_volume() -> Value {
    let token = json!({ "serviceAccountToken": { "expirationSeconds": 3607, "path": "token" } });
    let bundle = json!({ "configMap": { "name": "kube-root-ca.crt",
        "items": [{ "key": "ca.crt", "path": "ca.crt" }] } });
    let field = json!({ "apiVersion": "v1", "fieldPath": "metadata.namespace" });
    let namespace =
        json!({ "downwardAPI": { "items": [{ "path": "namespace", "fieldRef": field }] } });
    json!({ "projected": { "defaultMode": 420, "sources": [token, bundle, namespace] } })
}

fn api_mount(more: Value) -> Value {
    let path = "/var/run/secrets/kubernetes.io/serviceaccount";
    mount(super::super::sample::patch(json!({ "mountPath": path }), more))
}

#[test]
fn t49_access_to_the_api_is_told_by_its_shape_and_not_by_its_name() {
    let rule = json!({ "apiAccess": true });
    let expected = "spec.volumes[0]: found the projected volume";
    tried((rule.clone(), json!({})), volume(api_volume()), api_mount(json!({})), "");
    denied(volume(api_volume()), json!({}), expected);
    for (pointer, value) in [
        ("/projected/sources/0/serviceAccountToken/audience", json!("vault")),
        ("/projected/sources/0/serviceAccountToken/expirationSeconds", json!(86_400)),
        ("/projected/sources/0/serviceAccountToken/path", json!("other")),
        ("/projected/sources/1/configMap/name", json!("evil")),
        ("/projected/sources/1/configMap/items", json!([])),
        ("/projected/sources/1/configMap/items/0/path", json!("token")),
        ("/projected/sources/2/downwardAPI/items/0/fieldRef/fieldPath", json!("metadata.labels")),
        ("/projected/sources/2/downwardAPI/items/0/path", json!("token")),
        ("/projected/sources/2", json!({ "secret": { "name": "s" } })),
        ("/projected/sources/1", json!({ "serviceAccountToken": { "path": "token" } })),
        ("/projected/defaultMode", json!(511)),
        ("/projected/sources", json!([])),
    ] {
        let mut changed = api_volume();
        let (parent, last) = pointer.rsplit_once('/').unwrap();
        let parent = changed.pointer_mut(parent).unwrap();
        if let Value::Array(items) = parent {
            items[last.parse::<usize>().unwrap()] = value;
        } else {
            parent[last] = value;
        }
        let mut named = volume(changed);
        named["volumes"][0]["name"] = "kube-api-access-x2x7k".into();
        whole(rule.clone(), named, expected);
    }
    let token = api_volume()["projected"]["sources"][0].clone();
    for fourth in [json!({ "secret": { "name": "s" } }), token] {
        let mut longer = api_volume();
        let sources = longer.pointer_mut("/projected/sources").unwrap().as_array_mut().unwrap();
        sources.push(fourth);
        whole(rule.clone(), volume(longer), expected);
    }
}

#[test]
fn t49_its_mount_is_where_the_api_server_puts_it() {
    let rule = (json!({ "apiAccess": true }), json!({}));
    for more in [
        json!({ "mountPath": "/usr/bin" }),
        json!({ "readOnly": false }),
        json!({ "subPath": "token" }),
        json!({ "mountPropagation": "HostToContainer" }),
        json!({ "recursiveReadOnly": "IfPossible" }),
    ] {
        let expected = "spec.containers[0].volumeMounts[0]: found a mount of \"v\" at";
        tried(rule.clone(), volume(api_volume()), api_mount(more), expected);
    }
    // Beside the volume itself another one, mounted where it belongs.
    let rule = json!({ "apiAccess": true, "volumes": [{ "names": ["v"], "emptyDir": {} }] });
    let mut api = api_volume();
    api["name"] = "api".into();
    let both = json!({ "volumes": [api, { "name": "v", "emptyDir": {} }] });
    let expected = "spec.containers[0].volumeMounts[0]: found a mount of \"v\" at";
    tried((rule, json!({})), both, api_mount(json!({})), expected);
}

#[test]
fn t49_other_projections_need_a_permit_a_source() {
    let pod = |source: Value| volume(json!({ "projected": { "sources": [source] } }));
    let rule = |rule: Value| json!({ "volumes": [{ "projected": rule }] });
    let token = json!({ "serviceAccountToken": { "path": "t", "audience": "vault", "expirationSeconds": 600 } });
    let bundle = json!({ "clusterTrustBundle": { "signerName": "a/b", "path": "p" } });
    let certificate = json!({ "podCertificate": { "signerName": "a/b", "keyType": "ED25519",
        "credentialBundlePath": "c" } });
    let audience = json!({ "serviceAccountToken": { "audiences": ["vault"], "path": "t" } });
    whole(rule(audience.clone()), pod(token.clone()), "");
    let other = json!({ "serviceAccountToken": { "audiences": ["other"], "path": "t" } });
    whole(rule(other), pod(token.clone()), "audience: found \"vault\", expected \"other\"");
    let short = json!({ "serviceAccountToken": { "audiences": ["vault"], "path": "t", "maxExpirationSeconds": 60 } });
    whole(rule(short), pod(token.clone()), "expirationSeconds: found 600, expected at most 60");
    whole(rule(json!({ "configMaps": ["c"] })), pod(token), "serviceAccountToken: found a token");
    whole(rule(audience.clone()), pod(bundle.clone()), "clusterTrustBundle: found a trust bundle");
    let listed = json!({ "clusterTrustBundles": [{ "name": "a/b", "path": "p" }] });
    whole(rule(listed), pod(bundle), "");
    whole(rule(audience.clone()), pod(certificate.clone()), "podCertificate: found a certificate");
    let listed = json!({ "podCertificates": [{ "name": "a/b", "path": "c" }] });
    whole(rule(listed), pod(certificate), "");
    let object = json!({ "secret": { "name": "s" } });
    whole(rule(audience), pod(object.clone()), "secret.name: found \"s\", expected nothing");
    whole(rule(json!({ "secrets": ["s"] })), pod(object), "");
}

#[test]
fn t51_nothing_is_mounted_where_no_rule_says_so() {
    let permit = json!({ "volumes": [{ "emptyDir": {} }] });
    let pod = volume(json!({ "emptyDir": {} }));
    let rule = json!({ "mounts": [{ "volume": "v", "path": "/data", "optional": true }] });
    for path in ["/proc/sys", "/sys", "/dev", "/bin", "/", "/data/../etc", "/data2"] {
        if path.contains("..") {
            continue; // Such a path is no sound pod's.
        }
        let expected = format!("volumeMounts[0]: found a mount of \"v\" at \"{path}\"");
        tried(
            (permit.clone(), rule.clone()),
            pod.clone(),
            mount(json!({ "mountPath": path })),
            &expected,
        );
    }
    let twice = json!({ "volumeMounts": [
        { "name": "v", "mountPath": "/data", "readOnly": true },
        { "name": "v", "mountPath": "/data", "readOnly": true }] });
    tried(
        (permit, rule),
        pod,
        twice,
        "volumeMounts[1].mountPath: found \"/data\", expected each path once",
    );
}

#[test]
fn t56_devices_need_a_permit_by_whichever_way_they_come() {
    let claims =
        json!({ "resourceClaims": [{ "name": "gpu", "resourceClaimTemplateName": "gpus" }] });
    denied(claims.clone(), json!({}), "spec.resourceClaims[0]: found the device claim \"gpus\"");
    whole(json!({ "resourceClaims": ["gpus"] }), claims.clone(), "");
    whole(json!({ "resourceClaims": ["other"] }), claims, "resourceClaims[0]: found \"gpus\"");
    for list in ["limits", "requests"] {
        let gpu = json!({ "resources": { list: { "nvidia.com/gpu": "1", "memory": "1Gi" } } });
        let expected = format!("resources.{list}[\"nvidia.com/gpu\"]: found");
        denied(json!({}), gpu.clone(), &expected);
        super::entry(json!({ "extendedResources": ["nvidia.com/gpu"] }), gpu, "");
    }
    let memory = |limit: &str| json!({ "resources": { "limits": { "memory": limit } } });
    let rule = json!({ "maxResources": { "memory": "1Gi" } });
    super::entry(rule.clone(), memory("1024Mi"), "");
    super::entry(
        rule.clone(),
        memory("2Gi"),
        "limits[\"memory\"]: found \"2Gi\", expected at most 1Gi",
    );
    super::entry(rule, json!({}), "limits[\"memory\"]: found nothing, expected at most 1Gi");
}

#[test]
fn t56_an_amount_that_a_kubelet_reads_as_no_limit_is_above_every_limit() {
    for amount in ["0", "0Mi", "-1", "-1Gi", "0e3"] {
        for (resource, most) in [("memory", "1Gi"), ("cpu", "500m"), ("ephemeral-storage", "1G")] {
            super::entry(
                json!({ "maxResources": { resource: most } }),
                json!({ "resources": { "limits": { resource: amount } } }),
                &format!("limits[\"{resource}\"]: found \"{amount}\", expected at most {most}"),
            );
        }
    }
}

#[test]
fn t49_an_open_permit_opens_no_mount_of_a_closed_entry() {
    let open = json!({ "unlisted": "permit" });
    let closed = json!({ "unlisted": "refuse" });
    let mounted = api_mount(json!({}));
    let pod = volume(api_volume());
    let expected = "volumeMounts[0]: found a mount of";
    tried((open.clone(), closed.clone()), pod.clone(), mounted.clone(), expected);
    let asked = json!({ "unlisted": "permit", "apiAccess": true });
    tried((asked, closed), pod, mounted, "");
}

#[test]
fn t47_a_driver_is_asked_only_for_what_is_listed() {
    let asked = |attributes: Value, more: Value| {
        let csi = json!({ "driver": "nfs.example", "volumeAttributes": attributes });
        volume(json!({ "csi": super::super::sample::patch(csi, more) }))
    };
    let rule = |more: Value| {
        let csi = json!({ "drivers": ["nfs.example"] });
        json!({ "volumes": [{ "csi": super::super::sample::patch(csi, more) }] })
    };
    let server = json!({ "server": "files" });
    let expected = "csi.volumeAttributes[\"server\"]: found \"files\", expected nothing";
    whole(rule(json!({})), asked(server.clone(), json!({})), expected);
    let listed = rule(json!({ "attributes": server }));
    whole(listed.clone(), asked(server.clone(), json!({})), "");
    let expected = "csi.volumeAttributes[\"server\"]: found \"evil\", expected \"files\"";
    whole(listed.clone(), asked(json!({ "server": "evil" }), json!({})), expected);
    let expected = "csi.volumeAttributes[\"server\"]: found nothing, expected \"files\"";
    whole(listed.clone(), asked(json!({}), json!({})), expected);
    let more = json!({ "server": "files", "share": "/" });
    whole(listed, asked(more, json!({})), "csi.volumeAttributes[\"share\"]: found \"/\"");
    let secret = json!({ "nodePublishSecretRef": { "name": "s" } });
    let expected = "csi.nodePublishSecretRef.name: found \"s\", expected nothing";
    whole(rule(json!({})), asked(json!({}), secret.clone()), expected);
    whole(rule(json!({ "secrets": ["s"] })), asked(json!({}), secret), "");
}
