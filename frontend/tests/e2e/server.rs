//! Files over HTTP on the loopback device, for downloads that a build asks for.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    thread,
};

use crate::Result;

/// A server that lives as long as the test process.
#[derive(Debug)]
pub(crate) struct Server {
    /// `http://127.0.0.1:PORT`.
    pub(crate) address: String,
}

impl Server {
    /// Serves a directory's files below a path to those who show a token, if there is one.
    pub(crate) fn directory_for(directory: &Path, below: &str, token: Option<&str>) -> Result<Self> {
        let mut files = BTreeMap::new();
        let mut open = vec![directory.to_owned()];
        while let Some(next) = open.pop() {
            for entry in fs::read_dir(next)? {
                let path = entry?.path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    let name = path.strip_prefix(directory)?.display().to_string();
                    files.insert(format!("{below}/{name}"), fs::read(&path)?);
                }
            }
        }
        Self::start_for(files, token)
    }

    /// Serves these files by path.
    pub(crate) fn start(files: BTreeMap<String, Vec<u8>>) -> Result<Self> {
        Self::start_for(files, None)
    }

    /// Serves these files by path to those who show a token, if there is one.
    pub(crate) fn start_for(files: BTreeMap<String, Vec<u8>>, token: Option<&str>) -> Result<Self> {
        let token = token.map(str::to_owned);
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = format!("http://{}", listener.local_addr()?);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that goes away is none of the server's business.
                drop(answer(stream, &files, token.as_deref()));
            }
        });
        Ok(Self { address })
    }
}

fn answer(
    mut stream: TcpStream,
    files: &BTreeMap<String, Vec<u8>>,
    token: Option<&str>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut shown = None;
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header)? == 0 || header.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = header.split_once(':')
            && name.eq_ignore_ascii_case("authorization")
        {
            shown = Some(value.trim().to_owned());
        }
    }
    let mut words = first.split_whitespace();
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    // A query says nothing to a server of files.
    let path = path.split('?').next().unwrap_or_default();
    let (status, body) = match files.get(path) {
        _ if token.is_some_and(|token| shown.as_deref() != Some(token)) => {
            ("401 Unauthorized", [].as_slice())
        }
        Some(body) => ("200 OK", body.as_slice()),
        None => ("404 Not Found", [].as_slice()),
    };
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    if method != "HEAD" {
        stream.write_all(body)?;
    }
    stream.flush()
}
