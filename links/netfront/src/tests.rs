//! The driver against a model of the other side.

mod world;

mod checks;
mod comings;
