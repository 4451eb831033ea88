//! Every setting in one table, from which the reference and the JSON Schema for editors are made.

mod pages;

pub use pages::{reference, schema};

/// Tables that a key can stand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// `[workspace.metadata.longshore]`, the top of a `longshore.toml`.
    Workspace,
    /// `[package.metadata.longshore]`, `[packages.NAME]` of a `longshore.toml`.
    Package,
    /// `[workspace.metadata.longshore.images.NAME]`, `[images.NAME]` of a `longshore.toml`.
    Image,
}

/// What a value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A string.
    Text,
    /// `true` or `false`.
    Flag,
    /// A list of strings.
    Texts,
    /// A table of strings.
    Pairs,
    /// A list of ports.
    Ports,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Build arguments.
    Arguments,
    /// `false`, or a table that says how.
    Check,
    /// A list of tables with these keys; those that must be there are marked.
    Tables(&'static [(&'static str, Shape, bool)]),
    /// Tables of the image settings, by name.
    Images,
    /// Tables of accelerators, by name.
    Accelerators,
    /// What single architectures have of their own, by name.
    Archs,
    /// Variables of one package for accelerators, by name.
    Variables,
    /// What steps see of an accelerator.
    Build,
    /// What is added to the toolchain image.
    Builder,
    /// What single packages of the build are given, by name.
    Crates,
    /// How code that runs on an accelerator is compiled.
    Device,
    /// What an accelerator's images are like.
    Runtime,
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// Where it can stand.
    pub places: &'static [Place],
    /// What its value looks like.
    pub shape: Shape,
    /// What a build does without it.
    pub default: &'static str,
    /// What it means, in one or two sentences.
    pub meaning: &'static str,
    /// A line as one writes it.
    pub example: &'static str,
}

use Place::{Image, Package, Workspace};

const W: &[Place] = &[Workspace];
const P: &[Place] = &[Package];
const I: &[Place] = &[Image];
const ALL: &[Place] = &[Workspace, Package, Image];
const PI: &[Place] = &[Package, Image];

const FILE: &[(&str, Shape, bool)] = &[
    ("from", Shape::Text, true),
    ("to", Shape::Text, true),
    ("owner", Shape::Text, false),
    ("mode", Shape::Text, false),
];
const ASSET: &[(&str, Shape, bool)] = &[
    ("url", Shape::Text, true),
    ("sha256", Shape::Text, true),
    ("to", Shape::Text, true),
    ("unpack", Shape::Flag, false),
    ("owner", Shape::Text, false),
    ("mode", Shape::Text, false),
];
const SECRET: &[(&str, Shape, bool)] = &[
    ("id", Shape::Text, true),
    ("env", Shape::Text, false),
    ("file", Shape::Text, false),
    ("required", Shape::Flag, false),
];

macro_rules! keys {
    ($($name:literal $places:ident $shape:expr, $default:literal, $meaning:literal, $example:literal;)*) => {
        /// Every setting, in the order of the reference.
        pub const KEYS: &[Key] = &[$(Key {
            name: $name, places: $places, shape: $shape, default: $default, meaning: $meaning, example: $example,
        }),*];
    };
}

keys! {
    "toolchain" W Shape::Text, "`rust:1.95-bookworm`, or what [the toolchain file](#the-toolchain-file) says", "The image that has rustc and cargo. Steps run in it.", "toolchain = \"rust:1.95-bookworm\"";
    "builder" W Shape::Builder, "nothing is added", "What the toolchain image gets before anything is compiled in it, see [Builder](#of-the-builder).", "builder.packages = [\"libssl-dev\", \"pkg-config\"]";
    "crates" W Shape::Crates, "none", "What the steps of single packages are given, by name or `\"NAME@VERSION\"`, see [Crates](#of-a-crate). No other package's key changes.", "crates.openssl-sys.env = { OPENSSL_STATIC = \"1\" }";
    "profile" W Shape::Text, "`release`", "cargo's `--profile`. `--build-arg PROFILE=…` goes before it. Build scripts and procedural macros have no debug information, unless `build-override.debug` of the profile says so.", "profile = \"dist\"";
    "features" W Shape::Texts, "none", "cargo's `--features`. `--build-arg FEATURES=a,b` adds to them.", "features = [\"server/metrics\"]";
    "no-default-features" W Shape::Flag, "`false`", "cargo's `--no-default-features`.", "no-default-features = true";
    "all-features" W Shape::Flag, "`false`", "cargo's `--all-features`.", "all-features = true";
    "bundle" W Shape::Flag, "`true` where `Cargo.lock` has 150 packages of registries or more", "Small packages of registries are compiled several to a step: half as many steps, and blobs in an exported cache. See [Steps](caching.md#steps-and-bundles).", "bundle = false";
    "target" W Shape::Texts, "the platform's, with glibc", "Triples to compile for; for each platform the first that runs there.", "target = [\"x86_64-unknown-linux-musl\", \"aarch64-unknown-linux-musl\"]";
    "args" W Shape::Arguments, "none", "Build arguments: a default, or a table with `default`, `description`, `required`. `${NAME}` in any string of the settings stands for the value, `$${` for the characters themselves.", "args = { RELEASE = \"12\", TOKEN = { required = true, description = \"For the registry\" } }";
    "images" W Shape::Images, "none", "Images of your own making, each a target: `bins`, and everything that an image can have.", "images.all = { bins = [\"server\", \"worker\"] }";
    "accelerator" W Shape::Accelerators, "none", "Processors that images are built for besides the CPU, by name, which targets have after theirs: `server-cuda`. See [Accelerators](#of-an-accelerator).", "accelerator.cuda = { preset = \"cuda-13\", archs = [\"80\", \"90a\"], features = [\"server/cuda\"] }";
    "accelerators" P Shape::Texts, "none", "Accelerators whose toolkit and variables the package's build script and compiler see.", "accelerators = [\"cuda\"]";
    "device" P Shape::Texts, "none", "Accelerators that the package itself runs on: it is compiled for their devices, and is no target. See [Device code in Rust](accelerators.md#device-code-in-rust).", "device = [\"cuda\", \"rocm\"]";
    "device-crates" P Shape::Texts, "none", "Such packages: for an accelerator, the package's build script and compiler see what they were compiled to, in `CARGO_CDYLIB_FILE_` and the package's name in capitals.", "device-crates = [\"kernels\"]";
    "platforms" W Shape::Texts, "the builder's", "What `--call=bake` builds for.", "platforms = [\"linux/amd64\", \"linux/arm64\"]";
    "tags" W Shape::Texts, "none", "What `--call=bake` tags images with; `{target}` stands for the target's name.", "tags = [\"registry.example.com/shop/{target}:latest\"]";
    "bins" I Shape::Texts, "none", "The binaries in the image: names as for `--target`.", "bins = [\"server\", \"tools:report\"]";
    "inputs" P Shape::Texts, "none", "Files outside the package's directory that it is compiled from, relative to the build context. Those that sources name literally, and those that flags and cargo's configuration name, are found without.", "inputs = [\"proto/*.proto\"]";
    "secrets" P Shape::Tables(SECRET), "none", "Secrets of the client's (`--secret id=…`) that the package's build script and compiler see, in a variable or a file: `id`; `env` or `file` say where, else it is `/run/secrets/ID`; `required = false` builds without.", "secrets = [{ id = \"token\", env = \"TOKEN\" }]";
    "base" ALL Shape::Text, "nothing under static programs, `debian:bookworm-slim` under others", "The image under the programs, or `scratch`.", "base = \"registry.example.com/base:12\"";
    "libraries" ALL Shape::OneOf(&["check", "copy", "ignore"]), "`check`", "Shared libraries that programs need and that neither the base nor `files` and `assets` bring: an error, copied from the toolchain image or the accelerator's toolkit, or nobody looks.", "libraries = \"copy\"";
    "certificates" ALL Shape::Flag, "yes, unless you name a base", "CA certificates of the toolchain image are put in.", "certificates = true";
    "user" ALL Shape::Text, "`65532:65532`", "`user` or `user:group`, names or numbers.", "user = \"app\"";
    "workdir" ALL Shape::Text, "the base's", "The working directory.", "workdir = \"/srv\"";
    "entrypoint" PI Shape::Texts, "the binary", "What is started.", "entrypoint = [\"/usr/local/bin/server\", \"--quiet\"]";
    "cmd" ALL Shape::Texts, "none", "Arguments that the user of the image can replace.", "cmd = [\"--port\", \"8080\"]";
    "env" ALL Shape::Pairs, "the base's", "Variables, on top of the base's.", "env = { RUST_LOG = \"info\" }";
    "labels" ALL Shape::Pairs, "from the manifest", "Labels, on top of those that the manifest makes (version, licence, description, repository).", "labels = { \"com.example.team\" = \"shop\" }";
    "expose" ALL Shape::Ports, "none", "Ports that the program listens on.", "expose = [8080, \"53/udp\"]";
    "volumes" ALL Shape::Texts, "none", "Directories that hold data.", "volumes = [\"/data\"]";
    "stop-signal" ALL Shape::Text, "the base's", "What the program is told to end with.", "stop-signal = \"SIGINT\"";
    "healthcheck" ALL Shape::Check, "the base's", "How to see that the program is well: `cmd` (a list, or a line for a shell), `interval`, `timeout`, `start-period`, `start-interval`, `retries`; or `false`.", "healthcheck = { cmd = [\"/usr/local/bin/server\", \"--health\"], interval = \"30s\" }";
    "files" ALL Shape::Tables(FILE), "none", "Files and directories of the build context. `from` is relative to the build context; of a directory the contents land in `to`. `owner` is `user:group`, `mode` is octal.", "files = [{ from = \"static\", to = \"/srv/static/\", owner = \"65532:65532\", mode = \"0644\" }]";
    "assets" ALL Shape::Tables(ASSET), "none", "Downloads, each in a layer of its own, checked by BuildKit. With `unpack`, archives.", "assets = [{ url = \"https://example.com/model.bin\", sha256 = \"8d94194b1fa3c519259125912d5f2a8527eb70054090d3c80722da58c9f9444b\", to = \"/models/model.bin\" }]";
    "smoke" ALL Shape::Texts, "none", "Arguments with which the image is run once before it ships, without a network and on the builder's platform only. A failure is one of the build.", "smoke = [\"--version\"]";
    "stamp" ALL Shape::Flag, "`false`", "Version and git revision become labels, and are written into programs that have a section `.longshore.stamp`, in the last step.", "stamp = true";
}

/// `args` of a package is a list of names and not a table.
const PACKAGE_ARGS: Key = Key {
    name: "args",
    places: P,
    shape: Shape::Texts,
    default: "none",
    meaning: "Build arguments that the package's build script and compiler see as variables. No other package does.",
    example: "args = [\"RELEASE\"]",
};

const fn nested(
    name: &'static str,
    shape: Shape,
    default: &'static str,
    meaning: &'static str,
    example: &'static str,
) -> Key {
    Key { name, places: &[], shape, default, meaning, example }
}

/// Keys of `accelerator.NAME`.
pub const ACCELERATOR: &[Key] = &[
    nested(
        "preset",
        Shape::Text,
        "the accelerator's name, if it is one",
        "What is known about the processor and its toolkit; everything below goes before it. `cuda` and `rocm` alone are none; without one there is no toolkit.",
        "preset = \"cuda-13\"",
    ),
    nested(
        "archs",
        Shape::Texts,
        "must be there where code is compiled for them",
        "What to compile for, without dots and prefixes: `80`, `90a`, `ptx:80` (code that the driver compiles), `gfx90a`, `v3`.",
        "archs = [\"80\", \"90a\"]",
    ),
    nested(
        "arch-mode",
        Shape::OneOf(&["per-build", "list", "none"]),
        "the preset's",
        "An image for each architecture, one image with code for all, or nothing that depends on one.",
        "arch-mode = \"per-build\"",
    ),
    nested(
        "layout",
        Shape::OneOf(&["split", "fat"]),
        "`split`",
        "With `arch-mode = \"per-build\"`: an image for each architecture, or one image with all programs and a launcher that starts the one for the processor it finds. `LONGSHORE_ARCH` chooses without looking.",
        "layout = \"fat\"",
    ),
    nested(
        "arch",
        Shape::Archs,
        "none",
        "Where single architectures differ, by name: `features` and `platforms` instead of the accelerator's, `env` on top of its `build.env`.",
        "arch.75 = { features = [\"router/candle-cuda-turing\"], env = { USE_FLASH_ATTENTION = \"False\" } }",
    ),
    nested(
        "platforms",
        Shape::Texts,
        "the preset's",
        "Platforms that the accelerator is built for.",
        "platforms = [\"linux/amd64\"]",
    ),
    nested(
        "features",
        Shape::Texts,
        "none",
        "cargo's `--features`, on top of the workspace's.",
        "features = [\"server/cuda\"]",
    ),
    nested(
        "no-default-features",
        Shape::Flag,
        "the workspace's",
        "cargo's `--no-default-features`.",
        "no-default-features = true",
    ),
    nested(
        "build",
        Shape::Build,
        "the preset's",
        "What steps see that compile for it, see below.",
        "build.env = { CUDAFORGE_THREADS = \"2\" }",
    ),
    nested(
        "device",
        Shape::Device,
        "the preset's",
        "How packages that run on it are compiled, see below.",
        "device.toolchain = \"registry.example.com/rust-nightly:1\"",
    ),
    nested(
        "runtime",
        Shape::Runtime,
        "the preset's `base`",
        "Every setting that images can have, for images of the accelerator.",
        "runtime.libraries = \"copy\"",
    ),
    nested(
        "verify",
        Shape::Flag,
        "the preset's",
        "The device code in the programs must be for the architectures asked for, or the build fails.",
        "verify = true",
    ),
];

/// Keys of its `build`.
pub const BUILD: &[Key] = &[
    nested(
        "image",
        Shape::Text,
        "the preset's",
        "The image that has the toolkit. Nothing runs in it; parts of it are mounted into steps.",
        "image = \"nvidia/cuda:13.0.2-devel-ubuntu24.04\"",
    ),
    nested(
        "paths",
        Shape::Texts,
        "the preset's",
        "What of it is mounted, at the same path.",
        "paths = [\"/usr/local/cuda\"]",
    ),
    nested(
        "path",
        Shape::Texts,
        "the preset's",
        "What is put before `PATH`.",
        "path = [\"/usr/local/cuda/bin\"]",
    ),
    nested(
        "env",
        Shape::Pairs,
        "the preset's",
        "Variables, on top of the preset's.",
        "env = { CUDAFORGE_THREADS = \"2\" }",
    ),
    nested(
        "arch-env",
        Shape::Pairs,
        "the preset's",
        "Variables with architectures filled in: `{arch}`, `{arch:sm}`, `{arch:dotted}`, `{arch:cmake}`; with `;`, `,` or a space before the brace, a list of all; without one, the first.",
        "arch-env = { CUDA_COMPUTE_CAP = \"{arch}\" }",
    ),
    nested(
        "git",
        Shape::Tables(&[
            ("url", Shape::Text, true),
            ("commit", Shape::Text, true),
            ("to", Shape::Text, true),
        ]),
        "none",
        "Repositories that build scripts would clone, which have no network: fetched by BuildKit and mounted with their `.git`.",
        "git = [{ url = \"https://github.com/NVIDIA/cutlass.git\", commit = \"7d49e6c7e2f8896c47f586706e67e1fb215529dc\", to = \"/tmp/cudaforge/git/checkouts/cutlass-7d49e6c7e2f8896c\" }]",
    ),
    nested(
        "packages",
        Shape::Texts,
        "the preset's",
        "Packages whose steps see all this, besides members that name the accelerator in their `accelerators`.",
        "packages = [\"candle-kernels\"]",
    ),
];

/// Keys of `builder`.
pub const BUILDER: &[Key] = &[
    nested(
        "packages",
        Shape::Texts,
        "none",
        "Packages of the image's own package manager (apt or apk), installed in a step of their own, which has a network. A name can have an architecture (`libssl-dev:arm64`) or a version (`cmake=3.25.1-1`) after it.",
        "packages = [\"libssl-dev\", \"pkg-config\"]",
    ),
    nested(
        "setup",
        Shape::Texts,
        "none",
        "Lines for the image's shell, each a step with a network, after the packages. `$${` stands for `${`.",
        "setup = [\"curl -sSf https://example.com/install.sh | sh\"]",
    ),
    nested(
        "env",
        Shape::Pairs,
        "the image's",
        "Variables that these lines and all steps see, on top of the image's.",
        "env = { OPENSSL_NO_VENDOR = \"1\" }",
    ),
];

/// Keys of `crates.NAME`.
pub const CRATE: &[Key] = &[
    nested(
        "env",
        Shape::Pairs,
        "none",
        "Variables that the package's build script and compiler see.",
        "env = { OPENSSL_STATIC = \"1\" }",
    ),
    nested(
        "inputs",
        Shape::Texts,
        "none",
        "Files of the build context that they see, relative to its root, which is `/ws` in every step.",
        "inputs = [\"vendor/model.onnx\"]",
    ),
    nested(
        "secrets",
        Shape::Tables(SECRET),
        "none",
        "Secrets of the client's that they see.",
        "secrets = [{ id = \"token\", env = \"TOKEN\" }]",
    ),
    nested(
        "network",
        Shape::Flag,
        "`false`",
        "The package's steps have a network. What they fetch is pinned by nothing, and a warning says so.",
        "network = true",
    ),
];

/// Keys of its `device`.
pub const DEVICE: &[Key] = &[
    nested("target", Shape::Text, "the preset's", "The device's triple.", "target = \"nvptx64-nvidia-cuda\""),
    nested(
        "toolchain",
        Shape::Text,
        "the workspace's `toolchain`",
        "The image that compiles for it: with the target's standard library or `rust-src`, and the target's linker.",
        "toolchain = \"registry.example.com/rust-nightly:1\"",
    ),
];

/// `accelerator` of a package has variables only.
const PACKAGE_ACCELERATOR: Key = Key {
    name: "accelerator",
    places: P,
    shape: Shape::Variables,
    default: "none",
    meaning: "Variables of the package's own for an accelerator, before the accelerator's: `env` and `arch-env`. It counts as named in `accelerators`.",
    example: "accelerator.cuda = { env = { CUDA_NVCC_FLAGS = \"-O3\" }, arch-env = { MY_ARCHS = \"{arch:sm;}\" } }",
};

/// Every setting that can stand in a place.
pub fn keys_of(place: Place) -> impl Iterator<Item = &'static Key> {
    let of_packages: &[Key] = if place == Package { &[PACKAGE_ARGS, PACKAGE_ACCELERATOR] } else { &[] };
    KEYS.iter().filter(move |key| key.places.contains(&place)).chain(of_packages)
}

#[cfg(test)]
mod tests;
