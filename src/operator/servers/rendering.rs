//! The text of the metrics, shared by all readers, so that many cost no more than a few.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use axum::body::Bytes;
use tokio::time::Instant;

/// Within this time, the same text is returned.
const FRESH: Duration = Duration::from_millis(250);
/// Texts in memory at a time. A slow reader keeps its text for as long as a connection may last.
const MOST: usize = 4;

/// Rendered texts, by a function that renders one.
pub struct Rendering<F> {
    make: F,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    latest: Option<(Instant, Arc<String>)>,
    earlier: Vec<Weak<String>>,
}

/// Bytes that keep their text alive until they are sent.
struct Shared(Arc<String>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl<F: Fn() -> String> Rendering<F> {
    pub fn new(make: F) -> Self {
        Self { make, state: Mutex::default() }
    }

    /// A new text, or a somewhat older one while slow readers keep too many.
    pub fn text(&self) -> Bytes {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        Bytes::from_owner(Shared(state.current(&self.make)))
    }
}

impl State {
    fn current(&mut self, make: impl Fn() -> String) -> Arc<String> {
        if let Some((made, text)) = &self.latest {
            self.earlier.retain(|text| text.strong_count() > 0);
            if made.elapsed() < FRESH || self.earlier.len() + 1 >= MOST {
                return Arc::clone(text);
            }
            self.earlier.push(Arc::downgrade(text));
        }
        // The old one is dropped first, unless someone is still reading it.
        self.latest = None;
        let text = Arc::new(make());
        self.latest = Some((Instant::now(), Arc::clone(&text)));
        text
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn readers_share_a_text_for_a_moment() {
        let count = AtomicUsize::new(0);
        let rendering = Rendering::new(|| count.fetch_add(1, Ordering::Relaxed).to_string());
        assert_eq!((rendering.text(), rendering.text()), (Bytes::from("0"), Bytes::from("0")));
        tokio::time::advance(FRESH).await;
        assert_eq!(rendering.text(), "1");
    }

    #[tokio::test(start_paused = true)]
    async fn slow_readers_keep_no_more_than_a_few_texts_and_hold_up_nobody() {
        let count = AtomicUsize::new(0);
        let rendering = Rendering::new(|| count.fetch_add(1, Ordering::Relaxed).to_string());
        let mut slow = Vec::new();
        for _ in 0..20 {
            slow.push(rendering.text());
            tokio::time::advance(FRESH).await;
        }
        assert_eq!(count.load(Ordering::Relaxed), MOST);
        assert_eq!(slow[19], "3");
        slow.clear();
        assert_eq!(rendering.text(), "4", "when they are gone, there is a new one");
    }
}
