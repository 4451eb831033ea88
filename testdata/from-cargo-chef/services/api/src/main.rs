//! Answers an order, posted as JSON, with its total.

use serde_json::json;
use tiny_http::{Response, Server};

fn main() {
    let server = Server::http("0.0.0.0:8080").expect("port 8080 is free");
    for mut request in server.incoming_requests() {
        let mut body = String::new();
        let (status, answer) = match request.as_reader().read_to_string(&mut body) {
            Err(error) => (400, json!({ "error": error.to_string() })),
            Ok(_) => match orders::parse(&body) {
                Ok(order) => (200, json!({ "item": order.item, "total": order.total() })),
                Err(error) => (422, json!({ "error": error.to_string() })),
            },
        };
        let response = Response::from_string(answer.to_string()).with_status_code(status);
        if let Err(error) = request.respond(response) {
            eprintln!("a client went away: {error}");
        }
    }
}
