//! Two calls of the EC2 API, signed: the whole SDK of EC2 would be a hundred times their size.

use std::{
    fmt::Write as _,
    time::{Duration, UNIX_EPOCH},
};

use aws_credential_types::provider::ProvideCredentials as _;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_xml::decode::{Document, ScopedDecoder, XmlDecodeError, try_data};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use weir_core::Clock;

use crate::{
    Aws,
    failure::{DENIED, Failure, MALFORMED, TIMEOUT, UNAVAILABLE, UNREACHABLE, in_words},
    http::HttpError,
};

/// The API's version.
const VERSION: &str = "2016-11-15";
/// By which the SDKs are sent elsewhere.
const ENDPOINT: &str = "AWS_ENDPOINT_URL_EC2";

/// What the API tells of an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instance {
    /// Its id.
    pub id: String,
    /// The account that it is of.
    pub account_id: String,
    /// Its image.
    pub image_id: String,
    /// Its type.
    pub instance_type: String,
    /// Its Availability Zone.
    pub availability_zone: String,
    /// Its tags.
    pub tags: Vec<(String, String)>,
}

/// The tags of an instance (`ec2:DescribeTags`).
///
/// # Errors
/// There is no answer, or one that says no.
pub async fn tags(
    aws: &Aws,
    clock: &Clock,
    instance: &str,
    limit: Duration,
) -> Result<Vec<(String, String)>, Failure> {
    let text = call(aws, clock, "DescribeTags", ("resource-id", instance), limit).await?;
    read(&text, |mut root| {
        let mut tags = Vec::new();
        while let Some(mut tag) = root.next_tag() {
            if tag.start_el().local() == "tagSet" {
                tags.extend(items(&mut tag, pair)?);
            }
        }
        Ok(tags)
    })
}

/// The instance of this private DNS name, which is the name of its Kubernetes node (`ec2:DescribeInstances`).
///
/// # Errors
/// There is no answer, one that says no, or no such instance.
pub async fn instance_of_node(
    aws: &Aws,
    clock: &Clock,
    node: &str,
    limit: Duration,
) -> Result<Instance, Failure> {
    let text = call(aws, clock, "DescribeInstances", ("private-dns-name", node), limit).await?;
    let instances = read(&text, |mut root| {
        let mut instances = Vec::new();
        while let Some(mut tag) = root.next_tag() {
            if tag.start_el().local() == "reservationSet" {
                for found in items(&mut tag, reservation)? {
                    instances.extend(found);
                }
            }
        }
        Ok(instances)
    })?;
    instances.into_iter().next().ok_or_else(|| {
        Failure::new(UNAVAILABLE, format!("no instance has the private DNS name `{node}` of this node"))
    })
}

async fn call(
    aws: &Aws,
    clock: &Clock,
    action: &str,
    (filter, value): (&str, &str),
    limit: Duration,
) -> Result<String, Failure> {
    let value = utf8_percent_encode(value, NON_ALPHANUMERIC);
    let body = format!("Action={action}&Version={VERSION}&Filter.1.Name={filter}&Filter.1.Value.1={value}");
    let url = std::env::var(ENDPOINT).unwrap_or_else(|_| endpoint(&aws.region));
    let request = signed(aws, clock, &url, body).await?;
    let response = aws.http.send(request, limit).await.map_err(|error| match error {
        HttpError::Timeout(_) => Failure::new(TIMEOUT, format!("{action} of {url}: {error}")),
        HttpError::Connection(_) => Failure::new(UNREACHABLE, format!("{url} cannot be reached: {error}")),
        _ => Failure::new(MALFORMED, format!("{action} of {url}: {error}")),
    })?;
    let status = response.status();
    let text = String::from_utf8_lossy(response.body()).into_owned();
    if status.is_success() {
        return Ok(text);
    }
    // The API's errors have a code, such as UnauthorizedOperation.
    let code = text
        .split_once("<Code>")
        .and_then(|(_, rest)| rest.split_once("</Code>"))
        .map_or("", |(code, _)| code);
    let mut words = format!("{action} of {url} answers {status} {code}");
    let reason = if status.as_u16() == 401 || status.as_u16() == 403 { DENIED } else { UNAVAILABLE };
    if reason == DENIED {
        let _ = write!(words, "; allow `ec2:{action}`, or let the instance show its tags in its metadata");
    }
    Err(Failure::new(reason, words))
}

fn endpoint(region: &str) -> String {
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://ec2.{region}.{domain}/")
}

async fn signed(aws: &Aws, clock: &Clock, url: &str, body: String) -> Result<http::Request<String>, Failure> {
    const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";
    let unsigned = |error: &dyn std::fmt::Display| {
        Failure::new(MALFORMED, format!("a request to {url} cannot be signed: {error}"))
    };
    let credentials =
        aws.credentials.provide_credentials().await.map_err(|error| {
            Failure::new(DENIED, format!("no credentials for {url}: {}", in_words(&error)))
        })?;
    let identity: Identity = credentials.into();
    let time = UNIX_EPOCH + Duration::from_nanos(clock.now().0);
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(&aws.region)
        .name("ec2")
        .time(time)
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| unsigned(&error))?
        .into();
    let headers = [("content-type", FORM)];
    let signable =
        SignableRequest::new("POST", url, headers.into_iter(), SignableBody::Bytes(body.as_bytes()))
            .map_err(|error| unsigned(&error))?;
    let (instructions, _) = sign(signable, &parameters).map_err(|error| unsigned(&error))?.into_parts();
    let mut request = http::Request::post(url)
        .header(headers[0].0, headers[0].1)
        .body(body)
        .map_err(|error| unsigned(&error))?;
    instructions.apply_to_request_http1x(&mut request);
    Ok(request)
}

fn read<T>(
    text: &str,
    take: impl FnOnce(ScopedDecoder<'_, '_>) -> Result<T, XmlDecodeError>,
) -> Result<T, Failure> {
    let mut document = Document::new(text);
    let read = document.root_element().and_then(take);
    read.map_err(|error| {
        Failure::new(MALFORMED, format!("the answer of the EC2 API cannot be read: {error}"))
    })
}

/// What `one` makes of each item of a list.
fn items<T>(
    list: &mut ScopedDecoder<'_, '_>,
    one: impl Fn(&mut ScopedDecoder<'_, '_>) -> Result<T, XmlDecodeError>,
) -> Result<Vec<T>, XmlDecodeError> {
    let mut found = Vec::new();
    while let Some(mut item) = list.next_tag() {
        found.push(one(&mut item)?);
    }
    Ok(found)
}

fn pair(item: &mut ScopedDecoder<'_, '_>) -> Result<(String, String), XmlDecodeError> {
    let (mut key, mut value) = (String::new(), String::new());
    while let Some(mut tag) = item.next_tag() {
        match tag.start_el().local() {
            "key" => key = try_data(&mut tag)?.into_owned(),
            "value" => value = try_data(&mut tag)?.into_owned(),
            _ => {}
        }
    }
    Ok((key, value))
}

fn reservation(item: &mut ScopedDecoder<'_, '_>) -> Result<Vec<Instance>, XmlDecodeError> {
    let (mut owner, mut instances) = (String::new(), Vec::new());
    while let Some(mut tag) = item.next_tag() {
        match tag.start_el().local() {
            "ownerId" => owner = try_data(&mut tag)?.into_owned(),
            "instancesSet" => instances.extend(items(&mut tag, instance)?),
            _ => {}
        }
    }
    Ok(instances.into_iter().map(|one| Instance { account_id: owner.clone(), ..one }).collect())
}

fn instance(item: &mut ScopedDecoder<'_, '_>) -> Result<Instance, XmlDecodeError> {
    let mut instance = Instance::default();
    while let Some(mut tag) = item.next_tag() {
        match tag.start_el().local() {
            "instanceId" => instance.id = try_data(&mut tag)?.into_owned(),
            "imageId" => instance.image_id = try_data(&mut tag)?.into_owned(),
            "instanceType" => instance.instance_type = try_data(&mut tag)?.into_owned(),
            "tagSet" => instance.tags = items(&mut tag, pair)?,
            "placement" => {
                while let Some(mut place) = tag.next_tag() {
                    if place.start_el().local() == "availabilityZone" {
                        instance.availability_zone = try_data(&mut place)?.into_owned();
                    }
                }
            }
            _ => {}
        }
    }
    Ok(instance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_of_describe_instances_is_read() {
        // In the form of the API reference, cut to what counts.
        let text = "<DescribeInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId>\
            <reservationSet><item><ownerId>123456789012</ownerId><instancesSet><item><instanceId>i-1</instanceId><imageId>ami-1</imageId>\
            <instanceType>p5.48xlarge</instanceType><placement><availabilityZone>us-east-1a</availabilityZone></placement>\
            <tagSet><item><key>a&amp;b</key><value>x y</value></item></tagSet></item></instancesSet></item></reservationSet>\
            </DescribeInstancesResponse>";
        let found = read(text, |mut root| {
            let mut all = Vec::new();
            while let Some(mut tag) = root.next_tag() {
                if tag.start_el().local() == "reservationSet" {
                    all.extend(items(&mut tag, reservation)?.into_iter().flatten());
                }
            }
            Ok(all)
        });
        let expected = Instance {
            id: "i-1".into(),
            account_id: "123456789012".into(),
            image_id: "ami-1".into(),
            instance_type: "p5.48xlarge".into(),
            availability_zone: "us-east-1a".into(),
            tags: vec![("a&b".into(), "x y".into())],
        };
        assert_eq!(found, Ok(vec![expected]));
        assert_eq!(read("<a><b></a>", |_| Ok(())).map_err(|failure| failure.reason), Ok(()));
        assert!(read("no xml", |_| Ok(())).is_err());
    }
}
