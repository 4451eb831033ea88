//! The many values of one key: what fits, and what is said about what does not.

use expect_test::expect;

use super::{package, refused_key, refused_workspace};

#[test]
fn users() {
    refused_key("user = \"\"", expect!["`user` is ``, expected `user` or `user:group`"]);
    refused_key("user = \"app:\"", expect!["`user` is `app:`, expected `user` or `user:group`"]);
    refused_key("user = \"a b\"", expect!["`user` is `a b`, a user or group is a name or a number"]);
    refused_key(
        "user = \"a:b:c:d\"",
        expect![[r#"
            `user` has 4 parts, expected `user` or `user:group`
            help: write `user = "a:b"`"#]],
    );
}

#[test]
fn image_names() {
    refused_key(
        "base = \"Debian:12\"",
        expect![[r#"
            `base` is `Debian:12`, which is not the name of an image
            help: names of images are lower case: write `debian:12`"#]],
    );
    refused_key("base = \"debian:\"", expect!["`base` is `debian:`, which is not the name of an image"]);
    refused_key("base = \"\"", expect!["`base` is empty, expected the name of an image"]);
    refused_key("base = \"debian 12\"", expect!["`base` is `debian 12`, which is not the name of an image"]);
    refused_key(
        "base = \"debian@sha256:12\"",
        expect!["`base` is `debian@sha256:12`, which is not the name of an image"],
    );
    refused_workspace(
        "[workspace.metadata.longshore]\ntoolchain = \"scratch\"\n",
        expect![[r#"
            Cargo.toml:2
            --------------------
               1 |     [workspace.metadata.longshore]
               2 | >>> toolchain = "scratch"
               3 |     
            --------------------
            ERROR: failed to build: failed to solve: `toolchain` is `scratch`, which has no compiler
        "#]],
    );
    for name in ["a", "a/b", "Host.example:5000/a", "localhost/a:1", "a@sha256:{64}", "a__b/c-d.e:V1"] {
        let name = name.replace("{64}", &"0".repeat(64));
        package(&format!("[package.metadata.longshore]\nbase = \"{name}\"\n"));
    }
}

#[test]
fn ports() {
    refused_key(
        "expose = [65536]",
        expect![[r#"`expose` has `65536`, expected a port from 1 to 65535, like `8080` or `"53/udp"`"#]],
    );
    refused_key(
        "expose = [99999999999999999999]",
        expect![[
            r#"`expose` has `99999999999999999999`, expected a port from 1 to 65535, like `8080` or `"53/udp"`"#
        ]],
    );
    refused_key(
        "expose = [\"+80\"]",
        expect![[r#"`expose` has `+80`, expected a port from 1 to 65535, like `8080` or `"53/udp"`"#]],
    );
    refused_key(
        "expose = [\"80/icmp\"]",
        expect!["`expose` has `80/icmp`, a protocol is `tcp`, `udp` or `sctp`"],
    );
    refused_key(
        "expose = [\"80-90\"]",
        expect![[r#"`expose` has `80-90`, expected a port from 1 to 65535, like `8080` or `"53/udp"`"#]],
    );
}

#[test]
fn paths() {
    refused_key(
        "inputs = [\"../secret\"]",
        expect![[r#"
            `inputs` has `../secret`, which has `..` in it, paths are relative to the root of the build context
            help: files outside the build context cannot be used; name a path without `..`"#]],
    );
    refused_key(
        "inputs = [\"a/../b\"]",
        expect![[r#"
            `inputs` has `a/../b`, which has `..` in it, paths are relative to the root of the build context
            help: files outside the build context cannot be used; name a path without `..`"#]],
    );
    refused_key(
        "inputs = [\"/etc/passwd\"]",
        expect![[r#"
            `inputs` has the absolute path `/etc/passwd`, paths are relative to the root of the build context
            help: write `"etc/passwd"`"#]],
    );
    refused_key(
        "inputs = [\"a\\\\b\"]",
        expect![[r#"
            `inputs` has `a\b`, paths are written with `/`
            help: write `"a/b"`"#]],
    );
    refused_key(
        "inputs = [\".\"]",
        expect![[r#"
            `inputs` has `.`, which names no file
            help: write `"**"` to depend on every file of the workspace"#]],
    );
    refused_key(
        "workdir = \"srv\"",
        expect![[r#"
            `workdir` is `srv`, expected an absolute path
            help: write `workdir = "/srv"`"#]],
    );
    refused_key("workdir = \"/srv/../etc\"", expect!["`workdir` is `/srv/../etc`, which has `..` in it"]);
}

#[test]
fn names_and_values() {
    refused_key("env = { \"A=B\" = \"c\" }", expect!["`env` sets `A=B`, which cannot name a variable"]);
    refused_key("env = { A = \"\\u0000\" }", expect!["`env.A` has a NUL character in it"]);
    refused_key("labels = { \"\" = \"c\" }", expect!["`labels` sets ``, which cannot name a label"]);
    refused_workspace(
        "[workspace.metadata.longshore]\nfeatures = [\"a,b\"]\nprofile = \"debug\"\n",
        expect![[r#"
            Cargo.toml:2
            --------------------
               1 |     [workspace.metadata.longshore]
               2 | >>> features = ["a,b"]
               3 |     profile = "debug"
               4 |     
            --------------------
            Cargo.toml:3
            --------------------
               1 |     [workspace.metadata.longshore]
               2 |     features = ["a,b"]
               3 | >>> profile = "debug"
               4 |     
            --------------------
            ERROR: failed to build: failed to solve: 2 problems
            Cargo.toml:2: `features` has `a,b`, which is several features in one string
            help: write `"a", "b"`
            Cargo.toml:3: `profile` is `debug`, a name that cargo reserves
            help: write `profile = "dev"`
        "#]],
    );
}
