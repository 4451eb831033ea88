//! The image configuration: what the OCI image specification calls `config`, as BuildKit's exporter reads it.
//!
//! Pure. Starts from the base image's configuration, as a Dockerfile's `FROM` does, and lays the target's settings
//! over it.

use std::collections::BTreeMap;

use buildkit_llb::Platform;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// What a target's image says about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageSettings {
    /// Program and fixed arguments.
    pub entrypoint: Vec<String>,
    /// Default arguments.
    pub cmd: Vec<String>,
    /// Variables, laid over those of the base.
    pub env: BTreeMap<String, String>,
    /// `user[:group]`.
    pub user: String,
    /// Working directory.
    pub workdir: Option<String>,
    /// `8080/tcp`, …
    pub expose: Vec<String>,
    /// Labels, laid over those of the base.
    pub labels: BTreeMap<String, String>,
    /// Directories that hold data, besides those of the base.
    pub volumes: Vec<String>,
    /// What the program is told to end with; absent leaves the base's.
    pub stop_signal: Option<String>,
    /// Docker's `Healthcheck`; absent leaves the base's.
    pub healthcheck: Option<Value>,
}

/// The parts of a base image's configuration that a vertex or an image inherits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BaseConfig {
    #[serde(flatten)]
    whole: Map<String, Value>,
}

impl BaseConfig {
    /// Reads the configuration that `ResolveSourceMeta` returned.
    ///
    /// # Errors
    /// It is no JSON object.
    pub fn parse(json: &[u8]) -> Result<BaseConfig, serde_json::Error> {
        serde_json::from_slice(json)
    }

    /// The same, of an image that may not be there; what cannot be read is as good as an image that says nothing.
    pub fn parse_or_empty(json: Option<&[u8]>) -> BaseConfig {
        json.and_then(|json| Self::parse(json).ok()).unwrap_or_default()
    }

    /// Environment of the image, in order of names.
    pub fn env(&self) -> BTreeMap<String, String> {
        let list = self.whole.get("config").and_then(|config| config.get("Env")).and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(|entry| entry.as_str()?.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }
}

/// Path that processes get when an image sets none (BuildKit's `system.DefaultPathEnv`).
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The image's configuration as JSON, the same bytes for the same input.
///
/// `epoch` is `SOURCE_DATE_EPOCH`, in seconds: the image then says it was created at that moment.
pub fn config(
    base: &BaseConfig,
    platform: &Platform,
    settings: &ImageSettings,
    epoch: Option<i64>,
) -> Vec<u8> {
    let mut image = base.whole.clone();
    let mut config = match image.remove("config") {
        Some(Value::Object(config)) => config,
        _ => Map::new(),
    };

    let mut env = base.env();
    env.extend(settings.env.clone());
    env.entry("PATH".to_owned()).or_insert_with(|| DEFAULT_PATH.to_owned());
    config.insert("Env".into(), env.iter().map(|(name, value)| format!("{name}={value}")).collect());
    // What the base starts, and the arguments for that, go when there is a program of our own.
    if !settings.entrypoint.is_empty() {
        config.insert("Entrypoint".into(), settings.entrypoint.clone().into());
        config.remove("Cmd");
    }
    if !settings.cmd.is_empty() {
        config.insert("Cmd".into(), settings.cmd.clone().into());
    }
    config.insert("User".into(), settings.user.clone().into());
    if let Some(workdir) = &settings.workdir {
        config.insert("WorkingDir".into(), workdir.clone().into());
    }
    let mut labels = object(config.remove("Labels"));
    labels.extend(settings.labels.iter().map(|(name, value)| (name.clone(), Value::from(value.clone()))));
    config.insert("Labels".into(), labels.into());
    let mut exposed = object(config.remove("ExposedPorts"));
    exposed.extend(settings.expose.iter().map(|port| (port.clone(), json!({}))));
    if !exposed.is_empty() {
        config.insert("ExposedPorts".into(), exposed.into());
    }
    let mut volumes = object(config.remove("Volumes"));
    volumes.extend(settings.volumes.iter().map(|path| (path.clone(), json!({}))));
    if !volumes.is_empty() {
        config.insert("Volumes".into(), volumes.into());
    }
    if let Some(signal) = &settings.stop_signal {
        config.insert("StopSignal".into(), signal.clone().into());
    }
    if let Some(check) = &settings.healthcheck {
        config.insert("Healthcheck".into(), check.clone());
    }
    config.retain(|_, value| !value.is_null());

    image.insert("config".into(), config.into());
    image.insert("architecture".into(), platform.architecture().into());
    image.insert("os".into(), platform.os().into());
    if !platform.variant().is_empty() {
        image.insert("variant".into(), platform.variant().into());
    }
    match epoch.map(rfc3339) {
        Some(created) => {
            image.insert("created".into(), created.into());
        }
        // The base's date would be a lie; without one, the exporter writes the time of the build.
        None => {
            image.remove("created");
        }
    }
    serde_json::to_vec(&image).expect("a JSON object of strings can be written")
}

fn object(value: Option<Value>) -> Map<String, Value> {
    match value {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// Seconds since 1970 as `2026-11-22T00:00:00Z`.
pub fn rfc3339(epoch: i64) -> String {
    let (days, seconds) = (epoch.div_euclid(86_400), epoch.rem_euclid(86_400));
    // Days to civil date, after Howard Hinnant's `civil_from_days`.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_shifted + 2) / 5 + 1;
    let month = if month_shifted < 10 { month_shifted + 3 } else { month_shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_civil() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(951_827_696), "2000-02-29T12:34:56Z");
        assert_eq!(rfc3339(1_795_305_600), "2026-11-22T00:00:00Z");
        assert_eq!(rfc3339(-1), "1969-12-31T23:59:59Z");
    }

    #[test]
    fn the_base_is_kept_where_the_target_says_nothing() {
        let base = BaseConfig::parse(
            br#"{"created":"2020-01-01T00:00:00Z","config":{"Env":["PATH=/bin","A=1"],"Cmd":["bash"],"Labels":{"a":"b"}},"rootfs":{"type":"layers","diff_ids":["sha256:x"]}}"#,
        )
        .unwrap();
        let settings = ImageSettings {
            entrypoint: vec!["/usr/local/bin/app".into()],
            user: "65532:65532".into(),
            labels: [("c".to_owned(), "d".to_owned())].into(),
            expose: vec!["8080/tcp".into()],
            ..ImageSettings::default()
        };
        let platform = Platform::parse("linux/amd64").unwrap();
        let value: Value = serde_json::from_slice(&config(&base, &platform, &settings, Some(0))).unwrap();
        assert_eq!(
            value,
            json!({
                "architecture": "amd64", "os": "linux", "created": "1970-01-01T00:00:00Z",
                "config": {
                    "Env": ["A=1", "PATH=/bin"], "Entrypoint": ["/usr/local/bin/app"], "User": "65532:65532",
                    "Labels": {"a": "b", "c": "d"}, "ExposedPorts": {"8080/tcp": {}}
                },
                "rootfs": {"type": "layers", "diff_ids": ["sha256:x"]}
            })
        );
    }
}
