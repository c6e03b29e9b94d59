//! The plugins that the CloudWatch Agent is built from, beside ours on the same files. `cargo xtask test` builds them
//! (`tests/interop/agent`); without them these tests say that they are skipped.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Lines, Write as _},
    os::unix::fs::symlink,
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use super::{Machine, Rounds, after, before, metrics::OF_THE_AGENT};

/// The program, which measures when it is told to.
struct Agent {
    program: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Agent {
    /// Started for what is below `proc`, if it is there.
    fn start(test: &str, proc: &Path, interfaces: &[&str]) -> Option<Self> {
        let Some(program) = std::env::var_os("WEIR_CLOUDWATCH_AGENT") else {
            println!("skipped: {test} (WEIR_CLOUDWATCH_AGENT is not set: run `cargo xtask test`)");
            return None;
        };
        let mut command = Command::new(program);
        command.args(interfaces).env("HOST_PROC", proc).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut program = command.spawn().unwrap();
        let orders = program.stdin.take().unwrap();
        let answers = BufReader::new(program.stdout.take().unwrap()).lines();
        Some(Self { program, orders, answers })
    }

    /// What it measures now, by `name{dimensions}`.
    fn next(&mut self) -> BTreeMap<String, f64> {
        self.orders.write_all(b"\n").unwrap();
        let answers = self.answers.by_ref().map(Result::unwrap).take_while(|line| !line.is_empty());
        let value = |line: String| {
            let (name, value) = line.split_once('\t').unwrap();
            (name.to_owned(), value.parse().unwrap())
        };
        answers.map(value).collect()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// Our points by `name{dimensions}`.
fn by_name(points: &[String]) -> BTreeMap<String, f64> {
    let value = |point: &String| {
        let (name, rest) = point.split_once("} ").unwrap();
        (format!("{name}}}"), rest.split_once(' ').unwrap().1.parse().unwrap())
    };
    points.iter().map(value).collect()
}

/// A section `cwagent` of everything in these plugins.
fn everything(plugins: &[&str], interfaces: &[&str]) -> String {
    let section = |(plugin, names): &(&str, &[&str])| {
        let resources = match *plugin {
            "cpu" => "'*'".to_owned(),
            "net" => interfaces.join(", "),
            _ => String::new(),
        };
        let resources = if resources.is_empty() { resources } else { format!(", resources: [{resources}]") };
        format!("{plugin}: {{measurement: [{}]{resources}}}", names.join(", "))
    };
    let wanted = OF_THE_AGENT.iter().filter(|(plugin, _)| plugins.contains(plugin));
    format!("{{{}}}", wanted.map(section).collect::<Vec<_>>().join(", "))
}

/// What of the Agent's answer is metrics of these plugins.
fn metrics_of(answer: &BTreeMap<String, f64>, plugins: &[&str]) -> BTreeMap<String, f64> {
    let is_metric = |name: &str| {
        let (metric, _) = name.split_once('{').unwrap();
        let wanted = OF_THE_AGENT.iter().filter(|(plugin, _)| plugins.contains(plugin));
        wanted.into_iter().any(|(plugin, names)| {
            names
                .iter()
                .any(|name| metric.strip_prefix(plugin).and_then(|rest| rest.strip_prefix('_')) == Some(name))
        })
    };
    answer.iter().filter(|(name, _)| is_metric(name)).map(|(name, value)| (name.clone(), *value)).collect()
}

/// What reads files alone. `swap` asks the kernel, and `disk` reads the table of mounts but looks below the machine's own root.
const OF_FILES: [&str; 6] = ["cpu", "diskio", "mem", "net", "netstat", "processes"];

/// Two rounds of both; between them the machine becomes another.
fn compare(test: &str, machine: &Machine, interfaces: &[&str], change: impl FnOnce()) {
    symlink("1/net", machine.root().join("proc/net")).unwrap(); // where the Agent looks
    let Some(mut agent) = Agent::start(test, &machine.root().join("proc"), interfaces) else { return };
    let mut ours = Rounds::new(machine, &everything(&OF_FILES, interfaces));
    let (first, _) = (agent.next(), ours.next());
    change();
    let (second, ours) = (metrics_of(&agent.next(), &OF_FILES), by_name(&ours.next()));
    // The Agent's pipeline turns these into increments, behind the plugins.
    let is_increment = |name: &str| {
        name.starts_with("net_") || (name.starts_with("diskio_") && !name.contains("in_progress"))
    };
    let expected: BTreeMap<String, f64> = second
        .into_iter()
        .map(|(name, value)| {
            let before = if is_increment(&name) { first[&name] } else { 0.0 };
            (name, value - before)
        })
        .collect();
    let names = |all: &BTreeMap<String, f64>| all.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&ours), names(&expected));
    for (name, expected) in expected {
        let found = ours[&name];
        // Both divide sums of the same integers, in another order.
        assert!(
            (found - expected).abs() <= 1e-9 * expected.abs().max(1.0),
            "{name}: {found}, not {expected}"
        );
    }
}

#[test]
fn of_a_machine_written_by_hand_every_value_is_the_agents() {
    let machine = before();
    compare("the Agent, by hand", &machine, &["lo", "eth0", "eth1"], || after(&machine));
}

#[test]
fn of_this_machine_recorded_twice_every_value_is_the_agents() {
    let machine = Machine::bare();
    record(&machine);
    let table = fs::read_to_string("/proc/net/dev").unwrap();
    let interfaces: Vec<&str> =
        table.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name.trim()).collect();
    compare("the Agent, this machine", &machine, &interfaces, || {
        let times = || fs::read_to_string("/proc/stat").unwrap().lines().next().map(str::to_owned);
        let then = times();
        while times() == then {} // this takes CPU time, so that some passes
        record(&machine);
    });
}

/// Puts the files of this machine into the folder of `machine`.
fn record(machine: &Machine) {
    let copy = |from: &str, to: &str| {
        if let Ok(text) = fs::read(format!("/proc/{from}")) {
            let to = machine.root().join("proc").join(to);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::write(to, text).unwrap();
        }
    };
    // The Agent's `disk`, which is not compared here, ends the program without a table of mounts.
    for file in ["stat", "meminfo", "diskstats", "filesystems", "1/mountinfo"] {
        copy(file, file);
    }
    for file in ["dev", "tcp", "tcp6", "udp", "udp6", "unix"] {
        copy(&format!("net/{file}"), &format!("1/net/{file}"));
    }
    for entry in fs::read_dir("/proc").unwrap() {
        let pid = entry.unwrap().file_name().into_string().unwrap();
        if pid.bytes().all(|byte| byte.is_ascii_digit()) {
            copy(&format!("{pid}/stat"), &format!("{pid}/stat"));
        }
    }
}

#[test]
fn filesystems_interfaces_and_swap_of_this_machine_are_those_that_the_agent_finds() {
    let Some(mut agent) = Agent::start("the Agent, filesystems", Path::new("/proc"), &[]) else { return };
    if fs::read("/proc/1/mountinfo").is_err() {
        println!("skipped: the Agent, filesystems (/proc/1/mountinfo may not be read)");
        return;
    }
    let plugins = ["disk", "net", "swap"];
    let mut ours = Rounds::of("/".into(), &everything(&plugins, &[]));
    ours.next();
    let (expected, ours) = (metrics_of(&agent.next(), &plugins), by_name(&ours.next()));
    assert_eq!(ours.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, expected) in expected.iter().filter(|(name, _)| name.contains("percent")) {
        assert!((ours[name] - expected).abs() <= 0.1, "{name}: {}, not {expected}", ours[name]);
    }
    for (name, expected) in expected.iter().filter(|(name, _)| name.contains("total")) {
        assert!((ours[name] - expected).abs() < 1.0, "{name}: {}, not {expected}", ours[name]);
    }
}
