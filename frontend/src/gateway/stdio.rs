//! The connection that BuildKit makes: it serves gRPC on the pipes that are our stdin and stdout.
//!
//! Therefore nothing else may ever be written to stdout.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::unix::pipe;

/// Two pipes as one connection.
#[derive(Debug)]
pub struct Pipes {
    incoming: pipe::Receiver,
    outgoing: pipe::Sender,
}

impl Pipes {
    /// The pipes that this process was started with.
    ///
    /// # Errors
    /// When they are no pipes, that is when something else than BuildKit started this process.
    pub fn of_process() -> io::Result<Self> {
        let (stdin, stdout) = (io::stdin(), io::stdout());
        // Duplicates, so that closing the connection leaves 0 and 1 in place and no later file gets their numbers.
        Self::new(stdin.as_fd().try_clone_to_owned()?, stdout.as_fd().try_clone_to_owned()?).map_err(
            |error| {
                io::Error::new(
                    error.kind(),
                    "stdin and stdout are no pipes: BuildKit starts this program, run `docker buildx build`",
                )
            },
        )
    }

    /// A connection that reads from one pipe and writes to another.
    ///
    /// # Errors
    /// When one of them is no pipe.
    pub fn new(incoming: OwnedFd, outgoing: OwnedFd) -> io::Result<Self> {
        // Non-blocking pipes, not `tokio::io::stdin`, whose thread would keep the process alive after the last answer.
        Ok(Self {
            incoming: pipe::Receiver::from_owned_fd(incoming)?,
            outgoing: pipe::Sender::from_owned_fd(outgoing)?,
        })
    }
}

impl AsyncRead for Pipes {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.incoming).poll_read(context, buffer)
    }
}

impl AsyncWrite for Pipes {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.outgoing).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.outgoing).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.outgoing).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.outgoing).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.outgoing.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::unix::pipe;

    use super::Pipes;

    /// Both ends of what BuildKit makes.
    fn pair() -> (Pipes, Pipes) {
        let (to_daemon, at_daemon) = pipe::pipe().unwrap();
        let (to_frontend, at_frontend) = pipe::pipe().unwrap();
        let frontend =
            Pipes::new(at_frontend.into_nonblocking_fd().unwrap(), to_daemon.into_nonblocking_fd().unwrap());
        let daemon =
            Pipes::new(at_daemon.into_nonblocking_fd().unwrap(), to_frontend.into_nonblocking_fd().unwrap());
        (frontend.unwrap(), daemon.unwrap())
    }

    #[tokio::test]
    async fn more_than_a_pipe_holds_goes_through_both_ways() {
        let (mut frontend, mut daemon) = pair();
        // Twice a pipe's 64 KiB, so that writing has to wait for reading.
        let sent = vec![7u8; 1 << 17];
        let echo = async {
            let mut bytes = vec![0; 1 << 17];
            daemon.read_exact(&mut bytes).await.unwrap();
            daemon.write_all(&bytes).await.unwrap();
        };
        let mut received = vec![0; 1 << 17];
        let ask = async {
            frontend.write_all(&sent).await.unwrap();
            frontend.read_exact(&mut received).await.unwrap();
        };
        tokio::join!(echo, ask);
        assert_eq!(received, sent);
    }

    #[tokio::test]
    async fn what_is_no_pipe_is_refused() {
        let file = || OwnedFd::from(std::fs::File::open("/dev/null").unwrap());
        assert!(Pipes::new(file(), file()).is_err());
    }
}
