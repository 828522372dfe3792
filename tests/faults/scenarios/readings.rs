//! The other readings of what the service does not say.

use devops_agent_simulator::switches::AssociateExisting;

use crate::harness::enumeration::Reading;

/// Each differs from the simulator's defaults.
pub const READINGS: &[Reading] = &[Reading {
    name: "associate-new-id",
    set: |switches| switches.associate_existing = AssociateExisting::NewId,
}];
