//! Compiles the kernel for the architectures that the environment names, with the toolkit that it names.

use std::env;
use std::path::PathBuf;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=src/saxpy.cu");
    let out = PathBuf::from(env::var("OUT_DIR").unwrap()).join("saxpy.bin");
    if env::var_os("CARGO_FEATURE_CUDA").is_some() {
        let arch = wanted("CUDA_COMPUTE_CAP");
        let mut nvcc = Command::new(PathBuf::from(wanted("CUDA_HOME")).join("bin/nvcc"));
        nvcc.arg("-fatbin").arg(format!("-gencode=arch=compute_{arch},code=sm_{arch}"));
        run(nvcc.arg("-o").arg(&out).arg("src/saxpy.cu"));
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
