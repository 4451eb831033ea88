compile_error!("not a build script: `build = false`");
