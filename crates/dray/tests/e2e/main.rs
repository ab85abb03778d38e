//! The director under real traffic: the built `dray` in network namespaces, real clients, real servers, a real kernel.
//!
//! `site.rs` is what every scene starts from; each other file is one scene. They need root, as the lab does.
//!
//! `cargo test -p dray --test e2e reload` runs the scenes of one file.

mod direct_return;
mod dns;
mod fragments;
mod full_table;
mod generic_xdp;
mod icmp;
mod ipv6;
mod judged;
mod marks;
mod methods;
mod neighbours;
mod overload;
mod path_mtu;
mod persistence;
mod reload;
mod removed;
mod restart;
mod schedulers;
mod site;
mod steady_load;
mod stop;
mod truth;
mod tshark;
mod two_arms;
mod two_directors;
mod vips;
mod vlan;
mod writes;
