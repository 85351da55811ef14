//! Work on several processors, with results in the order of the work.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

/// How many threads are worth having.
pub fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// `work` on every item, `jobs` at a time; the results in the order of the items.
pub fn in_order<T: Sync, R: Send>(items: &[T], jobs: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let (send, results) = mpsc::channel();
    let mut found: Vec<(usize, R)> = std::thread::scope(|scope| {
        for _ in 0..jobs.min(items.len()) {
            let (send, next, work) = (send.clone(), &next, &work);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { return };
                    if send.send((index, work(item))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        results.iter().collect()
    });
    found.sort_by_key(|(index, _)| *index);
    found.into_iter().map(|(_, result)| result).collect()
}
