pub fn line() -> &'static str {
    "elsewhere"
}
