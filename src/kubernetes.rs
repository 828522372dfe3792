//! How objects are read from the API server: watches, pages, and decoding objects individually. Nothing here writes to a cluster.

pub mod delivery;
pub mod input_object;
pub mod list_pages;
pub mod reach;
pub mod replica;
pub mod stored;
pub mod watch_client;
