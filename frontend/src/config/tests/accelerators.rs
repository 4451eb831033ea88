//! Tables of accelerators: what counts, and every mistake that is found before anything runs.

use buildkit_llb::Platform;
use expect_test::{Expect, expect};

use super::super::{Config, Given};
use super::{manifest, package, refused_package, workspace};
use crate::accelerator::Layout;

/// The message only, for the many values of one table.
#[track_caller]
fn refused(lines: &str, expected: Expect) {
    let text = format!("[workspace.metadata.longshore.accelerator.x]\n{lines}\n");
    let wrong = Config::from_workspace_manifest(&manifest(&text), &Given::new()).unwrap_err();
    expected.assert_eq(&wrong.to_string());
}

#[test]
fn an_architecture_may_differ_from_the_others() {
    let config = workspace(
        r#"
        [workspace.metadata.longshore.accelerator.cuda]
        preset = "cuda-12"
        archs = ["75", "80"]
        layout = "fat"
        features = ["router/candle-cuda"]
        build.env = { RAYON_NUM_THREADS = "4" }
        build.git = [{ url = "https://example.com/cutlass.git", commit = "7d49e6c7e2f8896c47f586706e67e1fb215529dc", to = "/tmp/cutlass" }]
        arch.75 = { features = ["router/candle-cuda-turing"], env = { USE_FLASH_ATTENTION = "False" }, platforms = ["linux/amd64"] }
        "#,
    );
    let cuda = &config.accelerators["cuda"];
    let [turing, ampere] = [0, 1].map(|at| cuda.of_arch(&cuda.archs[at]));
    assert_eq!(turing.features, ["router/candle-cuda-turing"]);
    assert_eq!(turing.env["USE_FLASH_ATTENTION"], "False");
    assert_eq!(turing.env["RAYON_NUM_THREADS"], "4");
    assert_eq!(turing.platforms, [Platform::parse("linux/amd64").unwrap()]);
    assert_eq!(
        (ampere.features.as_slice(), ampere.platforms.len()),
        (["router/candle-cuda".to_owned()].as_slice(), 2)
    );
    assert!(!ampere.env.contains_key("USE_FLASH_ATTENTION"));
    assert_eq!((cuda.layout, cuda.git[0].to.as_str()), (Layout::Fat, "/tmp/cutlass"));
}

#[test]
fn architectures_are_what_the_toolkit_knows() {
    refused(
        "preset = \"cuda-13\"\narchs = [\"native\", \"sm_80\", \"8.6\", \"70\", \"80\", \"80\"]",
        expect![[r#"
            5 problems
            Cargo.toml:3: `archs` has `native`, which means whatever the builder has
            help: name the architectures: a build has no processor to look at
            Cargo.toml:3: `archs` has `sm_80`, which is no compute capability
            help: write `"80"`: no dot, no `sm_`
            Cargo.toml:3: `archs` has `8.6`, which is no compute capability
            help: write `"86"`: no dot, no `sm_`
            Cargo.toml:3: `archs` has `70`, which the toolkit of `cuda-13` does not know
            help: it knows `75`, `80`, `86`, `87`, `88`, `89`, `90`, `90a`, `100`, `100a`, `100f`, `103`, `103a`, `103f`, `107`, `107a`, `107f`, `110`, `110a`, `110f`, `120`, `120a`, `120f`, `121`, `121a`, `121f`
            Cargo.toml:3: `archs` has `80` twice"#]],
    );
    refused(
        "preset = \"cuda-13\"",
        expect![[r#"
        the accelerator `x` has no `archs`
        help: name what to compile for: `archs = ["103f"]`"#]],
    );
    refused(
        "preset = \"cuda-13\"\narchs = [\"80\", \"ptx:80\"]",
        expect![[r#"
        `archs` has `ptx:80`, and each build is for one processor
        help: write `arch-mode = "list"` for code of several kinds in one program"#]],
    );
    refused(
        "preset = \"cuda-31\"",
        expect![[r#"
        `preset` is `cuda-31`, which is no preset
        help: did you mean `cuda-13`?"#]],
    );
    refused(
        "preset = \"intel-gpu\"\narchs = [\"1\"]",
        expect![[r#"
        `x` has `archs`, which nothing is compiled for
        help: leave them out, or choose an `arch-mode`"#]],
    );
}

#[test]
fn what_chooses_devices_is_for_who_runs_the_image() {
    refused(
        "preset = \"rocm-7\"\narchs = [\"gfx942\"]\nruntime.env = { HIP_VISIBLE_DEVICES = \"0\", NVIDIA_VISIBLE_DEVICES = \"all\" }\n\
         build.env = { CUDA_VISIBLE_DEVICES = \"0\" }",
        expect![[r#"
            3 problems
            Cargo.toml:4: `runtime.env` has `HIP_VISIBLE_DEVICES`, which chooses devices when the program runs
            help: leave it out: whoever runs the image sets it
            Cargo.toml:4: `runtime.env` has `NVIDIA_VISIBLE_DEVICES`, which is for NVIDIA's GPUs
            help: leave it out: whoever runs the image sets it
            Cargo.toml:5: `build.env` has `CUDA_VISIBLE_DEVICES`, which chooses devices when a program runs
            help: leave it out: nothing runs on a device while images are built"#]],
    );
}

#[test]
fn one_image_for_several_needs_programs_that_a_launcher_can_choose_from() {
    refused(
        "preset = \"rocm-7\"\narchs = [\"gfx942\"]\nlayout = \"fat\"",
        expect![[r#"
        `layout` is `fat`, and there is one program for all
        help: a launcher chooses among the programs of `arch-mode = "per-build"`"#]],
    );
    refused(
        "preset = \"ascend-910b\"\narchs = [\"ascend910b1\"]\nlayout = \"fat\"",
        expect![[r#"
        `layout` is `fat`, and a launcher cannot tell which of these processors is there
        help: it can for CUDA, ROCm and levels of the CPU"#]],
    );
    refused(
        "preset = \"cuda-13\"\narchs = [\"80\"]\nlayout = \"thin\"",
        expect!["`layout` is `thin`, expected `split` or `fat`"],
    );
}

#[test]
fn differences_are_those_of_architectures_that_there_are() {
    refused(
        "preset = \"cuda-13\"\narchs = [\"80\"]\narch.90 = {}\narch.80 = { feature = [] }",
        expect![[r#"
            2 problems
            Cargo.toml:4: `arch` has `90`, which is not among `archs`
            Cargo.toml:5: unknown key `feature`
            help: did you mean `features`?"#]],
    );
    refused(
        "preset = \"rocm-7\"\narchs = [\"gfx942\"]\narch.gfx942 = {}",
        expect![[r#"
        `arch` has `gfx942`, and one build is for all architectures
        help: only with `arch-mode = "per-build"` can they differ"#]],
    );
    refused(
        "preset = \"cuda-13\"\narch = \"80\"",
        expect![[r#"
        2 problems
        Cargo.toml:1: the accelerator `x` has no `archs`
        help: name what to compile for: `archs = ["103f"]`
        Cargo.toml:3: `arch` is a string, expected a table of tables"#]],
    );
}

#[test]
fn a_repository_is_one_commit() {
    refused(
        "build.git = [{ url = \"cutlass\", commit = \"main\", to = \"cutlass\" }, { branch = \"main\" }]",
        expect![[r#"
            7 problems
            Cargo.toml:2: unknown key `branch`
            help: a branch moves: write the `commit`
            Cargo.toml:2: `url` is wrong: `cutlass` is not the address of a git repository, expected `https://host/path` or `ssh://user@host/path`
            Cargo.toml:2: `commit` is `main`, expected all 40 digits of a commit's name
            help: `git rev-parse HEAD` prints them
            Cargo.toml:2: `to` is `cutlass`, expected an absolute path
            help: write `to = "/cutlass"`
            Cargo.toml:2: a repository in `build.git` has no `url`
            Cargo.toml:2: a repository in `build.git` has no `commit`
            Cargo.toml:2: a repository in `build.git` has no `to`"#]],
    );
}

#[test]
fn a_device_has_a_triple_and_a_toolchain() {
    refused(
        "device = { target = \"nvptx64-nvidia-cude\", toolchain = \"scratch\" }",
        expect![[r#"
        2 problems
        Cargo.toml:2: `device.target` has `nvptx64-nvidia-cude`, which is no target triple of rustc's
        help: did you mean `nvptx64-nvidia-cuda`?
        Cargo.toml:2: `device.toolchain` is `scratch`, which has no compiler"#]],
    );
}

#[test]
fn a_package_has_variables_of_its_own() {
    let config = package(
        "[package.metadata.longshore]\naccelerator.cuda = { env = { A = \"1\" }, arch-env = { B = \"{arch:sm;}\" } }\n",
    );
    let own = &config.accelerator["cuda"];
    assert_eq!((own.env["A"].as_str(), own.arch_env["B"].as_str()), ("1", "{arch:sm;}"));
    refused_package(
        "[package.metadata.longshore]\naccelerator.cuda = { features = [], env = { CUDA_VISIBLE_DEVICES = \"0\" }, arch-env = { B = \"{arch:xx}\" } }\n",
        expect![[r#"
            Cargo.toml:2
            --------------------
               1 |     [package.metadata.longshore]
               2 | >>> accelerator.cuda = { features = [], env = { CUDA_VISIBLE_DEVICES = "0" }, arch-env = { B = "{arch:xx}" } }
               3 |     
            --------------------
            Cargo.toml:2
            --------------------
               1 |     [package.metadata.longshore]
               2 | >>> accelerator.cuda = { features = [], env = { CUDA_VISIBLE_DEVICES = "0" }, arch-env = { B = "{arch:xx}" } }
               3 |     
            --------------------
            Cargo.toml:2
            --------------------
               1 |     [package.metadata.longshore]
               2 | >>> accelerator.cuda = { features = [], env = { CUDA_VISIBLE_DEVICES = "0" }, arch-env = { B = "{arch:xx}" } }
               3 |     
            --------------------
            ERROR: failed to build: failed to solve: 3 problems
            Cargo.toml:2: unknown key `features`
            help: features are the workspace's: `accelerator.NAME.features = ["PACKAGE/FEATURE"]` there
            Cargo.toml:2: `env` has `CUDA_VISIBLE_DEVICES`, which chooses devices when a program runs
            help: leave it out: nothing runs on a device while images are built
            Cargo.toml:2: `arch-env` has `{arch:xx}`, which stands for nothing
            help: `{arch}`, `{arch:sm}`, `{arch:dotted}` and `{arch:cmake}` do; for a list, with `;`, `,` or a space before `}`
        "#]],
    );
}
