//! The files of a cgroup, as `Documentation/admin-guide/cgroup-v2.rst` of the kernel has them.

use super::super::text;

/// A file of one number.
pub(in crate::procfs) fn single(file: &[u8]) -> Option<u64> {
    text::number(text::words(text::lines(file).next()?).next()?)
}

/// `cpu.max`: how many CPUs may be used; `None` where that is `max`.
pub(in crate::procfs) fn cpu_limit(file: &[u8]) -> Option<f64> {
    let mut words = text::words(text::lines(file).next()?);
    let [quota, period] = text::numbers(&mut words)?;
    (period > 0).then(|| quota as f64 / period as f64)
}

/// What `io.stat` says of all devices together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::procfs) struct Io {
    pub(in crate::procfs) read_bytes: u64,
    pub(in crate::procfs) written_bytes: u64,
    pub(in crate::procfs) reads: u64,
    pub(in crate::procfs) writes: u64,
}

/// `io.stat`: a line a device, `259:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0`.
pub(in crate::procfs) fn io(file: &[u8]) -> Io {
    let mut all = Io::default();
    for word in text::lines(file).flat_map(|line| text::words(line).skip(1)) {
        let mut parts = word.splitn(2, |byte| *byte == b'=');
        let (Some(key), Some(value)) = (parts.next(), parts.next().and_then(text::number)) else { continue };
        let sum = match key {
            b"rbytes" => &mut all.read_bytes,
            b"wbytes" => &mut all.written_bytes,
            b"rios" => &mut all.reads,
            b"wios" => &mut all.writes,
            _ => continue,
        };
        *sum = sum.saturating_add(value);
    }
    all
}

/// The total of a line of a pressure file, in microseconds: `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`.
pub(in crate::procfs) fn stalled(file: &[u8], share: &[u8]) -> Option<u64> {
    text::behind(file, share)?.find_map(|word| text::number(word.strip_prefix(b"total=")?))
}

/// Of `/proc/<pid>/cgroup` the path in the one hierarchy of version 2.
pub(in crate::procfs) fn membership(file: &[u8]) -> Option<&[u8]> {
    text::lines(file).find_map(|line| line.strip_prefix(b"0::"))
}
