//! Starts the one of several programs that runs on the processor that is there.
//!
//! This is no example of the library: images with `layout = "fat"` have it compiled in, with their own toolchain and for
//! their own platform (`emit::launcher`). So it is one file that needs nothing but the standard library. Which programs
//! there are is in `LONGSHORE_LAUNCHER` when it is compiled: `cuda 80=/usr/local/bin/server-sm80 90a=…`.

#![allow(unsafe_code, reason = "the driver is a C library")]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a panic fails the test"))]

use std::env;
use std::fmt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Chooses without looking at the processor. The program that is started finds there what was chosen.
const CHOICE: &str = "LONGSHORE_ARCH";

fn main() -> ExitCode {
    let mut arguments = env::args_os();
    let own = arguments.next().unwrap_or_default();
    let programs = Programs::parse(option_env!("LONGSHORE_LAUNCHER").unwrap_or_default());
    let found = match env::var(CHOICE) {
        Ok(asked) => programs.named(&asked),
        Err(_) => processor(programs.family).and_then(|processor| programs.choose(&processor)),
    };
    let said = match found {
        Ok((arch, path)) => {
            let path = beside(Path::new(path));
            let error = Command::new(&path).arg0(&own).args(arguments).env(CHOICE, arch).exec();
            format!("`{}` does not start: {error}", path.display())
        }
        Err(why) => why,
    };
    let name = Path::new(&own).file_name().unwrap_or(&own).to_string_lossy().into_owned();
    eprintln!("{name}: {said}");
    ExitCode::FAILURE
}

/// Where the program is: where the image was made to have it, or beside this one, if somebody has put them elsewhere.
fn beside(path: &Path) -> PathBuf {
    let here = env::current_exe().ok().and_then(|own| Some(own.parent()?.join(path.file_name()?)));
    here.filter(|here| here.exists()).unwrap_or_else(|| path.to_owned())
}

/// What the image has.
#[derive(Debug)]
struct Programs<'a> {
    family: &'a str,
    /// Architectures as settings name them, and where their programs are.
    all: Vec<(&'a str, &'a str)>,
}

/// What the machine has.
#[derive(Debug, PartialEq, Eq)]
enum Processor {
    /// Compute capability, as `90`.
    Cuda(u32),
    /// `gfx90a`.
    Rocm(String),
    /// Levels of x86-64 that it has, the highest: 1 to 4.
    Cpu(u32),
}

impl fmt::Display for Processor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cuda(capability) => write!(f, "{capability}"),
            Self::Rocm(name) => f.write_str(name),
            Self::Cpu(level) => write!(f, "v{level}"),
        }
    }
}

impl<'a> Programs<'a> {
    fn parse(text: &'a str) -> Self {
        let (family, rest) = text.split_once(' ').unwrap_or((text, ""));
        Self { family, all: rest.split(' ').filter_map(|word| word.split_once('=')).collect() }
    }

    fn named(&self, asked: &str) -> Result<(&'a str, &'a str), String> {
        let found = self.all.iter().find(|(arch, _)| *arch == asked);
        found
            .copied()
            .ok_or_else(|| format!("there is no program for `{asked}` ({CHOICE}); there are {}", self.list()))
    }

    /// The best of those that run there.
    fn choose(&self, processor: &Processor) -> Result<(&'a str, &'a str), String> {
        let fitting = self.all.iter().filter_map(|program| Some((rank(program.0, processor)?, program)));
        let best = fitting.max_by_key(|(rank, _)| *rank).map(|(_, program)| *program);
        best.ok_or_else(|| {
            format!(
                "no program of this image runs on this processor\n  it is:     {processor}\n  there are: {}",
                self.list()
            )
        })
    }

    fn list(&self) -> String {
        self.all.iter().map(|(arch, _)| *arch).collect::<Vec<_>>().join(", ")
    }
}

/// How good code for `arch` is there; `None` where it does not run.
///
/// Code for `80` runs on later processors of the same generation (8.x), code for `90a` on none but 9.0, and code for
/// `100f` on those of its family, which is the generation (CUDA C++ Programming Guide, "Compute Capability").
fn rank(arch: &str, processor: &Processor) -> Option<u32> {
    match processor {
        Processor::Cuda(there) => {
            let digits = arch.trim_end_matches(['a', 'f']);
            let number: u32 = digits.parse().ok()?;
            let (fits, better) = match &arch[digits.len()..] {
                "a" => (number == *there, 2),
                "f" => (number / 10 == there / 10 && number <= *there, 1),
                _ => (number / 10 == there / 10 && number <= *there, 0),
            };
            fits.then_some(number * 4 + better)
        }
        Processor::Rocm(there) => (arch == there).then_some(1),
        Processor::Cpu(there) => {
            let level = arch.strip_prefix('v')?.parse().ok()?;
            (level <= *there).then_some(level)
        }
    }
}

fn processor(family: &str) -> Result<Processor, String> {
    match family {
        "cuda" => cuda::capability().map(Processor::Cuda),
        "rocm" => rocm(Path::new("/sys/class/kfd/kfd/topology/nodes")).map(Processor::Rocm),
        "cpu" => Ok(Processor::Cpu(level())),
        other => Err(format!("nothing is known of `{other}`; set {CHOICE}")),
    }
}

#[cfg(target_arch = "x86_64")]
fn level() -> u32 {
    macro_rules! has {
        ($($feature:tt)*) => { $(std::is_x86_feature_detected!($feature))&&* };
    }
    // The x86-64 psABI, "Micro-Architecture Levels".
    if !has!("cmpxchg16b" "popcnt" "sse3" "ssse3" "sse4.1" "sse4.2") {
        1
    } else if !has!("avx" "avx2" "bmi1" "bmi2" "f16c" "fma" "lzcnt" "movbe") {
        2
    } else if !has!("avx512f" "avx512bw" "avx512cd" "avx512dq" "avx512vl") {
        3
    } else {
        4
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn level() -> u32 {
    0
}

/// The first of AMD's GPUs, as the kernel names it: `gfx_target_version 90010` is gfx90a.
fn rocm(nodes: &Path) -> Result<String, String> {
    let none = || {
        format!(
            "there is no GPU of AMD's here\nhelp: start the container with `--device /dev/kfd --device /dev/dri`, or \
             choose a program with {CHOICE}"
        )
    };
    let mut found: Vec<_> =
        std::fs::read_dir(nodes).map_err(|_| none())?.flatten().map(|entry| entry.path()).collect();
    found.sort();
    let version = |node: &PathBuf| -> Option<u32> {
        let text = std::fs::read_to_string(node.join("properties")).ok()?;
        let value = text.lines().find_map(|line| line.strip_prefix("gfx_target_version "))?;
        value.trim().parse().ok().filter(|version| *version > 0)
    };
    let version = found.iter().find_map(version).ok_or_else(none)?;
    Ok(format!("gfx{}{:x}{:x}", version / 10000, version / 100 % 100, version % 100))
}

mod cuda {
    //! What the driver says of the first GPU. The driver is the machine's, so it is looked for when the program runs.

    use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
    use std::mem::transmute;

    use super::CHOICE;

    unsafe extern "C" {
        fn dlopen(name: *const c_char, flags: c_int) -> *mut c_void;
        fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
    }

    const RTLD_NOW: c_int = 2;

    // `CUdevice_attribute` of cuda.h.
    const MAJOR: c_int = 75;
    const MINOR: c_int = 76;

    /// `90` for 9.0.
    pub(crate) fn capability() -> Result<u32, String> {
        let help = format!("help: start the container with `--gpus all`, or choose a program with {CHOICE}");
        // SAFETY: a name that ends in NUL; what the library runs when it is loaded is the driver's business.
        let driver = unsafe { dlopen(c"libcuda.so.1".as_ptr(), RTLD_NOW) };
        if driver.is_null() {
            return Err(format!("there is no driver of NVIDIA's here (libcuda.so.1)\n{help}"));
        }
        let function = |name: &CStr| {
            // SAFETY: an open library, and a name that ends in NUL.
            let function = unsafe { dlsym(driver, name.as_ptr()) };
            if function.is_null() { Err(format!("the driver has no {name:?}")) } else { Ok(function) }
        };
        // SAFETY: these are the types that cuda.h declares.
        let (init, device, attribute) = unsafe {
            (
                transmute::<*mut c_void, extern "C" fn(c_uint) -> c_int>(function(c"cuInit")?),
                transmute::<*mut c_void, extern "C" fn(*mut c_int, c_int) -> c_int>(function(
                    c"cuDeviceGet",
                )?),
                transmute::<*mut c_void, extern "C" fn(*mut c_int, c_int, c_int) -> c_int>(function(
                    c"cuDeviceGetAttribute",
                )?),
            )
        };
        let (mut first, mut major, mut minor) = (0, 0, 0);
        let status = match init(0) {
            0 => {
                device(&mut first, 0)
                    | attribute(&mut major, MAJOR, first)
                    | attribute(&mut minor, MINOR, first)
            }
            status => status,
        };
        match (status, u32::try_from(major * 10 + minor)) {
            (0, Ok(capability)) if capability > 0 => Ok(capability),
            _ => Err(format!("the driver finds no GPU (error {status})\n{help}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CUDA: &str = "cuda 75=/a-75 80=/a-80 86=/a-86 90a=/a-90a 100f=/a-100f";

    fn chosen(programs: &str, processor: &Processor) -> Option<String> {
        Programs::parse(programs).choose(processor).ok().map(|(arch, _)| arch.to_owned())
    }

    #[test]
    fn the_best_program_that_runs_there_is_chosen() {
        for (capability, arch) in [
            (75, Some("75")),
            (80, Some("80")),
            (86, Some("86")),
            (87, Some("86")),
            (89, Some("86")),
            (90, Some("90a")),
            (100, Some("100f")),
            (103, Some("100f")),
            (70, None),
            (120, None),
        ] {
            assert_eq!(chosen(CUDA, &Processor::Cuda(capability)).as_deref(), arch, "{capability}");
        }
        let both = "cuda 90=/a 90a=/b";
        assert_eq!(chosen(both, &Processor::Cuda(90)).as_deref(), Some("90a"), "the one made for it");
        let levels = "cpu v2=/a v3=/b";
        for (level, arch) in [(1, None), (2, Some("v2")), (3, Some("v3")), (4, Some("v3"))] {
            assert_eq!(chosen(levels, &Processor::Cpu(level)).as_deref(), arch);
        }
        let amds = "rocm gfx90a=/a gfx1100=/b";
        assert_eq!(chosen(amds, &Processor::Rocm("gfx1100".to_owned())).as_deref(), Some("gfx1100"));
        assert_eq!(chosen(amds, &Processor::Rocm("gfx942".to_owned())), None);
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let programs = Programs::parse(CUDA);
        assert_eq!(
            programs.choose(&Processor::Cuda(70)).unwrap_err(),
            "no program of this image runs on this processor\n  it is:     70\n  there are: 75, 80, 86, 90a, 100f"
        );
        assert_eq!(programs.named("86"), Ok(("86", "/a-86")));
        assert!(programs.named("87").unwrap_err().starts_with("there is no program for `87`"));
    }

    #[test]
    fn amds_gpus_are_named_by_the_kernel() {
        let nodes = env::temp_dir().join(format!("launcher-{}", std::process::id()));
        for (node, version) in [("0", 0), ("1", 90010), ("2", 110000)] {
            std::fs::create_dir_all(nodes.join(node)).unwrap();
            let text = format!("simd_count 4\ngfx_target_version {version}\n");
            std::fs::write(nodes.join(node).join("properties"), text).unwrap();
        }
        assert_eq!(rocm(&nodes).as_deref(), Ok("gfx90a"));
        std::fs::remove_dir_all(&nodes).unwrap();
        assert!(rocm(&nodes).unwrap_err().contains("--device /dev/kfd"));
    }
}
