//! Compiles the kernel with the toolkit, and for the architectures, that the environment names.

use std::env;
use std::path::PathBuf;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=src/matmul.cu");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("matmul.bin");
    let mut compiler = if env::var_os("CARGO_FEATURE_CUDA").is_some() {
        let mut nvcc = Command::new(PathBuf::from(wanted("CUDA_HOME")).join("bin/nvcc"));
        let arch = wanted("CUDA_COMPUTE_CAP");
        // Nothing fused, as in `simd`: it would round otherwise than the CPU does.
        nvcc.args(["-fatbin", "-fmad=false", &format!("-gencode=arch=compute_{arch},code=sm_{arch}")]);
        nvcc
    } else if env::var_os("CARGO_FEATURE_ROCM").is_some() {
        let mut clang = Command::new(PathBuf::from(wanted("ROCM_PATH")).join("llvm/bin/clang"));
        clang.args(["-x", "hip", "-nogpuinc", "-nogpulib", "--offload-device-only"]);
        clang.args(["-O2", "-ffp-contract=off"]);
        clang.args(wanted("AMDGPU_TARGETS").split(';').map(|arch| format!("--offload-arch={arch}")));
        clang
    } else {
        return;
    };
    let status = compiler.arg("src/matmul.cu").arg("-o").arg(out).status();
    assert!(status.as_ref().is_ok_and(|status| status.success()), "{compiler:?}: {status:?}");
}

fn wanted(name: &str) -> String {
    println!("cargo::rerun-if-env-changed={name}");
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}
