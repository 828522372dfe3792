//! What a program writes, passed on to the user.
//!
//! Programs do not get the terminal itself: they are in a process group of their own, and a terminal may be set to
//! stop those that write to it without being in front (`stty tostop`).

use std::io::{Read, Write};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

/// How long to wait for the last output of a program that has ended. Someone else may hold its pipe open forever: a
/// program that it has started and left.
const LINGER: Duration = Duration::from_secs(1);

/// Output that is being passed on.
#[derive(Debug)]
pub struct Forward {
    ended: Receiver<()>,
}

impl Forward {
    /// Starts to pass on what comes out of a pipe.
    pub fn start(
        source: Option<impl Read + Send + 'static>,
        mut target: impl Write + Send + 'static,
    ) -> Self {
        let (end, ended) = mpsc::channel();
        thread::spawn(move || {
            if let Some(source) = source {
                pass_on(source, &mut target);
            }
            drop(end);
        });
        Self { ended }
    }

    /// Waits for the last output of a program that has ended.
    pub fn finish(self) {
        let _ = self.ended.recv_timeout(LINGER);
    }
}

/// Piece by piece, so that progress bars move.
fn pass_on(mut source: impl Read, target: &mut impl Write) {
    let mut buffer = [0; 8192];
    while let Ok(length @ 1..) = source.read(&mut buffer) {
        // The program must not block because nobody is listening.
        let _ = target.write_all(&buffer[..length]);
        let _ = target.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::pass_on;

    #[test]
    fn everything_is_passed_on_in_order() {
        let source: Vec<u8> = (0..100_000).map(|number: u32| number.to_le_bytes()[0]).collect();
        let mut target = Vec::new();
        pass_on(source.as_slice(), &mut target);
        assert_eq!(target, source);
    }
}
