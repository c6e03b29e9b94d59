//! In a container: a child with its own processes, network and mounts, which sees the machine below a `root_path`.

use std::{
    collections::BTreeSet,
    fs,
    net::TcpListener,
    process::{Command, Stdio},
};

use crate::weir::{Readings, folder, once, readings, run};

/// Runs `script` in namespaces of its own, with the machine's root below `hostfs` and a `/proc` of its own; what it printed.
fn contained(script: &str, hostfs: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--pid", "--net", "--fork", "sh", "-euc"]);
    command.arg(format!("mount --rbind / '{hostfs}'\nmount -t proc proc /proc\n{script}"));
    command.stdin(Stdio::null());
    command
}

/// The interfaces, mount points and so on in the names of series.
fn named(readings: &Readings, metric: &str, key: &str) -> BTreeSet<String> {
    let of = |name: &String| {
        let attributes = name.strip_prefix(metric)?.strip_prefix('{')?.strip_suffix('}')?;
        attributes.split(',').find_map(|one| Some(one.strip_prefix(key)?.strip_prefix('=')?.to_owned()))
    };
    readings.keys().filter_map(of).collect()
}

#[test]
fn below_a_root_path_the_machine_is_read_and_not_the_container() {
    let folder = folder("namespaces");
    let hostfs = folder.join("hostfs");
    fs::create_dir_all(&hostfs).unwrap();
    let hostfs = hostfs.to_str().unwrap();
    let allowed = contained("true", hostfs).stderr(Stdio::null()).status();
    if !allowed.is_ok_and(|status| status.success()) {
        println!("skipped: namespaces (no `unshare --mount --pid --net` here: it takes root)");
        return;
    }
    let keys = "{ scrapers: { cpu: , load: , memory: , disk: , network: , paging: , processes: , system: ,
  filesystem: { include_virtual_filesystems: true } } }";
    let reading = |root_path: &str, name: &str| {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).unwrap();
        let (arguments, out) =
            once(&folder, &keys.replacen('{', &format!("{{ root_path: '{root_path}', "), 1));
        let script = format!("exec '{}' {}", env!("CARGO_BIN_EXE_weir"), arguments.join(" "));
        run(contained(&script, hostfs).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"));
        readings(&fs::read_to_string(out).unwrap())
    };
    // More sockets that listen than a container of nothing but Weir has.
    let _listening: Vec<_> = (0..20).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let machine = crate::weir::reads(&folder, keys);
    let container = reading("/", "container");
    let below = reading(hostfs, "below");

    // The container is one: it has the loopback, and its own few processes.
    let interfaces = |readings| named(readings, "system.network.io", "device");
    assert_eq!(interfaces(&container), BTreeSet::from(["lo".to_owned()]));
    let sleeping = |readings: &Readings| readings["system.processes.count{status=sleeping}"];
    assert!(sleeping(&container) < 5.0);
    let listening = |readings: &Readings| readings["system.network.connections{protocol=tcp,state=LISTEN}"];
    assert!(listening(&container) < 20.0 && listening(&below) >= 20.0);

    // Below the root path all is the machine's: what it is made of, and what it counts.
    for (metric, key) in [
        ("system.network.io", "device"),
        ("system.disk.io", "device"),
        ("system.filesystem.usage", "mountpoint"),
        ("system.cpu.time", "cpu"),
    ] {
        assert_eq!(named(&below, metric, key), named(&machine, metric, key), "{metric}");
    }
    assert!(!interfaces(&below).is_empty() && sleeping(&below) > sleeping(&container));
    for (name, before) in &machine {
        let is_counter = ["system.network.io", "system.disk.io", "system.processes.created", "system.uptime"];
        if is_counter.iter().any(|metric| name.starts_with(metric)) {
            assert!(below[name] >= *before, "{name} fell from {before} to {}", below[name]);
        }
    }
}
