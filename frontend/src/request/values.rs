//! Options one by one: from the string that a client sends to the value that it means.
//!
//! The spelling is the one that the Dockerfile frontend takes (frontend/dockerui/{config,attr}.go), since the clients
//! are the same. What cannot be understood is reported by the name of the flag that the user typed.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::IpAddr;

use buildkit_llb::{Network, Platform, ProxyEnv, ResolveMode, Resources};
use serde::Deserialize;

use super::{NoCache, Ulimit};
use crate::diagnostic::{Code, Diagnostic};
use crate::gateway::CacheImport;

/// The options, and what is wrong with them so far.
pub(super) struct Values<'a> {
    options: &'a BTreeMap<String, String>,
    gathered: &'a mut Vec<Diagnostic>,
}

impl<'a> Values<'a> {
    pub(super) fn new(options: &'a BTreeMap<String, String>, gathered: &'a mut Vec<Diagnostic>) -> Self {
        Self { options, gathered }
    }

    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.gathered.push(diagnostic);
    }

    fn invalid(&mut self, message: impl Into<String>) {
        self.report(Diagnostic::error(Code::InvalidOption, message));
    }

    /// The value as it came; an empty one counts.
    pub(super) fn get(&self, key: &str) -> Option<&'a str> {
        self.options.get(key).map(String::as_str)
    }

    /// A text that is not empty.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        self.get(key).filter(|value| !value.is_empty()).map(str::to_owned)
    }

    /// All options whose key starts so, by the rest of the key.
    pub(super) fn prefixed(&self, prefix: &str) -> BTreeMap<String, String> {
        let pairs = self.options.iter();
        pairs.filter_map(|(key, value)| Some((key.strip_prefix(prefix)?.to_owned(), value.clone()))).collect()
    }

    /// A number that is not negative.
    pub(super) fn number(&mut self, key: &str, flag: &str) -> Option<u64> {
        let text = self.text(key)?;
        let number = text.parse().ok();
        if number.is_none() {
            self.invalid(format!("`{flag}` is `{text}`, expected a number"));
        }
        number
    }

    fn boolean(&mut self, key: &str, flag: &str) -> Option<bool> {
        let text = self.text(key)?;
        let parsed = boolean(&text);
        if parsed.is_none() {
            self.invalid(format!("`{flag}` is `{text}`, expected `true` or `false`"));
        }
        parsed
    }

    /// The fields of a line of comma-separated values.
    fn fields(&mut self, key: &str, flag: &str) -> Vec<String> {
        let Some(text) = self.text(key) else { return Vec::new() };
        csv_fields(&text).unwrap_or_else(|| {
            self.invalid(format!("`{flag}` is `{text}`, which has a quote that does not end"));
            Vec::new()
        })
    }

    pub(super) fn platforms(&mut self) -> Vec<Platform> {
        let mut platforms = Vec::new();
        for text in self.get("platform").filter(|value| !value.is_empty()).unwrap_or_default().split(',') {
            match Platform::parse(text.trim()) {
                Ok(platform) if !platforms.contains(&platform) => platforms.push(platform),
                Ok(_) => {}
                Err(_) if text.is_empty() => {}
                Err(error) => self.invalid(format!("`--platform`: {error}")),
            }
        }
        platforms
    }

    pub(super) fn multi_platform(&mut self, platforms: usize) -> bool {
        const ARG: &str = "build-arg:BUILDKIT_MULTI_PLATFORM";
        let key = if self.text(ARG).is_some() { ARG } else { "multi-platform" };
        let asked = self.boolean(key, "BUILDKIT_MULTI_PLATFORM");
        if asked == Some(false) && platforms > 1 {
            self.invalid(format!(
                "`BUILDKIT_MULTI_PLATFORM` forbids a result for several platforms, `--platform` names {platforms}"
            ));
        }
        asked.unwrap_or(platforms > 1)
    }

    pub(super) fn no_cache(&mut self) -> NoCache {
        match self.get("no-cache") {
            None => NoCache::Off,
            Some("") => NoCache::All,
            Some(names) => NoCache::Targets(names.split(',').map(str::to_owned).collect()),
        }
    }

    pub(super) fn resolve_mode(&mut self) -> ResolveMode {
        match self.get("image-resolve-mode") {
            None | Some("" | "default") => ResolveMode::Default,
            Some("pull") => ResolveMode::Pull,
            Some("local") => ResolveMode::Local,
            Some(other) => {
                self.invalid(format!(
                    "`image-resolve-mode` is `{other}`, expected `default`, `pull` or `local`"
                ));
                ResolveMode::Default
            }
        }
    }

    pub(super) fn cache_imports(&mut self) -> Vec<CacheImport> {
        // Capitalised by older clients, as Go writes structs without tags.
        #[derive(Deserialize)]
        struct Entry {
            #[serde(alias = "Type", rename = "type")]
            kind: String,
            #[serde(alias = "Attrs", default)]
            attrs: Option<BTreeMap<String, String>>,
        }
        let mut imports = Vec::new();
        if let Some(json) = self.text("cache-imports") {
            match serde_json::from_str::<Option<Vec<Entry>>>(&json) {
                Ok(entries) => {
                    imports.extend(entries.into_iter().flatten().map(|entry| CacheImport {
                        kind: entry.kind,
                        attrs: entry.attrs.unwrap_or_default(),
                    }))
                }
                Err(error) => self.invalid(format!("`--cache-from` cannot be read: {error}")),
            }
        }
        // Older clients name registry caches only.
        for reference in self.text("cache-from").iter().flat_map(|list| list.split(',')) {
            let import = CacheImport {
                kind: "registry".to_owned(),
                attrs: BTreeMap::from([("ref".to_owned(), reference.to_owned())]),
            };
            if !imports.contains(&import) {
                imports.push(import);
            }
        }
        imports
    }

    pub(super) fn network(&mut self) -> Option<Network> {
        match self.get("force-network-mode")? {
            "" => None,
            "none" => Some(Network::None),
            "host" => Some(Network::Host),
            "sandbox" => Some(Network::Sandbox),
            other => {
                self.invalid(format!("`--network` is `{other}`, expected `none`, `host` or `sandbox`"));
                None
            }
        }
    }

    pub(super) fn extra_hosts(&mut self) -> Vec<(String, IpAddr)> {
        let mut hosts = Vec::new();
        for field in self.fields("add-hosts", "--add-host") {
            let pair = field.split_once('=').filter(|(host, _)| !host.is_empty());
            match pair.and_then(|(host, ip)| Some((host.to_lowercase(), ip.parse().ok()?))) {
                Some(host) => hosts.push(host),
                None => {
                    self.invalid(format!("`--add-host` is `{field}`, expected a host and its IP address"))
                }
            }
        }
        hosts
    }

    pub(super) fn ulimits(&mut self) -> Vec<Ulimit> {
        let mut limits = Vec::new();
        for field in self.fields("ulimit", "--ulimit") {
            match ulimit(&field) {
                Ok(limit) => limits.push(limit),
                Err(why) => self.invalid(format!("`--ulimit` is `{field}`, {why}")),
            }
        }
        limits
    }

    /// `HTTP_PROXY` or `http_proxy`, whichever is the last in the alphabet.
    pub(super) fn proxy(&mut self) -> ProxyEnv {
        let mut proxy = ProxyEnv::default();
        for (key, value) in self.prefixed("build-arg:") {
            match key.to_ascii_lowercase().as_str() {
                "http_proxy" => proxy.http = value,
                "https_proxy" => proxy.https = value,
                "ftp_proxy" => proxy.ftp = value,
                "no_proxy" => proxy.no = value,
                "all_proxy" => proxy.all = value,
                _ => {}
            }
        }
        proxy
    }

    pub(super) fn resources(&mut self) -> Option<Resources> {
        let resources = Resources {
            memory_bytes: self.positive("memory").unwrap_or(0),
            memory_swap_bytes: match self.get("memswap") {
                Some("-1") => -1,
                _ => self.positive("memswap").unwrap_or(0),
            },
            cpu_shares: self.positive("cpushares").unwrap_or(0).unsigned_abs(),
            cpu_period_us: self.positive("cpuperiod").unwrap_or(0).unsigned_abs(),
            cpu_quota_us: self.positive("cpuquota").unwrap_or(0),
            cpuset_cpus: self.cpuset("cpusetcpus"),
            cpuset_mems: self.cpuset("cpusetmems"),
        };
        (resources != Resources::default()).then_some(resources)
    }

    fn positive(&mut self, key: &str) -> Option<i64> {
        let text = self.text(key)?;
        let number = text.parse().ok().filter(|number| *number > 0);
        if number.is_none() {
            self.invalid(format!("the limit `{key}` is `{text}`, expected a number above 0"));
        }
        number
    }

    /// `0-3,5`.
    fn cpuset(&mut self, key: &str) -> String {
        let Some(text) = self.text(key) else { return String::new() };
        let is_number = |part: &str| part.parse::<u16>().is_ok() && part.bytes().all(|b| b.is_ascii_digit());
        let is_range = |part: &str| match part.split_once('-') {
            Some((first, last)) => is_number(first) && is_number(last),
            None => is_number(part),
        };
        if !text.split(',').all(is_range) {
            self.invalid(format!("the limit `{key}` is `{text}`, expected numbers and ranges like `0-3,5`"));
            return String::new();
        }
        text
    }

    /// Clients ask for a provenance of their own accord, and then for one that leaves a plain image plain.
    pub(super) fn provenance(&mut self) -> bool {
        let asked = self.get("attest:provenance");
        asked.is_some_and(|fields| {
            !fields.split(',').any(|field| field == "inline-only=true" || field == "disabled=true")
        })
    }

    pub(super) fn sbom(&mut self) -> Option<BTreeMap<String, String>> {
        let key = ["attest:sbom", "build-arg:BUILDKIT_ATTEST_SBOM"]
            .into_iter()
            .find(|key| self.get(key).is_some())?;
        let fields = self.fields(key, "--sbom");
        let pairs = fields.iter().map(|field| field.split_once('=').unwrap_or((field, "")));
        Some(pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
    }
}

/// What Go's `strconv.ParseBool` takes.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "True" | "TRUE" => Some(true),
        "0" | "f" | "F" | "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// The fields of one line in the format of RFC 4180, or nothing if a quote does not end.
fn csv_fields(line: &str) -> Option<Vec<String>> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(char) = chars.next() {
        let last = fields.last_mut().expect("there is always one field");
        match char {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                last.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if last.is_empty() => quoted = true,
            ',' if !quoted => fields.push(String::new()),
            char => last.push(char),
        }
    }
    (!quoted).then_some(fields)
}

fn ulimit(text: &str) -> Result<Ulimit, impl Display> {
    const NAMES: [&str; 16] = [
        "as",
        "core",
        "cpu",
        "data",
        "fsize",
        "locks",
        "memlock",
        "msgqueue",
        "nice",
        "nofile",
        "nproc",
        "rss",
        "rtprio",
        "rttime",
        "sigpending",
        "stack",
    ];
    const EXPECTED: &str = "expected `name=soft` or `name=soft:hard`";
    let Some((name, limits)) = text.split_once('=') else { return Err(EXPECTED) };
    if !NAMES.contains(&name) {
        return Err("which names no limit");
    }
    let (soft, hard) = limits.split_once(':').unwrap_or((limits, limits));
    let (Ok(soft), Ok(hard)) = (soft.parse::<i64>(), hard.parse::<i64>()) else { return Err(EXPECTED) };
    if hard != -1 && (soft == -1 || soft > hard) {
        return Err("whose soft limit is above the hard one");
    }
    Ok(Ulimit { name: name.to_owned(), soft, hard })
}

#[cfg(test)]
mod tests {
    use super::csv_fields;

    #[test]
    fn fields_may_be_quoted() {
        assert_eq!(csv_fields("a,b=c").unwrap(), ["a", "b=c"]);
        assert_eq!(csv_fields(r#""a,b",c"#).unwrap(), ["a,b", "c"]);
        assert_eq!(csv_fields(r#""say ""hi""",c"#).unwrap(), [r#"say "hi""#, "c"]);
        assert_eq!(csv_fields(r#""open"#), None);
    }
}
