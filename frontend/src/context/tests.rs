//! The entry file's other name; what is asked of the daemon is in `frontend/tests/run_contexts.rs`.

use super::lower_case;

#[test]
fn only_a_dockerfile_has_a_second_name() {
    assert_eq!(lower_case("Dockerfile").as_deref(), Some("dockerfile"));
    assert_eq!(lower_case("deploy/Dockerfile").as_deref(), Some("deploy/dockerfile"));
    for name in ["Cargo.toml", "dockerfile", "MyDockerfile", "Dockerfile.dev"] {
        assert_eq!(lower_case(name), None, "{name}");
    }
}
