//! Names and passwords (RFC 7617), as `htpasswd` writes them.

use std::{collections::HashMap, fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use hyper::{HeaderMap, header};
use parking_lot::Mutex;
use subtle::ConstantTimeEq as _;
use tokio::{sync::Semaphore, task::spawn_blocking};

use super::{Denied, bearer::behind};
use crate::reload::{LoadError, Reloaded};

/// Passwords that are hashed at a time. A hash is made to cost: whoever guesses must not take every core.
const HASHING: usize = 1;

/// Checks names and passwords.
#[derive(Debug)]
pub struct Basic {
    users: Arc<Reloaded<Users>>,
    hashing: Semaphore,
}

/// Who is known.
pub struct Users {
    passwords: HashMap<String, Password>,
    /// Passwords that were right before: a hash costs about 50 ms, and every request brings one.
    known: Mutex<HashMap<String, Vec<u8>>>,
}

#[derive(Clone)]
enum Password {
    /// As it is.
    Plain(Vec<u8>),
    /// Hashed by bcrypt (`htpasswd -B`).
    Bcrypt(String),
}

/// How hashes by bcrypt begin. What else begins with `$` or `{` is some other hash, and would be a password for whoever reads it if it
/// were taken as a plain one.
const BCRYPT: [&str; 3] = ["$2y$", "$2a$", "$2b$"];

impl Users {
    /// Reads lines of `name:password`, the password plain or hashed by bcrypt; empty lines and `#` comments are skipped.
    ///
    /// # Errors
    /// A line is none, or nobody is known.
    pub fn of(texts: &[&[u8]]) -> Result<Self, LoadError> {
        let wrong = |what: String| LoadError::Content(what);
        let mut passwords = HashMap::new();
        for text in texts {
            let text =
                std::str::from_utf8(text).map_err(|_| wrong("the passwords are not UTF-8".to_owned()))?;
            let lines = text.lines().map(str::trim).enumerate();
            for (at, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
                let at = at + 1;
                let (name, password) =
                    line.split_once(':').ok_or_else(|| wrong(format!("line {at} is not name:password")))?;
                let hashed = BCRYPT.iter().any(|bcrypt| password.starts_with(bcrypt));
                if !hashed && password.starts_with(['$', '{']) {
                    return Err(wrong(format!(
                        "the hash of `{name}` is not bcrypt: make it with htpasswd -B"
                    )));
                }
                let password = match hashed {
                    true => Password::Bcrypt(password.to_owned()),
                    false => Password::Plain(password.as_bytes().to_vec()),
                };
                passwords.insert(name.to_owned(), password);
            }
        }
        if passwords.is_empty() {
            return Err(wrong("there is no name and password".to_owned()));
        }
        Ok(Self { passwords, known: Mutex::default() })
    }

    /// Whether this is known to be right, without hashing.
    fn knows(&self, name: &str, password: &[u8]) -> bool {
        self.known.lock().get(name).is_some_and(|known| known.ct_eq(password).into())
    }

    /// The slow way. A name that nobody has costs the same as one that somebody has.
    fn verify(&self, name: &str, password: &[u8]) -> bool {
        let found = self.passwords.get(name);
        let right = match found.or_else(|| self.passwords.values().next()) {
            None => false,
            Some(Password::Plain(plain)) => plain.ct_eq(password).into(),
            Some(Password::Bcrypt(hash)) => bcrypt::verify(password, hash).unwrap_or(false),
        };
        let right = right && found.is_some();
        if right {
            self.known.lock().insert(name.to_owned(), password.to_vec());
        }
        right
    }
}

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} users", self.passwords.len())
    }
}

impl Basic {
    /// Takes these names and passwords.
    pub fn new(users: Arc<Reloaded<Users>>) -> Self {
        Self { users, hashing: Semaphore::new(HASHING) }
    }

    pub(super) async fn check(&self, headers: &HeaderMap) -> Result<(), Denied> {
        let denied = |why| Denied { why, challenge: "Basic realm=\"weir\"" };
        let value = headers.get(header::AUTHORIZATION).ok_or(denied("no name and password"))?;
        let (name, password) = behind("Basic", value.as_bytes())
            .and_then(|encoded| BASE64.decode(encoded).ok())
            .and_then(|pair| {
                let colon = pair.iter().position(|byte| *byte == b':')?;
                let name = String::from_utf8(pair[..colon].to_vec()).ok()?;
                Some((name, pair[colon + 1..].to_vec()))
            })
            .ok_or(denied("no name and password that can be read"))?;
        let users = self.users.get();
        if users.knows(&name, &password) {
            return Ok(());
        }
        let _turn = self.hashing.acquire().await;
        let right = spawn_blocking(move || users.verify(&name, &password)).await.unwrap_or(false);
        if right { Ok(()) } else { Err(denied("wrong name or password")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At the lowest cost, so that tests are quick.
    fn hashed(password: &str) -> String {
        bcrypt::hash(password, 4).unwrap()
    }

    fn basic(text: &str) -> Basic {
        let text = text.to_owned();
        let users = Reloaded::load(Vec::new(), move |_| Users::of(&[text.as_bytes()])).unwrap();
        Basic::new(Arc::new(users))
    }

    async fn check(basic: &Basic, pair: &str) -> Result<(), Denied> {
        let value = format!("Basic {}", BASE64.encode(pair)).parse().unwrap();
        basic.check(&[(header::AUTHORIZATION, value)].into_iter().collect()).await
    }

    #[tokio::test]
    async fn plain_and_hashed_passwords_are_checked() {
        let basic = basic(&format!("# people\nada:{}\n\ncharles:en:gine\n", hashed("lovelace")));
        for round in 0..2 {
            assert_eq!(check(&basic, "ada:lovelace").await, Ok(()), "{round}");
            assert_eq!(check(&basic, "charles:en:gine").await, Ok(()), "{round}");
            for bad in ["ada:Lovelace", "ada:", "charles:en", "nobody:lovelace", ":lovelace"] {
                let denied = check(&basic, bad).await.unwrap_err();
                assert_eq!(
                    (denied.to_string().as_str(), denied.challenge),
                    ("wrong name or password", "Basic realm=\"weir\"")
                );
            }
        }
    }

    #[tokio::test]
    async fn what_is_no_pair_is_refused() {
        let basic = basic("ada:lovelace");
        for value in ["Basic", "Basic !!", "Bearer YTpi", "Basic YWRh"] {
            let headers = [(header::AUTHORIZATION, value.parse().unwrap())].into_iter().collect();
            assert!(basic.check(&headers).await.is_err(), "{value}");
        }
        assert_eq!(basic.check(&HeaderMap::new()).await.unwrap_err().to_string(), "no name and password");
    }

    #[test]
    fn lines_that_cannot_be_used_are_named_without_their_secrets() {
        for (text, why) in [
            ("ada", "line 1 is not name:password"),
            ("# a\nada:{SHA}abc", "the hash of `ada` is not bcrypt: make it with htpasswd -B"),
            ("ada:$y$j9T$abc", "the hash of `ada` is not bcrypt: make it with htpasswd -B"),
            ("ada:$apr1$x$y", "the hash of `ada` is not bcrypt: make it with htpasswd -B"),
            ("# nobody", "there is no name and password"),
        ] {
            assert_eq!(Users::of(&[text.as_bytes()]).unwrap_err().to_string(), why);
        }
        let shown = format!("{:?}", basic("ada:lovelace"));
        assert!(!shown.contains("lovelace"), "{shown}");
    }

    /// A vector that implementations of bcrypt test themselves with (crypt_blowfish's `wrapper.c`).
    #[test]
    fn a_hash_of_another_implementation_is_understood() {
        let users = Users::of(&[b"u:$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"]).unwrap();
        assert!(users.verify("u", b"U*U") && !users.verify("u", b"U*V"));
    }
}
