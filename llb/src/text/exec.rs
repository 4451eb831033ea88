//! Commands in the text form.

use buildkit_proto::pb;

use crate::text::{InputNames, Lines, quoted};

pub(super) fn write(exec: &pb::ExecOp, inputs: &InputNames, lines: &mut Lines) -> String {
    let default = pb::Meta::default();
    let meta = exec.meta.as_ref().unwrap_or(&default);
    let args: Vec<String> = meta.args.iter().map(|arg| write_arg(arg, lines)).collect();
    write_meta(meta, lines);
    match exec.network() {
        pb::NetMode::Unset => {}
        pb::NetMode::Host => lines.push("network host"),
        pb::NetMode::None => lines.push("network none"),
    }
    lines.flag("security insecure", exec.security() == pb::SecurityMode::Insecure);
    for device in &exec.cdi_devices {
        lines.push(format!("device {}{}", device.name, optional(device.optional)));
    }
    for secret in &exec.secretenv {
        lines.push(format!("secret-env {} {}{}", secret.name, quoted(&secret.id), optional(secret.optional)));
    }
    for mount in &exec.mounts {
        lines.push(format!("mount {} {}", quoted(&mount.dest), describe(mount, inputs)));
    }
    format!("exec {}", args.join(" "))
}

/// An argument of several lines, mostly a script, stands below the command.
fn write_arg(arg: &str, lines: &mut Lines) -> String {
    if !arg.trim_end().contains('\n') {
        return quoted(arg);
    }
    arg.lines().for_each(|line| lines.push(format!("| {line}").trim_end()));
    "(below)".to_owned()
}

fn write_meta(meta: &pb::Meta, lines: &mut Lines) {
    for var in &meta.env {
        lines.word("env", var);
    }
    if meta.cwd != "/" {
        lines.word("cwd", &meta.cwd);
    }
    lines.word("user", &meta.user);
    lines.word("hostname", &meta.hostname);
    for host in &meta.extra_hosts {
        lines.push(format!("host {} {}", host.host, host.ip));
    }
    for limit in &meta.ulimit {
        lines.push(format!("ulimit {} {}:{}", limit.name, limit.soft, limit.hard));
    }
    lines.word("cgroup-parent", &meta.cgroup_parent);
    if let Some(proxy) = &meta.proxy_env {
        lines.word("proxy http", &proxy.http_proxy);
        lines.word("proxy https", &proxy.https_proxy);
        lines.word("proxy ftp", &proxy.ftp_proxy);
        lines.word("proxy no", &proxy.no_proxy);
        lines.word("proxy all", &proxy.all_proxy);
    }
    let codes: Vec<String> = meta.valid_exit_codes.iter().map(i32::to_string).collect();
    lines.word("exit-codes", &codes.join(","));
}

fn describe(mount: &pb::Mount, inputs: &InputNames) -> String {
    let mut words: Vec<String> = Vec::new();
    let based = mount.input >= 0;
    match mount.mount_type() {
        pb::MountType::Bind => {
            words.push(match (mount.readonly, mount.output) {
                (true, _) => "read-only".to_owned(),
                (false, -1) => "discard".to_owned(),
                (false, output) => format!("output.{output}"),
            });
            words.push(inputs.get(mount.input).to_owned());
            if !mount.selector.is_empty() {
                words.push(quoted(mount.selector.trim_start_matches('/')));
            }
        }
        pb::MountType::Cache => {
            let cache = mount.cache_opt.clone().unwrap_or_default();
            words.push(format!("cache {}", quoted(&cache.id)));
            match cache.sharing() {
                pb::CacheSharingOpt::Shared => {}
                pb::CacheSharingOpt::Private => words.push("private".to_owned()),
                pb::CacheSharingOpt::Locked => words.push("locked".to_owned()),
            }
            if based {
                words.push(format!("from {}", inputs.get(mount.input)));
            }
        }
        pb::MountType::Tmpfs => {
            words.push("tmpfs".to_owned());
            let size = mount.tmpfs_opt.as_ref().map_or(0, |tmpfs| tmpfs.size);
            words.extend((size > 0).then(|| size.to_string()));
        }
        pb::MountType::Secret => {
            let secret = mount.secret_opt.clone().unwrap_or_default();
            words.push(format!("secret {}", quoted(&secret.id)));
            words.extend(access(secret.uid, secret.gid, secret.mode, 0o400, secret.optional));
        }
        pb::MountType::Ssh => {
            let ssh = mount.ssh_opt.clone().unwrap_or_default();
            words.push(format!("ssh {}", quoted(&ssh.id)));
            words.extend(access(ssh.uid, ssh.gid, ssh.mode, 0o600, ssh.optional));
        }
    }
    match mount.content_cache() {
        pb::MountContentCache::Default => {}
        pb::MountContentCache::On => words.push("content-cache on".to_owned()),
        pb::MountContentCache::Off => words.push("content-cache off".to_owned()),
    }
    words.join(" ")
}

fn access(uid: u32, gid: u32, mode: u32, default_mode: u32, is_optional: bool) -> Vec<String> {
    let mut words = Vec::new();
    words.extend((mode != default_mode).then(|| format!("{mode:o}")));
    words.extend((uid != 0 || gid != 0).then(|| format!("owner {uid}:{gid}")));
    words.extend(is_optional.then(|| "optional".to_owned()));
    words
}

fn optional(is_optional: bool) -> &'static str {
    if is_optional { " optional" } else { "" }
}
