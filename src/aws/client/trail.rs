//! What links a log line to a pass, and to AWS's own log.

use std::cell::RefCell;
use std::future::Future;

use super::random;

tokio::task_local! {
    static LAST_CHANGE: RefCell<Option<String>>;
}

/// A short id for a pass: unique over several days.
pub fn new_id() -> String {
    random::token()[..8].to_owned()
}

/// Runs `task`; within it, [`request_id`] knows the calls that it makes.
pub async fn follow<F: Future>(task: F) -> F::Output {
    LAST_CHANGE.scope(RefCell::default(), task).await
}

/// What AWS support asks for: the request id of the last mutating call of this task.
pub fn request_id() -> Option<String> {
    LAST_CHANGE.try_with(|last| last.borrow().clone()).ok().flatten()
}

/// A call got a response.
pub(super) fn called(operation: &str, request_id: Option<&str>) {
    let reads = ["Get", "List", "Describe"].iter().any(|verb| operation.starts_with(verb));
    if let (false, Some(id)) = (reads, request_id) {
        // Outside of a tracked task, it isn't needed.
        let _ = LAST_CHANGE.try_with(|last| last.replace(Some(id.to_owned())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_request_id_is_that_of_the_last_change_in_the_same_task() {
        follow(async {
            called("CreateAsset", Some("first"));
            called("GetAsset", Some("second"));
            assert_eq!(request_id().as_deref(), Some("first"));
        })
        .await;
        called("CreateAsset", Some("outside"));
        assert_eq!(request_id(), None);
    }
}
