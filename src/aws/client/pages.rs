//! Lists that come page by page.

use std::collections::HashSet;
use std::ops::ControlFlow;

use super::Client;
use super::api_error::{Error, ErrorCode};
use super::operation::Paged;

impl Client {
    /// All items of a list.
    pub async fn list_all<O: Paged>(&self, operation: O) -> Result<Vec<O::Item>, Error> {
        let mut all = Vec::new();
        let _: Option<()> = self
            .pages(operation, |item| {
                all.push(item);
                ControlFlow::Continue(())
            })
            .await?;
        Ok(all)
    }

    /// Visits each item of a list, until one breaks with a result. No page is requested after that.
    pub async fn pages<O: Paged, B: Send>(
        &self,
        operation: O,
        mut each: impl FnMut(O::Item) -> ControlFlow<B> + Send,
    ) -> Result<Option<B>, Error> {
        let mut seen = HashSet::new();
        let mut token = None;
        loop {
            let later = token.is_some();
            let answer = self.call(&operation.page(token)).await;
            let answer =
                answer.map_err(|error| if later { broken_off(O::BINDING.name, error) } else { error });
            let (items, next) = O::split(answer?);
            for item in items {
                if let ControlFlow::Break(found) = each(item) {
                    return Ok(Some(found));
                }
            }
            let Some(next) = next.filter(|next| !next.is_empty()) else { return Ok(None) };
            // What was seen so far must not be taken for the whole list: what is missing in it would be created again.
            if !seen.insert(next.clone()) {
                let message = "the list repeats a page token".to_owned();
                return Err(Error::Decode { operation: O::BINDING.name, message });
            }
            token = Some(next);
        }
    }
}

/// What was said of a later page is no word on the list: the first page was answered. Most likely the token has expired, or
/// what the list is about has just gone; both show when the list is begun again.
fn broken_off(operation: &'static str, error: Error) -> Error {
    use ErrorCode::{InvalidParameter, ResourceNotFound, Validation};
    match error.service() {
        Some(said) if matches!(said.code, Validation | InvalidParameter | ResourceNotFound) => {
            Error::BrokenOff { operation, message: format!("{}: {}", said.code, said.message) }
        }
        _ => error,
    }
}
