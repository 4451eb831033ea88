//! What is known about accelerators: images, variables, architectures. Part of a release; every value can be overridden.
//!
//! Architectures are what the compilers of the named toolkit accept: `nvcc --list-gpu-code`, `ptxas`, the targets of
//! ROCm's libraries.

use super::{ArchMode, Family};

/// Defaults for an accelerator.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    /// As settings name it.
    pub name: &'static str,
    /// In a sentence.
    pub about: &'static str,
    /// What its architectures are called.
    pub family: Family,
    /// Architectures that its toolkit can compile for; empty where any name may be one.
    pub archs: &'static [&'static str],
    /// How code for several is made.
    pub mode: ArchMode,
    /// The image that has its toolkit.
    pub image: Option<&'static str>,
    /// What of it steps see, at the same paths.
    pub paths: &'static [&'static str],
    /// Directories of it with programs.
    pub path: &'static [&'static str],
    /// Variables of steps that see it.
    pub env: &'static [(&'static str, &'static str)],
    /// The same, with architectures filled in.
    pub arch_env: &'static [(&'static str, &'static str)],
    /// Published crates whose build scripts want the toolkit.
    pub packages: &'static [&'static str],
    /// The device's own triple, where rustc compiles for it.
    pub device: Option<&'static str>,
    /// What its programs are put on.
    pub runtime: Option<&'static str>,
    /// Platforms that it exists for; empty for all.
    pub platforms: &'static [&'static str],
    /// Labels of images.
    pub labels: &'static [(&'static str, &'static str)],
    /// Libraries that come with the driver of the machine that runs the program.
    pub driver: &'static [&'static str],
    /// The architectures of device code are compared with those asked for.
    pub verify: bool,
}

const NOTHING: Preset = Preset {
    name: "",
    about: "",
    family: Family::Generic,
    archs: &[],
    mode: ArchMode::None,
    image: None,
    paths: &[],
    path: &[],
    env: &[],
    arch_env: &[],
    packages: &[],
    device: None,
    runtime: None,
    platforms: &[],
    labels: &[],
    driver: &[],
    verify: false,
};

const LINUX: &[&str] = &["linux/amd64", "linux/arm64"];
const AMD64: &[&str] = &["linux/amd64"];

const CUDA: Preset = Preset {
    family: Family::Cuda,
    mode: ArchMode::PerBuild,
    paths: &["/usr/local/cuda"],
    path: &["/usr/local/cuda/bin"],
    arch_env: &[
        ("CMAKE_CUDA_ARCHITECTURES", "{arch:cmake;}"),
        ("CUDA_COMPUTE_CAP", "{arch}"),
        ("TORCH_CUDA_ARCH_LIST", "{arch:dotted;}"),
    ],
    packages: &[
        "candle-flash-attn",
        "candle-flash-attn-v3",
        "candle-kernels",
        "cudarc",
        "mistralrs-paged-attn",
        "mistralrs-quant",
    ],
    device: Some("nvptx64-nvidia-cuda"),
    platforms: LINUX,
    driver: &["libcuda.so.1", "libnvidia-ml.so.1", "libnvidia-ptxjitcompiler.so.1"],
    verify: true,
    ..NOTHING
};

const CUDA_12: Preset = Preset {
    name: "cuda-12",
    about: "NVIDIA GPUs, CUDA 12",
    archs: &[
        "50", "52", "53", "60", "61", "62", "70", "72", "75", "80", "86", "87", "89", "90", "90a", "100",
        "100a", "100f", "101", "101a", "101f", "103", "103a", "103f", "120", "120a", "120f", "121", "121a",
        "121f",
    ],
    image: Some("nvidia/cuda:12.9.1-devel-ubuntu24.04"),
    env: &[
        ("CUDARC_CUDA_VERSION", "12090"),
        ("CUDA_HOME", "/usr/local/cuda"),
        ("CUDA_PATH", "/usr/local/cuda"),
    ],
    runtime: Some("nvidia/cuda:12.9.1-runtime-ubuntu24.04"),
    labels: &[
        ("longshore.cdi", "nvidia.com/gpu"),
        ("longshore.min-driver", "525"),
        ("longshore.run-args", "--gpus all"),
        ("longshore.toolkit", "12.9"),
    ],
    ..CUDA
};

const CUDA_13: Preset = Preset {
    name: "cuda-13",
    about: "NVIDIA GPUs, CUDA 13",
    archs: &[
        "75", "80", "86", "87", "88", "89", "90", "90a", "100", "100a", "100f", "103", "103a", "103f", "107",
        "107a", "107f", "110", "110a", "110f", "120", "120a", "120f", "121", "121a", "121f",
    ],
    image: Some("nvidia/cuda:13.0.2-devel-ubuntu24.04"),
    env: &[
        ("CUDARC_CUDA_VERSION", "13000"),
        ("CUDA_HOME", "/usr/local/cuda"),
        ("CUDA_PATH", "/usr/local/cuda"),
    ],
    runtime: Some("nvidia/cuda:13.0.2-runtime-ubuntu24.04"),
    labels: &[
        ("longshore.cdi", "nvidia.com/gpu"),
        ("longshore.min-driver", "580"),
        ("longshore.run-args", "--gpus all"),
        ("longshore.toolkit", "13.0"),
    ],
    ..CUDA
};

const CUDA_JIT: Preset = Preset {
    name: "cuda-jit",
    about: "NVIDIA GPUs, kernels compiled when the program runs",
    mode: ArchMode::None,
    archs: &[],
    image: None,
    paths: &[],
    path: &[],
    env: &[("CUDARC_CUDA_VERSION", "13000")],
    arch_env: &[],
    // NVRTC needs its headers beside it.
    runtime: Some("nvidia/cuda:13.0.2-devel-ubuntu24.04"),
    verify: false,
    ..CUDA_13
};

const ROCM: Preset = Preset {
    family: Family::Rocm,
    mode: ArchMode::List,
    paths: &["/opt/rocm"],
    path: &["/opt/rocm/bin", "/opt/rocm/llvm/bin"],
    env: &[("HIP_PATH", "/opt/rocm"), ("ROCM_PATH", "/opt/rocm")],
    arch_env: &[
        ("AMDGPU_TARGETS", "{arch;}"),
        ("CMAKE_HIP_ARCHITECTURES", "{arch;}"),
        ("GPU_TARGETS", "{arch;}"),
        ("PYTORCH_ROCM_ARCH", "{arch;}"),
    ],
    packages: &["cubecl-hip-sys", "hip-sys", "rocm-rs"],
    device: Some("amdgcn-amd-amdhsa"),
    platforms: AMD64,
    verify: true,
    ..NOTHING
};

const ROCM_6: Preset = Preset {
    name: "rocm-6",
    about: "AMD GPUs, ROCm 6",
    archs: &[
        "gfx900", "gfx906", "gfx908", "gfx90a", "gfx942", "gfx1030", "gfx1100", "gfx1101", "gfx1102",
        "gfx1200", "gfx1201",
    ],
    image: Some("rocm/dev-ubuntu-24.04:6.4.4-complete"),
    runtime: Some("rocm/dev-ubuntu-24.04:6.4.4"),
    labels: &[
        ("longshore.cdi", "amd.com/gpu"),
        ("longshore.run-args", "--device /dev/kfd --device /dev/dri"),
        ("longshore.toolkit", "6.4"),
    ],
    ..ROCM
};

const ROCM_7: Preset = Preset {
    name: "rocm-7",
    about: "AMD GPUs, ROCm 7",
    archs: &[
        "gfx908",
        "gfx90a",
        "gfx942",
        "gfx950",
        "gfx1030",
        "gfx1100",
        "gfx1101",
        "gfx1102",
        "gfx1103",
        "gfx1150",
        "gfx1151",
        "gfx1152",
        "gfx1153",
        "gfx1200",
        "gfx1201",
        "gfx9-generic",
        "gfx9-4-generic",
        "gfx10-1-generic",
        "gfx10-3-generic",
        "gfx11-generic",
        "gfx12-generic",
    ],
    image: Some("rocm/dev-ubuntu-24.04:7.2.4-complete"),
    runtime: Some("rocm/dev-ubuntu-24.04:7.2.4"),
    labels: &[
        ("longshore.cdi", "amd.com/gpu"),
        ("longshore.run-args", "--device /dev/kfd --device /dev/dri"),
        ("longshore.toolkit", "7.2"),
    ],
    ..ROCM
};

/// Shaders that are compiled when the program runs need no architecture; those that are in it are SPIR-V of one version.
const VULKAN: Preset = Preset {
    family: Family::Spirv,
    archs: &["spv1.0", "spv1.1", "spv1.2", "spv1.3", "spv1.4", "spv1.5", "spv1.6"],
    mode: ArchMode::List,
    platforms: LINUX,
    labels: &[("longshore.run-args", "--device /dev/dri")],
    driver: &["libvulkan.so.1"],
    verify: true,
    ..NOTHING
};

macro_rules! ascend {
    ($name:literal, $about:literal, $image:literal, $archs:expr) => {
        Preset {
            name: $name,
            about: $about,
            family: Family::Ascend,
            mode: ArchMode::PerBuild,
            archs: $archs,
            image: Some($image),
            paths: &["/usr/local/Ascend"],
            env: &[
                ("ASCEND_HOME_PATH", "/usr/local/Ascend/ascend-toolkit/latest"),
                ("ASCEND_OPP_PATH", "/usr/local/Ascend/ascend-toolkit/latest/opp"),
                ("ASCEND_TOOLKIT_HOME", "/usr/local/Ascend/ascend-toolkit/latest"),
            ],
            arch_env: &[("SOC_VERSION", "{arch}")],
            packages: &["cann", "cann-sys"],
            runtime: Some($image),
            platforms: LINUX,
            driver: &["libascend_hal.so", "libdrvdsmi_host.so"],
            ..NOTHING
        }
    };
}

/// All of them, by name.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "amdgcn-amd-amdhsa",
        about: "AMD GPUs, kernels in Rust",
        image: None,
        paths: &[],
        path: &[],
        env: &[],
        arch_env: &[],
        packages: &[],
        runtime: None,
        platforms: LINUX,
        labels: &[
            ("longshore.cdi", "amd.com/gpu"),
            ("longshore.run-args", "--device /dev/kfd --device /dev/dri"),
        ],
        ..ROCM_7
    },
    ascend!(
        "ascend-310p",
        "Huawei Ascend 310P",
        "quay.io/ascend/cann:9.1.0-310p-ubuntu22.04-py3.12",
        &["ascend310p1", "ascend310p3"]
    ),
    ascend!(
        "ascend-910",
        "Huawei Ascend 910",
        "quay.io/ascend/cann:9.1.0-910-ubuntu22.04-py3.12",
        &["ascend910a", "ascend910b", "ascend910proa", "ascend910prob"]
    ),
    ascend!(
        "ascend-910b",
        "Huawei Ascend 910B (Atlas A2)",
        "quay.io/ascend/cann:9.1.0-910b-ubuntu22.04-py3.12",
        &["ascend910b1", "ascend910b2", "ascend910b2c", "ascend910b3", "ascend910b4", "ascend910b4-1"]
    ),
    ascend!(
        "ascend-a3",
        "Huawei Atlas A3",
        "quay.io/ascend/cann:9.1.0-a3-ubuntu22.04-py3.12",
        &[
            "ascend910_9362",
            "ascend910_9372",
            "ascend910_9381",
            "ascend910_9382",
            "ascend910_9391",
            "ascend910_9392"
        ]
    ),
    Preset {
        name: "cpu",
        about: "no accelerator; levels of the x86-64 processor",
        family: Family::Cpu,
        archs: &["v2", "v3", "v4"],
        mode: ArchMode::PerBuild,
        ..NOTHING
    },
    CUDA_12,
    CUDA_13,
    CUDA_JIT,
    Preset {
        name: "intel-gpu",
        about: "Intel GPUs, SYCL and OpenVINO",
        image: Some("intel/deep-learning-essentials:2026.1.2-devel-ubuntu24.04"),
        paths: &["/opt/intel/oneapi"],
        env: &[
            ("ONEAPI_CXX", "/opt/intel/oneapi/compiler/latest/bin/icpx"),
            ("ONEAPI_ROOT", "/opt/intel/oneapi"),
        ],
        packages: &["oneapi-rs", "openvino-sys", "sycl-rs"],
        runtime: Some("intel/deep-learning-essentials:2026.1.2-devel-ubuntu24.04"),
        platforms: AMD64,
        labels: &[("longshore.cdi", "intel.com/gpu"), ("longshore.run-args", "--device /dev/dri")],
        ..NOTHING
    },
    Preset {
        name: "nvptx64-nvidia-cuda",
        about: "NVIDIA GPUs, kernels in Rust",
        image: None,
        paths: &[],
        path: &[],
        env: &[],
        arch_env: &[],
        packages: &[],
        runtime: None,
        labels: &[("longshore.cdi", "nvidia.com/gpu"), ("longshore.run-args", "--gpus all")],
        ..CUDA_13
    },
    ROCM_6,
    ROCM_7,
    Preset {
        name: "tpu",
        about: "Google TPUs, compiled ahead of time through PJRT",
        family: Family::Tpu,
        mode: ArchMode::List,
        arch_env: &[("LONGSHORE_TPU_TOPOLOGIES", "{arch,}")],
        packages: &["pjrt-sys", "xla"],
        platforms: AMD64,
        labels: &[("longshore.run-args", "--privileged --net=host")],
        ..NOTHING
    },
    Preset { name: "vulkan", about: "GPUs through Vulkan", ..VULKAN },
    Preset { name: "wasm", about: "WebAssembly with WASI", platforms: &["wasi/wasm"], ..NOTHING },
    Preset { name: "webgpu", about: "GPUs through WebGPU", ..VULKAN },
];

impl Preset {
    /// The preset of that name.
    pub fn find(name: &str) -> Option<&'static Preset> {
        PRESETS.iter().find(|preset| preset.name == name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use buildkit_llb::{ImageRef, Platform};

    use super::*;
    use crate::accelerator::{Arch, arch};

    #[test]
    fn presets_say_what_can_be_used() {
        let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
        assert!(names.is_sorted(), "{names:?}");
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        for preset in PRESETS {
            let name = preset.name;
            let archs: Vec<Arch> =
                preset.archs.iter().map(|arch| Arch::parse(arch, preset.family).unwrap()).collect();
            for (variable, template) in preset.arch_env {
                arch::render(template, &archs, preset.family)
                    .unwrap_or_else(|bad| panic!("{name} {variable}: {bad}"));
            }
            for image in preset.image.iter().chain(&preset.runtime) {
                ImageRef::parse(image).unwrap_or_else(|bad| panic!("{name}: {bad}"));
            }
            for platform in preset.platforms {
                Platform::parse(platform).unwrap_or_else(|bad| panic!("{name}: {bad}"));
            }
            assert_eq!(
                preset.image.is_none(),
                preset.paths.is_empty(),
                "{name}: an image to take something from"
            );
        }
    }
}
