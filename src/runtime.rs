//! What starts passes: watches, queues, places, and the lease of the leader.

pub mod controller;
pub mod follower;
pub mod graves;
pub mod lease;
pub mod queue;
pub mod readable;
pub mod refresher;
pub mod runner;
pub mod start;
pub mod watches;
