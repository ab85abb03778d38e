//! The control task against the strict fake of the data plane and a network that does as it is told, on
//! tokio's paused clock.

mod defences;
mod destinations;
mod endings;
mod events;
mod lifetime;
mod methods;
mod preview;
mod readers;
mod replace;
mod site;
mod vips;
