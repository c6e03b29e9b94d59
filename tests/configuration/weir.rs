//! The real binary, with a time limit.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, channel},
    },
    thread,
    time::Duration,
};

/// The longest that a command may take: far more than any needs, on any machine.
const LIMIT: Duration = Duration::from_secs(30);

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None` when a signal or the time limit ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs `weir` to its end in an environment of these variables only.
pub(crate) fn run<A: AsRef<OsStr>>(args: &[A], env: &[(&str, &str)]) -> Ended {
    let mut child = spawn(args, env);
    let stdout = text_of(child.0.stdout.take());
    let stderr = text_of(child.0.stderr.take());
    // Both end when the process does; a process over its limit is killed by `child`, and the texts are what they are.
    let (stdout, stderr) = (stdout.recv_timeout(LIMIT), stderr.recv_timeout(LIMIT));
    child.end(stdout.is_ok() && stderr.is_ok(), stdout.unwrap_or_default(), stderr.unwrap_or_default())
}

/// A running `weir`; killed when dropped.
pub(crate) struct Running {
    child: Spawned,
    lines: Receiver<String>,
    stdout: Receiver<String>,
    said: String,
}

impl Running {
    /// Starts `weir` with these arguments in an environment of these variables only.
    pub(crate) fn start(args: &[&str], env: &[(&str, &str)]) -> Self {
        let mut child = spawn(args, env);
        let stdout = text_of::<ChildStdout>(child.0.stdout.take());
        let (sender, lines) = channel();
        let stderr = BufReader::new(child.0.stderr.take().unwrap());
        thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, lines, stdout, said: String::new() }
    }

    /// Waits for a line on standard error that holds `words`; false when it ended without.
    pub(crate) fn says(&mut self, words: &str) -> bool {
        while let Ok(line) = self.lines.recv_timeout(LIMIT) {
            self.said += &line;
            self.said.push('\n');
            if line.contains(words) {
                return true;
            }
        }
        false
    }

    /// Tells it to end, and waits until it has.
    pub(crate) fn stop(mut self) -> Ended {
        let id = self.child.0.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).stderr(Stdio::null()).status();
        self.says("\0");
        let stdout = self.stdout.recv_timeout(LIMIT);
        let said = std::mem::take(&mut self.said);
        self.child.end(stdout.is_ok(), stdout.unwrap_or_default(), said)
    }
}

struct Spawned(Child);

impl Spawned {
    fn end(mut self, in_time: bool, stdout: String, stderr: String) -> Ended {
        if !in_time {
            let _ = self.0.kill();
        }
        let code = self.0.wait().ok().and_then(|status| status.code()).filter(|_| in_time);
        Ended { code, stdout, stderr }
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn spawn<A: AsRef<OsStr>>(args: &[A], env: &[(&str, &str)]) -> Spawned {
    let child = Command::new(env!("CARGO_BIN_EXE_weir"))
        .args(args)
        .env_clear()
        .envs(env.iter().copied())
        .current_dir(crate::root())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    Spawned(child.unwrap())
}

/// Reads to the end, on a thread of its own.
fn text_of<R: Read + Send + 'static>(pipe: Option<R>) -> Receiver<String> {
    let (sender, text) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.unwrap().read_to_end(&mut bytes);
        sender.send(String::from_utf8_lossy(&bytes).into_owned())
    });
    text
}

/// A folder for the files of one test, removed with it.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// A new empty folder.
    pub(crate) fn new(name: &str) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}-{next}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// Writes a file, in a folder of its own where `name` says so.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
