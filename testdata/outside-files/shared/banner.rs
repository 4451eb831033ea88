pub fn banner() -> &'static str {
    "== report =="
}
