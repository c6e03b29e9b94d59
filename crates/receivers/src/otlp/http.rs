//! OTLP over HTTP: protobuf or JSON, and the answer in the same.

use std::{sync::Arc, time::Duration};

use http_body_util::{BodyExt as _, Full};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::Incoming,
    header::{self, HeaderValue},
};
use prost::{Message as _, bytes::Bytes};
use tokio::time::timeout;
use weir_net::{Authenticator, Cors, Encoding};

use super::{
    answer::{self, NotTakenIn},
    arrival,
    intake::Intake,
    json,
    metadata::Metadata,
    refusals::Refusals,
};

const LIMIT: &str = "max_request_body_size";
/// How long a body that is not wanted is read over, so that its sender hears why: HTTP/1.1 clients look for an answer when
/// they have sent everything, and a connection that is closed before may take the answer with it.
const READ_OVER: Duration = Duration::from_secs(5);

/// The HTTP service of the receiver.
pub(super) struct HttpService {
    pub(super) intake: Arc<Intake>,
    /// Where metrics are posted.
    pub(super) path: String,
    /// The largest body in bytes, compressed or not.
    pub(super) max_body: usize,
    /// How long a body may take to arrive.
    pub(super) read_timeout: Duration,
    /// Who checks senders, if anyone does.
    pub(super) auth: Option<Arc<Authenticator>>,
    /// Pages that may send.
    pub(super) cors: Option<Cors>,
    pub(super) metadata: Metadata,
}

impl HttpService {
    pub(super) async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Full<Bytes>> {
        if let Some(answer) = self.cors.as_ref().and_then(|cors| cors.preflight(&request)) {
            return answer;
        }
        let content = Content::of(request.headers());
        let (head, mut body) = request.into_parts();
        let head = Request::from_parts(head, ());
        let mut answer = match self.export(&head, &mut body).await {
            Ok(refused) => content.taken(&refused),
            Err(error) => {
                // Who was too slow once would only be waited for again.
                if !matches!(error, NotTakenIn::TooSlow(_)) {
                    self.read_over(body).await;
                }
                content.not_taken(&error)
            }
        };
        if let Some(cors) = &self.cors {
            cors.allow(head.headers(), answer.headers_mut());
        }
        answer
    }

    async fn export(&self, head: &Request<()>, body: &mut Incoming) -> Result<Refusals, NotTakenIn> {
        self.check(head)?;
        self.intake.allow(self.auth.as_deref(), head.headers()).await?;
        let (content, encoding) = (Content::asked(head.headers())?, encoding(head.headers())?);
        let peer = self.metadata.peer(head);
        let output = self.intake.admit()?;
        let mut held = self.intake.room.enter();
        let arrival = arrival::whole(body, self.max_body, LIMIT, &mut held);
        let body = self.intake.arriving(self.read_timeout, arrival).await?;
        let body =
            encoding.decompress(body, self.max_body).map_err(|error| NotTakenIn::body(error, LIMIT))?;
        let body = match content {
            Content::Json => json::to_protobuf(&body, self.max_body)
                .map_err(|error| NotTakenIn::json(error, LIMIT))?
                .into(),
            Content::Protobuf | Content::Other => body,
        };
        self.intake.take_in(body, held, peer.as_ref(), output).await
    }

    fn check(&self, head: &Request<()>) -> Result<(), NotTakenIn> {
        match head.uri().path() {
            path if path == self.path => {}
            "/v1/traces" => return Err(NotTakenIn::NotHere(answer::NO_TRACES)),
            "/v1/logs" => return Err(NotTakenIn::NotHere(answer::NO_LOGS)),
            "/v1development/profiles" => return Err(NotTakenIn::NotHere(answer::NO_PROFILES)),
            _ => {
                return Err(NotTakenIn::NotHere(
                    "there is only metrics_url_path here, by default /v1/metrics",
                ));
            }
        }
        if head.method() != Method::POST {
            return Err(NotTakenIn::UnknownMethod(head.method().to_string()));
        }
        Ok(())
    }

    /// Reads over what is left of a body, within bounds.
    async fn read_over(&self, mut body: Incoming) {
        let mut left = self.max_body;
        let rest = async {
            while let Some(Ok(frame)) = body.frame().await {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                let Some(less) = left.checked_sub(bytes) else { return };
                left = less;
            }
        };
        // Whoever takes longer has had a chance.
        let _ = timeout(READ_OVER, rest).await;
    }
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, NotTakenIn> {
    let Some(name) = headers.get(header::CONTENT_ENCODING) else { return Ok(Encoding::Identity) };
    let name = String::from_utf8_lossy(name.as_bytes()).to_ascii_lowercase();
    Encoding::of(&name).ok_or(NotTakenIn::UnknownEncoding(name))
}

/// What a body is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Protobuf,
    Json,
    /// Something else, which is answered in plain words.
    Other,
}

impl Content {
    fn of(headers: &HeaderMap) -> Self {
        let name = headers.get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
        let end = name.iter().position(|byte| *byte == b';').unwrap_or(name.len());
        match &*name[..end].trim_ascii().to_ascii_lowercase() {
            b"application/x-protobuf" | b"application/protobuf" => Self::Protobuf,
            b"application/json" => Self::Json,
            _ => Self::Other,
        }
    }

    fn asked(headers: &HeaderMap) -> Result<Self, NotTakenIn> {
        match Self::of(headers) {
            Self::Other => {
                let name =
                    headers.get(header::CONTENT_TYPE).map(|name| String::from_utf8_lossy(name.as_bytes()));
                Err(NotTakenIn::UnknownContent(name.unwrap_or_default().into_owned()))
            }
            known => Ok(known),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
            Self::Other => "text/plain; charset=utf-8",
        }
    }

    fn taken(self, refused: &Refusals) -> Response<Full<Bytes>> {
        let body = match self {
            Self::Json => answer::taken_json(refused).into(),
            Self::Protobuf | Self::Other => answer::taken(refused).encode_to_vec().into(),
        };
        self.response(StatusCode::OK, body)
    }

    fn not_taken(self, error: &NotTakenIn) -> Response<Full<Bytes>> {
        let body = match self {
            Self::Protobuf => error.rpc_status().encode_to_vec().into(),
            Self::Json => error.json_status().into(),
            Self::Other => format!("{error}\n").into(),
        };
        let mut response = self.response(error.http(), body);
        let headers = response.headers_mut();
        if error.asks_to_retry() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(answer::RETRY_SECONDS));
        }
        match error {
            NotTakenIn::UnknownMethod(_) => {
                headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
            }
            NotTakenIn::Denied(denied) => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(denied.challenge));
            }
            NotTakenIn::UnknownEncoding(_) => {
                headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(Encoding::LIST));
            }
            _ => {}
        }
        response
    }

    fn response(self, status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(body));
        *response.status_mut() = status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(self.name()));
        response
    }
}
