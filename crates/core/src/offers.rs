//! What extensions offer to other components: an authenticator, say. Core does not know what it is; who offers and who asks agree on
//! a type.

use std::{any::Any, collections::HashMap, fmt, sync::Arc};

use parking_lot::Mutex;

/// The offers of all extensions, by their ids. Extensions are built before everything else, and offer when they are.
#[derive(Clone, Default)]
pub struct Offers(Arc<Mutex<HashMap<Arc<str>, Offer>>>);

type Offer = Arc<dyn Any + Send + Sync>;

impl Offers {
    /// Offers `what` under the extension's id.
    pub fn offer<T: Any + Send + Sync>(&self, id: &Arc<str>, what: Arc<T>) {
        self.0.lock().insert(Arc::clone(id), what);
    }

    /// What the extension `id` offers; `None` where it offers nothing of this type.
    pub fn get<T: Any + Send + Sync>(&self, id: &str) -> Option<Arc<T>> {
        let offer = self.0.lock().get(id).cloned()?;
        offer.downcast().ok()
    }
}

impl fmt::Debug for Offers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.lock().keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_is_found_by_its_id_and_type() {
        let offers = Offers::default();
        offers.offer(&Arc::from("a"), Arc::new(7_u32));
        assert_eq!(offers.get::<u32>("a").as_deref(), Some(&7));
        assert_eq!(offers.get::<u64>("a"), None);
        assert_eq!(offers.get::<u32>("b"), None);
    }
}
