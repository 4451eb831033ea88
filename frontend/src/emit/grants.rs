//! What the steps of one package are given besides its files: arguments, secrets, what runs on devices, a network.

use std::collections::{BTreeMap, BTreeSet};

use buildkit_llb::{Bind, Exec, Mount, State};
use camino::Utf8PathBuf;

use super::Workshop;

/// What the steps of one package see and those of no other do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// Build arguments, as variables.
    pub args: BTreeMap<String, String>,
    /// The client's secrets.
    pub secrets: Vec<SecretGrant>,
    /// What packages for a device were compiled to.
    pub device_files: Vec<DeviceFile>,
    /// Files of the workspace.
    pub inputs: BTreeSet<Utf8PathBuf>,
    /// A network.
    pub network: bool,
}

/// A file that runs on a device, and where a step finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceFile {
    /// The variable that names it.
    pub variable: String,
    /// Where it is.
    pub path: String,
    /// What made it.
    pub files: State,
    /// Its name there.
    pub file: String,
}

/// A secret of the client's and where a step finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretGrant {
    /// `--secret id=ID`.
    pub id: String,
    /// Where it is.
    pub place: SecretPlace,
    /// The build goes on without it.
    pub optional: bool,
}

/// Where a step finds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretPlace {
    /// In this variable.
    Env(String),
    /// In the file at this path.
    File(String),
}

impl Grants {
    /// Names of the variables that steps see.
    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        let files = self.device_files.iter().map(|file| file.variable.as_str());
        self.args.keys().map(String::as_str).chain(self.secret_variables()).chain(files)
    }

    /// Those of them that are secrets.
    pub(super) fn secret_variables(&self) -> impl Iterator<Item = &str> {
        self.secrets.iter().filter_map(|secret| match &secret.place {
            SecretPlace::Env(name) => Some(name.as_str()),
            SecretPlace::File(_) => None,
        })
    }

    /// Paths of the secrets that steps see as files.
    pub(super) fn secret_files(&self) -> impl Iterator<Item = &str> {
        self.secrets.iter().filter_map(|secret| match &secret.place {
            SecretPlace::Env(_) => None,
            SecretPlace::File(path) => Some(path.as_str()),
        })
    }
}

/// The step with all of it but the files of the workspace.
pub(super) fn grant(mut exec: Exec, grants: &Grants, workshop: &Workshop) -> Exec {
    for (name, value) in &grants.args {
        exec = exec.env(name, value);
    }
    for file in &grants.device_files {
        // By contents: device code that comes out the same is linked into nothing anew.
        let bind = Bind::new(&file.files).subpath(&format!("/{}", file.file));
        exec = exec.env(&file.variable, &file.path).mount(&file.path, bind);
    }
    for secret in &grants.secrets {
        exec = match &secret.place {
            SecretPlace::Env(name) => exec.secret_env(name, &secret.id, secret.optional),
            SecretPlace::File(path) => {
                let mount = Mount::secret(&secret.id);
                exec.mount(path, if secret.optional { mount.optional() } else { mount })
            }
        };
    }
    if grants.network {
        exec = exec.network(workshop.sandbox.network.unwrap_or_default());
    }
    exec
}
