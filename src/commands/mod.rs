//! One file a sub-command.

pub(crate) mod components;
pub(crate) mod graph;
pub(crate) mod print_config;
pub(crate) mod run;
pub(crate) mod validate;

use std::io::{Write, stdout};

/// Writes a command's result. A reader that has gone away (`| head`) is no error.
pub(crate) fn print(text: &str) {
    let mut out = stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
