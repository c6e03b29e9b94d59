//! The bytes of a file of state.
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 | `weirstat` |
//! | 4 | the version of this layout, 1; integers are little-endian |
//! | 1 | 1 if the state was taken at an orderly end, else 0 |
//! | 8 | when it was taken, in nanoseconds since the Unix epoch |
//! | 8 + n | whose state it is: length and UTF-8 |
//! | 8 + n | what its bytes mean: length and UTF-8 |
//! | 8 + n | the state: length and bytes |
//! | 4 | CRC-32 (ISO-HDLC) of all before |

use weir_core::{Saved, UnixNanos};

const MAGIC: &[u8; 8] = b"weirstat";
const VERSION: u32 = 1;
const CHECKSUM: usize = size_of::<u32>();

/// Why a file cannot be gone on from.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It does not begin as files of state do.
    #[error("it is not a file of state")]
    Foreign,
    /// A later Weir wrote it.
    #[error("its version is {0}, and this Weir reads version 1")]
    Newer(u32),
    /// A part is missing or was changed.
    #[error("it is damaged: {0}")]
    Damaged(&'static str),
    /// It holds the state of another component.
    #[error("it holds the state of `{0}`")]
    OtherOwner(String),
    /// Its bytes mean something else than this Weir expects.
    #[error("its state is of the format `{0}`")]
    OtherFormat(String),
}

/// The file of `saved`.
pub fn encode(owner: &str, format: &str, saved: &Saved) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64 + owner.len() + format.len() + saved.state.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.push(u8::from(saved.is_final));
    bytes.extend_from_slice(&saved.taken.0.to_le_bytes());
    for part in [owner.as_bytes(), format.as_bytes(), &saved.state] {
        bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bytes.extend_from_slice(part);
    }
    let checksum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

/// The state of `owner` in `format` that `file` holds.
///
/// # Errors
/// [`Fault`]: it holds none, or another's.
pub fn decode(file: &[u8], owner: &str, format: &str) -> Result<Saved, Fault> {
    let rest = file.strip_prefix(MAGIC).ok_or(Fault::Foreign)?;
    // Before the checksum, which a later version may compute otherwise.
    let (version, _) = rest.split_first_chunk().ok_or(Fault::Damaged("it is cut off"))?;
    let version = u32::from_le_bytes(*version);
    if version > VERSION {
        return Err(Fault::Newer(version));
    }
    let (content, checksum) = file.split_last_chunk::<CHECKSUM>().ok_or(Fault::Damaged("it is cut off"))?;
    if crc32fast::hash(content) != u32::from_le_bytes(*checksum) {
        return Err(Fault::Damaged("the checksum does not fit"));
    }
    let mut reader = Reader(content.get(MAGIC.len() + size_of::<u32>()..).unwrap_or_default());
    let is_final = reader.array::<1>()? != [0];
    let taken = UnixNanos(u64::from_le_bytes(reader.array()?));
    let (found_owner, found_format) = (reader.part()?, reader.part()?);
    let state = reader.part()?.to_vec();
    if found_owner != owner.as_bytes() {
        return Err(Fault::OtherOwner(String::from_utf8_lossy(found_owner).into_owned()));
    }
    if found_format != format.as_bytes() {
        return Err(Fault::OtherFormat(String::from_utf8_lossy(found_format).into_owned()));
    }
    Ok(Saved { state, taken, is_final })
}

/// Reads from the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (array, rest) = self.0.split_first_chunk().ok_or(Fault::Damaged("it is cut off"))?;
        self.0 = rest;
        Ok(*array)
    }

    fn part(&mut self) -> Result<&'a [u8], Fault> {
        let length = u64::from_le_bytes(self.array()?);
        let length = usize::try_from(length).map_err(|_| Fault::Damaged("a length is beyond its end"))?;
        let (part, rest) =
            self.0.split_at_checked(length).ok_or(Fault::Damaged("a length is beyond its end"))?;
        self.0 = rest;
        Ok(part)
    }
}
