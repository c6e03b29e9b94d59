//! A child process: its lines as they come, its signals, its end.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use tokio::sync::watch;

use super::within;

/// A running program. It is killed when it is dropped before its end.
pub(crate) struct Program {
    child: Child,
    pub(crate) stdout: Lines,
    pub(crate) stderr: Lines,
}

/// How it ended.
pub(crate) struct Ended {
    /// The exit code; none after a signal.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// What a stream has said so far.
#[derive(Clone)]
pub(crate) struct Lines {
    said: Arc<Mutex<Vec<String>>>,
    /// Changes with every line; closed with the stream.
    news: watch::Receiver<()>,
}

impl Program {
    /// Starts `weir` with these arguments, and with nothing of the environment that could change what it does.
    pub(crate) fn start<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
        command.args(arguments).env_clear();
        Self::spawn(command)
    }

    /// Starts any command.
    pub(crate) fn spawn(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = Lines::of(child.stdout.take().unwrap());
        let stderr = Lines::of(child.stderr.take().unwrap());
        Self { child, stdout, stderr }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.pid());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success(), "{kill}");
    }

    /// Waits for its end.
    pub(crate) async fn ended(mut self) -> Ended {
        let (stdout, stderr) =
            within("the end of the process", async { (self.stdout.all().await, self.stderr.all().await) })
                .await;
        // Both streams are closed: it is a matter of microseconds.
        let code = self.child.wait().unwrap().code();
        Ended { code, stdout, stderr }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has ended already, or must now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Lines {
    fn of(stream: impl Read + Send + 'static) -> Self {
        let said = Arc::<Mutex<Vec<String>>>::default();
        let (tell, news) = watch::channel(());
        let into = Arc::clone(&said);
        thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                into.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                tell.send_replace(());
            }
        });
        Self { said, news }
    }

    fn find<T>(&self, from: usize, pick: &mut impl FnMut(&str) -> Option<T>) -> Result<T, usize> {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said[from..].iter().find_map(|line| pick(line)).ok_or(said.len())
    }

    /// Waits for the first line of which `pick` makes something.
    pub(crate) async fn wait_for<T>(&self, what: &str, mut pick: impl FnMut(&str) -> Option<T>) -> T {
        let mut news = self.news.clone();
        within(what, async {
            let mut from = 0;
            loop {
                news.mark_unchanged();
                from = match self.find(from, &mut pick) {
                    Ok(found) => return found,
                    Err(read) => read,
                };
                if news.changed().await.is_err() {
                    return self
                        .find(from, &mut pick)
                        .unwrap_or_else(|_| panic!("the stream ended without {what}:\n{}", self.so_far()));
                }
            }
        })
        .await
    }

    pub(crate) fn so_far(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }

    /// Everything, once the stream has ended.
    async fn all(&self) -> String {
        let mut news = self.news.clone();
        while news.changed().await.is_ok() {}
        self.so_far()
    }
}
