//! Each rule of the state machine, and what holds after any requests.

mod any;
mod apply;
mod drains;
mod edit;
