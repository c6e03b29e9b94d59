//! Where the repository is, and how a child process is started in it.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Compile jobs at once, unless `CARGO_BUILD_JOBS` says otherwise: the cores of CI. More would only make two
/// linkers meet in memory.
const JOBS: &str = "2";

/// What `cargo run` told xtask about xtask itself. Build scripts that watch these variables (ring's does) would
/// run again, and all that depends on them be compiled again, at each change between `cargo` and `cargo xtask`.
const OWN_PACKAGE: &[&str] = &["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_NAME", "CARGO_CRATE_NAME"];

/// The repository that this binary was built in.
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// Finds the repository: xtask's own folder lies directly in its root.
    pub(crate) fn locate() -> Result<Self> {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = package.parent().context("xtask has no parent folder")?.to_path_buf();
        if !root.join("Cargo.toml").is_file() {
            bail!("the repository that xtask was built in is gone: {}", root.display());
        }
        // Relative, as cargo reads it in the children, which all run in the root.
        let target = root.join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()));
        Ok(Self { root, target })
    }

    /// The repository's root folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder for everything that can be made again: build outputs, tools, virtual environments.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// A program to run in the root, with no input: nothing that a task starts may wait for a person.
    pub(crate) fn program(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if OWN_PACKAGE.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
                command.env_remove(name);
            }
        }
        command
    }

    /// The cargo that started xtask, with its arguments.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = self.program(cargo);
        command.args(arguments);
        if std::env::var_os("CARGO_BUILD_JOBS").is_none() {
            command.env("CARGO_BUILD_JOBS", JOBS);
        }
        command
    }
}

/// Runs a command to its end, its output going where xtask's goes. An unsuccessful end is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {}", line(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", line(command));
    }
    Ok(())
}

/// Runs a command to its end and hands each line of its standard output to `observe`, as it comes.
/// An unsuccessful end is an error, after all lines were seen.
pub(crate) fn run_observed(command: &mut Command, mut observe: impl FnMut(&str)) -> Result<()> {
    let mut child =
        command.stdout(Stdio::piped()).spawn().with_context(|| format!("cannot start {}", line(command)))?;
    let output = child.stdout.take().context("the child has no standard output")?;
    let read = each_line(BufReader::new(output), &mut observe);
    let status = child.wait()?;
    read.with_context(|| format!("cannot read the output of {}", line(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", line(command));
    }
    Ok(())
}

/// Runs a command quietly; its error carries the last line that it wrote to standard error, which is where
/// a tool says why. Yields its standard output.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start {}", line(command)))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let why = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no reason given");
        bail!("{} ended with {}: {}", line(command), output.status, why.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A test may print bytes that are no UTF-8: they are shown as well as can be, and end nothing.
fn each_line(mut reader: impl BufRead, observe: &mut impl FnMut(&str)) -> Result<()> {
    let mut bytes = Vec::new();
    while reader.read_until(b'\n', &mut bytes)? > 0 {
        observe(String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']));
        bytes.clear();
    }
    Ok(())
}

/// The command as a person would type it, for error messages.
fn line(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    std::iter::once(program)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}
