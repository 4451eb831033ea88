//! Writes a module beside the sources, as `out_dir("src")` of code generators does.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let include = std::env::var("DEP_KEPT_INCLUDE").unwrap();
    let header = std::fs::read_to_string(format!("{include}/kept.h")).unwrap();
    let (template, made) = (codegen::template(), codegen::made());
    let text = format!(
        "pub const SAID: &str = \"template {}, made {}, header {}\";\n",
        template.trim(),
        made.trim(),
        header.trim()
    );
    std::fs::write("src/generated.rs", text).unwrap();
}
