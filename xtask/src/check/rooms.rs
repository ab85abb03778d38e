//! The room rules: which crate may use which, ours and others'.
//!
//! Dependencies point downwards only, so that the pure rooms stay pure and every kernel interface has one room that
//! speaks it. `table` has the rules as data; docs/architecture.md shows the same table, generated from it.

mod table;

use std::{collections::BTreeSet, fs};

use anyhow::{Context, Result, bail};
use cargo_metadata::{Dependency, DependencyKind, MetadataCommand, Package};

use crate::workspace;
use table::{KEPT_BY_ONE, NO_STD_CRATES, NOT_IN_PURE_ROOMS, ROOMS, Room, TEST_ROOM};

pub(super) use table::as_markdown;

/// Every crate of both workspaces keeps to its room's rules.
pub(super) fn check() -> Result<()> {
    let mut packages = packages("Cargo.toml")?;
    packages.extend(self::packages("ebpf/Cargo.toml")?);
    let mut broken = without_a_room(&packages);
    for package in &packages {
        if let Some(room) = room_of(&package.name) {
            broken.extend(package.dependencies.iter().filter_map(|dependency| {
                forbidden(room, &package.name, dependency)
                    .map(|why| format!("{}: {why}", package.name))
            }));
            if room.no_std && !declares_no_std(package)? {
                broken.push(format!("{}: its lib.rs says no `#![no_std]`", package.name));
            }
        }
    }
    if !broken.is_empty() {
        bail!(
            "the table is in xtask/src/check/rooms/table.rs\n  {}",
            broken.join("\n  ")
        );
    }
    Ok(())
}

fn packages(manifest: &str) -> Result<Vec<Package>> {
    let metadata = MetadataCommand::new()
        .manifest_path(workspace::root().join(manifest))
        .no_deps()
        .exec()
        .with_context(|| format!("failed to read {manifest}"))?;
    Ok(metadata.packages)
}

fn room_of(package: &str) -> Option<&'static Room> {
    ROOMS.iter().find(|room| room.package() == package)
}

/// Crates without a row, and rows without a crate.
fn without_a_room(packages: &[Package]) -> Vec<String> {
    let present: BTreeSet<&str> = packages
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    let without_row = present
        .iter()
        .filter(|package| room_of(package).is_none())
        .map(|package| format!("{package}: no row of the table says what it may use"));
    let without_crate = ROOMS
        .iter()
        .filter(|room| !present.contains(room.package().as_str()))
        .map(|room| {
            format!(
                "{}: the table has a row, and the repository no such crate",
                room.package()
            )
        });
    without_row.chain(without_crate).collect()
}

/// Why `room` may not have `dependency`, if so.
fn forbidden(room: &Room, package: &str, dependency: &Dependency) -> Option<String> {
    let name = dependency.name.as_str();
    if let Some(ours) = ROOMS.iter().find(|room| room.package() == name) {
        let for_tests = dependency.kind == DependencyKind::Development;
        let allowed = name == package
            || room.may_use.contains(&ours.name)
            || for_tests && (ours.name == TEST_ROOM || room.tests_may_use.contains(&ours.name));
        return (!allowed).then(|| {
            let kind = if for_tests { " in its tests" } else { "" };
            format!("may not use {name}{kind}")
        });
    }
    if let Some((_, keeper)) = KEPT_BY_ONE.iter().find(|(family, _)| is_of(family, name)) {
        return (*keeper != room.name)
            .then(|| format!("may not use {name}: only dray-{keeper} does"));
    }
    if dependency.kind == DependencyKind::Development {
        return None;
    }
    // An optional one is for the host, under a feature that ebpf/ does not turn on.
    let for_kernel = room.no_std && !dependency.optional;
    if for_kernel && (!NO_STD_CRATES.contains(&name) || dependency.uses_default_features) {
        return Some(format!(
            "may not use {name}: it is compiled for the kernel, where there is no std"
        ));
    }
    if room.pure && NOT_IN_PURE_ROOMS.contains(&name) {
        return Some(format!(
            "may not use {name}: the room is pure, without clock, files or sockets"
        ));
    }
    None
}

/// Whether `name` is the crate `family`, or one of a family that is written `family-*`.
fn is_of(family: &str, name: &str) -> bool {
    match family.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == family,
    }
}

fn declares_no_std(package: &Package) -> Result<bool> {
    let root = package
        .targets
        .iter()
        .find(|target| target.is_lib())
        .or(package.targets.first())
        .with_context(|| format!("{} has no target", package.name))?;
    let text = fs::read_to_string(&root.src_path)
        .with_context(|| format!("failed to read {}", root.src_path))?;
    Ok(text.contains("no_std"))
}

#[cfg(test)]
mod tests {
    use cargo_metadata::{Dependency, DependencyKind};
    use serde_json::json;

    use super::{forbidden, is_of, room_of};

    fn dependency(name: &str, kind: DependencyKind, default_features: bool) -> Dependency {
        let kind = match kind {
            DependencyKind::Development => json!("dev"),
            DependencyKind::Build => json!("build"),
            _ => json!(null),
        };
        serde_json::from_value(json!({
            "name": name, "source": null, "req": "*", "kind": kind, "rename": null, "optional": false,
            "uses_default_features": default_features, "features": [], "target": null, "registry": null,
        }))
        .expect("this is what cargo writes")
    }

    fn allows(package: &str, name: &str, kind: DependencyKind) -> bool {
        let room = room_of(package).expect("the table has it");
        forbidden(room, package, &dependency(name, kind, false)).is_none()
    }

    #[test]
    fn arrows_point_downwards_only() {
        assert!(allows("dray-control", "dray-model", DependencyKind::Normal));
        assert!(!allows(
            "dray-model",
            "dray-control",
            DependencyKind::Normal
        ));
        assert!(!allows(
            "dray-control",
            "dray-dataplane",
            DependencyKind::Normal
        ));
        assert!(!allows("dray-net", "dray-dataplane", DependencyKind::Build));
    }

    #[test]
    fn a_kernel_interface_has_one_room() {
        assert!(allows("dray-dataplane", "aya", DependencyKind::Normal));
        assert!(!allows("dray-control", "aya", DependencyKind::Normal));
        assert!(
            !allows("dray-lab", "aya", DependencyKind::Development),
            "tests are no way around it"
        );
        assert!(allows(
            "dray-net",
            "netlink-packet-route",
            DependencyKind::Normal
        ));
        assert!(!allows(
            "dray-dataplane",
            "netlink-sys",
            DependencyKind::Normal
        ));
        assert!(!allows("dray", "axum", DependencyKind::Normal));
    }

    #[test]
    fn the_test_room_is_for_tests() {
        assert!(allows(
            "dray-control",
            "dray-testkit",
            DependencyKind::Development
        ));
        assert!(!allows(
            "dray-control",
            "dray-testkit",
            DependencyKind::Normal
        ));
    }

    #[test]
    fn what_the_kernel_runs_needs_no_std() {
        let packet = room_of("dray-packet").expect("the table has it");
        let of_packet = |name, default_features| {
            forbidden(
                packet,
                "dray-packet",
                &dependency(name, DependencyKind::Normal, default_features),
            )
        };
        assert!(of_packet("tokio", false).is_some());
        assert!(of_packet("zerocopy", false).is_none());
        assert!(
            of_packet("zerocopy", true).is_some(),
            "its default features may want std"
        );
    }

    #[test]
    fn pure_rooms_have_no_sockets() {
        assert!(!allows("dray-model", "tokio", DependencyKind::Normal));
        assert!(allows("dray-model", "serde", DependencyKind::Normal));
    }

    #[test]
    fn a_family_of_crates_is_named_by_its_beginning() {
        assert!(is_of("netlink-*", "netlink-sys"));
        assert!(!is_of("aya", "aya-ebpf"));
    }
}
