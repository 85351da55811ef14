//! The thread that writes to standard output, so that a terminal nobody reads (Ctrl-S, a pipe that is full) holds up nothing but itself.
//!
//! Text waits in a bounded queue. Whoever prints waits for room in it, as for a slow reader, and so nothing is lost; but once the run was asked to stop,
//! a reader that takes nothing for [`STALL`] is given up: what is left is dropped, as for a reader that has gone. Then the last commit and the end of the
//! process do not wait for somebody to press Ctrl-Q.

use crossbeam_channel::{Receiver, SendTimeoutError, Sender, bounded};
use runtime::rt;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Texts that may wait.
const QUEUE_MAX: usize = 256;
/// Bytes written at once: a reader that takes a few at a time is slow and not gone.
const PIECE_BYTES: usize = 512;
/// How long a reader may take nothing once the run was asked to stop.
const STALL: Duration = Duration::from_secs(1);
/// Between two looks while waiting.
const LOOK: Duration = Duration::from_millis(5);

/// What both sides know.
#[derive(Debug, Default)]
struct Shared {
    /// Texts that were taken out of the queue and written, or failed.
    done: AtomicU64,
    /// Pieces written: moves as long as somebody reads.
    pieces: AtomicU64,
    /// The first write error but a reader that has gone.
    failure: Mutex<Option<String>>,
}

/// The printing side's end.
#[derive(Debug)]
pub struct Printer {
    queue: Sender<Vec<u8>>,
    shared: Arc<Shared>,
    sent: u64,
    /// Since when nothing was taken, as far as was looked: pieces then, and the time.
    stalled: Option<(u64, Instant)>,
    given_up: bool,
    /// Was the run asked to stop?
    stopping: fn() -> bool,
}

impl Printer {
    /// Starts the thread that writes to `to`.
    ///
    /// # Errors
    /// The system has no thread.
    pub fn start(to: impl Write + Send + 'static) -> std::io::Result<Self> {
        Self::start_with(to, || rt::stop_signal().is_some())
    }

    fn start_with(to: impl Write + Send + 'static, stopping: fn() -> bool) -> std::io::Result<Self> {
        let (queue, texts) = bounded(QUEUE_MAX);
        let shared = Arc::new(Shared::default());
        let seen = Arc::clone(&shared);
        let body = move || {
            // They end the scan's sleep, and this thread has none.
            runtime::guardian::block_stop_signals();
            print(to, &texts, &seen);
        };
        // Not joined: a write that nobody reads cannot be ended from outside; it ends with the process.
        std::thread::Builder::new().name("printer".to_owned()).spawn(body)?;
        Ok(Self { queue, shared, sent: 0, stalled: None, given_up: false, stopping })
    }

    /// Prints, as soon as there is room.
    pub fn print(&mut self, text: &str) {
        let mut waiting = Some(text.as_bytes().to_vec());
        while let Some(bytes) = waiting.take().filter(|_| !self.given_up) {
            match self.queue.send_timeout(bytes, LOOK) {
                Ok(()) => self.sent += 1,
                Err(SendTimeoutError::Timeout(again)) => {
                    waiting = Some(again);
                    self.look();
                }
                Err(SendTimeoutError::Disconnected(_)) => self.given_up = true,
            }
        }
    }

    /// Waits until everything was printed.
    pub fn drain(&mut self) {
        while !self.given_up && self.shared.done.load(Ordering::Acquire) < self.sent {
            std::thread::sleep(LOOK);
            self.look();
        }
    }

    /// The first error in writing, where there was one.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.shared.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Gives a reader up that has taken nothing for too long while the run is to stop.
    fn look(&mut self) {
        let pieces = self.shared.pieces.load(Ordering::Relaxed);
        self.stalled = match self.stalled {
            _ if !(self.stopping)() => None,
            Some((before, since)) if before == pieces => Some((before, since)),
            Some(_) | None => Some((pieces, Instant::now())),
        };
        self.given_up |= self.stalled.is_some_and(|(_, since)| since.elapsed() >= STALL);
    }
}

/// Writes until nobody prints any more.
fn print(mut to: impl Write, texts: &Receiver<Vec<u8>>, shared: &Shared) {
    for text in texts {
        for piece in text.chunks(PIECE_BYTES) {
            if let Err(error) = to.write_all(piece).and_then(|()| to.flush()) {
                note(&error, shared);
                break;
            }
            shared.pieces.fetch_add(1, Ordering::Relaxed);
        }
        shared.done.fetch_add(1, Ordering::Release);
    }
}

/// The scan must go on; what went wrong is told at its end. A reader that has gone is no error.
fn note(error: &std::io::Error, shared: &Shared) {
    if error.kind() != std::io::ErrorKind::BrokenPipe && !is_hung_up(error) {
        let mut failure = shared.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert_with(|| error.to_string());
    }
}

/// A terminal that hung up has no reader any more, and says so by an error of the device.
fn is_hung_up(error: &std::io::Error) -> bool {
    let device = error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error());
    device && rt::stop_signal() == Some(rt::StopSignal::HangUp)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossbeam_channel::unbounded;

    /// Takes a piece only when the test says so.
    struct Reader {
        permits: Receiver<()>,
        taken: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Reader {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.permits.recv().map_err(|_| std::io::Error::from(std::io::ErrorKind::StorageFull))?;
            self.taken.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn reader() -> (Sender<()>, Arc<Mutex<Vec<u8>>>, Reader) {
        let (permit, permits) = unbounded();
        let taken = Arc::new(Mutex::new(Vec::new()));
        (permit, Arc::clone(&taken), Reader { permits, taken })
    }

    #[test]
    fn a_slow_reader_gets_everything_in_order() {
        let (permit, taken, reader) = reader();
        let mut printer = Printer::start_with(reader, || true).unwrap();
        let slow = std::thread::spawn(move || {
            // 300 short texts and one of three pieces, more than wait at once.
            for _ in 0..303 {
                std::thread::sleep(Duration::from_millis(1));
                permit.send(()).unwrap();
            }
            permit
        });
        let mut expected = String::new();
        for number in 0..300 {
            let text = format!("{number}\n");
            printer.print(&text);
            expected += &text;
        }
        let long = "x".repeat(2 * PIECE_BYTES + 1);
        printer.print(&long);
        printer.drain();
        assert_eq!(String::from_utf8(taken.lock().unwrap().clone()).unwrap(), expected + &long);
        assert_eq!(printer.failure(), None);
        drop(slow.join().unwrap());
    }

    #[test]
    fn a_reader_that_takes_nothing_is_given_up_once_the_run_is_to_stop() {
        let (permit, taken, reader) = reader();
        let mut printer = Printer::start_with(reader, || true).unwrap();
        for number in 0..2 * QUEUE_MAX {
            printer.print(&number.to_string());
        }
        printer.drain();
        assert!(printer.given_up && taken.lock().unwrap().is_empty());
        assert_eq!(printer.failure(), None, "nobody who could read is told");
        drop(permit);
    }

    #[test]
    fn a_write_error_is_kept_and_nobody_waits_for_it() {
        let (permit, _, reader) = reader();
        drop(permit);
        let mut printer = Printer::start_with(reader, || false).unwrap();
        for _ in 0..2 * QUEUE_MAX {
            printer.print("x");
        }
        printer.drain();
        assert!(printer.failure().is_some_and(|why| !why.is_empty()));
    }
}
