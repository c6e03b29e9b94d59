//! psutil: the same files and system calls, read by another hand.

use std::process::{Child, Command, Stdio};

use crate::{
    bracket::{Said, agree},
    weir::{self, folder, reads},
};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/host.py");

/// Python with psutil, which `cargo xtask test` installs.
fn python(test: &str) -> Option<String> {
    let found = std::env::var("WEIR_PYTHON").ok();
    if found.is_none() {
        println!("skipped: {test} (WEIR_PYTHON is not set: run `cargo xtask test`)");
    }
    found
}

fn says(python: &str, arguments: &[&str]) -> Said {
    let said = weir::run(Command::new(python).arg(SCRIPT).args(arguments));
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
}

#[test]
fn cpus_memory_disks_networks_and_filesystems_are_what_psutil_reads() {
    let Some(python) = python("psutil, the machine") else { return };
    let folder = folder("psutil");
    let on = "{enabled: true}";
    let keys = format!(
        "{{ scrapers: {{
  cpu: {{ metrics: {{ system.cpu.logical.count: {on} }} }},
  load: ,
  memory: {{ metrics: {{ system.memory.utilization: {on}, system.memory.limit: {on}, system.linux.memory.available: {on} }} }},
  disk: , network: , paging: , processes: , system: ,
  filesystem: {{ metrics: {{ system.filesystem.utilization: {on} }} }} }} }}"
    );
    let percents = ["system.memory.utilization", "system.filesystem.utilization"];
    agree(
        || says(&python, &["machine"]),
        || {
            let mut readings = reads(&folder, &keys);
            // Its own admin listener.
            let listen = "system.network.connections{protocol=tcp,state=LISTEN}";
            readings.entry(listen.to_owned()).and_modify(|count| *count -= 1.0);
            for (name, value) in &mut readings {
                if percents.iter().any(|metric| name.starts_with(metric)) {
                    *value *= 100.0;
                }
            }
            readings
        },
    );
}

/// A process that does nothing; killed when dropped.
struct Sleeper(Child);

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_process_is_what_psutil_reads_of_it() {
    let Some(python) = python("psutil, a process") else { return };
    let folder = folder("psutil-process");
    // Under a name of its own, it holds still, and has a file open that others have not.
    let program = folder.join("weir-sleeper");
    std::fs::copy("/bin/sleep", &program).unwrap();
    let sleeper = Sleeper(
        Command::new(&program)
            .arg("1000")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let pid = sleeper.0.id().to_string();
    let metrics = [
        "cpu.time",
        "memory.usage",
        "memory.virtual",
        "threads",
        "open_file_descriptors",
        "disk.io",
        "disk.operations",
        "context_switches",
        "paging.faults",
    ];
    let metrics = metrics.map(|metric| format!("process.{metric}: {{enabled: true}}")).join(", ");
    let keys = format!(
        "{{ scrapers: {{ process: {{ include: {{ names: [weir-sleeper] }}, metrics: {{ {metrics} }} }} }} }}"
    );
    agree(|| says(&python, &["process", &pid]), || reads(&folder, &keys));
}
