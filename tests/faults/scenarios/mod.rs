//! The scripts.

mod create;
mod objects;
mod readings;

pub use readings::READINGS;

use crate::harness::enumeration::Scenario;

/// A scenario from its name and its script.
macro_rules! scenario {
    ($name:literal, $script:path $(, $option:ident)*) => {{
        #[allow(unused_mut, reason = "most have no options")]
        let mut scenario = Scenario {
            name: $name,
            script: |run| Box::pin($script(run)),
            readings: false,
            own_namespace: false,
        };
        $(scenario.$option = true;)*
        scenario
    }};
}

/// Every scenario.
pub fn all() -> Vec<Scenario> {
    vec![scenario!("create-space", create::space)]
}
