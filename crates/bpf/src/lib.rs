//! The compiled eBPF objects, embedded in the binary. `build.rs` makes them out of `ebpf/`; a build without
//! an eBPF toolchain embeds nothing, and says so.

/// An ELF file must be aligned for the loader to read it in place.
#[repr(C, align(8))]
struct Aligned<T: ?Sized>(T);

static DIRECTOR: &Aligned<[u8]> =
    &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/director.bpf.o")));
static BENCH: &Aligned<[u8]> = &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/bench.bpf.o")));

/// The data plane's object, if this build has one.
pub fn director() -> Option<&'static [u8]> {
    (!DIRECTOR.0.is_empty()).then_some(&DIRECTOR.0)
}

/// The object of the benchmark's programs, if this build has one.
pub fn bench() -> Option<&'static [u8]> {
    (!BENCH.0.is_empty()).then_some(&BENCH.0)
}
