//! The verbs' description, and the reference page that is made of it.

use super::*;

const PAGE: &str = "docs/reference/commands.md";

/// Set, it makes the test below write the page instead of comparing it.
const WRITE: &str = "NODEWARD_WRITE_REFERENCE";

fn names() -> Vec<String> {
    let verbs = Verbs::command();
    verbs.get_subcommands().map(|verb| verb.get_name().to_owned()).collect()
}

/// The part of the page that begins with the first verb.
fn described() -> String {
    let mut verbs = Verbs::command();
    verbs.build();
    let mut page = String::new();
    for name in names() {
        let verb = verbs.find_subcommand(&name).unwrap().clone();
        let help = verb.term_width(100).render_long_help().to_string();
        let help: Vec<_> = help.lines().map(str::trim_end).collect();
        page.push_str(&format!("## {name}\n\n```text\n{}\n```\n\n", help.join("\n")));
    }
    page.trim_end().to_owned() + "\n"
}

#[test]
fn clap_finds_nothing_wrong_with_the_descriptions() {
    Verbs::command().debug_assert();
    with_run(Verbs::command()).debug_assert();
    whole().debug_assert();
}

#[test]
fn only_a_first_word_that_is_no_flag_is_a_verb() {
    for (word, expected) in [
        ("check-policy", true),
        ("help", true),
        ("statsu", true),
        ("run", false),
        ("--kubeconfig", false),
        ("-kubeconfig=x", false),
        ("-h", false),
        ("", false),
    ] {
        assert_eq!(is_other_verb(&word.into()), expected, "{word}");
    }
}

#[test]
fn short_help_fits_a_screen() {
    let mut verbs = with_run(Verbs::command());
    verbs.build();
    for verb in verbs.get_subcommands() {
        let help = verb.clone().term_width(100).render_help().to_string();
        assert!(help.lines().count() <= 25, "{help}");
    }
}

#[test]
fn the_reference_page_is_what_the_program_says_of_itself() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = std::fs::read_to_string(&path).unwrap();
    let (introduction, rest) = page.split_at(page.find("\n## check-policy").unwrap() + 1);
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, format!("{introduction}{}", described())).unwrap();
        return;
    }
    assert!(rest == described(), "{PAGE} is out of date: {WRITE}=1 cargo test --lib cli::verbs");
}
