//! What a data plane does not take: refused before it is on the disk, and gone back from by a daemon that starts.

use dray_api::{CallError, Precondition, v1::ApplyQuery};
use dray_intent::{Apply, Configuration, Keeping, Request, Source, Timestamp};
use dray_model::{Action, Room};

use crate::{
    CONFIG,
    site::{Daemon, Site},
    stop, withdraw,
};

/// [`CONFIG`] with another service, for which there is no room.
fn larger() -> String {
    CONFIG.to_owned()
        + "[[service]]\nname = \"dns\"\naddress = \"udp://10.77.0.100:53\"\nreal = [{ address = \"10.77.0.11\" }]\n"
}

/// A site whose data plane has room for the service that there is.
fn site() -> Site {
    let site = Site::new(CONFIG);
    site.resolve([11, 12]);
    site.dataplane.set_room(Room {
        services: 1,
        destinations: 100,
        hops: 100,
    });
    site
}

async fn services(daemon: &Daemon) -> Vec<String> {
    let status = daemon.client.status().await.expect("a status");
    let names = status.services.into_iter().map(|service| service.name);
    names.collect()
}

#[tokio::test]
async fn what_there_is_no_room_for_is_refused_before_it_is_on_the_disk() {
    let site = site();
    let daemon = site.start().await;
    let (actual, kept) = (site.dataplane.actual(), site.state_files());
    let (query, none) = (ApplyQuery::default(), Precondition::None);
    let applied = daemon.client.apply(larger(), &query, &none).await;
    let Err(CallError::Refused(problem)) = applied else {
        panic!("not refused: {applied:?}")
    };
    let words = "no room for 2 services: the data plane was made for 1; ";
    assert_eq!(problem.status, 409);
    assert!(problem.detail.starts_with(words), "{}", problem.detail);
    let added = site
        .dray(["service", "add", "dns", "--address", "udp://10.77.0.100:53"])
        .await;
    assert_eq!(added.status.code(), Some(1));
    assert!(added.err.contains(words), "{}", added.err);
    site.write(&CONFIG.replace("[director]\n", "[director]\nmax_connections = 4096\n"));
    let reloaded = site.dray(["reload"]).await;
    assert!(reloaded.err.contains("max_connections"), "{}", reloaded.err);

    assert_eq!(site.state_files(), kept, "to the byte");
    assert_eq!(site.dataplane.actual(), actual);
    site.write(CONFIG);
    daemon.kill().await;
    let next = site.start().await;
    assert_eq!(services(&next).await, ["web"]);
    stop(&site, next).await;
}

#[tokio::test]
async fn a_daemon_that_was_killed_before_the_data_plane_refused_starts_with_what_was_before() {
    let site = site();
    let daemon = site.start().await;
    daemon.kill().await;
    let before = {
        let mut intent = site.intent();
        let before = intent.state().clone();
        let apply = Apply {
            configuration: Configuration::parse("larger", larger()).expect("is valid"),
            source: Source::Client {
                who: "uid 0".to_owned(),
                file: None,
            },
            edits: Keeping::Keep,
            confirm: None,
        };
        let now = Timestamp::from_millis(1_795_389_043_000);
        let step = intent.state().step(Request::Apply(apply), now);
        intent
            .persist(&step.expect("is granted"))
            .expect("persists");
        before
    };
    assert_eq!(site.intent().state().in_force().number, 2);

    let next = site.start().await;
    assert_eq!(services(&next).await, ["web"]);
    let status = next.client.status().await.expect("a status");
    assert_eq!(status.configuration.base, 1);
    stop(&site, next).await;
    assert_eq!(*site.intent().state(), before);
}

#[tokio::test]
async fn a_file_that_the_data_plane_does_not_take_leaves_what_was_before_until_it_is_a_larger_one()
{
    let site = site();
    let daemon = site.start().await;
    stop(&site, daemon).await;
    site.write(&larger());
    for _ in 0..2 {
        let actual = site.dataplane.actual();
        let daemon = site.start().await;
        assert_eq!(services(&daemon).await, ["web"]);
        assert_eq!(site.dataplane.actual(), actual);
        stop(&site, daemon).await;
    }
    // As after `dray stop --withdraw`.
    site.dataplane.set_room(Room {
        services: 2,
        destinations: 100,
        hops: 100,
    });
    let daemon = site.start().await;
    assert_eq!(services(&daemon).await, ["web", "dns"]);
    stop(&site, daemon).await;
}

#[tokio::test]
async fn a_start_that_fails_halfway_goes_back_too() {
    let site = Site::new(CONFIG);
    site.resolve([11, 12]);
    let daemon = site.start().await;
    let actual = site.dataplane.actual();
    stop(&site, daemon).await;
    // The services come first; then the data plane does not know the interface.
    let marks = "[[mark]]\nmark = 5\ndestination = [\"10.77.0.101\"]\ninterface = \"eth1\"\n";
    let interfaces = larger().replace(r#"["eth0"]"#, r#"["eth0", "eth1"]"#);
    site.write(&(interfaces + marks));
    site.dataplane.take_actions();
    let daemon = site.start().await;
    let published = |action: &Action| matches!(action, Action::Publish { .. });
    assert!(site.dataplane.take_actions().iter().any(published));
    assert_eq!(services(&daemon).await, ["web"]);
    assert_eq!(site.dataplane.actual().services, actual.services);
    withdraw(daemon).await;
}
