//! The control task against the strict fake of the data plane and a network that does as it is told, on
//! tokio's paused clock.

mod defences;
mod destinations;
mod lifetime;
mod methods;
mod readers;
mod replace;
mod site;
mod vips;
