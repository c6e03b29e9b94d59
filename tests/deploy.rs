//! What is under `deploy/` fits the program: the commands are those that there are, and its exit codes mean what the unit says.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test")]

use std::{fs, path::Path, process::Command};

fn unit() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/systemd/weir.service");
    fs::read_to_string(path).unwrap()
}

fn value<'u>(unit: &'u str, key: &str) -> Vec<&'u str> {
    unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).collect()
}

#[test]
fn a_wrong_configuration_ends_the_units_only_command_with_what_is_not_tried_again() {
    let unit = unit();
    let commands: Vec<&str> = unit.lines().filter(|line| line.starts_with("Exec")).collect();
    // systemd.service(5): RestartPreventExitStatus= has no effect on ExecStartPre= and the like.
    let [command] = *commands else { panic!("one command, not {commands:?}") };
    let wrong = Path::new(env!("CARGO_TARGET_TMPDIR")).join("deploy-wrong.yaml");
    fs::write(&wrong, "recievers:\n").unwrap();
    let mut words = command.split_whitespace();
    assert_eq!(words.next(), Some("ExecStart=/usr/local/bin/weir"));
    let arguments = words.map(|word| match word {
        "/etc/weir/weir.yaml" => wrong.as_os_str(),
        other => other.as_ref(),
    });
    let ended = Command::new(env!("CARGO_BIN_EXE_weir")).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    // The file was read and found wrong: the arguments themselves are right.
    assert!(said.contains("`recievers`"), "{said}");
    assert_eq!(value(&unit, "RestartPreventExitStatus"), [ended.status.code().unwrap().to_string()]);
    assert_eq!(value(&unit, "Restart"), ["on-failure"]);
}

#[test]
fn systemd_finds_nothing_wrong_with_the_unit() {
    let Ok(version) = Command::new("systemd-analyze").arg("--version").output() else {
        println!("skipped: systemd-analyze verify (there is no systemd-analyze)");
        return;
    };
    assert!(version.status.success());
    // The program stands elsewhere here: systemd looks whether it can be run.
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("weir.service");
    fs::write(&path, unit().replace("/usr/local/bin/weir", env!("CARGO_BIN_EXE_weir"))).unwrap();
    let verified = Command::new("systemd-analyze").arg("verify").arg(&path).output().unwrap();
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    let of_weir: Vec<_> = said.lines().filter(|line| line.contains("weir")).collect();
    assert!(verified.status.success() && of_weir.is_empty(), "{said}");
}
