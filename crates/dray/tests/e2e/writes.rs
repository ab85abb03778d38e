//! A configuration that many change at once, and a daemon that dies while one is applied.

use std::{env, thread, time::Duration};

use dray_api::{CallError, Client, Precondition, v1::ApplyQuery};
use dray_lab::{Director, Family};
use serde_json::json;
use tokio::{runtime::Runtime, task::JoinSet};

use crate::site::{
    assert_nothing_dropped, assert_served, dray, lab_with_web, run, service, start, web,
};

/// Who write at once.
const WRITERS: u16 = 16;

/// How often each of them does.
const WRITES: u16 = 60;

#[test]
fn what_many_write_at_once_under_load_is_all_there_in_the_end_and_after_a_kill() {
    let (lab, web_vip) = lab_with_web("writes", 3);
    let director = lab.director(0);
    let mut config = director.config().service(web(Family::V4, &[1, 1, 1]));
    for writer in 0..WRITERS {
        let name = format!("of-{writer}");
        let own = dray_lab::VirtualService::tcp(&name, Family::V4, 8000 + writer);
        config = config.service(own.weights(&[1]));
    }
    start(director, config);
    let load = lab.client(0).http(web_vip).concurrency(4).start().unwrap();
    let before = revision(director);
    Runtime::new().unwrap().block_on(async {
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let client = Client::new(director.runtime_dir());
            writers.spawn(async move {
                let name = format!("of-{writer}");
                let reals = client.reals(&name).await.unwrap().value.reals;
                let real = &reals[0].address;
                for weight in 2..2 + WRITES {
                    let patch = json!({ "weight": weight });
                    let none = Precondition::None;
                    let patched = client.patch_real(&name, real, &patch, &none).await;
                    assert_eq!(patched.unwrap().value.weight, Some(weight));
                }
            });
        }
        writers.join_all().await;
    });
    assert_served(&load.stop().unwrap());
    let written = u64::from(WRITERS) * u64::from(WRITES);
    assert_eq!(revision(director), before + written);
    let last = vec![1 + WRITES; usize::from(WRITERS)];
    assert_eq!(weights_of_writers(director), last);
    director.kill().unwrap();
    director.restart(dray()).unwrap();
    assert_eq!(revision(director), before + written);
    assert_eq!(weights_of_writers(director), last);
    assert_nothing_dropped(director);
}

#[test]
fn of_two_writers_who_have_read_the_same_one_is_refused_and_nothing_is_lost() {
    let (lab, _) = lab_with_web("conflict", 2);
    let director = lab.director(0);
    start(
        director,
        director.config().service(web(Family::V4, &[1, 1])),
    );
    Runtime::new().unwrap().block_on(async {
        let client = Client::new(director.runtime_dir());
        let read = client.service("web").await.unwrap();
        let seen = Precondition::OneOf(vec![read.tag]);
        let (scheduler, mss) = (json!({ "scheduler": "rr" }), json!({ "mss": 1400 }));
        let (one, other) = tokio::join!(
            client.patch_service("web", &scheduler, &seen),
            client.patch_service("web", &mss, &seen),
        );
        let refused = [one, other].into_iter().filter_map(Result::err);
        let refused: Vec<_> = refused.collect();
        let [CallError::Refused(problem)] = &refused[..] else {
            panic!("{refused:?}");
        };
        assert_eq!(problem.status, 412);
        let now = client.service("web").await.unwrap().value;
        let has = (now.scheduler.as_deref() == Some("rr"), now.mss.is_some());
        assert!(has.0 != has.1, "{now:?}");
    });
}

#[test]
fn a_daemon_killed_while_it_applies_comes_back_with_the_old_or_the_new_and_forwards_all_the_while()
{
    let (lab, web_vip) = lab_with_web("torn", 3);
    let director = lab.director(0);
    let texts = [[1, 1, 1], [3, 2, 5]].map(|weights| {
        let config = director.config().service(web(Family::V4, &weights));
        (weights, config.to_string())
    });
    start(director, &texts[0].1);
    let load = lab.client(0).http(web_vip).concurrency(4).start().unwrap();
    let runtime = Runtime::new().unwrap();
    for kill in 0..kills() {
        let (_, text) = &texts[(kill % 2) as usize];
        let client = Client::new(director.runtime_dir());
        let text = text.clone();
        let applying = runtime.spawn(async move {
            let query = ApplyQuery::default();
            client.apply(text, &query, &Precondition::None).await
        });
        // Spread over all that applying takes, and a little beyond.
        thread::sleep(Duration::from_micros(u64::from(kill) * 997 % 20_000));
        director.kill().unwrap();
        let answered = runtime.block_on(applying).unwrap().is_ok();
        director.restart(dray()).unwrap();
        let present = weights(director);
        let known = texts.iter().map(|(weights, _)| weights.to_vec());
        assert!(
            known.clone().any(|weights| weights == present),
            "{present:?}"
        );
        if answered {
            assert_eq!(present, texts[(kill % 2) as usize].0.to_vec());
        }
    }
    assert_served(&load.stop().unwrap());
    assert_nothing_dropped(director);
}

/// How often the daemon is killed: `DRAY_TEST_KILLS` times, or as often as a test that is run every day can wait for.
fn kills() -> u32 {
    let wanted = env::var("DRAY_TEST_KILLS").ok();
    wanted.map_or(6, |number| number.parse().expect("a number"))
}

fn weights(director: &Director) -> Vec<u16> {
    let destinations = service(director).destinations;
    let weights = destinations.iter().map(|destination| destination.weight);
    weights.collect()
}

fn revision(director: &Director) -> u64 {
    crate::site::status(director).configuration.revision
}

fn weights_of_writers(director: &Director) -> Vec<u16> {
    let saved = run(director, &["service", "list", "--json"]);
    let saved: serde_json::Value = serde_json::from_slice(&saved.stdout).unwrap();
    let services = saved["services"].as_array().unwrap();
    let own = services
        .iter()
        .filter(|service| service["name"].as_str().unwrap().starts_with("of-"));
    own.map(|service| {
        let weight = &service["real"][0]["weight"];
        weight.as_u64().unwrap().try_into().unwrap()
    })
    .collect()
}
