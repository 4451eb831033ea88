//! The workspace with two services and a client: one `bake`, and all ways to an answer.

use serde_json::{Value, json};

use super::unseen;
use crate::{
    Result,
    build::{Order, tag},
    engine::{Container, Engine, Output},
};

/// As the project's README has it.
const ANSWERS: [(&str, &str); 2] = [
    ("the soup was delicious and the waiter kind", "positive 0.989\n"),
    ("late delivery and a broken box", "negative 0.999\n"),
];

pub(crate) fn services_and_client_agree() -> Result {
    let engine = Engine::of_environment();
    Order::bake(&engine, unseen::built()?.path(), &unseen::TARGETS).must()?;

    let exposed = |name: &str| -> Result<Value> {
        let format = ["image", "inspect", "--format", "{{json .Config.ExposedPorts}}", &tag(name)];
        Ok(serde_json::from_str(&engine.docker(format).run()?)?)
    };
    assert_eq!(exposed("server")?, json!({"8080/tcp": {}, "50051/tcp": {}}));
    assert_eq!(exposed("gateway")?, json!({"8081/tcp": {}}));

    // One network namespace for all, so that it works wherever containers run, with or without a bridge.
    let server = engine.start(&["--network", "none"], &tag("server"), &[])?;
    let network = format!("container:{}", server.id);
    let upstream = ["--network", &network, "--env", "GATEWAY_UPSTREAM=http://localhost:50051"];
    let gateway = engine.start(&upstream, &tag("gateway"), &[])?;
    let infer = |args: &[&str]| engine.run_image(&["--network", &network], &tag("infer"), args);
    for (text, answer) in ANSWERS {
        let ways: [&[&str]; 4] = [
            &[],
            &["--wait", "10", "--http", "http://localhost:8080"],
            &["--wait", "10", "--grpc", "http://localhost:50051"],
            &["--wait", "10", "--http", "http://localhost:8081"],
        ];
        for way in ways {
            let args = [way, &[text]].concat();
            let got = infer(&args)?;
            assert_eq!(got.stdout, answer, "{args:?} {}\n{}", got.stderr, logs(&[&server, &gateway])?);
        }
    }
    let Output { code, stderr, .. } = infer(&["--wait", "10", "--http", "http://localhost:8081", " "])?;
    assert!(code == Some(1) && stderr.contains("`text` is blank"), "{code:?} {stderr}");

    // The second to end has lost the network it was given, which is no reason not to obey.
    for (name, service) in [("gateway", &gateway), ("server", &server)] {
        assert_eq!(service.stop()?, "0", "{name} ends when it is told to\n{}", service.logs()?);
    }
    Ok(())
}

fn logs(services: &[&Container]) -> Result<String> {
    services.iter().map(|service| service.logs()).collect()
}
