//! From what was asked for to the op, the capabilities that it needs and the numbers of its outputs.

use std::collections::BTreeMap;
use std::net::IpAddr;

use buildkit_proto::pb;

use crate::caps::Cap;
use crate::exec::mount::{ContentCache, Kind, Sharing};
use crate::exec::{Draft, Network, ProxyEnv};
use crate::meta::Notes;
use crate::state::{Inputs, State, Vertex};

/// No input, no output.
const NONE: i64 = -1;

impl Draft {
    /// The states of the outputs, in the order in which they were asked for.
    pub(crate) fn finish(mut self) -> Vec<State> {
        self.point_to_agent();
        self.make_root_mountable();
        self.need_caps();
        let (mounts, inputs, outputs) = mounts(&self.mounts, &mut self.notes);
        let exec = pb::ExecOp {
            meta: Some(pb::Meta {
                args: self.args,
                env: self.env.iter().map(|(key, value)| format!("{key}={value}")).collect(),
                cwd: self.cwd,
                user: self.user,
                proxy_env: proxy(&self.proxy),
                extra_hosts: extra_hosts(&self.extra_hosts),
                hostname: self.hostname,
                ulimit: self
                    .ulimits
                    .into_iter()
                    .map(|(name, (soft, hard))| pb::Ulimit { name, soft, hard })
                    .collect(),
                cgroup_parent: self.cgroup_parent,
                // BuildKit's own client asks for this in every exec: empty mount points do not stay in an output.
                remove_mount_stubs_recursive: true,
                valid_exit_codes: self.exit_codes.into_iter().collect(),
            }),
            mounts,
            network: match self.network {
                Network::Sandbox => pb::NetMode::Unset,
                Network::Host => pb::NetMode::Host,
                Network::None => pb::NetMode::None,
            }
            .into(),
            security: if self.insecure { pb::SecurityMode::Insecure } else { pb::SecurityMode::Sandbox }
                .into(),
            secretenv: self
                .secret_env
                .into_iter()
                .map(|(name, (id, optional))| pb::SecretEnv { id, name, optional })
                .collect(),
            cdi_devices: self
                .devices
                .into_iter()
                .map(|(name, optional)| pb::CdiDevice { name, optional })
                .collect(),
        };
        let vertex = Vertex::new(pb::op::Op::Exec(exec), Some(&self.platform), inputs, self.notes);
        self.outputs.iter().map(|at| Vertex::output(&vertex, outputs[at.as_str()])).collect()
    }

    /// An agent is of no use to a command that cannot find it.
    fn point_to_agent(&mut self) {
        let mut sockets = self.mounts.iter().filter(|(_, kind)| matches!(kind, Kind::Ssh { .. }));
        if let Some((socket, _)) = sockets.next() {
            self.env.entry("SSH_AUTH_SOCK".to_owned()).or_insert_with(|| socket.clone());
        }
    }

    /// The daemon wants something to mount as a root unless the root is an output, used or not
    /// (frontend/gateway/container/container.go, `PrepareMounts`).
    fn make_root_mountable(&mut self) {
        if let Some(root) = self.mounts.get_mut("/")
            && matches!(root, Kind::Bind { state, .. } if state.is_scratch())
        {
            *root = Kind::Output { base: State::SCRATCH };
        }
    }

    fn need_caps(&mut self) {
        let needs = [
            (true, Cap::EXEC),
            (!self.env.contains_key("PATH"), Cap::EXEC_DEFAULT_PATH),
            (!self.cgroup_parent.is_empty(), Cap::EXEC_CGROUP_PARENT),
            (self.network != Network::Sandbox, Cap::EXEC_NETWORK),
            (self.proxy != ProxyEnv::default(), Cap::EXEC_PROXY),
            (self.insecure, Cap::EXEC_SECURITY),
            (!self.ulimits.is_empty(), Cap::EXEC_ULIMIT),
            (!self.devices.is_empty(), Cap::EXEC_CDI),
            (self.notes.resources.is_some(), Cap::EXEC_LINUX_RESOURCES),
            (!self.exit_codes.is_empty(), Cap::EXEC_VALID_EXIT_CODES),
            // BuildKit's own client counts a secret variable as a secret mount as well.
            (!self.secret_env.is_empty(), Cap::EXEC_MOUNT_SECRET),
            (!self.secret_env.is_empty(), Cap::EXEC_SECRET_ENV),
        ];
        self.notes.caps.extend(needs.into_iter().filter(|(needed, _)| *needed).map(|(_, cap)| cap));
    }
}

fn proxy(proxy: &ProxyEnv) -> Option<pb::ProxyEnv> {
    (*proxy != ProxyEnv::default()).then(|| pb::ProxyEnv {
        http_proxy: proxy.http.clone(),
        https_proxy: proxy.https.clone(),
        ftp_proxy: proxy.ftp.clone(),
        no_proxy: proxy.no.clone(),
        all_proxy: proxy.all.clone(),
    })
}

fn extra_hosts(hosts: &BTreeMap<String, Vec<IpAddr>>) -> Vec<pb::HostIp> {
    let lines = hosts.iter().flat_map(|(host, addresses)| addresses.iter().map(move |ip| (host, ip)));
    lines.map(|(host, ip)| pb::HostIp { host: host.clone(), ip: ip.to_string() }).collect()
}

/// The mounts in BuildKit's order, with their inputs, and the number of the output at each destination.
fn mounts<'d>(
    kinds: &'d BTreeMap<String, Kind>,
    notes: &mut Notes,
) -> (Vec<pb::Mount>, Inputs, BTreeMap<&'d str, u32>) {
    // Sorted by destination, so the order of the builder's calls is not part of the digest; access to secrets and
    // agents comes last, as in BuildKit's own client.
    let mut sorted: Vec<(&str, &Kind)> = kinds.iter().map(|(at, kind)| (at.as_str(), kind)).collect();
    sorted.sort_by_key(|(_, kind)| match kind {
        Kind::Secret { .. } => 1,
        Kind::Ssh { .. } => 2,
        _ => 0,
    });
    let mut inputs = Inputs::default();
    let mut outputs = BTreeMap::new();
    let mut mounts = Vec::with_capacity(sorted.len());
    for (at, kind) in sorted {
        let mut mount = mount(kind, &mut inputs, notes);
        at.clone_into(&mut mount.dest);
        if matches!(kind, Kind::Output { .. }) {
            let index = u32::try_from(outputs.len()).expect("the type of an exec bounds its outputs");
            mount.output = i64::from(index);
            outputs.insert(at, index);
        }
        mounts.push(mount);
    }
    (mounts, inputs, outputs)
}

fn mount(kind: &Kind, inputs: &mut Inputs, notes: &mut Notes) -> pb::Mount {
    let mut mount = pb::Mount { input: NONE, output: NONE, ..pb::Mount::default() };
    match kind {
        Kind::Bind { state, subpath, writable, content_cache } => {
            mount.input = inputs.add(state);
            mount.selector.clone_from(subpath);
            mount.readonly = !writable;
            let content_cache = match content_cache {
                ContentCache::Default => pb::MountContentCache::Default,
                ContentCache::On => pb::MountContentCache::On,
                ContentCache::Off => pb::MountContentCache::Off,
            };
            mount.content_cache = content_cache.into();
            if mount.input != NONE {
                notes.need(Cap::EXEC_MOUNT_BIND);
            }
            if *writable {
                notes.need(Cap::EXEC_MOUNT_DISCARD);
            }
            if !subpath.is_empty() {
                notes.need(Cap::EXEC_MOUNT_SELECTOR);
            }
            if content_cache != pb::MountContentCache::Default {
                notes.need(Cap::EXEC_MOUNT_CONTENT_CACHE);
            }
        }
        Kind::Output { base } => {
            mount.input = inputs.add(base);
            if mount.input != NONE {
                notes.need(Cap::EXEC_MOUNT_BIND);
            }
        }
        Kind::Cache { id, sharing, base } => {
            mount.input = inputs.add(base);
            mount.mount_type = pb::MountType::Cache.into();
            let sharing = match sharing {
                Sharing::Shared => pb::CacheSharingOpt::Shared,
                Sharing::Private => pb::CacheSharingOpt::Private,
                Sharing::Locked => pb::CacheSharingOpt::Locked,
            };
            mount.cache_opt = Some(pb::CacheOpt { id: id.clone(), sharing: sharing.into() });
            notes.need(Cap::EXEC_MOUNT_CACHE);
            notes.need(Cap::EXEC_MOUNT_CACHE_SHARING);
        }
        Kind::Tmpfs { bytes_max } => {
            mount.mount_type = pb::MountType::Tmpfs.into();
            mount.tmpfs_opt = Some(pb::TmpfsOpt { size: *bytes_max });
            notes.need(Cap::EXEC_MOUNT_TMPFS);
            if *bytes_max > 0 {
                notes.need(Cap::EXEC_MOUNT_TMPFS_SIZE);
            }
        }
        Kind::Secret { id, file } => {
            mount.mount_type = pb::MountType::Secret.into();
            mount.secret_opt = Some(pb::SecretOpt {
                id: id.clone(),
                uid: file.uid,
                gid: file.gid,
                mode: file.mode,
                optional: file.optional,
            });
            notes.need(Cap::EXEC_MOUNT_SECRET);
        }
        Kind::Ssh { id, socket } => {
            mount.mount_type = pb::MountType::Ssh.into();
            mount.ssh_opt = Some(pb::SshOpt {
                id: id.clone(),
                uid: socket.uid,
                gid: socket.gid,
                mode: socket.mode,
                optional: socket.optional,
            });
            notes.need(Cap::EXEC_MOUNT_SSH);
        }
    }
    mount
}
