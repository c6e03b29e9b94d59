//! Labels, as relabelling sees them.

/// The label that a metric's name is in.
pub const NAME: &str = "__name__";

/// Labels sorted by name, each name once, none with an empty value: to Prometheus an empty label is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Labels(Vec<(Box<str>, Box<str>)>);

impl Labels {
    /// No labels.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of a label; empty where there is none.
    pub fn get(&self, name: &str) -> &str {
        self.find(name).map_or("", |at| &self.0[at].1)
    }

    /// Whether there is such a label.
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_ok()
    }

    /// Sets a label; an empty value removes it.
    pub fn set(&mut self, name: &str, value: &str) {
        match (self.find(name), value.is_empty()) {
            (Ok(at), true) => _ = self.0.remove(at),
            (Ok(at), false) => self.0[at].1 = value.into(),
            (Err(at), false) => self.0.insert(at, (name.into(), value.into())),
            (Err(_), true) => {}
        }
    }

    /// Removes a label.
    pub fn remove(&mut self, name: &str) {
        self.set(name, "");
    }

    /// Keeps the labels for which `keep(name, value)` is true.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &str) -> bool) {
        self.0.retain(|(name, value)| keep(name, value));
    }

    /// Names and values, in the order of names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// How many labels there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(key, _)| (**key).cmp(name))
    }
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Labels {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(labels: I) -> Self {
        let mut all = Self::new();
        labels.into_iter().for_each(|(name, value)| all.set(name.as_ref(), value.as_ref()));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_sorted_and_an_empty_one_is_none() {
        let mut labels: Labels = [("b", "2"), ("a", "1"), ("c", ""), ("b", "3")].into_iter().collect();
        assert_eq!(labels.iter().collect::<Vec<_>>(), [("a", "1"), ("b", "3")]);
        labels.set("a", "");
        labels.set("0", "x");
        assert_eq!(labels.iter().collect::<Vec<_>>(), [("0", "x"), ("b", "3")]);
        assert_eq!((labels.get("a"), labels.has("a"), labels.has("b")), ("", false, true));
        labels.retain(|name, _| name != "b");
        assert_eq!(labels.len(), 1);
    }
}
