//! Server-sent events, over a real socket.

use dray_api::Precondition;
use dray_api::v1::{ConfigurationTurn, DestinationChange, DestinationEvent, Event, MissedEvent};
use serde_json::json;

use crate::{socket::Daemon, support::director::Director};

fn unreachable(number: usize) -> Event {
    Event::Destination(DestinationEvent {
        service: "web".to_owned(),
        real: format!("10.77.0.{number}"),
        what: DestinationChange::Unreachable,
        why: Some("no \"route\"\nto it".to_owned()),
    })
}

#[tokio::test]
async fn events_arrive_whole_and_in_order() {
    let (daemon, client) = Daemon::start(Director::default());
    let mut events = client.events().await.expect("a stream");
    for number in 0..3 {
        daemon.director.happen(unreachable(number));
    }
    for number in 0..3 {
        let event = events.next().await.expect("no error").expect("an event");
        assert_eq!(event, unreachable(number));
    }
    let patch = json!({"weight": 9});
    let real = client
        .patch_real("web", "10.77.0.11", &patch, &Precondition::None)
        .await;
    real.expect("patched");
    match events.next().await.expect("no error") {
        Some(Event::Configuration(event)) => {
            assert_eq!(event.what, ConfigurationTurn::Edited);
            assert_eq!(event.revision, 2);
            assert!(event.who.starts_with("uid 0 (pid "), "{}", event.who);
        }
        other => panic!("{other:?}"),
    }
    drop(events);
    daemon.end().await;
}

#[tokio::test]
async fn a_reader_that_is_too_slow_is_told_what_it_missed() {
    let director = Director::default();
    let (daemon, client) = Daemon::start(director.clone());
    let mut events = client.events().await.expect("a stream");
    // The test's runtime has one thread, so nothing is read in between; the channel has room for 16.
    for number in 0..20 {
        director.happen(unreachable(number));
    }
    let first = events.next().await.expect("no error");
    assert_eq!(first, Some(Event::Missed(MissedEvent { count: 4 })));
    let second = events.next().await.expect("no error");
    assert_eq!(second, Some(unreachable(4)));
    drop(events);
    daemon.end().await;
}

#[tokio::test]
async fn the_end_of_the_daemon_ends_the_stream() {
    let (daemon, client) = Daemon::start(Director::default());
    let mut events = client.events().await.expect("a stream");
    let end = tokio::spawn(daemon.end());
    assert_eq!(events.next().await.expect("no error"), None);
    end.await.expect("no panic");
}
