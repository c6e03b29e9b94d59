//! Units of OpenMetrics in UCUM, which OpenTelemetry has (OpenTelemetry specification, "Prometheus and OpenMetrics compatibility": units).

/// The unit in UCUM; as it is where there is no other word for it.
pub(super) fn in_ucum(unit: &str) -> String {
    match unit.split_once("_per_") {
        Some((of, per)) => format!("{}/{}", word(of), word(per)),
        None => word(unit).to_owned(),
    }
}

fn word(unit: &str) -> &str {
    match unit {
        "days" | "day" => "d",
        "hours" | "hour" => "h",
        "minutes" | "minute" => "min",
        "seconds" | "second" => "s",
        "milliseconds" => "ms",
        "microseconds" => "us",
        "nanoseconds" => "ns",
        "bytes" => "By",
        "kibibytes" => "KiBy",
        "mebibytes" => "MiBy",
        "gibibytes" => "GiBy",
        "tebibytes" => "TiBy",
        "kilobytes" => "kBy",
        "megabytes" => "MBy",
        "gigabytes" => "GBy",
        "terabytes" => "TBy",
        "bits" => "bit",
        "meters" => "m",
        "volts" => "V",
        "amperes" => "A",
        "joules" => "J",
        "watts" => "W",
        "grams" => "g",
        "celsius" => "Cel",
        "hertz" => "Hz",
        "ratio" => "1",
        "percent" => "%",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::in_ucum;

    #[test]
    fn words_are_symbols_and_unknown_words_themselves() {
        let of = ["seconds", "bytes", "percent", "ratio", "bytes_per_second", "frobs", ""].map(in_ucum);
        assert_eq!(of, ["s", "By", "%", "1", "By/s", "frobs", ""]);
    }
}
