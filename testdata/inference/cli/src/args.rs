//! What to label, and where.

use std::time::Duration;

use lexopt::{
    Arg::{Long, Short, Value},
    Parser, ValueExt,
};

pub(crate) const USAGE: &str = "\
Usage: infer [--http URL | --grpc URL] [--wait SECONDS] TEXT...

Options:
      --http URL      Ask the server at this URL over HTTP
      --grpc URL      Ask the server at this URL over gRPC
      --wait SECONDS  Keep trying that long to reach the server
  -h, --help          Print this
  -V, --version       Print the version";

pub(crate) struct Args {
    pub(crate) place: Where,
    pub(crate) wait: Duration,
    pub(crate) text: String,
}

/// Where the model runs.
pub(crate) enum Where {
    Here,
    Http(String),
    Grpc(String),
}

impl Args {
    /// `None` when the command line only asked for text, which is then printed.
    pub(crate) fn parse() -> Result<Option<Self>, lexopt::Error> {
        let mut place = Where::Here;
        let mut wait = Duration::ZERO;
        let mut words = Vec::new();
        let mut parser = Parser::from_env();
        while let Some(arg) = parser.next()? {
            match arg {
                Long("http") => place = Where::Http(parser.value()?.string()?),
                Long("grpc") => place = Where::Grpc(parser.value()?.string()?),
                Long("wait") => wait = Duration::from_secs(parser.value()?.parse()?),
                Short('h') | Long("help") => {
                    println!("{USAGE}");
                    return Ok(None);
                }
                Short('V') | Long("version") => {
                    println!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
                    return Ok(None);
                }
                Value(word) => words.push(word.string()?),
                _ => return Err(arg.unexpected()),
            }
        }
        if words.is_empty() {
            return Err("there is no text to label".into());
        }
        Ok(Some(Self { place, wait, text: words.join(" ") }))
    }
}
