//! What loads, what is answered, and that nothing costs more than it may.

use super::*;
use crate::kube_wire::json::{Cursor, Limits, Tape};
use crate::kube_wire::pod_schema::POD;
use crate::kube_wire::schema;

const POD_TEXT: &str = r#"{
    "metadata": {"name": "p", "namespace": "prod", "uid": "0fcb5d1e-4ad9-4a06-8f7e-5c9a3d8e1f00",
        "labels": {"app": "shop", "tier": "web"}},
    "spec": {"nodeName": "n", "hostNetwork": true, "hostPID": null,
        "activeDeadlineSeconds": 30,
        "containers": [
            {"name": "a", "image": "ghcr.io/acme/a:1", "args": ["--x", "--y"],
                "ports": [{"containerPort": 80}, {"containerPort": 443, "hostPort": 443}],
                "env": [{"name": "A", "value": "\u00e91"}],
                "livenessProbe": {"httpGet": {"port": "+022"}}, "readinessProbe": {"httpGet": {"port": 22}},
                "resources": {"limits": {"cpu": "2", "pods": 1}, "requests": {"cpu": "2"}}},
            {"name": "b", "image": "docker.io/b", "securityContext": {"runAsUser": 0},
                "resources": {"limits": {"memory": 1.5}},
                "livenessProbe": {"httpGet": {"port": "web", "path": "/"}},
                "readinessProbe": {"httpGet": {"port": "web", "path": "/up"}}}]}}"#;

fn ask_of(pod: &str, text: &str, fuel: &mut Fuel) -> Answer {
    let expression =
        Expression::compile(text).unwrap_or_else(|problem| panic!("{text}: {problem}"));
    let mut tape = Tape::default();
    let limits = Limits { depth: 64, nodes: 1_000_000 };
    let flaw = Cursor::new(pod.as_bytes()).value(&mut tape, limits).unwrap();
    assert_eq!(flaw, None);
    let checked = schema::check(tape.root(pod.as_bytes()), &POD).unwrap();
    expression.ask(checked.value(), fuel)
}

fn ask(text: &str) -> Answer {
    ask_of(POD_TEXT, text, &mut Fuel::default())
}

#[test]
fn what_is_true_of_a_pod_is_answered_yes() {
    for text in [
        "true",
        "object.metadata.namespace == 'prod'",
        "object.spec.hostNetwork",
        "!has(object.spec.hostPID)",
        "has(object.spec.containers)",
        "object.metadata.labels.app == 'shop' && object.metadata.labels['tier'] == \"web\"",
        "'app' in object.metadata.labels && !('x' in object.metadata.labels)",
        "size(object.spec.containers) == 2 && object.spec.containers.size() < 3",
        "object.spec.containers.exists(c, c.name == 'b')",
        "object.spec.containers.all(c, has(c.image))",
        "object.spec.containers.exists_one(c, has(c.args))",
        "object.spec.containers.map(c, c.name) == ['a', 'b']",
        "object.spec.containers.map(c, c.name == 'b', c.image) == ['docker.io/b']",
        "object.spec.containers.filter(c, has(c.securityContext))[0].name == 'b'",
        "object.spec.containers[0].args == ['--x'] + ['--y']",
        "object.spec.containers[0].image.startsWith('ghcr.io/')",
        "object.spec.containers[0].image.endsWith(':1')",
        "object.spec.containers[0].image.contains('acme')",
        "object.spec.containers[0].image.matches('^ghcr[.]io/[a-z]+/')",
        "matches(object.metadata.name, '^p$')",
        "object.spec.containers.exists(c, has(c.ports) && c.ports.exists(p, has(p.hostPort) && p.hostPort < 1024))",
        "object.spec.activeDeadlineSeconds * 2 - 10 == 50 && 7 / 2 == 3 && -7 % 2 == -1",
        "object.metadata.labels.exists(k, k == 'tier') && size(object.metadata.labels) == 2",
        "object.metadata.name.matches('^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$')",
        "object.spec.containers[1].livenessProbe.httpGet.port == 'web'",
        "object.spec.containers[1].livenessProbe.httpGet.port != 80",
        "has(object.spec.containers[0].resources.limits.cpu)",
        "'cpu' in object.spec.containers[0].resources.limits",
        "(object.spec.containers + object.spec.containers).all(c, has(c.image))",
        "size(object.spec.containers[0].env[0].value) == 2",
        "object.spec.containers[0].env[0].value == '\\u00e91'",
        "object.spec.hostNetwork ? true : 1 / 0 == 1",
        "'b' > 'a' && 'a' <= 'a' && 2 >= 2 && 3 >= 2 && !(1 >= 2)",
        "true\n\t&& object.spec.hostNetwork",
        "object.spec.containers[1].livenessProbe.httpGet.port + 'x' == 'webx'",
        "[[1], [2]] == [[1], [2]] && [] == object.spec.containers[0].args.filter(c, false)",
        "object.metadata.labels == object.metadata.labels",
        "object.spec.containers[1].livenessProbe != object.spec.containers[1].readinessProbe",
        "object.spec.containers[0].ports[0] != object.spec.containers[0].ports[1]",
        "object.spec.hostNetwork == true && object.spec.hostNetwork != false",
        "[true] != [false] && [1] != [2] && ['a'] != ['b'] && [1] != [1, 2]",
        // Errors on one side do not matter when the other decides.
        "true || object.spec.hostPID",
        "object.spec.hostPID || true",
        "object.spec.containers.exists(c, c.securityContext.runAsUser == 0)",
    ] {
        assert_eq!(ask(text), Answer::Yes, "{text}");
        assert_ne!(ask(&format!("!({text})")), Answer::Yes, "!({text})");
    }
}

#[test]
fn every_error_is_no_answer() {
    let absent = |name: &str| Unanswered::Absent(name.to_owned());
    for (text, reason) in [
        ("object.spec.hostPID", absent("hostPID")),
        ("!object.spec.hostPID", absent("hostPID")),
        ("object.metadata.labels.nope == 'x'", absent("nope")),
        ("object.metadata.labels[object.metadata.name] == 'x'", Unanswered::Outside),
        ("has(object.spec.securityContext.runAsUser)", absent("securityContext")),
        ("object.spec.containers[2].name == 'c'", Unanswered::Outside),
        ("object.spec.containers[-1].name == 'c'", Unanswered::Outside),
        (
            "object.spec.containers.all(c, c.securityContext.runAsUser == 0)",
            absent("securityContext"),
        ),
        (
            "object.spec.containers.exists(c, c.securityContext.runAsUser == 9)",
            absent("securityContext"),
        ),
        (
            "object.spec.containers.exists_one(c, c.securityContext.runAsUser == 0)",
            absent("securityContext"),
        ),
        ("1 / 0 == 1", Unanswered::Arithmetic),
        ("1 % 0 == 1", Unanswered::Arithmetic),
        ("-9223372036854775808 / -1 == 1", Unanswered::Arithmetic),
        ("9223372036854775807 + object.spec.activeDeadlineSeconds > 0", Unanswered::Arithmetic),
        ("-(-9223372036854775808) == 1", Unanswered::Arithmetic),
        ("object.spec.containers[0].livenessProbe.httpGet.port == 22", Unanswered::Misfit),
        ("object.spec.containers[0].livenessProbe.httpGet.port != 22", Unanswered::Misfit),
        ("object.spec.containers[0].livenessProbe.httpGet.port in [80, 22]", Unanswered::Misfit),
        ("object.spec.containers[0].readinessProbe.httpGet.port == '22'", Unanswered::Misfit),
        (
            "object.spec.containers[0].livenessProbe == object.spec.containers[0].readinessProbe",
            Unanswered::Misfit,
        ),
        ("[1, 'a'].all(x, x > 0)", Unanswered::Misfit),
        ("object.spec.containers[1].livenessProbe.httpGet.port > 1", Unanswered::Misfit),
        ("false || object.spec.hostPID", absent("hostPID")),
        ("object.spec.hostPID && true", absent("hostPID")),
    ] {
        assert_eq!(ask(text), Answer::Unanswered(reason), "{text}");
    }
}

#[test]
fn what_cannot_be_meant_does_not_load() {
    for (text, expected) in [
        (
            "object.spec.hostNetwrok",
            "PodSpec has no field \"hostNetwrok\"; did you mean `hostNetwork`?",
        ),
        ("!has(object.spec.hostIpc)", "did you mean `hostIPC`?"),
        ("object.spec['hostIpc'] == true", "did you mean `hostIPC`?"),
        ("object.spec.containers.all(c, c.img == 'x')", "Container has no field \"img\""),
        ("object.status.phase == 'Failed'", "reads `status`"),
        ("pod.spec.hostNetwork", "unknown name \"pod\"; the pod is `object`"),
        ("object.spec.hostNetwork == 'true'", "compares true or false with a text"),
        ("object.spec.containers == 'x'", "never equal"),
        ("object.spec.hostNetwork == null", "use has()"),
        ("object.spec.nodeName", "it must say true or false"),
        ("object.spec.nodeName && true", "for true or false; compare it"),
        ("object.spec.nodeName + 1 == 'x'", "does not take"),
        ("'x' in object.spec", "use has()"),
        ("object.spec.containers.x == 1", "it has none"),
        ("object.spec.nodeName.all(c, true)", "only lists and maps have elements"),
        ("object.spec.nodeName.matches('(')", "unclosed group; correct it"),
        ("object.spec.nodeName.matches('([^a]{100}){100}')", "is too large"),
        ("object.spec.nodeName.matches('\\\\d')", "write `[0-9]`"),
        ("object.spec.nodeName.matches('[a-z&&[^b]]')", "write the characters out"),
        ("object.spec.containers[0].resources.limits.cpu == '2'", "compares quantities"),
        ("object.spec.containers[0].resources.limits.cpu in [['2'], 'x'][0]", "a quantity with"),
        ("object.spec.containers[0].resources.limits['cpu'] != 2", "compares quantities"),
        ("object.spec.containers[0].resources.limits.cpu in ['2']", "does not take"),
        ("object.spec.containers[0].resources.limits.cpu > '1'", "does not take"),
        ("object.spec.containers[0].resources.limits.cpu.matches('2')", "matches a quantity"),
        ("[object.spec.containers[0].resources.limits.cpu, 'a'] == ['2', 'a']", "never equal"),
        (
            "object.spec.containers[0].resources.limits == object.spec.overhead",
            "compares quantities",
        ),
        ("object.spec.containers[0] == object.spec.containers[1]", "compares quantities"),
        ("object.spec.nodeName.matches(object.metadata.name)", "write the pattern out"),
        ("object.spec.nodeName.lowerAscii() == 'x'", "known here: "),
        ("startsWith('a', 'b')", "known here: "),
        ("size() == 1", "with 0 operands"),
        ("{'a': 1} == {'a': 1}", "builds a map"),
        ("1.5 > 1.0", "a pod holds none"),
        ("b'x' == b'x'", "a pod holds none"),
        ("object.spec.containers.all(object, true)", "take another name"),
        ("object.spec.containers.all(c, c.name == 'a'", "is not CEL at column"),
        ("", "is not CEL"),
        ("object.spec.nodeName == 'é'", "outside ASCII"),
        ("object.spec.nodeName == 'a' // \u{202e}", "outside ASCII"),
        (
            "object.spec.containers.all(a, a.args.all(b, a.env.all(c, a.args.all(d, d == b))))",
            "nests more than 3 loops",
        ),
    ] {
        let problem = Expression::compile(text).expect_err(text);
        assert!(problem.contains(expected), "{text}: {problem}");
        assert_eq!(problem.lines().count(), 1, "{problem}");
    }
}

/// The inputs of cel-rust #212, #305 and #306, and their like: answered at once, in little memory.
#[test]
fn inputs_that_blew_up_the_parser_are_answered_at_once() {
    let repeated = |begin: &str, middle: &str, end: &str, count: usize| {
        format!("{}{middle}{}", begin.repeat(count), end.repeat(count))
    };
    for count in [8_usize, 31, 60, 500, 1000, 4000] {
        for text in [
            repeated("!!(!!!!!!(!!!!(((((!!(!!(!!!!((", "1", "", count.div_ceil(31)),
            repeated("[", "1", "]", count),
            repeated("(", "1", ")", count),
            repeated("{1:", "1", "}", count),
            repeated("!", "object.spec.hostNetwork", "", count),
            repeated("-", "object.spec.activeDeadlineSeconds", " > 1", count),
            repeated("true ? true : ", "true", "", count),
            repeated("true && ", "true", "", count),
            repeated("1 + ", "1 == 1", "", count),
            repeated("size(", "'a'", ")", count),
            repeated("object.spec.containers.all(c, ", "true", ")", count),
            repeated("object", "", ".metadata", count),
            repeated("'", "a", "", count),
        ] {
            if let Err(problem) = Expression::compile(&text) {
                assert_eq!(problem.lines().count(), 1, "{problem}");
            }
        }
    }
}

#[test]
fn an_expression_of_the_limits_loads_and_one_beyond_does_not() {
    let chain = |count: usize| format!("{}true", "true && ".repeat(count));
    assert!(Expression::compile(&chain(250)).is_ok());
    let longest = format!("true{}", " ".repeat(MAX_EXPRESSION_BYTES - 4));
    assert!(Expression::compile(&longest).is_ok());
    assert!(Expression::compile(&format!("{longest} ")).unwrap_err().contains("bytes long"));
    let list = |count: usize| format!("1 in [1{}]", ",1".repeat(count));
    assert!(Expression::compile(&list(MAX_TERMS - 4)).is_ok());
    assert!(Expression::compile(&list(MAX_TERMS - 3)).unwrap_err().contains("1024 terms"));
    let sum = |count: usize| format!("{}1 == 1", "1+".repeat(count));
    assert!(Expression::compile(&sum(MAX_DEPTH - 2)).is_ok());
    assert!(Expression::compile(&sum(MAX_DEPTH)).unwrap_err().contains("levels"));
}

fn wide_pod(containers: usize, arguments: usize) -> String {
    let list =
        vec!["\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""; arguments].join(",");
    let containers: Vec<String> = (0..containers)
        .map(|index| format!(r#"{{"name": "c{index}", "image": "i", "args": [{list}]}}"#))
        .collect();
    format!(
        r#"{{"metadata": {{"name": "p"}}, "spec": {{"containers": [{}]}}}}"#,
        containers.join(",")
    )
}

/// Whatever the pod: no answer, soon, and never "no".
#[test]
fn a_pod_that_would_cost_too_much_has_no_answer() {
    let pod = wide_pod(100, 500);
    for text in [
        "object.spec.containers.all(a, object.spec.containers.all(b, a.args.all(x, x in b.args)))",
        "object.spec.containers.exists(a, a.args.exists(x, a.args.exists(y, x != y)))",
        "object.spec.containers.map(a, object.spec.containers.map(b, a.args + b.args)) == []",
        "object.spec.containers.exists(a, a.args.exists(x, x.matches('^(b|ab|(a|aa)+)*c$')))",
        "size(object.spec.containers.map(a, a.args.map(x, x + x + x + x)).map(l, l + l)) == 1",
        // What decides on the other side does not count once the fuel is gone.
        "object.spec.containers.exists(a, a.args.exists(x, a.args.exists(y, x != y))) && false",
        "object.spec.containers.all(a, a.args.all(x, a.args.all(y, x == y))) ? false : false",
    ] {
        let answer = ask_of(&pod, text, &mut Fuel::default());
        assert_eq!(answer, Answer::Unanswered(Unanswered::Exhausted), "{text}");
    }
}

#[test]
fn long_texts_cost_more_than_short_ones() {
    let cost = |text: &str| {
        let mut fuel = Fuel::default();
        assert_eq!(ask_of(POD_TEXT, text, &mut fuel), Answer::Yes, "{text}");
        FUEL_PER_DECISION - fuel.left()
    };
    let long = "a".repeat(1000);
    for short in
        ["'' == ''", "'' <= ''", "('' + '').endsWith('')", "''.startsWith('')", "size('') >= 0"]
    {
        let expensive = cost(&short.replace("''", &format!("'{long}'")));
        assert!(expensive >= cost(short) + 1000 / 32, "{short}: {expensive}");
    }
    assert!(cost(&format!("'' != '{long}' && '' < '{long}'")) > 2 * 1000 / 32);
    let light = cost(&format!("'{long}'.matches('^a+$')"));
    let heavy = cost(&format!("!'{long}'.matches('([ab]{{1,40}}a){{1,9}}c')"));
    assert!(light > 1000 * 8 && heavy >= 1000 * 32, "{light} {heavy}");
}

/// Loops clone their variables at every use, for one step.
#[test]
fn a_text_put_together_is_not_copied_when_its_value_is() {
    use super::value::{Text, Value};
    let joined = Value::Text(Text::Joined("long".into()));
    let address = |value: &Value<'_>| {
        let Value::Text(text) = value else { panic!("{value:?}") };
        text.as_ptr()
    };
    assert_eq!(address(&joined.clone()), address(&joined));
}

#[test]
fn fuel_is_shared_by_the_expressions_of_a_decision() {
    let text = "object.spec.containers.all(c, has(c.image))";
    let mut fuel = Fuel::default();
    assert_eq!(ask_of(POD_TEXT, text, &mut fuel), Answer::Yes);
    let cost = FUEL_PER_DECISION - fuel.left();
    assert!((1..100).contains(&cost), "{cost}");
    assert_eq!(ask_of(POD_TEXT, text, &mut Fuel::limited(cost + 1)), Answer::Yes);
    let mut little = Fuel::limited(cost);
    assert_eq!(ask_of(POD_TEXT, text, &mut little), Answer::Unanswered(Unanswered::Exhausted));
    // And stays so.
    assert_eq!(ask_of(POD_TEXT, "true", &mut little), Answer::Unanswered(Unanswered::Exhausted));
}
