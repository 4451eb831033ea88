//! `frontend.subrequests.describe`: which questions there are (BuildKit's frontend/subrequests/types.go, `Request`).

use serde_json::{Value, json};

use super::{Answer, Call, VERSION, table::table};

/// All questions, with what each answers.
pub fn answer() -> Answer {
    let json: Vec<Value> = Call::ALL.into_iter().map(request).collect();
    let mut rows = vec![["NAME", "VERSION", "DESCRIPTION"].map(str::to_owned).to_vec()];
    for call in Call::ALL {
        let name = call.request_id().trim_start_matches("frontend.");
        rows.push([name, VERSION, call.description()].map(str::to_owned).to_vec());
    }
    Answer::new(json.into(), table(&rows, 1))
}

fn request(call: Call) -> Value {
    let mut metadata = vec![json!({"name": "result.json"}), json!({"name": "result.txt"})];
    if call.has_status() {
        metadata.push(json!({"name": "result.statuscode"}));
    }
    let opts: Vec<Value> = options(call)
        .iter()
        .map(|(name, description)| json!({"name": name, "description": description}))
        .collect();
    json!({
        "name": call.request_id(),
        "version": VERSION,
        "type": "rpc",
        "description": call.description(),
        "opts": opts,
        "inputs": [],
        "metadata": metadata,
        "refs": [],
    })
}

fn options(call: Call) -> &'static [(&'static str, &'static str)] {
    match call {
        Call::Outline => &[("target", "Target to describe")],
        Call::Graph | Call::GraphSvg | Call::Explain => {
            &[("target", "Target to look at; all of them when it is left out")]
        }
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn the_list_is_part_of_the_interface() {
        let answer = answer();
        expect![[r#"
            NAME                 VERSION DESCRIPTION
            bake                 1.0.0   Write a bake file that builds every target
            explain              1.0.0   Say what decides whether a step runs again, and what a change makes run
            graph                1.0.0   Show the steps of a target and what each depends on
            graph-svg            1.0.0   Draw the steps of a target as an SVG picture
            lint                 1.0.0   Check the workspace and its settings
            outline              1.0.0   List all parameters current build target supports
            plan                 1.0.0   Show every command of the build
            subrequests.describe 1.0.0   List available subrequest types
            targets              1.0.0   List all targets current build supports
        "#]]
        .assert_eq(&answer.text);
        let lint = &answer.json[4];
        assert_eq!((&lint["type"], lint["metadata"].as_array().map(Vec::len)), (&json!("rpc"), Some(3)));
    }
}
