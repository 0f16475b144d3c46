//! The driver against a model of the other side.

mod world;

mod bells;
mod checks;
mod comings;
mod traffic;
