//! What the lines of a target stand for.

use weir_core::Names;

/// The lines of a target: metadata whole, samples up to their value, each under the family in force.
pub(super) type Lines = Names<Known>;

/// How many lines are remembered of a target at most. Beyond them lines are read anew each time: samples that are left out, and help
/// that is another in every scrape, must not be what fills the memory.
pub(super) const MAX_LINES: usize = 1 << 20;

/// A line that came before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) role: Role,
    /// The last scrape that it was in.
    pub(super) seen: u32,
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Metadata: after it this family is in force.
    Family(u32),
    /// The value of a number: its place in the table.
    Number(u32),
    /// When a number began to count: its place in the table.
    Created(u32),
    /// A histogram's bucket, or a summary's quantile.
    Cell {
        /// Which assembly.
        assembly: u32,
        /// Which of its cells.
        cell: u32,
    },
    /// A sum.
    Sum(u32),
    /// A count.
    Count(u32),
    /// When an assembly began to count.
    AssemblyCreated(u32),
    /// A native histogram, whole: its place in the table.
    Native(u32),
    /// Relabelling leaves it out.
    LeftOut,
    /// A gauge histogram's.
    GaugeHistogram,
    /// Nothing more is done with it.
    Done,
}

impl Role {
    /// The place in the table that it needs.
    pub(super) fn place(self) -> Option<u32> {
        match self {
            Self::Number(at) | Self::Created(at) | Self::Native(at) => Some(at),
            _ => None,
        }
    }

    /// The assembly that it needs.
    pub(super) fn assembly(self) -> Option<u32> {
        match self {
            Self::Cell { assembly, .. }
            | Self::Sum(assembly)
            | Self::Count(assembly)
            | Self::AssemblyCreated(assembly) => Some(assembly),
            _ => None,
        }
    }
}
