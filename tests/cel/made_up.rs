//! Expressions made up at random, most of which load.

use std::fmt::Write as _;

/// Small choices, then zeros.
pub(crate) struct Choices<'c> {
    rest: std::slice::Iter<'c, u8>,
    /// Loops around the place at hand: `c0`, `c1` hold containers, `t0`, `t1` texts.
    containers: usize,
    texts: usize,
}

/// One expression that says true or false.
pub(crate) fn expression(choices: &[u8]) -> String {
    Choices { rest: choices.iter(), containers: 0, texts: 0 }.truth(4)
}

impl Choices<'_> {
    fn pick(&mut self, count: usize) -> usize {
        usize::from(*self.rest.next().unwrap_or(&0)) % count
    }

    fn one_of<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        let chosen = self.pick(texts.len());
        texts[chosen]
    }

    fn truth(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self
                .one_of(&["true", "false", "object.spec.hostNetwork", "object.spec.hostPID"])
                .to_owned();
        }
        let below = depth - 1;
        match self.pick(13) {
            0 => self.truth(0),
            1 => format!("!({})", self.truth(below)),
            2 => format!("({} && {})", self.truth(below), self.truth(below)),
            3 => format!("({} || {})", self.truth(below), self.truth(below)),
            4 => format!("({} ? {} : {})", self.truth(below), self.truth(below), self.truth(below)),
            5 => {
                let operator = self.one_of(&["==", "!=", "<", "<=", ">", ">="]);
                format!("({} {operator} {})", self.text(below), self.text(below))
            }
            6 => {
                let operator = self.one_of(&["==", "!=", "<", "<=", ">", ">="]);
                format!("({} {operator} {})", self.number(below), self.number(below))
            }
            7 => {
                let operator = self.one_of(&["==", "!="]);
                format!("({} {operator} {})", self.list(below), self.list(below))
            }
            8 => {
                let function = self.one_of(&["contains", "startsWith", "endsWith"]);
                format!("{}.{function}({})", self.text(below), self.text(below))
            }
            9 => format!("({} in {})", self.text(below), self.list(below)),
            10 => format!(
                "{}.matches('{}')",
                self.text(below),
                self.one_of(&[
                    "^a", "[0-9]+$", "^(a|b)*$", "", "p.d", "^prod$", "(?i)SHOP",
                    // Read in two ways; none of these loads, and each would differ from Go if it did.
                    "\\\\w", "\\\\bp", "[a-z&&p]", "(?x)a p",
                ])
            ),
            11 => format!("has({})", self.optional()),
            _ => self.quantified(below),
        }
    }

    fn quantified(&mut self, depth: usize) -> String {
        let quantifier = self.one_of(&["all", "exists", "exists_one"]);
        if self.containers == 0 && self.pick(2) == 0 {
            let over = self.one_of(&["object.spec.containers", "object.spec.initContainers"]);
            self.containers += 1;
            let body = self.truth(depth);
            self.containers -= 1;
            return format!("{over}.{quantifier}(c0, {body})");
        }
        let over =
            if self.pick(3) == 0 { "object.metadata.labels".to_owned() } else { self.list(depth) };
        let variable = format!("t{}", self.texts);
        self.texts += 1;
        let body = self.truth(depth);
        self.texts -= 1;
        format!("{over}.{quantifier}({variable}, {body})")
    }

    /// A field that some pods have.
    fn optional(&mut self) -> &'static str {
        let inside = ["c0.args", "c0.securityContext", "c0.securityContext.runAsUser", "c0.image"];
        if self.containers > 0 && self.pick(2) == 0 {
            return self.one_of(&inside);
        }
        self.one_of(&[
            "object.spec.hostPID",
            "object.spec.initContainers",
            "object.metadata.labels.app",
            "object.metadata.labels.none",
            "object.spec.securityContext",
            "object.spec.securityContext.runAsUser",
        ])
    }

    fn text(&mut self, depth: usize) -> String {
        if self.texts > 0 && self.pick(3) == 0 {
            return format!("t{}", self.pick(self.texts));
        }
        if self.containers > 0 && self.pick(3) == 0 {
            return self.one_of(&["c0.name", "c0.image", "c0.args[0]", "c0.args[7]"]).to_owned();
        }
        if depth > 0 && self.pick(4) == 0 {
            return format!("({} + {})", self.text(depth - 1), self.text(depth - 1));
        }
        self.one_of(&[
            "''",
            "'a'",
            "'prod'",
            "\"\\u00e9\\n\"",
            "r'\\d'",
            "object.metadata.name",
            "object.metadata.namespace",
            "object.metadata.labels.app",
            "object.metadata.labels['x/y']",
            "object.metadata.labels[object.metadata.name]",
            "object.spec.containers[0].name",
            "object.spec.containers[1].image",
        ])
        .to_owned()
    }

    fn number(&mut self, depth: usize) -> String {
        if depth == 0 {
            let literals =
                ["0", "1", "-1", "2", "30", "9223372036854775807", "-9223372036854775808"];
            return self.one_of(&literals).to_owned();
        }
        let below = depth - 1;
        match self.pick(6) {
            0 => self.number(0),
            1 => format!("size({})", self.text(below)),
            2 => format!("{}.size()", self.list(below)),
            3 => format!("(-{})", self.number(below)),
            4 => self
                .one_of(&["object.spec.activeDeadlineSeconds", "size(object.metadata.labels)"])
                .to_owned(),
            _ => {
                let operator = self.one_of(&["+", "-", "*", "/", "%"]);
                format!("({} {operator} {})", self.number(below), self.number(below))
            }
        }
    }

    fn list(&mut self, depth: usize) -> String {
        if self.containers > 0 && self.pick(3) == 0 {
            return "c0.args".to_owned();
        }
        if depth == 0 {
            return self
                .one_of(&["['a', '']", "['prod', 'p']", "object.spec.containers[0].args"])
                .to_owned();
        }
        let below = depth - 1;
        match self.pick(5) {
            0 => self.list(0),
            1 => format!("({} + {})", self.list(below), self.list(below)),
            2 => {
                let mut list = String::from("[");
                for _ in 0..=self.pick(3) {
                    let _ = write!(list, "{}, ", self.text(below));
                }
                list + "'z']"
            }
            3 => "object.spec.containers.map(c, c.name)".to_owned(),
            _ => {
                let over = self.list(below);
                let variable = format!("t{}", self.texts);
                self.texts += 1;
                let (test, each) = (self.truth(below), self.text(below));
                self.texts -= 1;
                match self.pick(3) {
                    0 => format!("{over}.filter({variable}, {test})"),
                    1 => format!("{over}.map({variable}, {each})"),
                    _ => format!("{over}.map({variable}, {test}, {each})"),
                }
            }
        }
    }
}
