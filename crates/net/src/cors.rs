//! Pages of browsers that may ask (Fetch standard, "CORS protocol").

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    header::{self, HeaderValue},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::Check;

/// Pages that may send from a browser.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Cors {
    /// Where they may come from, such as `https://shop.example.com`; a `*` stands for any text.
    pub allowed_origins: Vec<String>,
    /// Headers that they may send beside the usual; `*` for any.
    pub allowed_headers: Vec<String>,
    /// Headers of the answer that they may see.
    pub exposed_headers: Vec<String>,
    /// How long a browser may remember the answer to its question, in seconds; 0 leaves it to the browser.
    pub max_age: u32,
}

/// Headers that a page may always send, as the Collector has them.
const USUAL: [&str; 3] = ["accept", "content-type", "x-requested-with"];

impl Cors {
    /// Reports values that would be no headers. `check` is of the section `cors`.
    pub fn check(&self, check: &mut Check<'_>) {
        for (key, names) in
            [("allowed_headers", &self.allowed_headers), ("exposed_headers", &self.exposed_headers)]
        {
            for (at, name) in names.iter().enumerate() {
                if name.parse::<header::HeaderName>().is_err() {
                    check.error(&[key, &at.to_string()], format!("`{name}` is not the name of a header"));
                }
            }
        }
    }

    /// The answer to the question whether a page may send; `None` for any other request.
    pub fn preflight<B>(&self, request: &Request<B>) -> Option<Response<Full<Bytes>>> {
        let asked = request.headers();
        if request.method() != Method::OPTIONS || !asked.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
            return None;
        }
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        let varies = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";
        headers.insert(header::VARY, HeaderValue::from_static(varies));
        if let Some(origin) = self.origin(asked)
            && let Some(wanted) = self.headers(asked)
        {
            let_in(origin, headers);
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
            if !wanted.is_empty() {
                headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted);
            }
            if self.max_age > 0 {
                headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from(self.max_age));
            }
        }
        Some(response)
    }

    /// Lets the page see the answer to a request with the headers `asked`, if it may.
    pub fn allow(&self, asked: &HeaderMap, answer: &mut HeaderMap) {
        answer.append(header::VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = self.origin(asked) else { return };
        let_in(origin, answer);
        if !self.exposed_headers.is_empty()
            && let Ok(exposed) = HeaderValue::from_str(&self.exposed_headers.join(", "))
        {
            answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        }
    }

    /// What a browser is told of the page's origin, if it may send.
    fn origin(&self, asked: &HeaderMap) -> Option<HeaderValue> {
        let origin = asked.get(header::ORIGIN)?;
        let text = origin.to_str().ok()?.to_ascii_lowercase();
        if self.allowed_origins.iter().any(|allowed| allowed == "*") {
            return Some(HeaderValue::from_static("*"));
        }
        let allowed =
            self.allowed_origins.iter().any(|allowed| matches(&allowed.to_ascii_lowercase(), &text));
        allowed.then(|| origin.clone())
    }

    /// The headers that the page asks for; `None` if it may not send one of them.
    fn headers(&self, asked: &HeaderMap) -> Option<HeaderValue> {
        let Some(wanted) = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS) else {
            return Some(HeaderValue::from_static(""));
        };
        let any = self.allowed_headers.iter().any(|allowed| allowed == "*");
        let may = |name: &str| {
            any || USUAL.iter().any(|usual| usual.eq_ignore_ascii_case(name))
                || self.allowed_headers.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
        };
        let names = wanted.to_str().ok()?.split(',').map(str::trim).filter(|name| !name.is_empty());
        let all = names.into_iter().all(may);
        all.then(|| wanted.clone())
    }
}

/// Tells a browser that pages of `origin` may, with credentials too where the origin is named: a beacon (`navigator.sendBeacon`)
/// always asks for these, and is not let through without. Beside a star they are not allowed (Fetch standard).
fn let_in(origin: HeaderValue, answer: &mut HeaderMap) {
    if origin != "*" {
        answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
}

/// Whether `text` is what `pattern` says, where a `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cors() -> Cors {
        Cors {
            allowed_origins: vec!["https://shop.example.com".to_owned(), "https://*.example.org".to_owned()],
            allowed_headers: vec!["X-Tenant".to_owned()],
            exposed_headers: vec!["Retry-After".to_owned()],
            max_age: 600,
        }
    }

    fn preflight(cors: &Cors, origin: &str, headers: &str) -> HeaderMap {
        let request = Request::options("/v1/metrics")
            .header(header::ORIGIN, origin)
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
            .header(header::ACCESS_CONTROL_REQUEST_HEADERS, headers);
        let response = cors.preflight(&request.body(()).unwrap()).unwrap();
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
        response.headers().clone()
    }

    #[test]
    fn a_page_that_may_send_is_told_so_and_another_is_told_nothing() {
        for origin in ["https://shop.example.com", "https://a.b.example.org", "HTTPS://Shop.example.com"] {
            let told = preflight(&cors(), origin, "content-type, x-tenant");
            assert_eq!(told[header::ACCESS_CONTROL_ALLOW_ORIGIN], origin);
            assert_eq!(told[header::ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
            assert_eq!(told[header::ACCESS_CONTROL_ALLOW_METHODS], "POST");
            assert_eq!(told[header::ACCESS_CONTROL_ALLOW_HEADERS], "content-type, x-tenant");
            assert_eq!(told[header::ACCESS_CONTROL_MAX_AGE], "600");
        }
        for (origin, headers) in [
            ("https://evil.example.com", "content-type"),
            ("https://example.org", "content-type"),
            ("https://shop.example.com.evil.net", "content-type"),
            ("https://a.example.org.evil.net", "content-type"),
            ("https://shop.example.com", "x-other"),
        ] {
            let told = preflight(&cors(), origin, headers);
            for told_of in [header::ACCESS_CONTROL_ALLOW_ORIGIN, header::ACCESS_CONTROL_ALLOW_CREDENTIALS] {
                assert!(!told.contains_key(&told_of), "{told_of} for {origin} {headers}");
            }
        }
    }

    #[test]
    fn what_is_no_question_is_not_answered_as_one() {
        let request =
            Request::options("/").header(header::ORIGIN, "https://shop.example.com").body(()).unwrap();
        assert!(cors().preflight(&request).is_none());
        let request =
            Request::post("/").header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST").body(()).unwrap();
        assert!(cors().preflight(&request).is_none());
    }

    #[test]
    fn the_answer_itself_may_be_seen_by_the_page() {
        let asked: HeaderMap =
            [(header::ORIGIN, "https://shop.example.com".parse().unwrap())].into_iter().collect();
        let mut answer = HeaderMap::new();
        cors().allow(&asked, &mut answer);
        assert_eq!(answer[header::ACCESS_CONTROL_ALLOW_ORIGIN], "https://shop.example.com");
        assert_eq!(answer[header::ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
        assert_eq!(answer[header::ACCESS_CONTROL_EXPOSE_HEADERS], "Retry-After");
        let any = Cors { allowed_origins: vec!["*".to_owned()], ..Cors::default() };
        let mut answer = HeaderMap::new();
        any.allow(&asked, &mut answer);
        assert_eq!(answer[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        assert!(!answer.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, fits) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*b", "ab", true),
            ("a*c*e", "abcde", true),
            ("a*c*e", "abde", false),
            ("ab*b", "ab", false),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }
}
