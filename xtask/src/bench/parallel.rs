//! The same work on many things, several at a time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::error::Error;
use crate::interrupt;

/// Does `work` with each item on so many threads; ends early when it fails once.
pub fn each<T: Sync>(
    items: &[T],
    threads: usize,
    work: impl Fn(&T) -> Result<(), Error> + Sync,
) -> Result<(), Error> {
    let next = AtomicUsize::new(0);
    let one = || {
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            let outcome = interrupt::check().and_then(|()| work(item));
            if outcome.is_err() {
                next.store(items.len(), Ordering::Relaxed);
                return outcome;
            }
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
        let ended = workers.into_iter().map(|worker| {
            worker
                .join()
                .unwrap_or_else(|_| Err(Error::Other("a thread of the benchmark panicked".to_owned())))
        });
        // All are waited for before the first error is passed on.
        ended.collect::<Vec<_>>().into_iter().collect()
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    #[test]
    fn every_item_is_worked_on_once() {
        let sum = AtomicU64::new(0);
        let items: Vec<u64> = (1..=1000).collect();
        each(&items, 8, |item| {
            sum.fetch_add(*item, Ordering::Relaxed);
            Ok(())
        })
        .unwrap();
        assert_eq!(sum.into_inner(), 500_500);
    }

    #[test]
    fn a_failure_ends_it_and_is_passed_on() {
        let done = AtomicUsize::new(0);
        let items: Vec<usize> = (0..100_000).collect();
        let outcome = each(&items, 4, |item| {
            done.fetch_add(1, Ordering::Relaxed);
            if *item == 3 { Err(Error::Other("no".to_owned())) } else { Ok(()) }
        });
        assert_eq!(outcome.unwrap_err().to_string(), "no");
        assert!(done.into_inner() < items.len());
    }
}
