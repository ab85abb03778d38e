//! The eBPF object itself: what is in it.

use std::collections::BTreeSet;

use dray_abi::maps;
use object::{
    Object as _, ObjectSection as _, ObjectSymbol as _, SymbolKind, read::elf::ElfFile64,
};

fn director() -> ElfFile64<'static> {
    let object = dray_bpf::director().expect("a build with the eBPF objects (DRAY_BPF=require)");
    ElfFile64::parse(object).expect("an ELF file")
}

#[test]
fn it_cannot_panic() {
    let object = director();
    let names: Vec<_> = object
        .symbols()
        .filter_map(|symbol| symbol.name().ok())
        .collect();
    assert!(names.contains(&"director"), "it has its symbols: {names:?}");
    let panics: Vec<_> = names
        .iter()
        .filter(|name| {
            ["panic", "unwind", "unwrap_failed", "slice_index"]
                .iter()
                .any(|bad| name.contains(bad))
        })
        .collect();
    assert!(panics.is_empty(), "{panics:?}");
}

#[test]
fn it_has_the_programs_of_the_director_the_real_server_and_the_lab() {
    let object = director();
    let programs: BTreeSet<_> = object
        .symbols()
        .filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.is_global())
        .filter(|symbol| {
            let section = symbol
                .section_index()
                .and_then(|index| object.section_by_index(index).ok());
            section.is_some_and(|section| section.name() == Ok("xdp.frags"))
        })
        .filter_map(|symbol| symbol.name().ok())
        .collect();
    assert_eq!(
        programs,
        BTreeSet::from(["decapsulator", "director", "pass", "tag"])
    );
}

#[test]
fn it_has_the_maps_that_both_sides_know_and_one_of_its_own() {
    /// Where the program keeps what does not fit on its stack, while it has a packet in hand.
    const OWN: &str = "SCRATCH";
    let object = director();
    let section = object
        .section_by_name("maps")
        .or_else(|| object.section_by_name(".maps"))
        .expect("a section of maps");
    let declared: BTreeSet<_> = object
        .symbols()
        .filter(|symbol| {
            symbol.section_index() == Some(section.index()) && symbol.kind() == SymbolKind::Data
        })
        .filter_map(|symbol| symbol.name().ok())
        .collect();
    let known: BTreeSet<_> = maps::ALL.into_iter().chain(maps::OF_DECAPSULATOR).collect();
    let own: Vec<_> = declared.difference(&known).collect();
    assert_eq!(own, [&OWN]);
    assert!(declared.is_superset(&known), "{declared:?}");
}

#[test]
fn it_may_call_every_helper_of_the_kernel() {
    let object = director();
    let license = object.section_by_name("license").expect("a license");
    assert_eq!(license.data().unwrap(), b"GPL\0");
}
