pub fn line() -> &'static str {
    "by a path that depends on the platform"
}
