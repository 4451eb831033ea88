//! The names of all kinds of mistakes.
//!
//! They are part of the interface: users search for them and linters filter by them, so a test pins the list.

use std::fmt;

macro_rules! codes {
    ($($variant:ident = $name:literal, $description:literal;)*) => {
        /// The name of one kind of mistake.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $description] $variant,)*
        }

        impl Code {
            /// Every code, in alphabetical order of their names.
            pub const ALL: &[Code] = &[$(Code::$variant),*];

            /// The name as users see it, in kebab case.
            pub fn name(self) -> &'static str {
                match self { $(Code::$variant => $name,)* }
            }

            /// What this kind of mistake is, in one sentence.
            pub fn description(self) -> &'static str {
                match self { $(Code::$variant => $description,)* }
            }
        }
    };
}

codes! {
    AmbiguousTarget = "ambiguous-target", "Several packages build a binary of the requested name.";
    BuildkitTooOld = "buildkit-too-old", "The build needs something that this BuildKit does not have.";
    CargoFailed = "cargo-failed", "cargo itself refused the workspace.";
    DebugProfile = "debug-profile", "Images are built with a profile for development.";
    FloatingTag = "floating-tag", "An image or a toolchain has a name that means another one later.";
    HiddenTarget = "hidden-target", "A stage of the Dockerfile has the name of a target that the file seems to want.";
    IgnoredSetting = "ignored-setting", "A setting of cargo's has no effect in this build.";
    InvalidContext = "invalid-context", "A build context or a named context cannot be understood.";
    InvalidOption = "invalid-option", "A build option has a value that cannot be understood.";
    InvalidValue = "invalid-value", "A setting has a value that it cannot have.";
    LargeCache = "large-cache", "An exported cache of a target may be too large to be imported.";
    LockOutOfDate = "lock-out-of-date", "Cargo.lock does not fit the manifests.";
    LockSyntax = "lock-syntax", "Cargo.lock cannot be read.";
    ManifestSyntax = "manifest-syntax", "The file is not valid TOML.";
    MissingArgument = "missing-argument", "A build argument that has to be given has no value.";
    MissingFile = "missing-file", "A file that the build needs is not in the build context.";
    MissingMember = "missing-member", "A member of the workspace is not in the build context.";
    MissingSecret = "missing-secret", "A package needs a secret that the client does not give.";
    NetworkAllowed = "network-allowed", "A package's steps have a network, so their result is not pinned.";
    NoCargoInToolchain = "no-cargo-in-toolchain", "The toolchain image has no cargo.";
    NoEntryFile = "no-entry-file", "The file named by the build is not in the build context.";
    NoLockFile = "no-lock-file", "The workspace has no Cargo.lock.";
    NoTarget = "no-target", "The workspace has nothing to build into an image.";
    OldToolchain = "old-toolchain", "The toolchain is older than those that are tested.";
    PrivilegedPort = "privileged-port", "A port below 1024 is exposed by an image that does not run as root.";
    RegistryUnavailable = "registry-unavailable", "A registry does not say where its packages are.";
    RootUser = "root-user", "An image runs as root.";
    SecretInEnv = "secret-in-env", "An image has a variable that looks like a secret.";
    ShellOnScratch = "shell-on-scratch", "A health check needs a shell that the image does not have.";
    TargetRequired = "target-required", "The workspace has several targets and none was asked for.";
    UnknownArgument = "unknown-argument", "A build argument of that name is not declared.";
    UnknownKey = "unknown-key", "A setting of that name does not exist.";
    UnknownTarget = "unknown-target", "No target has the requested name.";
    UnsupportedOption = "unsupported-option", "The build asks for something that is not supported.";
    UnsupportedSource = "unsupported-source", "A package comes from where it cannot be fetched.";
    UnusedContext = "unused-context", "No image or file of the name of a named context is used.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::Code;

    #[test]
    fn the_list_of_codes_is_part_of_the_interface() {
        let names: Vec<_> = Code::ALL.iter().map(|code| code.name()).collect();
        expect![[r#"
            ambiguous-target
            buildkit-too-old
            cargo-failed
            debug-profile
            floating-tag
            hidden-target
            ignored-setting
            invalid-context
            invalid-option
            invalid-value
            large-cache
            lock-out-of-date
            lock-syntax
            manifest-syntax
            missing-argument
            missing-file
            missing-member
            missing-secret
            network-allowed
            no-cargo-in-toolchain
            no-entry-file
            no-lock-file
            no-target
            old-toolchain
            privileged-port
            registry-unavailable
            root-user
            secret-in-env
            shell-on-scratch
            target-required
            unknown-argument
            unknown-key
            unknown-target
            unsupported-option
            unsupported-source
            unused-context"#]]
        .assert_eq(&names.join("\n"));
    }

    #[test]
    fn names_are_unique_sorted_and_in_kebab_case() {
        for pair in Code::ALL.windows(2) {
            assert!(pair[0].name() < pair[1].name(), "{} stands before {}", pair[0], pair[1]);
        }
        for code in Code::ALL {
            assert!(code.name().bytes().all(|b| b == b'-' || b.is_ascii_lowercase()), "{code}");
            assert!(code.description().ends_with('.'), "{code}");
        }
    }
}
