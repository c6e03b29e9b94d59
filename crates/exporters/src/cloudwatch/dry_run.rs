//! What `dry_run` does with a request: it is shown as it would be sent, and that is all.

use std::io::{self, Write};

use parking_lot::Mutex;

use super::{describe::Line, request::Request};

/// Where requests are shown: standard output.
pub(super) struct DryRun(Mutex<Box<dyn Write + Send>>);

impl std::fmt::Debug for DryRun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DryRun")
    }
}

impl DryRun {
    pub(super) fn new() -> Self {
        Self::to(Box::new(io::stdout()))
    }

    pub(super) fn to(output: Box<dyn Write + Send>) -> Self {
        Self(Mutex::new(output))
    }

    /// Shows the request: a line about it, then one for each datum. Read back from the very bytes that would be sent.
    pub(super) fn show(&self, request: &Request) -> io::Result<()> {
        let flush = &request.flush;
        let mut text = format!(
            "PutMetricData namespace={:?} region={} datums={} bytes={}\n",
            flush.namespace,
            flush.region,
            request.datums(),
            request.body.bytes().len(),
        );
        for datum in request.read() {
            text.push_str(&format!("  {}\n", Line::whole(&datum)));
        }
        // One request at a time: consumers would mix their lines.
        let mut output = self.0.lock();
        output.write_all(text.as_bytes())?;
        output.flush()
    }
}
