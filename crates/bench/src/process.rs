//! The process under test, as the kernel sees it.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader, Lines},
    process::{Child, ChildStderr, ChildStdout, Command},
    task::JoinHandle,
};

use crate::{Error, client};

/// Clock ticks of a second in `/proc`, fixed in the kernel's interface (`USER_HZ`).
const TICKS: u32 = 100;

/// CPU time that this process has taken, user and system.
pub fn own_cpu() -> Result<Duration, Error> {
    ticks("/proc/self/stat", [14, 15])
}

/// CPU time of children that have ended and were waited for.
fn ended_children_cpu() -> Result<Duration, Error> {
    ticks("/proc/self/stat", [16, 17])
}

/// The sum of two fields of a `stat`, numbered as proc(5) numbers them.
fn ticks(path: &str, fields: [usize; 2]) -> Result<Duration, Error> {
    let text = fs::read_to_string(path).map_err(Error::io(path))?;
    let found = ticks_of(&text, fields);
    found.ok_or_else(|| Error::Process(format!("{path} is not as expected: {text}")))
}

fn ticks_of(stat: &str, fields: [usize; 2]) -> Option<Duration> {
    // The second field is a name in parentheses, which may itself hold parentheses and blanks.
    let rest: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let one = |field: usize| rest.get(field - 3)?.trim().parse::<u32>().ok();
    Some(Duration::from_secs(1) * (one(fields[0])? + one(fields[1])?) / TICKS)
}

/// A child process that says on a stream where it listens. It is killed when it is dropped before its end.
#[derive(Debug)]
pub struct Peer {
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Peer {
    /// Starts this very program with words of its own command line, such as `sink`.
    pub async fn start(words: &[&str]) -> Result<Self, Error> {
        let word = words.first().copied().unwrap_or_default();
        let program = std::env::current_exe().map_err(Error::io("cannot find this program"))?;
        let mut command = Command::new(program);
        command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(Error::io(word))?;
        let mut stdout = lines(child.stdout.take(), word)?;
        let said = line(&mut stdout, "listening on ").await?;
        let address = address(&said, "listening on ");
        let address = address.ok_or_else(|| Error::Process(format!("{word} listens on `{said}`")))?;
        Ok(Self { child, stdout, address })
    }

    /// CPU time so far.
    pub fn cpu(&self) -> Result<Duration, Error> {
        cpu(self.child.id())
    }

    /// Ends it.
    pub async fn end(mut self) -> Result<(), Error> {
        self.child.kill().await.map_err(Error::io("cannot end a peer"))?;
        drop(self.stdout);
        Ok(())
    }
}

fn cpu(pid: Option<u32>) -> Result<Duration, Error> {
    let pid = pid.ok_or_else(|| Error::Process("it has ended".to_owned()))?;
    ticks(&format!("/proc/{pid}/stat"), [14, 15])
}

/// A running Weir.
#[derive(Debug)]
pub struct Weir {
    child: Child,
    config: PathBuf,
    stdout: Lines<BufReader<ChildStdout>>,
    log: JoinHandle<Vec<String>>,
    /// Where its `otlp` receiver listens: gRPC, and HTTP.
    pub listening: Vec<SocketAddr>,
    /// Where it tells about itself.
    admin: SocketAddr,
}

/// How it ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; none after a signal.
    pub code: Option<i32>,
    /// What it said from the moment on when it was ready, its ledger last.
    pub log: String,
    /// CPU time of its whole life.
    pub cpu: Duration,
    /// The most bytes that were in RAM, as seen up to a moment before its end.
    pub peak: u64,
}

impl Weir {
    /// Starts `binary` with a configuration, which is written to `folder`, and waits until everything is ready.
    pub async fn start(binary: &Path, folder: &Path, yaml: &str, arguments: &[&str]) -> Result<Self, Error> {
        let config = unused(folder);
        fs::write(&config, yaml).map_err(Error::io(config.display().to_string()))?;
        let mut command = Command::new(binary);
        command.args(["run", "--log-format", "json", "-c"]).arg(&config).args(arguments);
        command.args(["--set", "service.telemetry.metrics.address=127.0.0.1:0"]).env_clear();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(Error::io(binary.display().to_string()))?;
        let stdout = lines(child.stdout.take(), "weir")?;
        let mut stderr: Lines<BufReader<ChildStderr>> = lines(child.stderr.take(), "weir")?;
        let (mut listening, mut admin, mut said) = (Vec::new(), None, Vec::new());
        loop {
            let Some(line) = stderr.next_line().await.map_err(Error::io("cannot read weir's log"))? else {
                return Err(Error::Process(format!("weir ended at its start:\n{}", said.join("\n"))));
            };
            if line.contains("\"component\":\"otlp\"") {
                listening.extend(address(&line, "listening on "));
            }
            admin = admin.or_else(|| address(&line, "admin listener on http://"));
            if line.contains("everything is ready") {
                break;
            }
            said.push(line);
        }
        let admin = admin.ok_or_else(|| Error::Process("weir has no admin listener".to_owned()))?;
        let log = tokio::spawn(async move {
            let mut said = Vec::new();
            while let Ok(Some(line)) = stderr.next_line().await {
                said.push(line);
            }
            said
        });
        Ok(Self { child, config, stdout, log, listening, admin })
    }

    /// CPU time so far.
    pub fn cpu(&self) -> Result<Duration, Error> {
        cpu(self.child.id())
    }

    /// Bytes in RAM now.
    pub fn resident(&self) -> Result<u64, Error> {
        self.memory("VmRSS:")
    }

    /// The most bytes that were in RAM.
    pub fn peak(&self) -> Result<u64, Error> {
        self.memory("VmHWM:")
    }

    /// From now on the peak is that of what comes (proc(5), `clear_refs`).
    pub fn forget_peak(&self) -> Result<(), Error> {
        let pid = self.child.id().ok_or_else(|| Error::Process("weir has ended".to_owned()))?;
        let path = format!("/proc/{pid}/clear_refs");
        fs::write(&path, "5").map_err(Error::io(path))
    }

    fn memory(&self, key: &str) -> Result<u64, Error> {
        let pid = self.child.id().ok_or_else(|| Error::Process("weir has ended".to_owned()))?;
        let path = format!("/proc/{pid}/status");
        let text = fs::read_to_string(&path).map_err(Error::io(&path))?;
        let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
        let kib = line.trim().strip_suffix(" kB").and_then(|kib| kib.parse::<u64>().ok());
        kib.map(|kib| kib * 1024).ok_or_else(|| Error::Process(format!("no {key} in {path}")))
    }

    /// Files and sockets that it has open.
    pub fn descriptors(&self) -> Result<usize, Error> {
        let pid = self.child.id().ok_or_else(|| Error::Process("weir has ended".to_owned()))?;
        let path = format!("/proc/{pid}/fd");
        Ok(fs::read_dir(&path).map_err(Error::io(path))?.count())
    }

    /// What it says of itself under a name that has no labels.
    pub async fn metric(&self, name: &str) -> Result<f64, Error> {
        let text = client::get(self.admin, "/metrics").await?;
        let text = String::from_utf8_lossy(&text);
        let mut lines = text.lines().filter_map(|line| line.split_once(' '));
        let value = lines.find(|(found, _)| *found == name).and_then(|(_, value)| value.parse().ok());
        value.ok_or_else(|| Error::Process(format!("no {name} in:\n{text}")))
    }

    /// Waits for a line of its standard output.
    pub async fn says(&mut self, words: &str) -> Result<String, Error> {
        line(&mut self.stdout, words).await
    }

    /// Tells it to end, and waits for that.
    pub async fn stop(mut self) -> Result<Ended, Error> {
        let (before, mut peak) = (ended_children_cpu()?, self.peak()?);
        let pid = self.child.id().ok_or_else(|| Error::Process("weir has ended".to_owned()))?;
        let mut kill = Command::new("kill");
        kill.args(["-TERM", &pid.to_string()]);
        kill.status().await.map_err(Error::io("kill"))?;
        let mut often = tokio::time::interval(Duration::from_millis(10));
        loop {
            tokio::select! {
                // Its output may be more than a pipe holds.
                line = self.stdout.next_line() => if !matches!(line, Ok(Some(_))) { break },
                // What has ended has no memory any more.
                _ = often.tick() => peak = peak.max(self.peak().unwrap_or_default()),
            }
        }
        let status = self.child.wait().await.map_err(Error::io("cannot wait for weir"))?;
        let cpu = ended_children_cpu()?.saturating_sub(before);
        let log = self.log.await.map_err(|error| Error::Process(error.to_string()))?.join("\n");
        // It was ours alone; a file that is left behind harms nothing.
        let _ = fs::remove_file(&self.config);
        Ok(Ended { code: status.code(), log, cpu, peak })
    }
}

impl Ended {
    /// Whether it drained in time and its ledger adds up.
    pub fn check(&self) -> Result<(), Error> {
        match self.code == Some(0) && self.log.contains("every node adds up") {
            true => Ok(()),
            false => Err(Error::Process(format!("weir ended with {:?}:\n{}", self.code, self.log))),
        }
    }
}

fn unused(folder: &Path) -> PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    folder.join(format!("load-{}-{number}.yaml", std::process::id()))
}

fn lines<S: AsyncRead + Unpin>(stream: Option<S>, who: &str) -> Result<Lines<BufReader<S>>, Error> {
    let stream = stream.ok_or_else(|| Error::Process(format!("{who} has no output")))?;
    Ok(BufReader::new(stream).lines())
}

/// The next line that holds `words`.
async fn line<S: AsyncRead + Unpin>(lines: &mut Lines<BufReader<S>>, words: &str) -> Result<String, Error> {
    let mut said = Vec::new();
    while let Some(line) = lines.next_line().await.map_err(Error::io("cannot read a child's output"))? {
        if line.contains(words) {
            return Ok(line);
        }
        said.push(line);
    }
    Err(Error::Process(format!("a child ended without `{words}`:\n{}", said.join("\n"))))
}

/// The socket address that follows `words` in a line.
fn address(line: &str, words: &str) -> Option<SocketAddr> {
    let rest = line.split_once(words)?.1;
    rest.split(|c: char| !c.is_ascii_digit() && !".:[]".contains(c)).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_read_past_a_name_with_blanks_and_parentheses() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 3 4 20 0 1 0 99 1000 10";
        assert_eq!(ticks_of(stat, [14, 15]), Some(Duration::from_secs(3)));
        assert_eq!(ticks_of(stat, [16, 17]), Some(Duration::from_millis(70)));
        assert_eq!(ticks_of("7 (cut", [14, 15]), None);
    }

    #[test]
    fn this_process_has_taken_cpu_time_that_only_grows() {
        let before = own_cpu().unwrap();
        let began = crate::instant();
        let mut sum = 0_u64;
        while began.elapsed() < Duration::from_millis(50) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(own_cpu().unwrap() > before);
    }
}
