//! Extension `file_storage`: keeps small state of other components in files, so that they go on where they ended.
//!
//! ```yaml
//! extensions:
//!   file_storage:
//!     directory: /var/lib/weir/file_storage
//! processors:
//!   delta:
//!     storage: file_storage
//! service:
//!   extensions: [file_storage]
//! ```
//!
//! # Files
//! `DIRECTORY/COMPONENT/state`: one directory a component, such as `delta@metrics%2Fhost`. Each save writes `state.new`, waits for the
//! disk, and renames it, so that there is always a whole state, the old or the new ([`write`]). A file says what it is: a
//! version, whose state it holds and what the bytes mean, a checksum of it all ([`mod@file`]). One that is damaged, foreign or newer is
//! renamed to `state.set_aside`, said, and never holds up the start.
//!
//! # What it does not promise
//! A disk that is full or read-only is said, counted (`weir_storage_failures`) and stops nothing: points go on, the state saved last
//! stays, and a restart goes on from there. `DIRECTORY/lock` keeps two processes apart; the second runs without a storage.

mod config;
pub mod file;
mod keeper;
mod write;

use std::{fs::File, sync::Arc};

use async_trait::async_trait;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use weir_core::{ComponentError, Context, Drawer, Extension, ExtensionFactory, Factory, Health};

pub use config::FileStorageConfig;

use keeper::Keeper;
use write::Place;

/// Makes `file_storage` extensions.
#[derive(Debug)]
pub struct FileStorage;

impl Factory for FileStorage {
    type Config = FileStorageConfig;
    const TYPE: &'static str = "file_storage";
    const SUMMARY: &'static str = "keeps state of other components in files, over restarts";
}

impl ExtensionFactory for FileStorage {
    fn build(config: FileStorageConfig, context: Context, _health: Health) -> Box<dyn Extension> {
        context.storages.offer(&context.id);
        Box::new(Storing { config, context, keepers: Vec::new(), _lock: None })
    }
}

struct Storing {
    config: FileStorageConfig,
    context: Context,
    keepers: Vec<Keeper>,
    /// Held as long as the process may write.
    _lock: Option<File>,
}

#[async_trait]
impl Extension for Storing {
    async fn start(&mut self) -> Result<(), ComponentError> {
        let drawers = self.context.storages.drawers(&self.context.id);
        let directory = &self.config.directory;
        match self.lock().await {
            Ok(lock) => self._lock = Some(lock),
            Err(error) => {
                self.context.status.failed(&error);
                tracing::error!(component = %self.context.id, %error, "state is neither read nor saved: Weir runs without it");
                drawers.iter().for_each(Drawer::failed);
                return Ok(());
            }
        }
        tracing::info!(component = %self.context.id, directory = %directory.display(), "state is kept here");
        for drawer in drawers {
            let place = Place::new(directory, drawer.owner(), self.config.mode(), self.config.fsync);
            let mut keeper = Keeper::new(drawer, Arc::new(place), self.context.clone());
            keeper.read().await;
            self.keepers.push(keeper);
        }
        Ok(())
    }

    async fn run(self: Box<Self>, stop: CancellationToken) -> Result<(), ComponentError> {
        let mut tasks = JoinSet::new();
        for keeper in self.keepers {
            tasks.spawn(keeper.run(stop.clone()));
        }
        stop.cancelled().await;
        while let Some(ended) = tasks.join_next().await {
            ended.map_err(|error| ComponentError::Failed(format!("a save was lost: {error}")))?;
        }
        Ok(())
    }
}

impl Storing {
    /// Makes the directory its own; waits for a process that is about to end.
    async fn lock(&self) -> Result<File, write::Error> {
        let FileStorageConfig { directory, create_directory, timeout, .. } = &self.config;
        if *create_directory {
            write::create(directory, self.config.mode())?;
        }
        let clock = &self.context.clock;
        let until = clock.now().plus(timeout.0);
        loop {
            match write::lock(directory) {
                Err(write::Error::InUse(_)) if clock.now() < until => clock.sleep(write::ASK_AGAIN).await,
                outcome => return outcome,
            }
        }
    }
}

#[cfg(test)]
mod tests;
