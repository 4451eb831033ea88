//! Architectures: one canonical spelling, and what tools make of it.

/// A line of processors with names of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Levels of a CPU: `v3`.
    Cpu,
    /// NVIDIA's compute capabilities without a dot: `80`, `90a`, `ptx:80`.
    Cuda,
    /// AMD's names of processors: `gfx90a`.
    Rocm,
    /// Huawei's names of systems on a chip: `ascend910b1`.
    Ascend,
    /// Google's topologies: `v5e:2x2x1`.
    Tpu,
    /// Versions of SPIR-V, as tools of Khronos's name them: `spv1.3`.
    Spirv,
    /// None that a build needs to know.
    Generic,
}

impl Family {
    /// What a launcher calls it; `None` where it cannot tell which processor is there.
    pub fn launched(self) -> Option<&'static str> {
        match self {
            Self::Cpu => Some("cpu"),
            Self::Cuda => Some("cuda"),
            Self::Rocm => Some("rocm"),
            Self::Ascend | Self::Tpu | Self::Spirv | Self::Generic => None,
        }
    }
}

/// An architecture, in the spelling that settings use.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arch(String);

/// What begins the name of code that a driver compiles for processors to come.
const PTX: &str = "ptx:";

/// How a tool wants an architecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As it is: `80`, `gfx90a`.
    Plain,
    /// `sm_80`.
    Sm,
    /// `8.0`, `8.0+PTX` (PyTorch).
    Dotted,
    /// `80-real`, `80-virtual` (CMake's `CMAKE_CUDA_ARCHITECTURES`).
    Cmake,
}

impl Arch {
    /// Takes it as written.
    ///
    /// # Errors
    /// What is wrong with it, to follow `has `…``, and what to write.
    pub fn parse(written: &str, family: Family) -> Result<Self, (String, Option<String>)> {
        if written == "native" || written.ends_with(":native") {
            let help = "name the architectures: a build has no processor to look at".to_owned();
            return Err(("which means whatever the builder has".to_owned(), Some(help)));
        }
        if family == Family::Cuda {
            let plain = written.strip_prefix(PTX).unwrap_or(written);
            let digits = plain.trim_end_matches(['a', 'f']);
            let suffix = plain.len() - digits.len();
            if !(2..=3).contains(&digits.len())
                || suffix > 1
                || !digits.bytes().all(|byte| byte.is_ascii_digit())
            {
                let number: String = plain.chars().filter(char::is_ascii_digit).collect();
                let help = (number.len() >= 2).then(|| format!("write `\"{number}\"`: no dot, no `sm_`"));
                return Err(("which is no compute capability".to_owned(), help));
            }
        }
        let fits = |char: char| char.is_ascii_alphanumeric() || "-_:+.".contains(char);
        if written.is_empty() || !written.chars().all(fits) {
            return Err(("which is no architecture".to_owned(), None));
        }
        Ok(Self(written.to_owned()))
    }

    /// As settings write it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The architecture itself, where this stands for code that a driver compiles for it.
    pub fn plain(&self) -> &str {
        self.0.strip_prefix(PTX).unwrap_or(&self.0)
    }

    /// It is code that a driver compiles.
    pub fn is_ptx(&self) -> bool {
        self.0.starts_with(PTX)
    }

    /// What is put after the accelerator's name: `sm80`, `gfx90a`, `v3`.
    pub fn suffix(&self, family: Family) -> String {
        let plain: String = self
            .plain()
            .chars()
            .map(|char| if char.is_ascii_alphanumeric() { char.to_ascii_lowercase() } else { '-' })
            .collect();
        match family {
            Family::Cuda if self.is_ptx() => format!("compute{plain}"),
            Family::Cuda => format!("sm{plain}"),
            _ => plain,
        }
    }

    /// As labels and `nvcc` name it: `sm_80`, `ptx_80`, `gfx90a`.
    pub fn label(&self, family: Family) -> String {
        match family {
            Family::Cuda if self.is_ptx() => format!("ptx_{}", self.plain()),
            _ => self.form(family, Form::Sm),
        }
    }

    /// As rustc's `-C target-cpu` takes it: `sm_80` also for code that a driver compiles, which is made of the same.
    pub fn cpu(&self, family: Family) -> String {
        match family {
            Family::Cuda => format!("sm_{}", self.plain()),
            _ => self.plain().to_owned(),
        }
    }

    fn form(&self, family: Family, form: Form) -> String {
        let plain = self.plain();
        if family != Family::Cuda {
            return plain.to_owned();
        }
        let digits = plain.trim_end_matches(|char: char| char.is_ascii_alphabetic());
        let (major, rest) = plain.split_at(digits.len() - 1);
        match (form, self.is_ptx()) {
            (Form::Plain, _) => plain.to_owned(),
            (Form::Sm, false) => format!("sm_{plain}"),
            (Form::Sm, true) => format!("compute_{plain}"),
            (Form::Dotted, false) => format!("{major}.{rest}"),
            (Form::Dotted, true) => format!("{major}.{rest}+PTX"),
            (Form::Cmake, false) => format!("{plain}-real"),
            (Form::Cmake, true) => format!("{plain}-virtual"),
        }
    }
}

/// A template with its architectures filled in: `{arch}`, `{arch:sm}`, `{arch:dotted}`, `{arch:cmake}`, each with a
/// separator before the brace where the tool takes a list: `{arch:dotted;}`. Without one only the first is taken.
///
/// # Errors
/// The placeholder that means nothing.
pub fn render(template: &str, archs: &[Arch], family: Family) -> Result<String, String> {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{arch") {
        text.push_str(before);
        let (inside, behind) = after.split_once('}').ok_or_else(|| format!("{{arch{after}"))?;
        let (form, separator) = match inside.chars().last() {
            Some(char) if ";, ".contains(char) => (&inside[..inside.len() - 1], Some(char)),
            _ => (inside, None),
        };
        let form = match form {
            "" => Form::Plain,
            ":sm" => Form::Sm,
            ":dotted" => Form::Dotted,
            ":cmake" => Form::Cmake,
            _ => return Err(format!("{{arch{inside}}}")),
        };
        let mut written = archs.iter().map(|arch| arch.form(family, form));
        match separator {
            Some(separator) => {
                let all: Vec<String> = written.collect();
                text.push_str(&all.join(&separator.to_string()));
            }
            None => text.push_str(&written.next().unwrap_or_default()),
        }
        rest = behind;
    }
    Ok(text + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archs(written: &[&str]) -> Vec<Arch> {
        written.iter().map(|arch| Arch::parse(arch, Family::Cuda).unwrap()).collect()
    }

    #[test]
    fn each_tool_gets_its_form() {
        let all = archs(&["80", "90a", "120", "ptx:80"]);
        let rendered = |template| render(template, &all, Family::Cuda).unwrap();
        assert_eq!(rendered("{arch}"), "80");
        assert_eq!(rendered("{arch:sm,}"), "sm_80,sm_90a,sm_120,compute_80");
        assert_eq!(rendered("{arch:dotted;}"), "8.0;9.0a;12.0;8.0+PTX");
        assert_eq!(rendered("-D{arch:cmake;}-"), "-D80-real;90a-real;120-real;80-virtual-");
        assert_eq!(render("{arch:hex}", &all, Family::Cuda), Err("{arch:hex}".to_owned()));
        let amd =
            [Arch::parse("gfx90a", Family::Rocm).unwrap(), Arch::parse("gfx1100", Family::Rocm).unwrap()];
        assert_eq!(render("{arch;}", &amd, Family::Rocm).unwrap(), "gfx90a;gfx1100");
    }

    #[test]
    fn names_of_images_tell_architectures_apart() {
        let suffixes: Vec<String> =
            archs(&["80", "90a", "ptx:80"]).iter().map(|arch| arch.suffix(Family::Cuda)).collect();
        assert_eq!(suffixes, ["sm80", "sm90a", "compute80"]);
        assert_eq!(Arch::parse("v5e:2x2x1", Family::Tpu).unwrap().suffix(Family::Tpu), "v5e-2x2x1");
    }

    #[test]
    fn what_is_no_capability_is_refused() {
        for wrong in ["native", "8.0", "sm_80", "8", "80ab", "ptx:native", ""] {
            assert!(Arch::parse(wrong, Family::Cuda).is_err(), "{wrong}");
        }
        let (_, help) = Arch::parse("sm_80", Family::Cuda).unwrap_err();
        assert_eq!(help.as_deref(), Some("write `\"80\"`: no dot, no `sm_`"));
    }
}
