//! Which formats there are, and what HTTP calls them.

/// A format of an exposition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Prometheus's text format, version 0.0.4.
    Text004,
    /// Prometheus's text format, version 1.0.0: names may be any UTF-8, in quotes.
    Text100,
    /// OpenMetrics text, version 0.0.1.
    OpenMetrics001,
    /// OpenMetrics text, version 1.0.0.
    OpenMetrics100,
    /// `io.prometheus.client.MetricFamily` messages, each after its length.
    Protobuf,
}

impl Format {
    /// Every format, in the order in which Prometheus prefers the text formats.
    pub const ALL: [Self; 5] =
        [Self::OpenMetrics100, Self::OpenMetrics001, Self::Text100, Self::Text004, Self::Protobuf];

    /// The name in `scrape_protocols`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text004 => "PrometheusText0.0.4",
            Self::Text100 => "PrometheusText1.0.0",
            Self::OpenMetrics001 => "OpenMetricsText0.0.1",
            Self::OpenMetrics100 => "OpenMetricsText1.0.0",
            Self::Protobuf => "PrometheusProto",
        }
    }

    /// The media type and its parameters, as they stand in `Accept` and `Content-Type`, without charset and escaping.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Text004 => "text/plain;version=0.0.4",
            Self::Text100 => "text/plain;version=1.0.0",
            Self::OpenMetrics001 => "application/openmetrics-text;version=0.0.1",
            Self::OpenMetrics100 => "application/openmetrics-text;version=1.0.0",
            Self::Protobuf => {
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
            }
        }
    }

    /// Whether it is OpenMetrics, which ends with `# EOF` and has seconds for timestamps.
    pub const fn is_openmetrics(self) -> bool {
        matches!(self, Self::OpenMetrics001 | Self::OpenMetrics100)
    }

    /// The format that a `Content-Type` header names; `None` where it names none of them, as `text/html` does.
    ///
    /// As in Prometheus, `text/plain` of another version than 1.0.0 is taken as 0.0.4, and OpenMetrics of another version than
    /// 1.0.0 as 0.0.1. `application/vnd.google.protobuf` counts only with these messages, delimited.
    pub fn of_content_type(value: &str) -> Option<Self> {
        let mut parts = value.split(';').map(str::trim);
        let media_type = parts.next()?.to_ascii_lowercase();
        let parameters: Vec<(String, &str)> = parts
            .filter_map(|part| part.split_once('='))
            .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().trim_matches('"')))
            .collect();
        let parameter = |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, value)| *value);
        let is_v1 = parameter("version") == Some("1.0.0");
        match media_type.as_str() {
            "text/plain" if is_v1 => Some(Self::Text100),
            "text/plain" => Some(Self::Text004),
            "application/openmetrics-text" if is_v1 => Some(Self::OpenMetrics100),
            "application/openmetrics-text" => Some(Self::OpenMetrics001),
            "application/vnd.google.protobuf" => {
                let message = parameter("proto") == Some("io.prometheus.client.MetricFamily");
                (message && parameter("encoding") == Some("delimited")).then_some(Self::Protobuf)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_is_known_by_its_media_type() {
        for format in Format::ALL {
            let sent = format!("{}; charset=utf-8; escaping=underscores", format.media_type());
            assert_eq!(Format::of_content_type(&sent), Some(format));
        }
    }

    #[test]
    fn other_content_types_are_none_and_other_versions_the_older_format() {
        let of = Format::of_content_type;
        assert_eq!(of("text/html; charset=utf-8"), None);
        assert_eq!(of(""), None);
        assert_eq!(of("application/json"), None);
        assert_eq!(of("application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily"), None);
        assert_eq!(of("Text/Plain"), Some(Format::Text004));
        assert_eq!(of("text/plain; version=\"1.0.0\""), Some(Format::Text100));
        assert_eq!(of("application/openmetrics-text"), Some(Format::OpenMetrics001));
    }
}
