//! The plan as text: what goldens hold and a person reads.

use std::fmt;

use longshore_helper::spec::{Heavy, Step};

use super::{Part, Plan, Vertex};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for vertex in &self.vertices {
            self.write_vertex(f, vertex)?;
            writeln!(f)?;
        }
        for target in &self.targets {
            writeln!(f, "target {} = {}/{}", target.name, self.vertex(target.vertex).output(), target.file)?;
        }
        Ok(())
    }
}

impl Plan {
    fn write_vertex(&self, f: &mut fmt::Formatter<'_>, vertex: &Vertex) -> fmt::Result {
        let part = match &vertex.part {
            Part::Library => String::new(),
            Part::Bin(name) => format!(" bin {name}"),
            Part::Example(name) => format!(" example {name}"),
        };
        writeln!(f, "{} = {}{part}", vertex.output(), vertex.spec.package)?;
        for input in &vertex.inputs {
            writeln!(f, "    see {}", self.vertex(*input).output())?;
        }
        for (name, value) in &vertex.spec.env {
            writeln!(f, "    env {name}={value}")?;
        }
        match vertex.spec.heavy {
            Some(Heavy::Lto) => writeln!(f, "    heavy: lto")?,
            Some(Heavy::Toolkit) => writeln!(f, "    heavy: toolkit")?,
            None => {}
        }
        for step in &vertex.spec.steps {
            match step {
                Step::Rustc(step) => {
                    writeln!(f, "    rustc {} (in {})", step.args.join(" "), step.cwd)?;
                    for (name, value) in &step.env {
                        writeln!(f, "        env {name}={value}")?;
                    }
                    if step.overridden > 0 {
                        writeln!(f, "        {} arguments in place of build scripts", step.overridden)?;
                    }
                    for script in step.script.iter().chain(&step.dependency_scripts) {
                        writeln!(f, "        directives of {script}")?;
                    }
                }
                Step::BuildScript(step) => {
                    writeln!(f, "    run {} (in {})", step.exe, step.cwd)?;
                    for (name, value) in &step.env {
                        writeln!(f, "        env {name}={value}")?;
                    }
                    for (links, script) in &step.links_of_dependencies {
                        writeln!(f, "        metadata of {links} from {script}")?;
                    }
                }
            }
        }
        Ok(())
    }
}
