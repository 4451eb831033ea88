//! What goes over the wire between engines and the registry: a relay on the loopback device that counts bytes, and
//! the manifest of an exported cache.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use serde::Deserialize;

use crate::Result;

/// Passes on whatever is sent to it, and counts.
#[derive(Debug)]
pub struct Relay {
    /// Where it listens.
    pub address: String,
    up: Arc<AtomicU64>,
    down: Arc<AtomicU64>,
}

impl Relay {
    /// Starts one before `target`; it ends with the process.
    ///
    /// # Errors
    /// No port is free.
    pub fn start(target: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        let (up, down) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let relay = Self { address, up: Arc::clone(&up), down: Arc::clone(&down) };
        let target = target.to_owned();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // The client sees a closed connection, and says so.
                let Ok(server) = TcpStream::connect(&target) else { continue };
                let (Ok(from), Ok(to)) = (client.try_clone(), server.try_clone()) else { continue };
                pass(from, to, Arc::clone(&up));
                pass(server, client, Arc::clone(&down));
            }
        });
        Ok(relay)
    }

    /// Bytes so far: to the registry, and from it.
    pub fn bytes(&self) -> (u64, u64) {
        (self.up.load(Ordering::Relaxed), self.down.load(Ordering::Relaxed))
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, count: Arc<AtomicU64>) {
    thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            count.fetch_add(length as u64, Ordering::Relaxed);
            if to.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        // Either end may have gone already.
        let _ = to.shutdown(Shutdown::Write);
    });
}

/// Blobs and bytes that the manifest of a cache names.
///
/// # Errors
/// The registry does not answer, or not with a manifest.
pub fn cache_size(registry: &str, repository: &str, tag: &str) -> Result<(usize, u64)> {
    let mut stream = TcpStream::connect(registry)?;
    write!(
        stream,
        "GET /v2/{repository}/manifests/{tag} HTTP/1.0\r\nHost: {registry}\r\n\
         Accept: application/vnd.oci.image.index.v1+json\r\nAccept: application/vnd.oci.image.manifest.v1+json\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("the registry's answer has no end")?;
    if !head.lines().next().is_some_and(|line| line.contains(" 200 ")) {
        return Err(format!("the registry has no {repository}:{tag}: {head}").into());
    }
    sizes(body)
}

/// An index and an image manifest both name blobs with their sizes.
fn sizes(manifest: &str) -> Result<(usize, u64)> {
    #[derive(Deserialize)]
    struct Manifest {
        #[serde(default)]
        manifests: Vec<Blob>,
        #[serde(default)]
        layers: Vec<Blob>,
        config: Option<Blob>,
    }
    #[derive(Deserialize)]
    struct Blob {
        size: u64,
    }
    let manifest: Manifest = serde_json::from_str(manifest)?;
    let blobs: Vec<Blob> =
        manifest.manifests.into_iter().chain(manifest.layers).chain(manifest.config).collect();
    Ok((blobs.len(), blobs.iter().map(|blob| blob.size).sum()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_passes_on_and_counts() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let relay = Relay::start(&listener.local_addr().unwrap().to_string()).unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut question = [0; 5];
            stream.read_exact(&mut question).unwrap();
            stream.write_all(b"answered").unwrap();
            question
        });
        let mut client = TcpStream::connect(&relay.address).unwrap();
        client.write_all(b"asked").unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!((answer.as_str(), &server.join().unwrap()), ("answered", b"asked"));
        assert_eq!(relay.bytes(), (5, 8));
    }

    #[test]
    fn all_blobs_of_a_manifest_count() {
        let index = r#"{"manifests":[{"size":10,"digest":"a"},{"size":5}]}"#;
        assert_eq!(sizes(index).unwrap(), (2, 15));
        let image = r#"{"config":{"size":1},"layers":[{"size":10},{"size":20}]}"#;
        assert_eq!(sizes(image).unwrap(), (3, 31));
        assert!(sizes("not found").is_err());
    }
}
