//! Who refers to whom, and what the caches keep of each object to know it.

pub mod few;
pub mod hub;
pub mod kept;
pub mod marks;
pub mod profile;
pub mod references;
pub mod rooms;
