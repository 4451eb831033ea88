//! One program with code for several of NVIDIA's processors, for two platforms, compiled on one.

use std::collections::BTreeMap;
use std::fs;

use crate::{
    Result,
    build::Order,
    engine::Engine,
    project::{Project, nonce},
};

/// Compiles for both platforms, and runs what is for arm64.
const TOOLCHAIN: &str = "longshore/rust-cross:debian";

/// A function of the host's that asks NVIDIA's runtime, compiled by nvcc: so it has to be for the image's platform.
const HOST: &str = r#"
#include <cuda_runtime.h>
__global__ void nothing() {}
extern "C" int devices() {
  int count = 0;
  nothing<<<1, 1>>>();
  return cudaGetDeviceCount(&count) == cudaSuccess ? count : -1;
}
"#;

/// Compiles that, and links with the runtime of the image's platform.
const SCRIPT: &str = r#"
    if env::var_os("CARGO_FEATURE_CUDA").is_some() {
        let home = PathBuf::from(wanted("CUDA_HOME"));
        let out = PathBuf::from(env::var("OUT_DIR").unwrap());
        let mut nvcc = Command::new(home.join("bin/nvcc"));
        run(nvcc.args(["-arch=sm_80", "-Xcompiler=-fPIC,-fno-exceptions,-fno-threadsafe-statics", "-c", "src/host.cu", "-o"]).arg(out.join("host.o")));
        run(Command::new("ar").arg("crs").arg(out.join("libhost.a")).arg(out.join("host.o")));
        let arm64 = env::var("CARGO_CFG_TARGET_ARCH").unwrap() == "aarch64";
        let lib = if arm64 { home.join("targets/sbsa-linux/lib") } else { home.join("lib64") };
        println!("cargo::rustc-link-search=native={}", out.display());
        println!("cargo::rustc-link-search=native={}", lib.display());
        println!("cargo::rustc-link-lib=static=host");
        println!("cargo::rustc-link-lib=static=cudart_static");
        for library in ["dl", "rt", "pthread"] {
            println!("cargo::rustc-link-lib={library}");
        }
    }
}
"#;

/// Kinds and architectures of the code in a program's fat binaries, how often each.
///
/// A fat binary: magic, version, the header's own size, size of what follows; each entry: kind (1 is PTX, 2 a program), its
/// header's size at 4, size of what follows at 8, the architecture at 28.
fn fat_binaries(program: &[u8]) -> BTreeMap<(u16, u32), usize> {
    let short = |at: usize| u16::from_le_bytes(program[at..at + 2].try_into().expect("as long"));
    let word = |at: usize| u32::from_le_bytes(program[at..at + 4].try_into().expect("as long"));
    let mut found = BTreeMap::new();
    for start in 0..program.len().saturating_sub(16) {
        if word(start) != 0xBA55_ED50 || short(start + 4) != 1 || short(start + 6) != 16 {
            continue;
        }
        let end = start + 16 + word(start + 8) as usize;
        let mut at = start + 16;
        while at < end {
            *found.entry((short(at), word(at + 28))).or_default() += 1;
            at += (word(at + 4) + word(at + 8)) as usize;
        }
    }
    found
}

fn machine(program: &[u8]) -> u16 {
    u16::from_le_bytes(program[18..20].try_into().expect("as long"))
}

/// `EM_X86_64` and `EM_AARCH64`.
const MACHINES: [(&str, u16); 2] = [("linux_amd64", 62), ("linux_arm64", 183)];

/// sm_80, sm_90 and PTX in one program, for amd64 and arm64 in one build; device code and host code are nvcc's.
pub(crate) fn code_for_several_on_two_platforms() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("saxpy")?;
    project.replace(
        "Cargo.toml",
        "archs = [\"80\", \"90a\"]",
        "archs = [\"80\", \"90\", \"ptx:80\"]\narch-mode = \"list\"",
    )?;
    project.append("kernels/src/saxpy.cu", &format!("\n// {}\n", nonce()))?;
    project.write("kernels/src/host.cu", HOST)?;
    let script = project.read("kernels/build.rs")?;
    let (main, rest) = script.split_once("\n}\n").expect("main ends");
    project.write("kernels/build.rs", format!("{main}{SCRIPT}{rest}"))?;
    project.append(
        "kernels/src/lib.rs",
        "\n#[cfg(feature = \"cuda\")]\nunsafe extern \"C\" {\n    /// GPUs, or -1.\n    pub safe fn devices() -> i32;\n}\n",
    )?;
    project.replace(
        "saxpy/src/main.rs",
        "fn main() {\n",
        "fn main() {\n    #[cfg(feature = \"cuda\")]\n    println!(\"{} devices\", kernels::devices());\n",
    )?;
    let to = tempfile::tempdir()?;
    let output = format!("type=local,dest={}", to.path().display());
    let contexts = [
        format!("rust:1.95-bookworm=docker-image://{TOOLCHAIN}"),
        "debian:bookworm-slim=docker-image://longshore/base-cross:debian".to_owned(),
        "nvidia/cuda:13.0.2-devel-ubuntu24.04=docker-image://longshore/cuda:13".to_owned(),
    ];
    Order::build(&engine, project.path(), "saxpy-list")
        .target("saxpy-cuda")
        .args(["--platform", "linux/amd64,linux/arm64", "--output", &output])
        .args(contexts.iter().flat_map(|context| ["--build-context", context.as_str()]))
        .must()?;

    let container = engine.start(&[], TOOLCHAIN, &["sleep", "600"])?;
    container.copy_in(to.path(), "/root/it")?;
    for (directory, expected) in MACHINES {
        let program = fs::read(to.path().join(directory).join("usr/local/bin/saxpy"))?;
        assert_eq!(machine(&program), expected, "{directory}");
        let found = fat_binaries(&program);
        for code in [(2, 80), (2, 90), (1, 80)] {
            assert!(found.contains_key(&code), "{directory}: {code:?} in {found:?}");
        }
        assert!(found.keys().all(|(_, arch)| [80, 90].contains(arch)), "{directory}: {found:?}");
    }
    let emulated = "cd /root/it/linux_arm64 && qemu-aarch64 -L . ./usr/local/bin/saxpy";
    for line in [emulated, "/root/it/linux_amd64/usr/local/bin/saxpy"] {
        let said = container.exec(&[], &["sh", "-c", line])?;
        assert_eq!(said.code, Some(0), "{line}: {}", said.stderr);
        assert!(said.stdout.starts_with("-1 devices\n"), "{line}: {}", said.stdout);
        assert!(said.stdout.ends_with("1000000 on the CPU\n"), "{line}: {}", said.stdout);
    }
    Ok(())
}
