//! TCP sockets by state: asked of the kernel where they are of the own network, or counted in `/proc/net/tcp` and `tcp6` (proc_net(5)).

use std::path::Path;

use rustix::fs::{PROC_SUPER_MAGIC, stat, statfs};

use super::{
    distinct::Distinct,
    scrape::of_the_network,
    sock_diag::SockDiag,
    source::Source,
    text,
    trouble::{Trouble, Troubles},
};

/// States are numbered as in the kernel's `include/net/tcp_states.h`, from 1 on.
const STATES: usize = 12;
const SYN_RECEIVED: usize = 3;
const LISTEN: usize = 10;
/// `TCP_NEW_SYN_RECV`: a connection of which the kernel holds a request only.
const NEW_SYN_RECEIVED: usize = 12;

/// A socket.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Socket<'a> {
    pub(super) state: u8,
    /// The address family as its table or the kernel calls it, and both addresses as they are written there: they tell sockets apart.
    pub(super) family: u8,
    pub(super) addresses: [&'a [u8]; 2],
}

/// How many sockets there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// By the number of their state.
    pub(super) by_state: [u64; STATES],
    /// Those that listen, of several at one address one (`SO_REUSEPORT`).
    pub(super) addresses_listening: u64,
}

/// Counts the sockets of a network.
#[derive(Debug)]
pub(super) struct Tcp {
    /// Nothing where another network is meant, and once the kernel has refused.
    kernel: Option<SockDiag>,
    /// Files by the number of their address family; that of version 6 is not there where the kernel is without it.
    files: [(u8, Source); 2],
    count: Count,
}

#[derive(Debug, Default)]
struct Count {
    tally: Tally,
    listening: Distinct,
}

impl Tcp {
    pub(super) fn of(root: &Path) -> Self {
        Self { kernel: is_own(root).then(SockDiag::default), ..Self::in_files(root) }
    }

    /// Asks `kernel` first.
    #[cfg(test)]
    pub(super) fn asking(kernel: SockDiag, root: &Path) -> Self {
        Self { kernel: Some(kernel), ..Self::in_files(root) }
    }

    fn in_files(root: &Path) -> Self {
        let files = [(4, "tcp"), (6, "tcp6")].map(|(version, file)| (version, of_the_network(root, file)));
        Self { kernel: None, files, count: Count::default() }
    }

    /// How many there are now.
    pub(super) fn count(&mut self, troubles: &mut Troubles) -> Result<Tally, Trouble> {
        let Self { kernel, files, count } = self;
        if let Some(asked) = kernel {
            count.reset();
            match asked.each(|socket| count.add(socket)) {
                Ok(()) => return Ok(count.tally),
                // Seccomp, gVisor, a kernel without `tcp_diag`: it will not change its mind.
                Err(error) => {
                    troubles.remark(format_args!(
                        "the kernel does not tell of TCP sockets by netlink ({error}); they are counted in /proc/net/tcp, which takes it longer"
                    ));
                    *kernel = None;
                }
            }
        }
        count.reset();
        for (version, file) in files {
            let counted = file.each_line(|line| {
                if let Some(socket) = socket(*version, line) {
                    count.add(&socket);
                }
            });
            match counted {
                Err(trouble) if *version == 4 || !trouble.is_absence() => return Err(trouble),
                _ => {}
            }
        }
        Ok(count.tally)
    }
}

impl Count {
    fn reset(&mut self) {
        self.tally = Tally::default();
        self.listening.clear();
    }

    fn add(&mut self, socket: &Socket<'_>) {
        let state = match usize::from(socket.state) {
            NEW_SYN_RECEIVED => SYN_RECEIVED,
            state => state,
        };
        // A state that is none of these counts nowhere.
        if let Some(count) = self.tally.by_state.get_mut(state) {
            *count += 1;
        }
        if state == LISTEN && self.listening.is_new(&(socket.family, socket.addresses)) {
            self.tally.addresses_listening += 1;
        }
    }
}

/// The socket that a line tells of; the line of the columns' names tells of none.
pub(super) fn socket(version: u8, line: &[u8]) -> Option<Socket<'_>> {
    let mut words = text::words(line).skip(1);
    let (local, remote, state) = (words.next()?, words.next()?, words.next()?);
    let state = std::str::from_utf8(state).ok().filter(|state| state.len() == 2)?;
    let state = u8::from_str_radix(state, 16).ok()?;
    Some(Socket { state, family: version, addresses: [local, remote] })
}

/// Whether the network below `root` is the one that this process is in. Its files are then the same: the kernel gives no two files of
/// `/proc/net` one number, and sees to it that all who look at one network see the same.
pub(super) fn is_own(root: &Path) -> bool {
    let number_of = |path: &Path| {
        let is_of_the_kernel = statfs(path).is_ok_and(|of| of.f_type == PROC_SUPER_MAGIC);
        is_of_the_kernel.then(|| stat(path).ok().map(|file| file.st_ino)).flatten()
    };
    let own = number_of(Path::new("/proc/self/net/tcp"));
    root == Path::new("/") || own.is_some_and(|own| number_of(&root.join("proc/1/net/tcp")) == Some(own))
}
