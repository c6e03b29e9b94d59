//! What a section shows of itself: `http_headers`, `basic_auth`, `authorization`. Files are read again when they change.

use std::path::PathBuf;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hyper::{
    HeaderMap,
    header::{AUTHORIZATION, HeaderName, HeaderValue},
};
use weir_config::Secret;
use weir_net::{LoadError, Reloaded};

use crate::prometheus::config::{Authorization, BasicAuth, HeaderValues, HttpConfig};

/// Reads the files, and makes headers of them and of what is written down.
pub(super) fn load(config: &HttpConfig<'_>) -> Result<Reloaded<HeaderMap>, LoadError> {
    let (basic, token) = (config.basic_auth.cloned(), config.authorization.cloned());
    let more: Vec<(String, HeaderValues)> =
        config.headers.iter().map(|(name, values)| (name.clone(), values.clone())).collect();
    let mut files: Vec<PathBuf> = Vec::new();
    if let Some(BasicAuth { username_file, password_file, .. }) = &basic {
        files.extend(username_file.iter().chain(password_file).cloned());
    }
    if let Some(Authorization { credentials_file, .. }) = &token {
        files.extend(credentials_file.iter().cloned());
    }
    files.extend(more.iter().flat_map(|(_, values)| values.files.iter().cloned()));
    Reloaded::load(files, move |contents| {
        let mut contents = contents.iter();
        let mut headers = HeaderMap::new();
        if let Some(basic) = &basic {
            let user =
                value_of(&Secret::new(basic.username.clone()), basic.username_file.as_ref(), &mut contents)?;
            let password = value_of(&basic.password, basic.password_file.as_ref(), &mut contents)?;
            let shown = BASE64_STANDARD.encode(format!("{user}:{password}"));
            headers.insert(AUTHORIZATION, secret(&format!("Basic {shown}"), "basic_auth")?);
        }
        if let Some(token) = &token {
            let credentials = value_of(&token.credentials, token.credentials_file.as_ref(), &mut contents)?;
            let shown = format!("{} {credentials}", token.scheme.trim());
            headers.insert(AUTHORIZATION, secret(&shown, "authorization")?);
        }
        for (name, values) in &more {
            let header = HeaderName::try_from(name.as_str())
                .map_err(|_| LoadError::Content(format!("`{name}` is no name of a header")))?;
            for value in &values.values {
                headers.append(&header, secret(value, name)?);
            }
            for value in &values.secrets {
                headers.append(&header, secret(value.expose(), name)?);
            }
            for (_, content) in values.files.iter().zip(&mut contents) {
                headers.append(&header, secret(&text(content, name)?, name)?);
            }
        }
        Ok(headers)
    })
}

/// A value that is written down, or the next file's.
pub(super) fn value_of<'c>(
    value: &Secret,
    file: Option<&PathBuf>,
    contents: &mut impl Iterator<Item = &'c Vec<u8>>,
) -> Result<String, LoadError> {
    match (file, file.and_then(|_| contents.next())) {
        (Some(file), Some(content)) => text(content, &file.display().to_string()),
        _ => Ok(value.expose().to_owned()),
    }
}

/// Editors end files with a newline, which is no part of a secret.
fn text(content: &[u8], what: &str) -> Result<String, LoadError> {
    let text = std::str::from_utf8(content);
    let text = text.map_err(|_| LoadError::Content(format!("{what} holds something else than text")))?;
    Ok(text.trim().to_owned())
}

/// A value that is not shown in logs.
pub(super) fn secret(value: &str, what: &str) -> Result<HeaderValue, LoadError> {
    let mut header = HeaderValue::try_from(value)
        .map_err(|_| LoadError::Content(format!("{what} holds what a header cannot")))?;
    header.set_sensitive(true);
    Ok(header)
}
