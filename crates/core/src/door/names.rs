//! Names: bytes under a parent, found again by what followed last time, else by their hash; a hit is always verified.
//!
//! The bytes of all names lie one after the other, in the order of their arrival. Who calls them in that order again reads memory
//! from one end to the other, which is what processors fetch ahead of time; and a new name costs no allocation of its own.

use hashbrown::HashTable;

/// No name: the parent of what has none, and the place before the first one.
pub const NONE: u32 = u32::MAX;

/// Room is given back only when there is this many times as much as names: names come and go all the time, and blocks of all
/// sizes that come and go with them would leave holes.
const SLACK: usize = 4;

/// What is known under a name.
#[derive(Debug)]
pub struct Entry<T> {
    start: usize,
    len: u32,
    /// So that an index that grows reads no names.
    hash: u32,
    parent: u32,
    /// The name that followed last time.
    next: u32,
    /// What is known.
    pub value: T,
}

impl<T> Entry<T> {
    /// How many bytes the name has.
    #[expect(clippy::len_without_is_empty, reason = "a name of no bytes is as good as another")]
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// The number of its parent.
    pub fn parent(&self) -> u32 {
        self.parent
    }

    #[inline]
    fn bytes<'a>(&self, texts: &'a [u8]) -> &'a [u8] {
        texts.get(self.start..self.start + self.len()).unwrap_or_default()
    }

    #[inline]
    fn is(&self, parent: u32, bytes: &[u8], texts: &[u8]) -> bool {
        self.parent == parent && *self.bytes(texts) == *bytes
    }
}

/// Names in the order of their arrival, numbered by it.
#[derive(Debug)]
pub struct Names<T> {
    hasher: ahash::RandomState,
    entries: Vec<Entry<T>>,
    /// The names themselves.
    texts: Vec<u8>,
    index: HashTable<u32>,
    /// The name that was found last: where the prediction starts.
    cursor: u32,
}

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self {
            hasher: ahash::RandomState::new(),
            entries: Vec::new(),
            texts: Vec::new(),
            index: HashTable::new(),
            cursor: NONE,
        }
    }
}

impl<T> Names<T> {
    /// All of them, by number.
    pub fn entries(&self) -> &[Entry<T>] {
        &self.entries
    }

    /// The bytes of a name.
    pub fn bytes_of(&self, entry: &Entry<T>) -> &[u8] {
        entry.bytes(&self.texts)
    }

    /// The memory that the names take, in bytes.
    pub fn bytes(&self) -> u64 {
        (self.texts.len() + self.entries.len() * size_of::<Entry<T>>()) as u64
    }

    /// What is known under a name, to change.
    pub fn value_mut(&mut self, at: u32) -> Option<&mut T> {
        self.entries.get_mut(at as usize).map(|entry| &mut entry.value)
    }

    /// Begins again: what came first last time is expected next.
    pub fn rewind(&mut self) {
        self.cursor = NONE;
    }

    fn predicted(&self) -> u32 {
        self.entries.get(self.cursor as usize).map_or(0, |last| last.next)
    }

    /// The name that followed last time, if it is under `parent` and `bytes` begin with it.
    #[inline]
    pub fn predict(&self, parent: u32, bytes: &[u8]) -> Option<(u32, &Entry<T>)> {
        let at = self.predicted();
        let entry = self.entries.get(at as usize)?;
        (entry.parent == parent && bytes.starts_with(entry.bytes(&self.texts))).then_some((at, entry))
    }

    /// The number of a name.
    #[inline]
    pub fn find(&mut self, parent: u32, bytes: &[u8]) -> Option<u32> {
        let predicted = self.predicted();
        let entry = self.entries.get(predicted as usize);
        if entry.is_some_and(|entry| entry.is(parent, bytes, &self.texts)) {
            self.cursor = predicted;
            return Some(predicted);
        }
        let at = self.look_up(parent, bytes)?;
        self.follow(at);
        Some(at)
    }

    fn look_up(&self, parent: u32, bytes: &[u8]) -> Option<u32> {
        let hash = spread(self.hash(parent, bytes));
        self.index.find(hash, |at| self.entries[*at as usize].is(parent, bytes, &self.texts)).copied()
    }

    fn hash(&self, parent: u32, bytes: &[u8]) -> u32 {
        self.hasher.hash_one((parent, bytes)) as u32
    }

    /// Goes on from a name that was predicted.
    #[inline]
    pub fn advance(&mut self, at: u32) {
        self.cursor = at;
    }

    /// Remembers that `at` came after the last one.
    fn follow(&mut self, at: u32) {
        if let Some(last) = self.entries.get_mut(self.cursor as usize) {
            last.next = at;
        }
        self.cursor = at;
    }

    /// Takes a name in that is not known yet.
    pub fn insert(&mut self, parent: u32, bytes: &[u8], value: T) -> u32 {
        let at = self.entries.len() as u32;
        let (start, len, hash) = (self.texts.len(), bytes.len() as u32, self.hash(parent, bytes));
        self.texts.extend_from_slice(bytes);
        self.entries.push(Entry { start, len, hash, parent, next: at + 1, value });
        self.enter(at);
        self.follow(at);
        at
    }

    fn enter(&mut self, at: u32) {
        let entries = &self.entries;
        let hash = |at: &u32| spread(entries[*at as usize].hash);
        self.index.insert_unique(hash(&at), at, hash);
    }

    /// Keeps the names for which `parent_of` has an answer, each under that parent; answers their new numbers by the old.
    /// `parent_of` is told the numbers so far, which are those of parents.
    pub fn keep(&mut self, mut parent_of: impl FnMut(usize, &Entry<T>, &Numbers) -> Option<u32>) -> Numbers {
        let mut numbers = Numbers::default();
        let Self { hasher, entries, texts, .. } = self;
        let (mut at, mut kept, mut end) = (0, 0, 0);
        entries.retain_mut(|entry| {
            let parent = parent_of(at, entry, &numbers);
            at += 1;
            let Some(parent) = parent else {
                numbers.push(NONE);
                return false;
            };
            numbers.push(kept);
            kept += 1;
            // Those before it take no more room than they did.
            texts.copy_within(entry.start..entry.start + entry.len(), end);
            entry.start = end;
            end += entry.len();
            if entry.parent != parent {
                entry.parent = parent;
                entry.hash = hasher.hash_one((parent, entry.bytes(texts))) as u32;
            }
            entry.next = kept;
            true
        });
        texts.truncate(end);
        self.index.clear();
        if self.entries.len() < self.entries.capacity() / SLACK {
            self.entries.shrink_to(self.entries.len() * 2);
            self.index = HashTable::with_capacity(self.entries.len() * 2);
        }
        // Also where there are as many names as before, but short ones.
        if self.texts.len() < self.texts.capacity() / SLACK {
            self.texts.shrink_to(self.texts.len() * 2);
        }
        (0..kept).for_each(|at| self.enter(at));
        self.rewind();
        numbers
    }
}

/// The hash of the index, which looks at both ends of it.
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

/// New numbers of names by their old ones.
#[derive(Debug, Default)]
pub struct Numbers(Vec<u32>);

impl Numbers {
    pub(super) fn push(&mut self, new: u32) {
        self.0.push(new);
    }

    /// The new number of what was `old`; [`NONE`] where it is gone.
    pub fn new_of(&self, old: u32) -> u32 {
        self.0.get(old as usize).copied().unwrap_or(NONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_in_place_of_long_ones_take_no_more_memory_than_they_need() {
        let mut names = Names::default();
        for at in 0..1000 {
            names.insert(NONE, format!("{at:0600}").as_bytes(), false);
        }
        for at in 0..1000 {
            names.insert(NONE, format!("{at:06}").as_bytes(), true);
        }
        names.keep(|_, entry, _| entry.value.then_some(NONE));
        assert!(names.texts.capacity() <= 4 * 6000, "{} bytes", names.texts.capacity());
        assert_eq!(names.find(NONE, b"000999"), Some(999));
    }
}
