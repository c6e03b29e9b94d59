//! Who may ask: bearer tokens and passwords, compared in a time that does not depend on where they differ.

pub mod basic;
pub mod bearer;

use hyper::HeaderMap;

use self::{basic::Basic, bearer::Bearer};

/// Checks the clients of a listener.
#[derive(Debug)]
pub enum Authenticator {
    /// By a token.
    Bearer(Bearer),
    /// By a name and a password.
    Basic(Basic),
}

/// Why a client may not ask. It says nothing of what would have been right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Denied {
    why: &'static str,
    /// What `WWW-Authenticate` asks for.
    pub challenge: &'static str,
}

impl Authenticator {
    /// Checks the headers of a request.
    ///
    /// # Errors
    /// The client may not ask.
    pub async fn check(&self, headers: &HeaderMap) -> Result<(), Denied> {
        match self {
            Self::Bearer(bearer) => bearer.check(headers),
            Self::Basic(basic) => basic.check(headers).await,
        }
    }
}
