//! The unit tests of the choice of faults: the enumeration itself runs without the test harness.

#[path = "harness/cover.rs"]
mod cover;
#[path = "harness/draw.rs"]
mod draw;
