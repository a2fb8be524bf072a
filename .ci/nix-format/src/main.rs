//! `nix-format FILE…`: exit 0 if alejandra would leave every Nix file as it is, else 1 and their
//! names. With `--write` first, it brings them into that form instead.

use std::env::args;
use std::fs::{read_to_string, write};
use std::process::ExitCode;

use alejandra::format::{Status, in_memory};

fn main() -> ExitCode {
    let mut files = args().skip(1).peekable();
    let rewrite = files.next_if_eq("--write").is_some();
    let unformed = files.filter(|file| !is_formed(file, rewrite)).count();
    ExitCode::from(u8::from(unformed > 0))
}

fn is_formed(file: &str, rewrite: bool) -> bool {
    let text = match read_to_string(file) {
        Ok(text) => text,
        Err(error) => return complain(file, &error.to_string()),
    };
    match in_memory(file.to_owned(), text) {
        (Status::Changed(false), _) => true,
        (Status::Changed(true), formed) if rewrite => match write(file, formed) {
            Ok(()) => true,
            Err(error) => complain(file, &error.to_string()),
        },
        (Status::Changed(true), _) => complain(file, "not as alejandra writes it"),
        (Status::Error(error), _) => complain(file, &error),
    }
}

fn complain(file: &str, what: &str) -> bool {
    eprintln!("{file}: {what}");
    false
}
