//! The API's router, server and client, against a director that keeps state.

mod conditions;
mod configuration;
mod connections;
mod description;
mod drains;
mod events;
mod live;
mod peers;
mod reals;
mod requests;
mod schemathesis;
mod services;
mod socket;
mod support;
mod tcp;
