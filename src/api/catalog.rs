//! The catalog: one row for each configuration of an association, and one for each type of service.
//!
//! What is peculiar about one of them is said here and nowhere else: schemas, kinds, tests and the documentation read it
//! from here. `tests/schema/catalog.rs` holds every row against the API model and against the simulator's own table.
//! The page on the architecture says how to add a row.

mod configuration_rows;
mod service_rows;

pub use configuration_rows::{
    CONFIGURATIONS, ConfigurationRow, Reference, Referred, ServiceOf, WebhookRow, configuration,
};
pub use service_rows::{RegisteredBy, SERVICES, ServiceRow, Shown, service};
