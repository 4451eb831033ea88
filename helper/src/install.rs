//! What `longshore-helper install` is asked: packages for the toolchain image.

use serde::{Deserialize, Serialize};

/// Installs packages with the package manager of the image that it runs in, whose root it may change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstallRequest {
    /// Names as the package manager takes them; one of Debian's may have `:ARCHITECTURE` or `=VERSION` after it.
    pub packages: Vec<String>,
}
