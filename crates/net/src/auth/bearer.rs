//! Bearer tokens (RFC 6750).

use std::{fmt, sync::Arc};

use hyper::{HeaderMap, header::HeaderName};
use subtle::{Choice, ConstantTimeEq as _};
use weir_config::Secret;

use super::Denied;
use crate::reload::{LoadError, Reloaded};

/// Checks tokens.
#[derive(Debug)]
pub struct Bearer {
    header: HeaderName,
    /// What stands before the token; nothing where it stands alone.
    scheme: String,
    tokens: Arc<Reloaded<Tokens>>,
}

/// The tokens that are good.
pub struct Tokens(Vec<Secret>);

impl Tokens {
    /// Those of a file, a line each, or those of `configured`.
    ///
    /// # Errors
    /// There is none: everybody would be refused.
    pub fn of(configured: &[Secret], files: &[Vec<u8>]) -> Result<Self, LoadError> {
        let mut tokens = configured.to_vec();
        for file in files {
            let text = std::str::from_utf8(file)
                .map_err(|_| LoadError::Content("the tokens are not UTF-8".to_owned()))?;
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            tokens.extend(lines.map(Secret::new));
        }
        tokens.retain(|token| !token.is_empty());
        if tokens.is_empty() {
            return Err(LoadError::Content("there is no token".to_owned()));
        }
        Ok(Self(tokens))
    }

    /// Every token is compared, so that the time tells nothing but their lengths.
    fn hold(&self, token: &[u8]) -> bool {
        let found =
            self.0.iter().fold(Choice::from(0), |found, good| found | good.expose().as_bytes().ct_eq(token));
        found.into()
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tokens", self.0.len())
    }
}

impl Bearer {
    /// Takes tokens in `header`, behind `scheme`.
    pub fn new(header: HeaderName, scheme: &str, tokens: Arc<Reloaded<Tokens>>) -> Self {
        Self { header, scheme: scheme.trim().to_owned(), tokens }
    }

    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), Denied> {
        let denied = |why| Denied { why, challenge: "Bearer" };
        let value = headers.get(&self.header).ok_or(denied("no token"))?.as_bytes();
        let token = behind(&self.scheme, value).ok_or(denied("no token of the right scheme"))?;
        if self.tokens.get().hold(token) { Ok(()) } else { Err(denied("wrong token")) }
    }
}

/// What stands behind the scheme, which is the same in any case (RFC 9110, 11.1).
pub(super) fn behind<'v>(scheme: &str, value: &'v [u8]) -> Option<&'v [u8]> {
    if scheme.is_empty() {
        return Some(value.trim_ascii());
    }
    let (found, rest) = value.split_at_checked(scheme.len())?;
    let is_scheme = found.eq_ignore_ascii_case(scheme.as_bytes()) && rest.first() == Some(&b' ');
    is_scheme.then(|| rest.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(scheme: &str, tokens: &[&str], file: &str) -> Bearer {
        let tokens: Vec<_> = tokens.iter().copied().map(Secret::new).collect();
        let tokens = Tokens::of(&tokens, &[file.as_bytes().to_vec()]).unwrap();
        let tokens = Reloaded::load(Vec::new(), move |_| Ok(Tokens(tokens.0.clone()))).unwrap();
        Bearer::new(hyper::header::AUTHORIZATION, scheme, Arc::new(tokens))
    }

    fn headers(value: &str) -> HeaderMap {
        [(hyper::header::AUTHORIZATION, value.parse().unwrap())].into_iter().collect()
    }

    #[test]
    fn any_of_the_tokens_is_good_and_nothing_else() {
        let bearer = bearer("Bearer", &["one"], "two\n\n  three \n");
        for good in ["Bearer one", "bearer two", "BEARER  three "] {
            assert_eq!(bearer.check(&headers(good)), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("Bearer on", "wrong token"),
            ("Bearer one1", "wrong token"),
            ("Bearer ", "wrong token"),
            ("Basic one", "no token of the right scheme"),
            ("Bearerone", "no token of the right scheme"),
            ("one", "no token of the right scheme"),
        ] {
            assert_eq!(bearer.check(&headers(bad)).unwrap_err().to_string(), why, "{bad}");
        }
        assert_eq!(bearer.check(&HeaderMap::new()).unwrap_err().to_string(), "no token");
    }

    #[test]
    fn without_a_scheme_the_token_stands_alone() {
        let bearer = bearer("", &["one"], "");
        assert_eq!(bearer.check(&headers("one")), Ok(()));
        assert!(bearer.check(&headers("Bearer one")).is_err());
    }

    #[test]
    fn no_token_at_all_is_an_error_and_none_is_shown() {
        assert!(Tokens::of(&[Secret::new("")], &[b" \n".to_vec()]).is_err());
        assert!(Tokens::of(&[], &[vec![0xff]]).is_err());
        let shown = format!("{:?}", bearer("Bearer", &["hunter2"], ""));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
