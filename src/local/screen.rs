//! The terminal: a table that is drawn in place, and a log that scrolls above it.

use std::{
    io::{self, IsTerminal, Write, stderr, stdout},
    sync::Arc,
};

use parking_lot::Mutex;

/// Standard output, and how many lines of it the table takes now.
#[derive(Clone, Default)]
pub(crate) struct Screen(Arc<Mutex<usize>>);

/// What fits on the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
}

impl Screen {
    /// The terminal's size; `None` where standard output is no terminal.
    pub(crate) fn size() -> Option<Size> {
        if !stdout().is_terminal() {
            return None;
        }
        let size = rustix::termios::tcgetwinsize(stdout()).ok();
        let size = size.filter(|size| size.ws_row > 0 && size.ws_col > 0);
        let (rows, columns) = size.map_or((24, 80), |size| (size.ws_row.into(), size.ws_col.into()));
        Some(Size { rows, columns })
    }

    /// Writes `text` below everything else.
    pub(crate) fn print(text: &str) {
        write(text);
    }

    /// Replaces the table. Each line must fit the terminal's width.
    pub(crate) fn redraw(&self, table: &str) {
        let mut lines = self.0.lock();
        write(&(clear(*lines) + table));
        *lines = table.lines().count();
    }
}

/// The log's way to standard error: where that is the terminal too, the table makes room and is drawn again below.
impl Write for Screen {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut lines = self.0.lock();
        if *lines > 0 && stderr().is_terminal() {
            write(&clear(*lines));
            *lines = 0;
        }
        stderr().write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        stderr().flush()
    }
}

/// Up over the table, and clear to the end of the screen.
fn clear(lines: usize) -> String {
    if lines == 0 { String::new() } else { format!("\x1b[{lines}A\x1b[J") }
}

fn write(text: &str) {
    let mut out = stdout().lock();
    // Who pipes the output into something that ends keeps Weir running.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
