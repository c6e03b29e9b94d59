//! The task that keeps the state of one component.

use std::{fmt::Display, sync::Arc};

use tokio_util::sync::CancellationToken;
use weir_core::{Context, Drawer, Quiet, Saved};

use super::{
    file,
    write::{Error, Place},
};

pub(super) struct Keeper {
    drawer: Drawer,
    place: Arc<Place>,
    context: Context,
    quiet: Quiet,
}

impl Keeper {
    pub(super) fn new(drawer: Drawer, place: Arc<Place>, context: Context) -> Self {
        Self { drawer, place, context, quiet: Quiet::default() }
    }

    /// Gives the component what its predecessor left. Nothing that stands in the way of that is an error: then it begins anew.
    pub(super) async fn read(&mut self) {
        let bytes = match self.blocking(Place::read).await {
            Ok(None) => return,
            Ok(Some(bytes)) => bytes,
            Err(error @ Error::NoFile(_)) => return self.set_aside(&error).await,
            Err(error) => return self.complain(&error, "state cannot be read: it begins anew"),
        };
        match file::decode(&bytes, self.drawer.owner(), self.drawer.format()) {
            Ok(saved) => {
                if saved.is_final {
                    // From now on it is gone on from: after a crash it must not be taken for an orderly end again.
                    self.save(Saved { is_final: false, ..saved.clone() }).await;
                }
                self.drawer.found(saved);
            }
            Err(fault) => self.set_aside(&fault).await,
        }
    }

    async fn set_aside(&mut self, fault: &(dyn Display + Sync)) {
        self.drawer.failed();
        let file = self.place.file();
        match self.blocking(Place::set_aside).await {
            Ok(aside) => {
                let (file, aside) = (file.display(), aside.display());
                tracing::warn!(component = self.drawer.owner(), %file, %fault, %aside, "state cannot be gone on from: it is set aside and begins anew");
            }
            Err(error) => {
                self.complain(&error, "state cannot be gone on from, nor set aside: it begins anew");
            }
        }
    }

    /// Saves what is due until `stop`, and then the last.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        loop {
            let saved = tokio::select! {
                () = stop.cancelled() => break,
                saved = self.drawer.due() => saved,
            };
            self.save(saved).await;
        }
        if let Some(saved) = self.drawer.due_now() {
            self.save(saved).await;
        }
        if self.drawer.waiting() > 0 {
            tracing::warn!(
                component = self.drawer.owner(),
                "not all points were settled at the end: the state saved before them stays, and they may count twice"
            );
        }
    }

    async fn save(&mut self, saved: Saved) {
        let bytes = file::encode(self.drawer.owner(), self.drawer.format(), &saved);
        match self.blocking(move |place| place.replace(&bytes)).await {
            Ok(()) => {
                self.drawer.saved();
                self.context.status.succeeded();
            }
            Err(error) => self.complain(&error, "state cannot be saved: the one saved before stays"),
        }
    }

    fn complain(&self, error: &Error, what: &str) {
        self.drawer.failed();
        self.context.status.failed(error);
        if let Some(suppressed) = self.quiet.speak(self.context.clock.now()) {
            tracing::error!(component = self.drawer.owner(), %error, suppressed, "{what}");
        }
    }

    /// Where waiting for a disk is allowed.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Place) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let place = Arc::clone(&self.place);
        let done = tokio::task::spawn_blocking(move || work(&place)).await;
        done.unwrap_or_else(|error| Err(Error::Lost(error)))
    }
}
