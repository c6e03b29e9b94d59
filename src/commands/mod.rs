//! One file a sub-command.

mod admin;
pub(crate) mod completions;
pub(crate) mod components;
pub(crate) mod graph;
pub(crate) mod health;
pub(crate) mod print_config;
pub(crate) mod run;
pub(crate) mod targets;
pub(crate) mod validate;

use std::io::{Write, stderr, stdout};

/// Writes a command's result. A reader that has gone away (`| head`) is no error.
pub(crate) fn print(text: &str) {
    let mut out = stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Says something to a person, on standard error. Nobody being there to listen is no error.
pub(crate) fn say(text: &str) {
    let _ = stderr().lock().write_all(text.as_bytes());
}
