//! Compiles the kernel for the architectures that the environment names, with the toolkit that it names.

use std::env;
use std::path::PathBuf;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=src/saxpy.cu");
    let out = PathBuf::from(env::var("OUT_DIR").unwrap()).join("saxpy.bin");
    if env::var_os("CARGO_FEATURE_CUDA").is_some() {
        let mut nvcc = Command::new(PathBuf::from(wanted("CUDA_HOME")).join("bin/nvcc"));
        // As CMake has it: `80-real` is code for the processor, `80-virtual` code that the driver compiles.
        for arch in wanted("CMAKE_CUDA_ARCHITECTURES").split(';') {
            let (number, kind) = arch.split_once('-').expect("real or virtual");
            let code = if kind == "real" { "sm" } else { "compute" };
            nvcc.arg(format!("-gencode=arch=compute_{number},code={code}_{number}"));
        }
        run(nvcc.arg("-fatbin").arg("-o").arg(&out).arg("src/saxpy.cu"));
    } else if env::var_os("CARGO_FEATURE_ROCM").is_some() {
        let mut clang = Command::new(PathBuf::from(wanted("ROCM_PATH")).join("llvm/bin/clang"));
        clang.args(["-x", "hip", "-nogpuinc", "-nogpulib", "--offload-device-only", "-O2"]);
        clang.args(wanted("AMDGPU_TARGETS").split(';').map(|arch| format!("--offload-arch={arch}")));
        run(clang.arg("-o").arg(&out).arg("src/saxpy.cu"));
    }
}

fn wanted(name: &str) -> String {
    println!("cargo::rerun-if-env-changed={name}");
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?} failed");
}
