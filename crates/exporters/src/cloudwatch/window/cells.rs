//! Where a period keeps what its series did.

use std::collections::HashMap;

use weir_core::{PerSeries, SeriesId};

use super::Cell;

/// A cell a series.
#[derive(Debug)]
pub(super) enum Cells {
    /// Of the period that is under way and of the next: most series have points in them.
    Dense(PerSeries<Cell>),
    /// Of a period that is over, or far ahead. Its memory follows its points: a batch may bring a point in each of thousands of
    /// such periods, and a [`PerSeries`] has a page and a directory for one.
    Sparse(HashMap<SeriesId, Cell, ahash::RandomState>),
}

impl Cells {
    /// The cell of `series`.
    #[inline]
    pub(super) fn of(&mut self, series: SeriesId) -> &mut Cell {
        match self {
            Self::Dense(cells) => cells.get_or_insert_with(series, Cell::default),
            Self::Sparse(cells) => cells.entry(series).or_default(),
        }
    }

    /// Gives away what the cells hold, in the order of the series; answers the cells for the next period, empty but allocated, if
    /// they are worth it. A cell that met no point in the whole period makes room.
    pub(super) fn take(self, mut to: impl FnMut(SeriesId, Cell)) -> Option<PerSeries<Cell>> {
        match self {
            Self::Dense(mut cells) => {
                cells.retain(|id, cell| {
                    let is_used = cell.points > 0;
                    if is_used {
                        to(id, std::mem::take(cell));
                    }
                    is_used
                });
                Some(cells)
            }
            Self::Sparse(cells) => {
                let mut used: Vec<_> = cells.into_iter().filter(|(_, cell)| cell.points > 0).collect();
                used.sort_unstable_by_key(|(id, _)| *id);
                used.into_iter().for_each(|(id, cell)| to(id, cell));
                None
            }
        }
    }

    /// How many cells there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Dense(cells) => cells.len(),
            Self::Sparse(cells) => cells.len(),
        }
    }
}
