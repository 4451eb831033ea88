//! Where to listen: the command line, else the environment, else the usual ports.

use std::env;

use lexopt::{
    Arg::{Long, Short},
    Parser, ValueExt,
};

pub(crate) const USAGE: &str = "\
Usage: server [--http ADDRESS] [--grpc ADDRESS]

Options:
      --http ADDRESS  Listen here for HTTP [env: SERVER_HTTP] [default: 0.0.0.0:8080]
      --grpc ADDRESS  Listen here for gRPC [env: SERVER_GRPC] [default: 0.0.0.0:50051]
  -h, --help          Print this
  -V, --version       Print the version";

pub(crate) struct Args {
    pub(crate) http: String,
    pub(crate) grpc: String,
}

impl Args {
    /// `None` when the command line only asked for text, which is then printed.
    pub(crate) fn parse() -> Result<Option<Self>, lexopt::Error> {
        let mut args = Self {
            http: env::var("SERVER_HTTP").unwrap_or_else(|_| "0.0.0.0:8080".to_owned()),
            grpc: env::var("SERVER_GRPC").unwrap_or_else(|_| "0.0.0.0:50051".to_owned()),
        };
        let mut parser = Parser::from_env();
        while let Some(arg) = parser.next()? {
            match arg {
                Long("http") => args.http = parser.value()?.string()?,
                Long("grpc") => args.grpc = parser.value()?.string()?,
                Short('h') | Long("help") => {
                    println!("{USAGE}");
                    return Ok(None);
                }
                Short('V') | Long("version") => {
                    println!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
                    return Ok(None);
                }
                _ => return Err(arg.unexpected()),
            }
        }
        Ok(Some(args))
    }
}
