//! Names: bytes under a parent, found again by what followed last time, else by their hash; a hit is always verified.

use hashbrown::HashTable;

/// No name: the parent of what has none, and the place before the first one.
pub const NONE: u32 = u32::MAX;

/// Room is given back only when there is this many times as much as names: names come and go all the time, and blocks of all
/// sizes that come and go with them would leave holes.
const SLACK: usize = 4;

/// What is known under a name.
#[derive(Debug)]
pub struct Entry<T> {
    bytes: Box<[u8]>,
    parent: u32,
    /// The name that followed last time.
    next: u32,
    /// What is known.
    pub value: T,
}

impl<T> Entry<T> {
    /// The name.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The number of its parent.
    pub fn parent(&self) -> u32 {
        self.parent
    }

    #[inline]
    fn is(&self, parent: u32, bytes: &[u8]) -> bool {
        self.parent == parent && *self.bytes == *bytes
    }
}

/// Names in the order of their arrival, numbered by it.
#[derive(Debug)]
pub struct Names<T> {
    hasher: ahash::RandomState,
    entries: Vec<Entry<T>>,
    index: HashTable<u32>,
    /// The name that was found last: where the prediction starts.
    cursor: u32,
    bytes: u64,
}

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self {
            hasher: ahash::RandomState::new(),
            entries: Vec::new(),
            index: HashTable::new(),
            cursor: NONE,
            bytes: 0,
        }
    }
}

impl<T> Names<T> {
    /// All of them, by number.
    pub fn entries(&self) -> &[Entry<T>] {
        &self.entries
    }

    /// The memory that the names take, in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
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
        (entry.parent == parent && bytes.starts_with(&entry.bytes)).then_some((at, entry))
    }

    /// The number of a name.
    #[inline]
    pub fn find(&mut self, parent: u32, bytes: &[u8]) -> Option<u32> {
        let predicted = self.predicted();
        if self.entries.get(predicted as usize).is_some_and(|entry| entry.is(parent, bytes)) {
            self.cursor = predicted;
            return Some(predicted);
        }
        let at = self.look_up(parent, bytes)?;
        self.follow(at);
        Some(at)
    }

    fn look_up(&self, parent: u32, bytes: &[u8]) -> Option<u32> {
        let hash = self.hasher.hash_one((parent, bytes));
        self.index.find(hash, |at| self.entries[*at as usize].is(parent, bytes)).copied()
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
        self.bytes += Self::weight(bytes);
        self.entries.push(Entry { bytes: bytes.into(), parent, next: at + 1, value });
        self.enter(at);
        self.follow(at);
        at
    }

    fn weight(bytes: &[u8]) -> u64 {
        (bytes.len() + size_of::<Entry<T>>()) as u64
    }

    fn enter(&mut self, at: u32) {
        let (hasher, entries) = (&self.hasher, &self.entries);
        let hash = |at: &u32| {
            let entry = &entries[*at as usize];
            hasher.hash_one((entry.parent, &*entry.bytes))
        };
        self.index.insert_unique(hash(&at), at, hash);
    }

    /// Keeps the names for which `parent_of` has an answer, each under that parent; answers their new numbers by the old.
    /// `parent_of` is told the numbers so far, which are those of parents.
    pub fn keep(&mut self, mut parent_of: impl FnMut(usize, &Entry<T>, &Numbers) -> Option<u32>) -> Numbers {
        let mut numbers = Numbers::default();
        let (mut at, mut kept, mut bytes) = (0, 0, 0);
        self.entries.retain_mut(|entry| {
            let parent = parent_of(at, entry, &numbers);
            at += 1;
            let Some(parent) = parent else {
                numbers.push(NONE);
                return false;
            };
            numbers.push(kept);
            kept += 1;
            (entry.parent, entry.next) = (parent, kept);
            bytes += Self::weight(&entry.bytes);
            true
        });
        self.bytes = bytes;
        self.index.clear();
        if self.entries.len() < self.entries.capacity() / SLACK {
            self.entries.shrink_to(self.entries.len() * 2);
            self.index = HashTable::with_capacity(self.entries.len() * 2);
        }
        (0..kept).for_each(|at| self.enter(at));
        self.rewind();
        numbers
    }
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
